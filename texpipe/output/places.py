"""Where a run may write: never into, around or in place of what it reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from texpipe.errors import UsageError
from texpipe.options import RunOptions
from texpipe.storage.layout import OutputLayout


def require_separate_places(options: RunOptions) -> None:
    """Check that no folder that the run writes is, holds or lies in one that it reads, and that it reads none twice.

    Links are followed.

    Raises:
        UsageError: one does; nothing was read or written.
    """
    _require_separate_inputs(options.inputs)
    read = [("the input", folder) for folder in options.inputs]
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


def _written(options: RunOptions) -> Iterator[Path]:
    layout = OutputLayout(options.output)
    yield from (options.output / target.name for target in options.recipe.targets)
    yield from (layout.store, layout.backup, layout.report)


def _relation(place: Path, other: Path) -> str | None:
    """Return "is", "holds" or "lies in" for a place that does so with another, as the disk has them."""
    one, two = _resolved(place), _resolved(other)
    if one == two:
        return "is"
    if one in two.parents:
        return "holds"
    return "lies in" if two in one.parents else None


def _resolved(path: Path) -> Path:
    return Path(os.path.normcase(path.resolve()))
