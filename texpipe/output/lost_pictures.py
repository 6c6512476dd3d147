"""Hand-made pictures that the run before had and whose files are gone: a drive may not be connected."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from texpipe.errors import PackError, UsageError
from texpipe.manifest.schema import Entry, Manifest
from texpipe.output.shrinking import MAX_REMOVED_FILES
from texpipe.planning.run_plan import RunPlan
from texpipe.progress import of_textures
from texpipe.read.hand_made import holds_pictures
from texpipe.storage.layout import OutputLayout

log = logging.getLogger(__name__)


def without_picture(entries: Iterable[Entry], folders: Sequence[Path]) -> tuple[str, ...]:
    """Return the textures whose hand-made picture of the run before is in no folder any more.

    Args:
        entries: what that run said of each texture.
        folders: of hand-made pictures, as the recipe has them now.
    """
    return tuple(
        entry.source
        for entry in entries
        if entry.by is not None
        and entry.by.kind == "hand"
        and entry.by.file is not None
        and not any((folder / entry.by.file).is_file() for folder in folders)
    )


def require_pictures(folder: Path, folders: Sequence[Path], entries: Iterable[Entry]) -> None:
    """Check that a folder that a recipe names is there with its pictures, before another one is put into it.

    A drive may not be connected. A new folder in its place, or a first picture in an empty mount point, would stand for
    all the pictures of the recipe, and the next run would take them out of the pack.

    Args:
        folder: to put a picture into.
        folders: of hand-made pictures that the recipe names, this one among them.
        entries: what the last run said of each texture.

    Raises:
        UsageError: the folder is missing; or it has no pictures, and the last run had some that are gone.
    """
    if not folder.is_dir():
        raise UsageError(
            f"the folder of hand-made pictures {folder} is not there, so nothing was put into it",
            hint="Connect the drive that it is on. If it is gone for good, make the folder, or name another one as "
            "`overrides` in the recipe.",
        )
    lost = without_picture(entries, folders)
    if lost and not holds_pictures(folder):
        raise UsageError(
            f"nothing was put into {folder}: it has no pictures, but the last run had hand-made ones for "
            f"{of_textures(len(lost))}",
            hint="Connect the drive that they are on, or put them back. If they are to go, first run "
            "`texpipe run RECIPE --remove`.",
        )


def require_known_loss(run: RunPlan, manifest: Manifest) -> list[str]:
    """Say which hand-made pictures leave the pack because their files are gone, before anything else takes their place.

    Args:
        run: what is planned.
        manifest: of the run before.

    Returns:
        A line for people, if there are any.

    Raises:
        PackError: they are many, a folder has no picture at all, and `--remove` was not given.
    """
    options = run.order
    there = {item.source.name for item in run.seen.items} - run.left_out.keys() - run.work.made_by_hand.keys()
    count = len(there.intersection(without_picture(manifest.textures, options.overrides)))
    if not count:
        return []
    empty = [folder for folder in options.overrides if not holds_pictures(folder)]
    line = f"{_textures(count)} a hand-made picture in the run before and none now: {_why(options.overrides, empty)}"
    backup = OutputLayout(options.output).backup
    if empty and count > MAX_REMOVED_FILES and not options.remove:
        raise PackError(
            f"nothing was written: {line}",
            hint="Connect the drive that the pictures are on, or put them back. If they are to go, run again with "
            f"--remove: a copy of what the pack has goes to {backup}.",
        )
    log.warning("%s. What the recipe makes of the textures takes their place", line)
    return [f"{line}; a copy of what the pack had is in {backup}"]


def _textures(count: int) -> str:
    return "1 texture had" if count == 1 else f"{count} textures had"


def _why(folders: Sequence[Path], empty: Sequence[Path]) -> str:
    if empty:
        return f"there are no pictures in {' and '.join(map(str, empty))}"
    if folders:
        return f"the files are no longer in {' or '.join(map(str, folders))}"
    return "no folder of `overrides` is named any more"
