"""Fit tests for what a console's storage did to a picture: few levels, ordered dither, checkerboards.

Few levels and checkerboards are exact: every visible texel lies on the grid, 4 x 4 texels alternate without a fault.
For ordered dither the picture before it must be guessed, as the mean around each texel; a matrix has to explain nearly
all levels where that is possible at all, and far more than other matrices do.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.texel_formats import as_stored, quantise
from texpipe.passes.resample import Plane, extend, neighbourhood
from texpipe.texture import Edges, RgbF, TexelFormat

Flags: TypeAlias = NDArray[np.bool_]

_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32)
_PSX = np.array([[-4, 0, -3, 1], [2, -2, 3, -1], [-3, 1, -4, 0], [3, -1, 2, -2]], np.float32)
DITHER_MATRICES: Mapping[str, Plane] = {
    "bayer": (_BAYER + np.float32(0.5)) / np.float32(16) - np.float32(0.5),
    "psx": (_PSX + np.float32(0.5)) / np.float32(8),
}
"""4 x 4 offsets in (-0.5, 0.5) of a step, mean zero: a dither must not shift the mean colour. Bayer, "An optimum method
for two-level rendition of continuous-tone pictures" (1973); the PS1's from Martin Korth's psx-spx, "24bit RGB to 15bit
RGB Dithering". The hardware adds its table before it truncates; adding the centred one before rounding is the same."""


class _Grid(NamedTuple):
    """A format, its highest level, and whether it holds greys alone."""

    texels: TexelFormat
    top: int
    is_grey: bool


_GRIDS = (_Grid("ia8", 15, is_grey=True), _Grid("rgba16", 31, is_grey=False))
_LEAST_LEVELS = 4
"""Distinct levels besides the darkest and the brightest that must lie on the grid: fewer may do so by chance."""

_PERIOD = 4
_LEAST_WITNESSES = 100
_LEAST_SHARE = 0.85
_LEAST_LEAD = 0.15
"""Share of the witnesses that a matrix must explain, and by how much more than the median matrix does. Over 14 reduced
textures: 0.86 to 0.98 and at least 0.18 where they were dithered so, at most 0.13 more with none or diffused dither."""
_SLACK = 0.06
"""Error of a local mean, in steps."""


def top_level(picture: RgbF, visible: Flags) -> int | None:
    """Return the highest level of the grid that a picture lies on: 15 (4 bits, grey), 31 (5 bits), or None.

    All expansions of 5 bits in use are known (`pixelformats`).

    Args:
        picture: H x W x 3 in [0, 1], made from 8 bits.
        visible: H x W; what is hidden does not count.
    """
    rgb = np.rint(picture * 255).astype(np.uint8)[visible]
    there = np.zeros(256, np.bool_)
    there[rgb] = True
    if np.count_nonzero(there[1:-1]) < _LEAST_LEVELS:
        return None
    is_grey = bool((rgb == rgb[:, :1]).all())
    grids = (one for one in _GRIDS if is_grey or not one.is_grey)
    return next((one.top for one in grids if _on_grid(one.texels)[there].all()), None)


@cache
def _on_grid(texels: TexelFormat) -> Flags:
    """Return which of 256 levels a format holds exactly, as a grey and, where it has colours, in any channel."""
    levels = np.arange(256, dtype=np.uint8)
    rgba = np.stack([levels, levels, levels, np.full_like(levels, 255)], axis=-1)[None]
    return np.asarray((as_stored(rgba, texels) == quantise(rgba, texels)).all(axis=2)[0])


def dither_offsets(levels: Plane, visible: Flags, edges: Edges) -> Plane | None:
    """Return what an ordered dither added to each texel before it was rounded, or None without such a dither.

    Both matrices are tried in every position and orientation on the texels that bear witness: those amid visible
    ones of two neighbouring levels. Matrices that explain them equally well are averaged.

    Args:
        levels: H x W x 3 whole numbers.
        visible: H x W.
        edges: what lies beyond the borders. A wrapped side that is no multiple of 4 was not dithered so.

    Returns:
        H x W x 1 offsets in (-0.5, 0.5) steps.
    """
    height, width = visible.shape
    if (edges.y == "wrap" and height % _PERIOD) or (edges.x == "wrap" and width % _PERIOD):
        return None
    witness = _witnesses(levels, visible, edges)
    if np.count_nonzero(witness) < _LEAST_WITNESSES:
        return None
    share = _explained(levels - _local_mean(levels, edges), witness)
    best = share.max()
    if best < _LEAST_SHARE or best < np.median(share) + _LEAST_LEAD:
        return None
    matrix = _matrices()[share == best].mean(axis=0)
    return np.tile(matrix, (-(-height // _PERIOD), -(-width // _PERIOD)))[:height, :width, None]


def _witnesses(levels: Plane, visible: Flags, edges: Edges) -> Flags:
    """Flag the texels and channels amid 5 x 5 visible texels of exactly two neighbouring levels; H x W x 3."""
    least, most, seen = levels, levels, visible.astype(np.float32)
    for _ in range(2):
        least, most = neighbourhood(least, edges)[0], neighbourhood(most, edges)[1]
        seen = neighbourhood(seen, edges)[0]
    return np.asarray((most - least == 1) & (seen > 0)[..., None])


def _local_mean(levels: Plane, edges: Edges) -> Plane:
    """Average with (1 2 2 2 1)/8 per axis, which is blind to whatever repeats every 2 or 4 texels."""
    wide = extend(levels, edges, 2)
    tall = wide[:-4] + 2 * (wide[1:-3] + wide[2:-2] + wide[3:-1]) + wide[4:]
    return (tall[:, :-4] + 2 * (tall[:, 1:-3] + tall[:, 2:-2] + tall[:, 3:-1]) + tall[:, 4:]) / np.float32(64)


def _explained(residual: Plane, witness: Flags) -> NDArray[np.float64]:
    """Return for each matrix the share of witnesses whose level it explains."""
    matrices = _matrices()
    explained = np.zeros(len(matrices))
    for row in range(_PERIOD):
        for column in range(_PERIOD):
            there = np.s_[row::_PERIOD, column::_PERIOD]
            found = residual[there][witness[there]]
            offsets, which = np.unique(matrices[:, row, column], return_inverse=True)
            counts = [np.count_nonzero(np.abs(found - offset) <= 0.5 + _SLACK) for offset in offsets]
            explained += np.array(counts)[which]
    return explained / np.count_nonzero(witness)


@cache
def _matrices() -> Plane:
    """Return both matrices in every position and orientation, N x 4 x 4."""
    made: dict[bytes, Plane] = {}
    for matrix in DITHER_MATRICES.values():
        for turned in (matrix, matrix.T):
            for flipped in (turned, turned[::-1], turned[:, ::-1], turned[::-1, ::-1]):
                for shift in np.ndindex(_PERIOD, _PERIOD):
                    moved = np.ascontiguousarray(np.roll(flipped, shift, (0, 1)))
                    made[moved.tobytes()] = moved
    return np.stack(list(made.values()))


def checkered(picture: RgbF, visible: Flags, edges: Edges) -> tuple[Flags, RgbF]:
    """Find where two visible colours alternate texel by texel, over at least 4 x 4 texels.

    Args:
        picture: H x W x 3.
        visible: H x W.
        edges: what lies beyond the borders.

    Returns:
        H x W flags, and H x W x 3: there, the other colour of the two.
    """
    import cv2

    wide = extend(np.dstack([picture, visible.astype(np.float32)]), edges, _PERIOD)
    corner, right, below, across = wide[:-1, :-1], wide[:-1, 1:], wide[1:, :-1], wide[1:, 1:]
    cell = (corner == across).all(axis=2) & (right == below).all(axis=2)
    cell &= (corner != right).any(axis=2) & (corner[..., 3] > 0) & (right[..., 3] > 0)
    square = np.ones((_PERIOD - 1, _PERIOD - 1), np.uint8)
    kept = cv2.morphologyEx(cell.astype(np.uint8), cv2.MORPH_OPEN, square) > 0
    height, width = visible.shape
    rows = kept[_PERIOD - 1 : _PERIOD - 1 + height] | kept[_PERIOD : _PERIOD + height]
    shares = [
        rows[:, at : at + width, None].astype(np.float32) for at in (_PERIOD - 1, _PERIOD)
    ]  # with the texel on the left, on the right
    inner = wide[_PERIOD:-_PERIOD, :, :3]
    sides = [inner[:, at : at + width] for at in (_PERIOD - 1, _PERIOD + 1)]
    count = shares[0] + shares[1]
    other = (shares[0] * sides[0] + shares[1] * sides[1]) / np.maximum(count, 1)
    return count[..., 0] > 0, other
