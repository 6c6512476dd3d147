"""Packs written within a budget: measured when they are written, and again smaller where a container took more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from texpipe import __version__
from texpipe.formats.contract import Picture
from texpipe.manifest.schema import Output
from texpipe.output.fitting import Fit, Fitting, Lost, fitting_of
from texpipe.output.known_sizes import KnownSizes
from texpipe.packs.ownership import PackFolder
from texpipe.packs.pack import Pack, write_pack
from texpipe.packs.sizes import size_of_pack
from texpipe.planning.run_plan import RunPlan
from texpipe.progress import Progress

_ROUNDS = 6
"""Number of times that a pack is written at most. One is enough where a container is as large as was computed."""
_MORE = 1.02
"""How much more is saved than a container is too large by, so that a few rounds are enough."""


def write_within_budget(
    run: RunPlan,
    pictures: Sequence[Picture],
    folder: PackFolder,
    progress: Callable[[Progress], None],
) -> tuple[list[Pack], tuple[Fit, ...]]:
    """Write the packs of all targets, each within the recipe's budget.

    Args:
        run: what was planned.
        pictures: at the recipe's scale, in stable order.
        folder: the output folder.
        progress: called after each texture that is looked at, and after each that is written.

    Raises:
        PackError: a budget cannot be kept, and then nothing was written; or something cannot be written.
    """
    targets = run.order.recipe.targets
    sizes = KnownSizes(run.layout, __version__)
    fittings = [fitting_of(run, target, pictures, folder, sizes, progress) for target in targets]
    sizes.keep()
    # Before anything is written: it may not be possible.
    firsts = [one.within(one.budget) for one in fittings]
    written = [_write(one, first, folder, progress) for one, first in zip(fittings, firsts, strict=True)]
    return [pack for pack, _ in written], tuple(fit for _, fit in written)


def _write(
    fitting: Fitting,
    chosen: tuple[list[Picture], Mapping[str, Lost]],
    folder: PackFolder,
    progress: Callable[[Progress], None],
) -> tuple[Pack, Fit]:
    limit = fitting.budget
    for left in reversed(range(_ROUNDS)):
        pictures, lost = chosen
        pack = write_pack(fitting.target, pictures, folder, steps_of_writing(progress, len(pictures)))
        size = size_of_pack(folder.output, pack)
        if size <= fitting.budget or not left:
            break
        limit -= int((size - fitting.budget) * _MORE) + 1
        chosen = fitting.within(limit)
    lost = {name: one for name, one in lost.items() if name in pack.outputs}
    return _with_losses(pack, lost), Fit(fitting.target.name, fitting.budget, fitting.full, size, lost)


def _with_losses(pack: Pack, lost: Mapping[str, Lost]) -> Pack:
    """Say of each file that is smaller than the recipe asks for what that costs."""

    def noted(one: Output, loss: Lost) -> Output:
        return replace(one, scale=loss.scale, loss=loss.levels)

    outputs = {
        name: tuple(noted(one, lost[name]) for one in files) if name in lost else files
        for name, files in pack.outputs.items()
    }
    return replace(pack, outputs=outputs)


def steps_of_writing(progress: Callable[[Progress], None], total: int) -> Callable[[], None]:
    """Return what is to be called after each of `total` textures that are written."""
    steps = count(1)
    return lambda: progress(Progress("write", next(steps), total))


def too_large(fits: Sequence[Fit]) -> Iterator[str]:
    """Yield a line for each pack that is larger than its budget."""
    for fit in fits:
        if fit.size > fit.budget:
            yield (
                f"{fit.target}: the pack has {fit.size:,} bytes, more than the budget of {fit.budget:,}: "
                "give a smaller one, as its container takes more than could be computed"
            )
