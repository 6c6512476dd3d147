"""What a run checks in its output folder before it computes anything: whose the files are, and how many would go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from texpipe.errors import PackError
from texpipe.formats.contract import Picture
from texpipe.formats.portable_names import folded
from texpipe.manifest.file import read_manifest
from texpipe.manifest.output_folder import is_output_folder
from texpipe.manifest.schema import Manifest
from texpipe.options import RunOptions
from texpipe.output.lost_inputs import require_no_lost_input
from texpipe.output.removal import PlannedFiles, allow_removal, removal
from texpipe.packs.journal import noted
from texpipe.packs.ownership import PackFolder
from texpipe.packs.pack import plan_pack, whole_files
from texpipe.packs.verify import written_by_texpipe
from texpipe.planning.exclusions import planned_pictures
from texpipe.planning.run_plan import RunPlan
from texpipe.storage.layout import OutputLayout


@dataclass(frozen=True)
class OutputBefore:
    """An output folder as a run finds it.

    Attributes:
        folder: its files, as far as texpipe wrote them.
        warnings: lines for people.
    """

    folder: PackFolder
    warnings: tuple[str, ...] = ()


def check_output(run: RunPlan) -> OutputBefore:
    """Check that a run may write what it is going to write, before it computes anything.

    Raises:
        PackError: a file that the run must replace is not texpipe's, or was changed by hand; or too much of the pack
            would be removed. Nothing was written.
    """
    options = run.order
    given_up = _foreign_records(options)
    manifest, warnings = _manifest_before(options.output)
    before = set(written_by_texpipe(manifest)) if manifest else set()
    folder = PackFolder.opened(options.output, noted(options.output) | before, options.replace_edited)
    pictures = [one for one in planned_pictures(run.seen.items) if one.source.name not in run.left_out]
    archives = [path for target in options.recipe.targets for path in whole_files(target, pictures)]
    folder.require_free(archives)
    if manifest is not None:
        planned = _planned_files(run, pictures, archives)
        if not options.remove:
            require_no_lost_input(run, manifest, planned)
        gone = removal(folder, manifest, planned)
        warnings += allow_removal(folder, gone, planned, may_remove=options.remove)
    for record in given_up:
        folder.backup.copy(record.name)
    return OutputBefore(folder, tuple(warnings))


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


def _planned_files(run: RunPlan, pictures: Sequence[Picture], archives: Iterable[str]) -> PlannedFiles:
    textures: dict[str, set[str]] = {}
    for target in run.order.recipe.targets:
        for name, outputs in plan_pack(target, pictures).outputs.items():
            for one in outputs:
                textures.setdefault(folded(one.path), set()).add(name)
    return PlannedFiles(textures, frozenset(archives))
