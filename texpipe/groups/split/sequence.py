"""Evidence for neighbours from the order of textures: by date, or by the numbers in their names.

A game draws the pieces of a picture one after the other, and an emulator writes a texture when it is first drawn. But a
copy may have other dates, and names may be checksums. So how neighbours follow each other is learnt from pairs that
their pixels leave no doubt about, and an order that is unrelated to them has no influence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.split.borders import AXES, Axis, Piece, PieceFamily

Indices = NDArray[np.intp]
Numbers = NDArray[np.float64]
Neighbours = tuple[Piece, Piece, Axis]
"""Two textures of which the second lies right of or below the first."""

_DISTANCE_CLASSES = np.array([-64, -16, -4, 0, 1, 2, 5, 17, 65])
"""Lower bounds of the classes of distances in an order: at once, after a few others, a row later, and so on."""

_PRIOR_NEIGHBOURS = 5.0
"""Number of pairs of neighbours at which what was learnt from them counts as much as chance."""

_MIN_CHANCE = 1e-12


def by_date(pieces: Iterable[Piece]) -> dict[Piece, int]:
    """Return the dates of textures that have one."""
    return {piece: piece.date for piece in pieces if piece.date is not None}


def by_number(pieces: Iterable[Piece]) -> dict[Piece, int]:
    """Return the positions of textures in the order of their names, bg_2 before bg_10."""
    ordered = sorted(pieces, key=lambda piece: [part.zfill(20) for part in re.split(r"(\d+)", piece.name)])
    return {piece: place for place, piece in enumerate(ordered)}


@dataclass(frozen=True, eq=False)
class OrderModel:
    """How neighbours follow each other in an order.

    Attributes:
        order: texture -> its position; later is greater. Textures may share a position, or have none.
        shares: per axis, the share of neighbours in each class of distances, and the number of neighbours.
    """

    order: Mapping[Piece, int]
    shares: Mapping[Axis, tuple[Numbers, int]]

    def evidence(self, family: PieceFamily, before: Indices, after: Indices) -> Numbers:
        """Return for P pairs the natural log of how much oftener neighbours than any textures have their distance.

        At least 0: an order is never evidence against neighbours, because pieces may be drawn out of turn.
        """
        ranks = ranks_in(self.order, family.pieces)
        if ranks is None:
            return np.zeros(len(before))
        share, count = self.shares[family.axis]
        chance = _by_chance(ranks)
        estimate = (share * count + chance * _PRIOR_NEIGHBOURS) / (count + _PRIOR_NEIGHBOURS)
        return np.log(np.maximum(estimate / np.maximum(chance, _MIN_CHANCE), 1))[
            _class_of(ranks[after] - ranks[before])
        ]


def best_order_model(
    orders: Iterable[Mapping[Piece, int]], families: Iterable[PieceFamily], neighbours: Iterable[Neighbours]
) -> OrderModel:
    """Fit a model of each order to known neighbours; return the one with the most evidence for them."""
    following = defaultdict(list)
    for before, after, axis in neighbours:
        following[before, axis].append(after)
    known = [(family, *_pairs(family, following)) for family in families]
    models = [_fitted(order, known) for order in orders]
    return max(models, key=lambda model: sum(float(model.evidence(*some).sum()) for some in known))


def _pairs(
    family: PieceFamily, following: Mapping[tuple[Piece, Axis], list[Piece]]
) -> tuple[Indices, Indices]:
    """Return the numbers of neighbours in a family."""
    number = {piece: place for place, piece in enumerate(family.pieces)}
    pairs = [
        (number[piece], number[other])
        for piece in family.pieces
        for other in following.get((piece, family.axis), ())
        if other in number
    ]
    both = np.array(pairs, np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _fitted(order: Mapping[Piece, int], known: Iterable[tuple[PieceFamily, Indices, Indices]]) -> OrderModel:
    counts: dict[Axis, Numbers] = {axis: np.zeros(len(_DISTANCE_CLASSES) + 1) for axis in AXES}
    for family, before, after in known:
        if len(before) and (ranks := ranks_in(order, family.pieces)) is not None:
            classes = _class_of(ranks[after] - ranks[before])
            counts[family.axis] += np.bincount(classes, minlength=len(_DISTANCE_CLASSES) + 1)
    return OrderModel(order, {axis: (c / max(1, c.sum()), int(c.sum())) for axis, c in counts.items()})


def ranks_in(order: Mapping[Piece, int], pieces: Sequence[Piece]) -> Indices | None:
    """Return the ranks of textures among each other; equal positions share one. None if a texture has no position."""
    if not all(piece in order for piece in pieces):
        return None
    return np.unique([order[piece] for piece in pieces], return_inverse=True)[1].astype(np.intp)


def _class_of(distance: Indices) -> Indices:
    return np.searchsorted(_DISTANCE_CLASSES, distance, side="right")


def _by_chance(ranks: Indices) -> Numbers:
    """Return the share of all pairs of textures in each class of distances."""
    count = np.bincount(ranks).astype(np.float64)
    total = count.sum() * (count.sum() - 1)
    widest = min(int(_DISTANCE_CLASSES[-1]), len(count))
    later = np.array([count[lag:] @ count[: len(count) - lag] for lag in range(widest)])
    later[0] -= count.sum()
    lags = np.arange(widest)
    found = np.zeros(len(_DISTANCE_CLASSES) + 1)
    np.add.at(found, _class_of(lags), later)
    np.add.at(found, _class_of(-lags[1:]), later[1:])
    rest = max(0.0, total - found.sum()) / 2
    found[0] += rest
    found[-1] += rest
    return np.asarray(found / max(1.0, total))
