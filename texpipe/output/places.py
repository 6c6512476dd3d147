"""Where a run may write: never into, around or in place of what it reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from texpipe.errors import UsageError
from texpipe.options import RunOptions
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import require_own_folders


def require_separate_places(options: RunOptions) -> None:
    """Check that no folder that the run writes is, holds or lies in one that it reads, and that it reads none twice.

    Links are followed.

    Folders of hand-made pictures must lie apart from the whole output, and from the input.

    Raises:
        UsageError: one does; nothing was read or written.
        PackError: a folder below the output folder is a link that leads out of it.
    """
    require_own_folders(options.output, [place.name for place in _written(options)])
    _require_separate_inputs(options.inputs)
    read = [("the input", folder) for folder in options.inputs]
    for folder in options.overrides:
        require_apart("the output", options.output, folder)
        for input_ in options.inputs:
            require_apart("the input", input_, folder)
    for place in _written(options):
        for what, folder in read:
            if (relation := _relation(place, folder)) is not None:
                raise UsageError(
                    f"{place} is written by this run, but {relation} {what} {folder}",
                    hint="Give another --output: what is read must never be replaced by what is written.",
                )
        recipe = options.recipe_file
        if recipe is not None and _relation(place, recipe.parent) in ("is", "holds"):
            raise UsageError(
                f"{place} is written by this run, but the recipe lies in it",
                hint="Give another --output, or move the recipe.",
            )


def _require_separate_inputs(inputs: Sequence[Path]) -> None:
    """Check that no input lies in another one, which is read with all that is in it.

    Raises:
        UsageError: one does.
    """
    for folder in inputs:
        for other in inputs:
            if _relation(folder, other) == "lies in":
                raise UsageError(
                    f"the input {folder} lies in {other}, which is an input, too",
                    hint=f"Leave {folder} out: it is read with the folder that it lies in.",
                )


def require_apart(what: str, place: Path, overrides: Path) -> None:
    """Check that a folder of hand-made pictures neither is, holds nor lies in another folder; links are followed.

    Pictures in the output would be deleted with it, and those in the input would be textures of the dump.

    Args:
        what: the other folder in words.
        place: the other folder.
        overrides: the folder of hand-made pictures.

    Raises:
        UsageError: it does.
    """
    if (relation := _relation(overrides, place)) is not None:
        raise UsageError(
            f"the folder of hand-made pictures {overrides} {relation} {what} {place}",
            hint="Keep them in a folder of their own, and name that as `overrides` or with --overrides.",
        )


def _written(options: RunOptions) -> Iterator[Path]:
    layout = OutputLayout(options.output)
    yield from (options.output / target.name for target in options.recipe.targets)
    yield from (layout.store, layout.backup, layout.report)


def _relation(place: Path, other: Path) -> str | None:
    """Return "is", "holds" or "lies in" for a place that does so with another, as the disk has them."""
    (one, *above_one), (two, *above_two) = _identities(place), _identities(other)
    if one == two:
        return "is"
    if one in above_two:
        return "holds"
    return "lies in" if two in above_one else None


def _identities(path: Path) -> list[object]:
    """Return who a path and the folders above it are, whatever they are called: links and case do not matter."""
    resolved = path.resolve()
    return [_identity(one) for one in (resolved, *resolved.parents)]


def _identity(path: Path) -> object:
    with suppress(OSError):
        found = path.stat()
        if found.st_ino:  # some network drives give none
            return found.st_dev, found.st_ino
    return os.path.normcase(path)
