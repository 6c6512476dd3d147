"""What the order of textures tells of neighbours: that of their dates, or that of the numbers in their names.

A game draws the pieces of a picture one after the other, and an emulator writes a texture when it is drawn first. But a
copy may have other dates, and names may be checksums. So nothing is taken for granted: how neighbours follow each other
is learnt from those that their pixels leave no doubt about, and an order that tells nothing of them has no influence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.split.borders import AXES, Axis, PieceFamily, Tile

Indices = NDArray[np.intp]
Numbers = NDArray[np.float64]
Neighbours = tuple[Tile, Tile, Axis]
"""Two textures of which the second lies right of or below the first."""

_CLASSES = np.array([-64, -16, -4, 0, 1, 2, 5, 17, 65])
"""Where classes of distances begin: what follows at once, after a few others, a row later, and so on."""

_DOUBT = 5.0
"""What was learnt counts as much as chance when it was learnt from so many neighbours."""

_TINY = 1e-12


def by_date(tiles: Iterable[Tile]) -> dict[Tile, int]:
    """Return the dates of textures that have one."""
    return {tile: tile.date for tile in tiles if tile.date is not None}


def by_number(tiles: Iterable[Tile]) -> dict[Tile, int]:
    """Return the places of textures in the order of their names, bg_2 before bg_10."""
    ordered = sorted(tiles, key=lambda tile: [part.zfill(20) for part in re.split(r"(\d+)", tile.name)])
    return {tile: place for place, tile in enumerate(ordered)}


@dataclass(frozen=True, eq=False)
class Habit:
    """How neighbours follow each other in an order.

    Attributes:
        when: the order: greater is later. Textures may share a number, or have none.
        shares: per axis, the share of neighbours in each class of distances, and how many there were.
    """

    when: Mapping[Tile, int]
    shares: Mapping[Axis, tuple[Numbers, int]]

    def evidence(self, family: PieceFamily, before: Indices, after: Indices) -> Numbers:
        """Return for p pairs the log (natural) of how much oftener neighbours lie as they do than any textures.

        An order never speaks against neighbours: many a piece is not drawn in its turn.
        """
        ranks = ranks_in(self.when, family.tiles)
        if ranks is None:
            return np.zeros(len(before))
        share, count = self.shares[family.axis]
        chance = _by_chance(ranks)
        seen = (share * count + chance * _DOUBT) / (count + _DOUBT)
        return np.log(np.maximum(seen / np.maximum(chance, _TINY), 1))[
            _class_of(ranks[after] - ranks[before])
        ]


def best_habit(
    orders: Iterable[Mapping[Tile, int]], families: Iterable[PieceFamily], neighbours: Iterable[Neighbours]
) -> Habit:
    """Learn from neighbours how they follow each other in each order; return what tells most of them, in nats."""
    following = defaultdict(list)
    for before, after, axis in neighbours:
        following[before, axis].append(after)
    known = [(family, *_pairs(family, following)) for family in families]
    habits = [_learnt(when, known) for when in orders]
    return max(habits, key=lambda habit: sum(float(habit.evidence(*some).sum()) for some in known))


def _pairs(family: PieceFamily, following: Mapping[tuple[Tile, Axis], list[Tile]]) -> tuple[Indices, Indices]:
    """Return the numbers of neighbours in a family."""
    number = {tile: place for place, tile in enumerate(family.tiles)}
    pairs = [
        (number[tile], number[other])
        for tile in family.tiles
        for other in following.get((tile, family.axis), ())
        if other in number
    ]
    both = np.array(pairs, np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _learnt(when: Mapping[Tile, int], known: Iterable[tuple[PieceFamily, Indices, Indices]]) -> Habit:
    counts: dict[Axis, Numbers] = {axis: np.zeros(len(_CLASSES) + 1) for axis in AXES}
    for family, before, after in known:
        if len(before) and (ranks := ranks_in(when, family.tiles)) is not None:
            far = _class_of(ranks[after] - ranks[before])
            counts[family.axis] += np.bincount(far, minlength=len(_CLASSES) + 1)
    return Habit(when, {axis: (c / max(1, c.sum()), int(c.sum())) for axis, c in counts.items()})


def ranks_in(when: Mapping[Tile, int], tiles: Sequence[Tile]) -> Indices | None:
    """Return the places of textures among each other; equal ones share one. None if some have none."""
    if not all(tile in when for tile in tiles):
        return None
    return np.unique([when[tile] for tile in tiles], return_inverse=True)[1].astype(np.intp)


def _class_of(distance: Indices) -> Indices:
    return np.searchsorted(_CLASSES, distance, side="right")


def _by_chance(ranks: Indices) -> Numbers:
    """Return how often two textures lie at a distance of each class by chance."""
    count = np.bincount(ranks).astype(np.float64)
    total = count.sum() * (count.sum() - 1)
    widest = min(int(_CLASSES[-1]), len(count))
    later = np.array([count[lag:] @ count[: len(count) - lag] for lag in range(widest)])
    later[0] -= count.sum()
    lags = np.arange(widest)
    found = np.zeros(len(_CLASSES) + 1)
    np.add.at(found, _class_of(lags), later)
    np.add.at(found, _class_of(-lags[1:]), later[1:])
    rest = max(0.0, total - found.sum()) / 2
    found[0] += rest
    found[-1] += rest
    return np.asarray(found / max(1.0, total))
