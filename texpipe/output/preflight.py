"""What a run checks in its output folder before it computes anything: whose the files are, and how many would go."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from texpipe.errors import PackError
from texpipe.manifest.file import read_manifest
from texpipe.manifest.output_folder import is_output_folder
from texpipe.manifest.schema import Manifest
from texpipe.options import RunOptions
from texpipe.output.lost_inputs import require_no_lost_input
from texpipe.output.lost_pictures import require_known_loss
from texpipe.output.shrinking import PackBefore, require_no_loss
from texpipe.packs.journal import noted
from texpipe.packs.ownership import PackFolder
from texpipe.packs.pack import Pack, plan_whole_files
from texpipe.packs.verify import written_by_texpipe
from texpipe.planning.exclusions import planned_pictures
from texpipe.planning.run_plan import RunPlan
from texpipe.storage.layout import OutputLayout

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OutputBefore:
    """An output folder as a run finds it.

    Attributes:
        folder: its files, as far as texpipe wrote them.
        pack: what it has of earlier packs.
        warnings: lines for people.
    """

    folder: PackFolder
    pack: PackBefore
    warnings: tuple[str, ...] = ()


def check_output(run: RunPlan) -> OutputBefore:
    """Check that a run may write what it is going to write, before it computes anything.

    Raises:
        PackError: a file that the run must replace is not texpipe's, or was changed by hand; or too much of the pack
            would be removed, or too many hand-made pictures of it replaced. Nothing was written.
    """
    options = run.order
    given_up = _foreign_records(options)
    manifest, warnings = _manifest_before(options.output)
    before = set(written_by_texpipe(manifest)) if manifest else set()
    folder = PackFolder.opened(options.output, noted(options.output) | before, options.replace_edited)
    pictures = [one for one in planned_pictures(run.seen.items) if one.source.name not in run.left_out]
    planned = []
    for target in options.recipe.targets:
        planned_pack, whole = plan_whole_files(target, pictures)
        folder.require_free(whole)
        planned.append(planned_pack)
    if manifest is not None and not options.remove:
        require_no_lost_input(run, manifest, planned)
    if manifest is not None:
        warnings += require_known_loss(run, manifest)
    pack = PackBefore.found(folder, manifest)
    warnings += _removed(folder, require_no_loss(folder, pack, planned, may_remove=options.remove))
    folder = folder.with_hand_made(_adopted(run, planned), _no_longer_by_hand(run, manifest))
    for record in given_up:
        folder.backup.copy(record.name)
    return OutputBefore(folder, pack, tuple(warnings))


def _adopted(run: RunPlan, planned: Sequence[Pack]) -> Iterator[tuple[str, str]]:
    """Yield path and hex sha256 of hand-made pictures in the places of their textures.

    A file of the pack with such bytes is no edit to be kept: whoever made it has it among the hand-made pictures.
    """
    for name, made in run.work.made_by_hand.items():
        if made.problem is None:
            yield from ((one.path, made.sha256) for pack in planned for one in pack.outputs.get(name, ()))


def _no_longer_by_hand(run: RunPlan, manifest: Manifest | None) -> Iterator[str]:
    """Yield the files that hold hand-made pictures of the run before which this one does not have."""
    for entry in manifest.textures if manifest else ():
        if entry.by is not None and entry.by.sha256 is not None and entry.source not in run.work.made_by_hand:
            yield from (one.path for one in entry.outputs)


def _foreign_records(options: RunOptions) -> list[Path]:
    """Return the manifest.json and run.json of another program that are given up.

    Raises:
        PackError: there are some, and they must not be replaced by ours.
    """
    layout = OutputLayout(options.output)
    if is_output_folder(options.output):
        return []
    there = [file for file in (layout.manifest, layout.run_info) if file.exists()]
    if there and not set(options.replace_edited) & {"all", "manifest.json"}:
        raise PackError(
            f"nothing was written: {' and '.join(map(str, there))} "
            f"{'is' if len(there) == 1 else 'are'} there and not texpipe's",
            hint="Give another --output.",
        )
    return there


def _manifest_before(output: Path) -> tuple[Manifest | None, list[str]]:
    """Return the manifest of the run before, if there is a sound one, and a warning if it is damaged."""
    try:
        manifest = read_manifest(OutputLayout(output).manifest)
    except PackError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None, []
        if isinstance(error.__cause__, OSError):  # not damaged: nothing may be changed that it might know of
            raise
        return None, [f"{error.message}: it is written anew"]
    return manifest, [f"manifest.json: {line}: it is written anew" for line in manifest.refused]


def _removed(folder: PackFolder, count: int) -> list[str]:
    """Say how many files of the pack this run removes."""
    if not count:
        return []
    line = f"{_files(count)} of the earlier run {'is' if count == 1 else 'are'} no longer part of the pack"
    log.warning("%s: removed at the end of this run", line)
    return [f"{line}: moved to {OutputLayout(folder.output).backup}"]


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
