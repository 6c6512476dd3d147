"""Cells of an atlas: separate pictures on one sheet, told apart by the gutters between them.

Precision before recall: a sheet that is left whole looks as it always did. With gutters that nobody sees only islands
in transparent surroundings are cut; flat gutters must cross the whole sheet and divide it into unlike pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from texpipe.relations import Box
from texpipe.texture import Rgba8

Mask = NDArray[np.bool_]

MIN_SIDE = 32
"""A sheet has at least so many texels on both sides."""

_MIN_CELLS = 4

_MIN_ISLAND, _MIN_TILE = 8, 16
"""Shortest side of what lies between transparent and between flat gutters: less are glyphs, specks and ornaments."""

_MIN_GAP = 2
"""Texels of a transparent gutter: one is too little for the border of both its neighbours."""

UNLIKE = 16
"""Mean difference of neighbouring cells' mean colours, in levels, on a sheet with flat gutters. Tiles with grout have
less."""

_REACH = 2
"""Transparent texels that an island keeps around it."""


def find_cells(rgba: Rgba8) -> tuple[Box, ...]:
    """Return the cells of an atlas in rows from the top left; none for a texture that is no atlas.

    Args:
        rgba: H x W x 4 uint8.

    Returns:
        Boxes that do not overlap. What they leave out is flat or transparent.
    """
    if min(rgba.shape[:2]) < MIN_SIDE:
        return ()
    return _islands(rgba[..., 3] == 0) or _tiles(rgba)


def grid_of(size: tuple[int, int], cell: tuple[int, int]) -> tuple[Box, ...]:
    """Return the cells of a regular grid without gutters; the last ones may be smaller.

    Args:
        size: width and height of the sheet.
        cell: width and height of a cell.
    """
    (width, height), (w, h) = size, cell
    return tuple(
        Box(x, y, min(w, width - x), min(h, height - y))
        for y in range(0, height, h)
        for x in range(0, width, w)
    )


# ---- islands in transparent surroundings


def _islands(clear: Mask) -> tuple[Box, ...]:
    if not clear.any() or _goes_round(clear):
        return ()
    found = _rows_of_islands(clear) or [_turned(box) for box in _rows_of_islands(clear.T)]
    if len(found) < _MIN_CELLS or min(min(box.width, box.height) for box in found) < _MIN_ISLAND:
        return ()
    whole = Box(0, 0, clear.shape[1], clear.shape[0])
    return tuple(_with_margin(box, found, whole) for box in found)


def _goes_round(clear: Mask) -> bool:
    """Tell whether something goes on beyond the border: those parts are one island of a texture that repeats."""
    across, down = clear[:, 0] | clear[:, -1], clear[0] | clear[-1]
    return not (across.all() and down.all())


def _rows_of_islands(clear: Mask) -> list[Box]:
    """Return the boxes of rows of two and more, tight around what they hold; none where a row has only one.

    A fence, a line of text or a person with head, trunk and legs apart is no sheet of pictures.
    """
    found: list[Box] = []
    bands = _runs(_filled(clear), _MIN_GAP)
    for top, bottom in bands:
        columns = _runs(_filled(clear[top:bottom].T), _MIN_GAP)
        if len(columns) < 2 or len(bands) < 2:
            return []
        for left, right in columns:
            filled = np.flatnonzero(_filled(clear[top:bottom, left:right]))
            found.append(Box(left, top + int(filled[0]), right - left, int(filled[-1] - filled[0]) + 1))
    return found


def _filled(clear: Mask) -> Mask:
    """Return which rows hold something."""
    return np.asarray((~clear).any(axis=1))


def _turned(box: Box) -> Box:
    return Box(box.y, box.x, box.height, box.width)


def _runs(filled: NDArray[np.bool_], least_gap: int) -> list[tuple[int, int]]:
    """Return where each run of filled lines begins and ends; gaps narrower than `least_gap` are no end."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], filled.astype(np.int8), [0]])))
    runs: list[tuple[int, int]] = []
    for start, stop in steps.reshape(-1, 2).tolist():
        if runs and start - runs[-1][1] < least_gap:
            runs[-1] = (runs[-1][0], stop)
        else:
            runs.append((start, stop))
    return runs


def _with_margin(box: Box, others: Sequence[Box], whole: Box) -> Box:
    """Add transparent texels around an island, so many that its box and those of others do not overlap."""
    margin = _REACH if all(box is one or _gap(box, one) >= 2 * _REACH for one in others) else 1
    left, top = max(0, box.x - margin), max(0, box.y - margin)
    right = min(whole.width, box.x + box.width + margin)
    bottom = min(whole.height, box.y + box.height + margin)
    return Box(left, top, right - left, bottom - top)


def _gap(one: Box, other: Box) -> int:
    across = max(one.x, other.x) - min(one.x + one.width, other.x + other.width)
    down = max(one.y, other.y) - min(one.y + one.height, other.y + other.height)
    return max(across, down)


# ---- tiles between lines of one colour


def _tiles(rgba: Rgba8) -> tuple[Box, ...]:
    if not (rgba[..., 3] == 255).all():
        return ()
    codes = np.ascontiguousarray(rgba).view(np.uint32)[..., 0]
    rows, columns = (_flat_lines(lines) for lines in (codes, codes.T))
    for colour in sorted(
        {value for value in rows if value is not None} & {value for value in columns if value is not None}
    ):
        bands = [_runs(np.array([line != colour for line in lines]), 1) for lines in (rows, columns)]
        found = tuple(
            Box(left, top, right - left, bottom - top) for top, bottom in bands[0] for left, right in bands[1]
        )
        if min(map(len, bands)) >= 2 and _are_unlike_tiles(rgba, codes == colour, found, len(bands[1])):
            return found
    return ()


def _flat_lines(codes: NDArray[np.uint32]) -> list[int | None]:
    """Return for each row its colour, if it has only one."""
    return [
        int(line[0]) if flat else None
        for line, flat in zip(codes, (codes == codes[:, :1]).all(axis=1), strict=True)
    ]


def _are_unlike_tiles(rgba: Rgba8, gutter: Mask, cells: Sequence[Box], columns: int) -> bool:
    """Tell pictures side by side from a wall of tiles: large enough, free of the gutter's colour, and different."""
    if len(cells) < _MIN_CELLS or min(min(box.width, box.height) for box in cells) < _MIN_TILE:
        return False
    if any(gutter[box.rows, box.columns].any() for box in cells):
        return False
    means = [rgba[box.rows, box.columns, :3].mean(axis=(0, 1)) for box in cells]
    rows = [means[at : at + columns] for at in range(0, len(means), columns)]
    pairs = [pair for row in rows for pair in pairwise(row)]
    pairs += [pair for upper, lower in pairwise(rows) for pair in zip(upper, lower, strict=True)]
    return float(np.mean([np.abs(one - other).mean() for one, other in pairs])) >= UNLIKE
