"""Find the split pictures among all textures of a dump; a missed picture is better than a wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from texpipe.groups.split.adjacency import Link, SharedLines, continuity_links
from texpipe.groups.split.borders import OVERLAPS, Axis, Piece, families_of
from texpipe.groups.split.completion import complete
from texpipe.groups.split.continuity import MIN_LENGTH, Continuity, compare_ends, step_between
from texpipe.groups.split.jigsaw import PieceGrid, solve
from texpipe.groups.split.sequence import OrderModel, best_order_model, by_date, by_number, ranks_in

_MIN_CONFIDENCE_OVERLAPPING, _MIN_CONFIDENCE_MANY_PIECES, _MIN_CONFIDENCE_STRIPS, _MIN_CONFIDENCE = (
    0.75,
    0.8,
    0.9,
    0.95,
)
"""Lowest mean confidence of a picture's links: of pieces that share texels, of many pieces, of a few strips, and of a
few other pieces. Only a cut makes a strip, but some textures of common sizes continue in each other by chance."""

_MANY_PIECES = 6
"""Smallest number of pieces that do not continue in each other by chance."""

_MIN_STRIP_RATIO = 8
"""Smallest ratio of length to width of a strip."""

_MIN_CONFIDENCE_TWO_PIECES = 0.99
"""Lowest confidence of the only link of a picture of two pieces. They must differ in size, because variants of a wall
continue in each other, and must not share lines, because parts of one pattern often do."""

_MAX_STEP_INSIDE = 12.0
"""Largest mean square step across a cut inside a picture, relative to those inside its pieces."""


def find_grids(pieces: Iterable[Piece]) -> list[PieceGrid]:
    """Return the split pictures among textures.

    Pieces that share lines of texels are searched first: an equal line is far better evidence than a similar one.
    There are two passes: by pixels alone, then with the order that the pictures of the first pass suggest.

    Args:
        pieces: textures that differ from each other in their visible pixels.

    Returns:
        The pictures in order of their first pieces' names; a texture is in at most one of them.
    """
    textures = sorted(pieces, key=lambda piece: piece.name)
    orders = (by_date(textures), by_number(textures))
    overlapping, rest = _overlapping_grids(textures, None)
    continuities = _continuities(rest, orders)
    found = (*overlapping, *_continuous_grids(continuities, None))
    neighbours = [pair for grid in found for pair in grid.neighbours]
    order_model = best_order_model(orders, families_of(textures), neighbours)
    overlapping, new_rest = _overlapping_grids(textures, order_model)
    if new_rest != rest:
        continuities = _continuities(new_rest, orders)
    continuous = _continuous_grids(continuities, order_model)
    used = {piece for grid in continuous for piece in grid.pieces}
    completed = complete(continuous, [piece for piece in new_rest if piece not in used])
    parts = [part for grid in completed for part in split_at_restart(grid, order_model.order)]
    return sorted([*overlapping, *parts], key=lambda grid: grid.pieces[0].name)


def _overlapping_grids(
    pieces: Sequence[Piece], order_model: OrderModel | None
) -> tuple[list[PieceGrid], list[Piece]]:
    """Return the pictures whose pieces share texels, and the remaining textures."""
    rest = list(pieces)
    found: list[PieceGrid] = []
    for overlap in OVERLAPS:
        shared = SharedLines.among(rest, overlap, order_model)
        grids = _confident(solve(shared.links(), shared.confidence_of))
        used = {piece for grid in grids for piece in grid.pieces}
        rest = [piece for piece in rest if piece not in used]
        found += grids
    return found, rest


def _continuities(pieces: Sequence[Piece], orders: Iterable[Mapping[Piece, int]]) -> list[Continuity]:
    return [
        compare_ends(
            family, [ranks for order in orders if (ranks := ranks_in(order, family.pieces)) is not None]
        )
        for family in families_of(pieces)
        if family.pieces[0].length(family.axis) >= MIN_LENGTH
    ]


def _continuous_grids(continuities: Iterable[Continuity], order_model: OrderModel | None) -> list[PieceGrid]:
    """Return the pictures whose colours continue across the cuts."""
    links = (link for continuity in continuities for link in continuity_links(continuity, order_model))
    return _confident(solve((link for link in links if not _shares_lines(link)), _can_continue))


def split_at_restart(grid: PieceGrid, order: Mapping[Piece, int]) -> list[PieceGrid]:
    """Cut a strip of pieces where its order starts anew.

    The last piece of a picture that repeats continues in its first one. If the pieces were drawn one after the other,
    but the last of the strip right before its first, then the strip really begins in the middle.
    """
    ranks = ranks_in(order, grid.pieces)
    if ranks is None or min(len(grid.rows), len(grid.rows[0])) > 1 or ranks[0] - ranks[-1] != 1:
        return [grid]
    steps = np.diff(ranks)
    if (steps == 1).sum() * 2 < len(steps):
        return [grid]
    at = int(steps.argmin()) + 1
    row = grid.rows[0]
    parts: list[tuple[tuple[Piece, ...], ...]] = [(row[:at],), (row[at:],)]
    if len(row) == 1:
        parts = [grid.rows[:at], grid.rows[at:]]
    return [replace(grid, rows=rows) for rows in parts if len(rows) * len(rows[0]) > 1]


def _confident(grids: Iterable[PieceGrid]) -> list[PieceGrid]:
    return [grid for grid in grids if _is_confident(grid)]


def _shares_lines(link: Link) -> bool:
    """Return whether two pieces share lines. If those do not join them, continuing colours must not either."""
    one, other = link.before.border(link.axis), link.after.border(link.axis)
    return (
        one is not None
        and other is not None
        and not one.last_shared.items().isdisjoint(other.first_shared.items())
    )


def _can_continue(before: Piece, after: Piece, axis: Axis) -> float | None:
    if before.length(axis) != after.length(axis) or before.border(axis) is None or after.border(axis) is None:
        return None
    return 0.0 if step_between(before, after, axis) <= _MAX_STEP_INSIDE else None


def _is_confident(grid: PieceGrid) -> bool:
    first, last = grid.pieces[0], grid.pieces[-1]
    if grid.known == 2:
        return not grid.overlap and first.size != last.size and grid.confidence >= _MIN_CONFIDENCE_TWO_PIECES
    if grid.overlap:
        return grid.confidence >= _MIN_CONFIDENCE_OVERLAPPING
    if len(grid.pieces) >= _MANY_PIECES:
        return grid.confidence >= _MIN_CONFIDENCE_MANY_PIECES
    is_strip = max(first.size) >= _MIN_STRIP_RATIO * min(first.size)
    return grid.confidence >= (_MIN_CONFIDENCE_STRIPS if is_strip else _MIN_CONFIDENCE)
