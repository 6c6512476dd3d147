"""What the order of textures tells of neighbours: that of their dates, or that of the numbers in their names.

A game draws the pieces of a picture one after the other, and an emulator writes a texture when it is drawn first. But a
copy may have other dates, and names may be checksums. So nothing is taken for granted: how neighbours follow each other
is learnt from those that their pixels leave no doubt about, and an order that tells nothing of them has no influence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.borders import Axis, Family, Tile
from texpipe.groups.flow import Flow
from texpipe.groups.jigsaw import Grid

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

    def evidence(self, flow: Flow) -> Numbers:
        """Return for its p pairs the log (natural) of how much oftener neighbours lie as they do than any textures.

        An order never speaks against neighbours: many a piece is not drawn in its turn.
        """
        ranks = ranks_in(self.when, flow.family.tiles)
        if ranks is None:
            return np.zeros(len(flow.before))
        share, count = self.shares[flow.family.axis]
        chance = _by_chance(ranks)
        seen = (share * count + chance * _DOUBT) / (count + _DOUBT)
        far = ranks[flow.after] - ranks[flow.before]
        return np.log(np.maximum(seen / np.maximum(chance, _TINY), 1))[_class_of(far)]


def learnt(when: Mapping[Tile, int], families: Iterable[Family], neighbours: Sequence[Neighbours]) -> Habit:
    """Learn from neighbours how they follow each other."""
    counts: dict[Axis, Numbers] = {"x": np.zeros(len(_CLASSES) + 1), "y": np.zeros(len(_CLASSES) + 1)}
    for family in families:
        ranks = ranks_in(when, family.tiles)
        if ranks is None:
            continue
        rank = dict(zip(family.tiles, ranks.tolist(), strict=True))
        far = [
            rank[after] - rank[before]
            for before, after, axis in neighbours
            if axis == family.axis and before in rank and after in rank
        ]
        counts[family.axis] += np.bincount(_class_of(np.array(far, np.intp)), minlength=len(_CLASSES) + 1)
    return Habit(when, {axis: (c / max(1, c.sum()), int(c.sum())) for axis, c in counts.items()})


def in_turn(grid: Grid, when: Mapping[Tile, int]) -> list[Grid]:
    """Cut a strip of pieces where it begins anew.

    The last piece of a picture that repeats goes on in its first one. If its pieces were drawn in turn, but the last of
    the strip right before the first, then both lie side by side, and the strip has its beginning in the middle.
    """
    ranks = ranks_in(when, grid.tiles)
    if ranks is None or min(len(grid.rows), len(grid.rows[0])) > 1 or ranks[0] - ranks[-1] != 1:
        return [grid]
    steps = np.diff(ranks)
    if (steps == 1).sum() * 2 < len(steps):
        return [grid]
    at = int(steps.argmin()) + 1
    row = grid.rows[0]
    parts: list[tuple[tuple[Tile, ...], ...]] = [(row[:at],), (row[at:],)]
    if len(row) == 1:
        parts = [grid.rows[:at], grid.rows[at:]]
    return [replace(grid, rows=rows) for rows in parts if len(rows) * len(rows[0]) > 1]


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
