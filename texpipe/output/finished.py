"""What the last finished run began with and left behind: where nothing of it changed, its answer still holds.

`OUTPUT/.store/finished` has a digest of what was asked (recipe, options, models, versions), listings of what was read
and of what was written (`storage/listing.py`), and what was said. A run that finds all of it as it was has nothing to
do. Whatever differs or is damaged, and every run that did not end well, goes the whole way.
"""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL

from texpipe import __version__
from texpipe.errors import ExitCode, PackError, TexpipeError
from texpipe.formats import TARGETS
from texpipe.formats.duckstation_config import CONFIG
from texpipe.formats.plugins import announced_formats
from texpipe.formats.portable_names import holds
from texpipe.formats.ppsspp_list import LIST
from texpipe.manifest.file import write_run_info
from texpipe.networks.catalogue import files_of
from texpipe.options import RunOptions
from texpipe.recipe.models import chains_of
from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import canonical_json, key_of
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import leads_out
from texpipe.storage.listing import Listing, listing
from texpipe.storage.lock import Lock
from texpipe.storage.small_files import RefusedFileError, read_json
from texpipe.upscale.backend import identity
from texpipe.upscale.device import gpus

if TYPE_CHECKING:
    from texpipe.manifest.schema import Manifest
    from texpipe.output.result import RunResult
    from texpipe.planning.run_plan import RunPlan

log = logging.getLogger(__name__)

_MAX_BYTES = 1 << 26
"""Size of the largest record that is read, in bytes."""
_MAX_RUN_INFO = 1 << 16
_PACKAGE = Path(__file__).parents[1]
_FREE = frozenset({"run.json", ".lock"})
"""Files beside the packs that a run writes whether or not anything changed."""


@dataclass(frozen=True)
class Beginning:
    """What a run begins with.

    Attributes:
        options: what it is asked to do.
        engine: name of how it computes.
        asked: hex digest of all that decides its results besides files.
        read: the files that do, as they were before the run read them.
    """

    options: RunOptions
    engine: str
    asked: str
    read: Listing

    @staticmethod
    def of(options: RunOptions) -> Beginning | None:
        """Look at what a run begins with; None for one that has to do something in any case, or fails."""
        if not _may_repeat(options):
            return None
        try:
            engine = identity(options.device, options.precision)
            return Beginning(options, engine, _asked(options, engine), _read(options))
        except (TexpipeError, OSError):  # the run finds out and says what is wrong
            return None

    def answer(self) -> Mapping[str, Any] | None:
        """Return what the last run said, if it began with the same and nothing of what it wrote changed since.

        Its time and its counts are brought up to date in `run.json`.

        Raises:
            PackError: another run is writing to the output folder.
        """
        layout = OutputLayout(self.options.output)
        if not layout.finished.is_file():
            return None
        with Lock(self.options.output):
            return self._answer(layout)

    def _answer(self, layout: OutputLayout) -> Mapping[str, Any] | None:
        known = _recorded(layout)
        written = _written(layout) if known and known["asked"] == self.asked else None
        if known is None or written is None:
            return None
        read_then, written_then = Listing.of_json(known["read"]), Listing.of_json(known["written"])
        if known["store"] != _store(layout) or not read_then.still_holds(self.read):
            return None
        if not written_then.still_holds(written) or not _note_repeated(layout, self.options.elapsed()):
            return None
        if read_then.unsettled or written_then.unsettled:  # the next time fewer files have to be read
            _keep(layout, {**known, "read": asdict(self.read), "written": asdict(written)})
        said: Mapping[str, Any] = known["said"]
        return said

    def keep(self, run: RunPlan, result: RunResult, said: Mapping[str, Any]) -> None:
        """Record a run for the next one. Call it while the output folder is locked.

        Args:
            run: what was planned.
            result: what became of it.
            said: JSON-able, what `answer` is to return.
        """
        layout = OutputLayout(self.options.output)
        if not self._ended_well(run, result):
            return
        written, store = _written(layout), _store(layout)
        if written is not None and _is_as_written(self.options.output, result.manifest):
            listings = {"read": asdict(self.read), "written": asdict(written), "store": store}
            _keep(layout, {"asked": self.asked, **listings, "said": said})

    def _ended_well(self, run: RunPlan, result: RunResult) -> bool:
        """Tell whether another run would find nothing to do.

        A texture that failed may be read or computed the next time; and of networks that other packages run nothing
        but a measurement tells whether they are the same.
        """
        return (
            result.exit_code == ExitCode.OK
            and run.engine == self.engine
            and run.begun_by is None
            and not any(file.foreign for file in run.models.all())
        )


def _may_repeat(options: RunOptions) -> bool:
    # Formats of other packages, which also read names, may change without a new version.
    own = all(target.name in TARGETS for target in options.recipe.targets) and not announced_formats()
    whole = options.shard is None and options.sample is None and options.executor == "local"
    return own and whole and not options.remove and not options.replace_edited


def _asked(options: RunOptions, engine: str) -> str:
    program = listing([str(_PACKAGE)], descend=lambda folder: folder.name != "__pycache__" or None)
    return key_of(
        [__version__, program.digest, platform.python_version(), np.__version__, PIL.__version__],
        [engine, list(gpus()) if options.device in ("auto", "cuda") else []],
        {name: value for name, value in os.environ.items() if name.startswith("TEXPIPE_")},
        options.recipe.model_dump(mode="json"),
        [options.recipe_sha256, str(options.recipe_file), list(options.rule_lines)],
        [str(path) for path in (*options.inputs, options.output, *options.overrides)],
        [options.device, options.precision, options.strict, options.memory],
    )


def _read(options: RunOptions) -> Listing:
    """List everything that a run reads."""
    output = os.path.realpath(options.output)
    places = dict.fromkeys(str(path.absolute()) for path in _places(options))
    return listing(places, descend=lambda folder: _is_read(folder, output))


def _places(options: RunOptions) -> Iterator[Path]:
    yield from options.inputs
    yield from options.overrides
    for names in chains_of(options.recipe):
        for name in names:
            yield from files_of(name)
    yield from (Path(target.hashes) for target in options.recipe.targets if target.hashes is not None)
    for root in options.inputs:
        if root.is_file():
            yield root.with_suffix(".tile.json")
        # Emulators keep their lists above the folder that they dump to.
        yield from (above / name for above in root.absolute().parents for name in (LIST, CONFIG))


def _is_read(folder: os.DirEntry[str], output: str) -> bool | None:
    """Tell whether textures are read from a folder: not from hidden ones, and the output itself is passed over."""
    if os.path.realpath(folder.path) == output:
        return None
    return not folder.name.startswith(".")


def _written(layout: OutputLayout) -> Listing | None:
    """List everything that a run writes and its answer depends on; None if there is no output folder."""
    try:
        with os.scandir(layout.root) as found:
            places = [
                str(Path(entry.path).absolute())
                for entry in found
                if entry.name in TARGETS or (entry.name not in _FREE and not entry.is_dir())
            ]
    except OSError:
        return None
    return listing(places)


def _store(layout: OutputLayout) -> str:
    """Return a digest that changes when results are added to the store or taken out of it."""
    try:
        with os.scandir(layout.store) as found:
            folders = [(entry.name, entry.stat()) for entry in found if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return ""
    return key_of(sorted((name, state.st_mtime_ns, state.st_ino) for name, state in folders))


def _is_as_written(output: Path, manifest: Manifest) -> bool:
    """Tell whether nobody changed a file while the run was still at work on others."""
    from texpipe.packs.verify import digests_of

    kept = {one.path for entry in manifest.textures for one in entry.outputs if one.kept is not None}
    return all(path in kept or holds(output / path, digest) for path, digest in digests_of(manifest).items())


def _note_repeated(layout: OutputLayout, seconds: float) -> bool:
    """Bring `run.json` up to date; return whether it was there."""
    with suppress(RefusedFileError):
        info = read_json(layout.run_info, _MAX_RUN_INFO)
        counts = (info.get("computed"), info.get("cached")) if isinstance(info, dict) else (None, None)
        if isinstance(info, dict) and isinstance(counts[0], int) and isinstance(counts[1], int):
            now = {"seconds": round(seconds, 3), "computed": 0, "cached": counts[0] + counts[1]}
            write_run_info(layout.run_info, {**info, **now})
            return True
    return False


def _keep(layout: OutputLayout, record: Mapping[str, Any]) -> None:
    try:
        data = canonical_json({**record, "check": key_of(record)})
        write_atomic(layout.finished, data, fsync=False)
    except PackError as error:
        log.warning("%s: the next run looks at every texture again", error.message)


def _recorded(layout: OutputLayout) -> Mapping[str, Any] | None:
    """Return the record of the last run; None if there is none, or it is damaged."""
    if leads_out(layout.finished, layout.root):
        return None
    with suppress(RefusedFileError):
        record = read_json(layout.finished, _MAX_BYTES)
        if isinstance(record, dict):
            body = {name: value for name, value in record.items() if name != "check"}
            if record.get("check") == key_of(body) and _is_record(body):
                return body
    return None


def _is_record(body: Mapping[str, Any]) -> bool:
    listings = body.get("read"), body.get("written")
    return (
        isinstance(body.get("asked"), str)
        and isinstance(body.get("store"), str)
        and isinstance(body.get("said"), dict)
        and all(
            isinstance(one, dict)
            and isinstance(one.get("digest"), str)
            and isinstance(one.get("unsettled"), dict)
            for one in listings
        )
    )
