"""Which textures lose least if a pack must be smaller: sizes and losses alone, no pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """A scale that textures can be written at.

    Attributes:
        scale: how many times the size of their sources they are.
        size: bytes that all of them take in the pack.
        loss: levels that they lose against the full scale, times their texels, summed up.
    """

    scale: int
    size: int
    loss: float


@dataclass(frozen=True)
class _Step:
    """One set's way from a choice to a smaller one, and what each byte that it saves costs."""

    cost: float
    number: int
    after: int
    saved: int


def least_lossy(sets: Sequence[Sequence[Choice]], limit: int) -> list[Choice] | None:
    """Choose a scale for every set of textures so that all together stay within a limit.

    The step that loses least for each byte that it saves is taken first, until the limit is kept. So none that was
    taken loses more for a byte than any that was not, and the sum of losses is at most one step above the least there
    can be: with a fraction of the last step it would be less than that (the linear relaxation of the multiple-choice
    knapsack; Sinha and Zoltners, "The Multiple-Choice Knapsack Problem", 1979).

    Args:
        sets: the choices of each set of textures that are made smaller together, the full scale first.
        limit: largest sum of sizes, in bytes.

    Returns:
        One choice for each set, in their order; None if the limit cannot be kept.
    """
    chosen = [0] * len(sets)
    size = sum(choices[0].size for choices in sets)
    if size <= limit:
        return [choices[0] for choices in sets]
    steps = sorted(
        (step for number, choices in enumerate(sets) for step in _steps(number, choices)),
        key=lambda step: (step.cost, step.number, step.after),
    )
    for step in steps:
        chosen[step.number], size = step.after, size - step.saved
        if size <= limit:
            return [choices[at] for choices, at in zip(sets, chosen, strict=True)]
    return None


def least_size(sets: Sequence[Sequence[Choice]]) -> int:
    """Return the bytes of all sets at the choices that take least."""
    return sum(min(one.size for one in choices) for choices in sets)


def _steps(number: int, choices: Sequence[Choice]) -> Iterator[_Step]:
    """Yield the steps of a set, cheapest first: from each choice to the one that costs least for a byte.

    Each costs at least as much as the one before it (the lower convex hull of size and loss), so whatever is sorted by
    cost takes the steps of a set in their order.
    """
    at = 0
    while True:
        here = choices[at]
        smaller = [(place, one) for place, one in enumerate(choices) if one.size < here.size]
        if not smaller:
            return
        costs = [
            (max(0.0, one.loss - here.loss) / (here.size - one.size), one.size, place)
            for place, one in smaller
        ]
        cost, _, after = min(costs)
        yield _Step(cost, number, after, here.size - choices[after].size)
        at = after
