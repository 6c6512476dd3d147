"""Find the split pictures among all textures of a dump. Rather miss a picture than join two that are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from texpipe.groups.split.adjacency import Link, Shared, flowing_links
from texpipe.groups.split.borders import OVERLAPS, Axis, Tile, families_of
from texpipe.groups.split.continuity import MIN_LENGTH, Flow, flow_in, step_between
from texpipe.groups.split.jigsaw import PieceGrid, solve
from texpipe.groups.split.sequence import Habit, best_habit, by_date, by_number, ranks_in

_SURE_IF_SHARED, _SURE_OF_MANY, _SURE_OF_STRIPS, _SURE = 0.75, 0.8, 0.9, 0.95
"""Lowest mean confidence of the links of a picture: of pieces that share texels, of many pieces, of a few strips,
and of a few others. Nothing but a cut makes a strip, but some textures of usual sizes go on in each other by chance."""

_MANY = 6
"""So many pieces do not go on in each other by chance."""

_STRIP = 8
"""A strip is so many times longer than wide."""

_SURE_OF_TWO = 0.99
"""The same for a picture of two pieces, of which nothing but that one link tells. Two of one size are none: variants of
a wall go on in each other. Two that share lines are none either: parts of one pattern often do."""

_WORST_STEP_INSIDE = 12.0
"""Two pieces with a larger step between them are no neighbours, whatever their other neighbours say."""


def find_grids(tiles: Iterable[Tile]) -> list[PieceGrid]:
    """Return the split pictures among textures.

    Pieces that share lines of texels are looked for first: an equal line is far better evidence than a likely one.
    All is done twice: first by pixels alone, then with what the pictures that were found tell of an order.

    Args:
        tiles: textures that differ from each other in their visible pixels.

    Returns:
        The pictures in order of their first pieces' names; no texture is in two of them.
    """
    textures = sorted(tiles, key=lambda tile: tile.name)
    orders = (by_date(textures), by_number(textures))
    sharing, left = _sharing(textures, None)
    flows = _flows_among(left, orders)
    neighbours = [pair for grid in (*sharing, *_flowing(flows, None)) for pair in grid.neighbours]
    habit = best_habit(orders, families_of(textures), neighbours)
    sharing, still_left = _sharing(textures, habit)
    if still_left != left:
        flows = _flows_among(still_left, orders)
    flowing = [part for grid in _flowing(flows, habit) for part in in_turn(grid, habit.when)]
    return sorted([*sharing, *flowing], key=lambda grid: grid.tiles[0].name)


def _sharing(tiles: Sequence[Tile], habit: Habit | None) -> tuple[list[PieceGrid], list[Tile]]:
    """Return the pictures whose pieces share texels, and the textures that are in none of them."""
    left = list(tiles)
    found: list[PieceGrid] = []
    for overlap in OVERLAPS:
        shared = Shared.among(left, overlap, habit)
        sure = _sure(solve(shared.links(), shared.agree))
        taken = {tile for grid in sure for tile in grid.tiles}
        left = [tile for tile in left if tile not in taken]
        found += sure
    return found, left


def _flows_among(tiles: Sequence[Tile], orders: Iterable[Mapping[Tile, int]]) -> list[Flow]:
    return [
        flow_in(family, [ranks for order in orders if (ranks := ranks_in(order, family.tiles)) is not None])
        for family in families_of(tiles)
        if family.tiles[0].length(family.axis) >= MIN_LENGTH
    ]


def _flowing(flows: Iterable[Flow], habit: Habit | None) -> list[PieceGrid]:
    """Return the pictures whose colours flow on."""
    links = (link for flow in flows for link in flowing_links(flow, habit))
    return _sure(solve((link for link in links if not _overlap(link)), _flows))


def in_turn(grid: PieceGrid, when: Mapping[Tile, int]) -> list[PieceGrid]:
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


def _sure(grids: Iterable[PieceGrid]) -> list[PieceGrid]:
    return [grid for grid in grids if _is_sure(grid)]


def _overlap(link: Link) -> bool:
    """Tell whether two pieces share lines. If not surely enough to be joined by them, nothing else is right."""
    one, other = link.before.border(link.axis), link.after.border(link.axis)
    return (
        one is not None
        and other is not None
        and not one.last_shared.items().isdisjoint(other.first_shared.items())
    )


def _flows(before: Tile, after: Tile, axis: Axis) -> float | None:
    if before.length(axis) != after.length(axis) or before.border(axis) is None or after.border(axis) is None:
        return None
    return 0.0 if step_between(before, after, axis) <= _WORST_STEP_INSIDE else None


def _is_sure(grid: PieceGrid) -> bool:
    first, last = grid.tiles[0], grid.tiles[-1]
    if grid.known == 2:
        return not grid.overlap and first.size != last.size and grid.confidence >= _SURE_OF_TWO
    if grid.overlap:
        return grid.confidence >= _SURE_IF_SHARED
    if len(grid.tiles) >= _MANY:
        return grid.confidence >= _SURE_OF_MANY
    is_strip = max(first.size) >= _STRIP * min(first.size)
    return grid.confidence >= (_SURE_OF_STRIPS if is_strip else _SURE)
