"""Which texture goes on where another one ends: by lines of texels that both have, or by colours that flow on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.split.borders import Axis, PieceFamily, Tile, families_of
from texpipe.groups.split.continuity import Flow, balanced
from texpipe.groups.split.sequence import Habit

Indices = NDArray[np.intp]

_MAX_ALIKE = 64
"""Of so many pairs with the same lines all are tried."""

_MAX_CHANGES = 100

_LIKELY = 0.75
"""Probability of a pair of neighbours that is looked at."""


@dataclass(frozen=True)
class Link:
    """Two neighbours: `after` is right of or below `before`.

    Attributes:
        axis: the direction.
        overlap: texels that they share.
        confidence: 0 to 1.
    """

    before: Tile
    after: Tile
    axis: Axis
    overlap: int
    confidence: float


@dataclass(frozen=True, eq=False)
class Shared:
    """Which textures share lines of texels with which.

    Attributes:
        overlap: how many lines.
        confidence: how sure it is that two such textures are neighbours, 0 to 1.
    """

    overlap: int
    confidence: Mapping[tuple[Tile, Tile, Axis], float]

    @staticmethod
    def among(tiles: Iterable[Tile], overlap: int, habit: Habit | None = None) -> Shared:
        """Compare all ends of textures.

        That a line with n changes of colour agrees by chance is put at one in 2 to the n / 2. Of several textures with
        the same line one can be the neighbour; an order tells which.
        """
        confidence: dict[tuple[Tile, Tile, Axis], float] = {}
        for family in families_of(tiles):
            some = family.tiles
            before, after = _alike(family, overlap)
            odds = [
                _odds(some[one], some[other], family.axis) for one, other in zip(before, after, strict=True)
            ]
            more = habit.evidence(family, before, after) if habit else np.zeros(len(before))
            weight = np.array(odds, np.float64) * np.exp(more)
            rivals = [np.bincount(end, weight, len(some))[end] for end in (before, after)]
            sure = weight / (1 + np.maximum(*rivals))
            confidence |= {
                (some[one], some[other], family.axis): float(value)
                for one, other, value in zip(before, after, sure, strict=True)
            }
        return Shared(overlap, confidence)

    def links(self) -> Iterator[Link]:
        """Yield the pairs that share lines, those among them that are not sure too."""
        for (before, after, axis), confidence in self.confidence.items():
            if confidence and after.extent(axis) <= before.extent(axis):
                yield Link(before, after, axis, self.overlap, confidence)

    def agree(self, before: Tile, after: Tile, axis: Axis) -> float | None:
        """Return how sure it is that two textures are neighbours; None if they do not have the same lines."""
        one, other = before.border(axis), after.border(axis)
        if one is None or other is None or self.overlap not in one.last_shared:
            return None
        if one.last_shared[self.overlap] != other.first_shared.get(self.overlap):
            return None
        return self.confidence.get((before, after, axis), 0.0)


def _alike(family: PieceFamily, overlap: int) -> tuple[Indices, Indices]:
    """Return the numbers of textures that end with a line and of those that begin with it, but not of too many."""
    ends: dict[bytes, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for number, tile in enumerate(family.tiles):
        border = tile.border(family.axis)
        if border is not None and overlap in border.last_shared:
            ends[border.last_shared[overlap]][0].append(number)
            ends[border.first_shared[overlap]][1].append(number)
    pairs = [
        (one, other)
        for lasts, firsts in ends.values()
        if len(lasts) * len(firsts) <= _MAX_ALIKE
        for one, other in product(lasts, firsts)
        if one != other
    ]
    both = np.array(pairs, np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _odds(before: Tile, after: Tile, axis: Axis) -> float:
    """Return how much likelier two textures with the same line are neighbours than alike by chance.

    A texture that repeats shares lines with itself, a frame with every other frame: they say nothing.
    """
    one, other = before.border(axis), after.border(axis)
    if one is None or other is None or one.repeats[1] or other.repeats[0]:
        return 0.0
    return float(2 ** (min(one.detail[1], _MAX_CHANGES) / 2) - 1)


def flowing_links(flow: Flow, habit: Habit | None = None) -> Iterator[Link]:
    """Yield the pairs whose colours flow on across the cut, each the likeliest neighbour that the other can have.

    Args:
        flow: how well textures go on in each other.
        habit: how neighbours follow each other, if that is known.
    """
    tiles, axis = flow.family.tiles, flow.family.axis
    likely = balanced(flow, habit.evidence(flow.family, flow.before, flow.after) if habit else 0.0)
    for pair in np.flatnonzero((likely > _LIKELY) & flow.possible):
        yield Link(tiles[flow.before[pair]], tiles[flow.after[pair]], axis, 0, float(likely[pair]))
