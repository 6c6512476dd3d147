"""Which textures are neighbours in a picture: by lines of texels that both have, or by colours that continue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.split.borders import Axis, Piece, PieceFamily, families_of
from texpipe.groups.split.continuity import Continuity, neighbour_probabilities
from texpipe.groups.split.sequence import OrderModel

Indices = NDArray[np.intp]

_MAX_PAIRS_PER_LINE = 64
"""Largest number of pairs with the same line that are compared; a commoner line tells nothing."""

_MAX_CHANGES = 100
"""Largest number of colour changes along a line that count as evidence; keeps the odds finite."""

_MIN_PROBABILITY = 0.75
"""Lowest probability at which a pair is proposed as neighbours."""


@dataclass(frozen=True)
class Link:
    """Two neighbours: `after` is right of or below `before`.

    Attributes:
        axis: the direction.
        overlap: texels that they share.
        confidence: probability that they are neighbours, 0 to 1.
    """

    before: Piece
    after: Piece
    axis: Axis
    overlap: int
    confidence: float


@dataclass(frozen=True, eq=False)
class SharedLines:
    """Pairs of textures that share lines of texels.

    Attributes:
        overlap: number of lines that they share.
        confidence: probability that two such textures are neighbours, 0 to 1.
    """

    overlap: int
    confidence: Mapping[tuple[Piece, Piece, Axis], float]

    @staticmethod
    def among(pieces: Iterable[Piece], overlap: int, order_model: OrderModel | None = None) -> SharedLines:
        """Compare the borders of all textures.

        A line with n colour changes is assumed to agree by chance once in 2^(n/2) cases. Only one of several textures
        with the same line can be the neighbour; their order may tell which.

        Args:
            pieces: the textures.
            overlap: number of lines that neighbours share.
            order_model: how neighbours follow each other in an order, if that is known.
        """
        confidence: dict[tuple[Piece, Piece, Axis], float] = {}
        for family in families_of(pieces):
            some = family.pieces
            before, after = _pairs_with_equal_lines(family, overlap)
            odds = [
                _odds(some[one], some[other], family.axis) for one, other in zip(before, after, strict=True)
            ]
            by_order = order_model.evidence(family, before, after) if order_model else np.zeros(len(before))
            weight = np.array(odds, np.float64) * np.exp(by_order)
            rivals = [np.bincount(end, weight, len(some))[end] for end in (before, after)]
            probability = weight / (1 + np.maximum(*rivals))
            confidence |= {
                (some[one], some[other], family.axis): float(value)
                for one, other, value in zip(before, after, probability, strict=True)
            }
        return SharedLines(overlap, confidence)

    def links(self) -> Iterator[Link]:
        """Yield all pairs that share lines, however low their confidence."""
        for (before, after, axis), confidence in self.confidence.items():
            if confidence and after.extent(axis) <= before.extent(axis):
                yield Link(before, after, axis, self.overlap, confidence)

    def confidence_of(self, before: Piece, after: Piece, axis: Axis) -> float | None:
        """Return the probability that two textures are neighbours; None if their lines differ."""
        one, other = before.border(axis), after.border(axis)
        if one is None or other is None or self.overlap not in one.last_shared:
            return None
        if one.last_shared[self.overlap] != other.first_shared.get(self.overlap):
            return None
        return self.confidence.get((before, after, axis), 0.0)


def _pairs_with_equal_lines(family: PieceFamily, overlap: int) -> tuple[Indices, Indices]:
    """Return the numbers of the textures that end with a line and of those that begin with it, as pairs."""
    ends: dict[bytes, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for number, piece in enumerate(family.pieces):
        border = piece.border(family.axis)
        if border is not None and overlap in border.last_shared:
            ends[border.last_shared[overlap]][0].append(number)
            ends[border.first_shared[overlap]][1].append(number)
    pairs = [
        (one, other)
        for lasts, firsts in ends.values()
        if len(lasts) * len(firsts) <= _MAX_PAIRS_PER_LINE
        for one, other in product(lasts, firsts)
        if one != other
    ]
    both = np.array(pairs, np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _odds(before: Piece, after: Piece, axis: Axis) -> float:
    """Return the odds that two textures with the same line are neighbours rather than alike by chance.

    The odds are 0 where the border only repeats the line before it: a plain frame matches every other frame.
    """
    one, other = before.border(axis), after.border(axis)
    if one is None or other is None or one.repeats[1] or other.repeats[0]:
        return 0.0
    return float(2 ** (min(one.detail[1], _MAX_CHANGES) / 2) - 1)


def continuity_links(continuity: Continuity, order_model: OrderModel | None = None) -> Iterator[Link]:
    """Yield the pairs whose colours continue across the cut, each the likeliest neighbour of the other.

    Args:
        continuity: how well the textures of a family continue in each other.
        order_model: how neighbours follow each other in an order, if that is known.
    """
    family, before, after = continuity.family, continuity.before, continuity.after
    by_order = order_model.evidence(family, before, after) if order_model else 0.0
    probability = neighbour_probabilities(continuity, by_order)
    for pair in np.flatnonzero((probability > _MIN_PROBABILITY) & continuity.possible):
        one, other = family.pieces[before[pair]], family.pieces[after[pair]]
        yield Link(one, other, family.axis, 0, float(probability[pair]))
