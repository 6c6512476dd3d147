"""The rows of a feature map, and the rows that a convolution reads: index vectors, no arithmetic.

A feature map is a matrix: one row per texel, one column per channel. Padding, doubling (nearest neighbour) and cutting
into tiles are together one gather of rows, by an index vector that depends on shapes and edges alone and is made once
per shape. Every edge mode costs the same on each axis, and none copies a map only to pad it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from texpipe.networks.padding import Padding, Pads

TexelOrder: TypeAlias = Literal["raster", "tiled", "quads"]
"""`raster`: row by row. `tiled`: by position within a 4 x 4 tile, then tile by tile, for Winograd's method.
`quads`: by the corner at which four texels of the map before doubling meet, then the four texels around it."""

TILE = 4
"""Number of outputs of a Winograd tile per axis; it reads `TILE + 2` inputs."""
MIN_TILES = 16
"""Smallest number of tiles of a grid, padding tiles included: smaller matrix products round differently."""
OUTSIDE = -1
"""Row index of a texel beyond the border that counts as zero."""


@dataclass(frozen=True)
class TexelGrid:
    """The shape of a batch of feature maps and the order of their rows."""

    count: int
    height: int
    width: int
    order: TexelOrder

    @property
    def tiles(self) -> int:
        """Number of 4 x 4 tiles that cover the maps, at least `MIN_TILES`."""
        return max(MIN_TILES, self.count * -(-self.height // TILE) * -(-self.width // TILE))

    @property
    def rows(self) -> int:
        """Number of rows of the matrix, including those of tiles that extend beyond the border."""
        if self.order == "tiled":
            return self.tiles * TILE**2
        if self.order == "quads":
            return self.count * (self.height + 2) * (self.width + 2)
        return self.count * self.height * self.width

    def doubled(self, order: TexelOrder) -> TexelGrid:
        """Return the grid with twice the height and width, its rows in another order."""
        return TexelGrid(self.count, 2 * self.height, 2 * self.width, order)


class ReadWindow(NamedTuple):
    """The rows that 3x3 convolutions read.

    Attributes:
        rows: row to read for each of N x (H + 2) x (W + 2) positions.
        zeros: positions in `rows` that lie outside and count as zero, or None.
    """

    rows: Tensor
    zeros: Tensor | None


@lru_cache(maxsize=64)
def window(grid: TexelGrid, pads: Pads, doubled: bool, device: torch.device) -> ReadWindow:
    """Return the rows that a 3x3 convolution reads from a map that is not tiled; arguments as in `read_rows`."""
    rows = read_rows(grid, pads, doubled)
    outside = np.flatnonzero(rows == OUTSIDE)
    zeros = torch.from_numpy(outside).to(device) if outside.size else None
    return ReadWindow(torch.from_numpy(np.maximum(rows, 0).reshape(-1)).to(device), zeros)


@lru_cache(maxsize=16)
def taps(grid: TexelGrid, pads: Pads, device: torch.device) -> Tensor:
    """Return the index by which each row of a tiled grid sums nine products of the rows around it.

    Returns:
        Rows x 9 indices, down and then across, into a matrix of 9 x rows lines (each row's products for the neighbour
        above left, above, ...) and one more line that counts as zero.
    """
    places = read_rows(grid, pads, False).astype(np.int32).reshape(TILE + 2, TILE + 2, -1)
    senders = sliding_window_view(places, (3, 3), axis=(0, 1)).reshape(-1, 9)
    lines = np.where(senders == OUTSIDE, 9 * grid.rows, senders * 9 + np.arange(9, dtype=np.int32))
    return torch.from_numpy(lines).to(device, torch.int32)


def read_rows(grid: TexelGrid, pads: Pads, doubled: bool) -> NDArray[np.int64]:
    """Return the rows that 3x3 convolutions read, `OUTSIDE` for zero.

    Args:
        grid: grid of the map that is read.
        pads: the padding.
        doubled: whether they see the map doubled by nearest neighbour; each texel is still read only once.

    Returns:
        N x (H + 2) x (W + 2), or for tiled maps 36 x tiles: 6 x 6 positions, or 4 x 4 of a doubled map.
    """
    factor = 2 if doubled else 1
    tiled = grid.order == "tiled"
    positions = _tile_positions if tiled else _line_positions
    ys = _inside(positions(grid.height, factor), grid.height * factor, pads.y)
    xs = _inside(positions(grid.width, factor), grid.width * factor, pads.x)
    n = np.arange(grid.count)[:, None, None]
    if tiled:  # position in the tile down and across, image, tile down and across
        y, x = ys[:, None, None, :, None], xs[:, None, None, :]
    else:
        y, x = ys[:, None], xs
    place = np.maximum(y, 0) // factor, np.maximum(x, 0) // factor
    rows = np.where((y == OUTSIDE) | (x == OUTSIDE), OUTSIDE, _row_of(grid, n, *place))
    if not tiled:
        return rows
    rows = rows.reshape(len(ys) * len(xs), -1)
    tiles = (grid.doubled("tiled") if doubled else grid).tiles
    return np.pad(rows, ((0, 0), (0, tiles - rows.shape[1])))  # padding tiles may read any row


@lru_cache(maxsize=16)
def from_raster(grid: TexelGrid, device: torch.device) -> Tensor:
    """Return the index that turns N x H x W rows in raster order into the rows of `grid`."""
    raster = TexelGrid(grid.count, grid.height, grid.width, "raster")
    return crop_rows(raster, grid, 0, tuple(range(grid.height)), device)


@lru_cache(maxsize=16)
def to_raster(grid: TexelGrid, device: torch.device) -> Tensor:
    """Return the index that turns the rows of `grid` into N x H x W rows in raster order."""
    raster = TexelGrid(grid.count, grid.height, grid.width, "raster")
    return crop_rows(grid, raster, 0, tuple(range(grid.height)), device)


def crop_rows(
    source: TexelGrid, target: TexelGrid, first: int, lines: tuple[int, ...], device: torch.device
) -> Tensor:
    """Return the index that takes some images and some of their lines out of a batch.

    Args:
        source: grid of the rows that are read.
        target: grid of the result: its height is the number of `lines`, its width that of `source`.
        first: number of the first image taken; `target.count` images are taken.
        lines: lines of the source, in the order wanted.
        device: where the index is needed.
    """
    index = np.zeros(target.rows, dtype=np.int64)
    n = np.arange(target.count)[:, None, None]
    y = np.arange(target.height)[:, None]
    x = np.arange(target.width)
    index[_row_of(target, n, y, x)] = _row_of(source, n + first, np.asarray(lines)[:, None], x)
    return torch.from_numpy(index).to(device)


def _line_positions(size: int, factor: int) -> NDArray[np.int64]:
    """Return the positions that 3-wide kernels read along an axis of size x factor, one per texel."""
    return np.concatenate(([-1], np.arange(0, size * factor + 1, factor)))


def _tile_positions(size: int, factor: int) -> NDArray[np.int64]:
    """Return the same by position in a tile and by tile: (TILE / factor + 2) x tiles."""
    return _line_positions(TILE // factor, factor)[:, None] + np.arange(0, size * factor, TILE)


def _inside(positions: NDArray[np.int64], size: int, padding: Padding) -> NDArray[np.int64]:
    """Map positions that may lie outside [0, size) to the texel there, `OUTSIDE` for zero."""
    if padding == "wrap":
        return positions % size
    if padding == "zero":
        return np.where((positions < 0) | (positions >= size), OUTSIDE, positions)
    if padding == "reflect" and size > 1:
        folded = positions % (2 * size - 2)
        return np.minimum(folded, 2 * size - 2 - folded)
    return np.clip(positions, 0, size - 1)


def _row_of(
    grid: TexelGrid, n: NDArray[np.int64], y: NDArray[np.int64], x: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the row of a texel of image `n`."""
    if grid.order == "raster":
        return (n * grid.height + y) * grid.width + x
    if grid.order == "quads":
        corners = (n * (grid.height // 2 + 1) + (y + 1) // 2) * (grid.width // 2 + 1) + (x + 1) // 2
        return corners * 4 + y % 2 * 2 + x % 2
    down, across = -(-grid.height // TILE), -(-grid.width // TILE)
    tile = (n * down + y // TILE) * across + x // TILE
    return (y % TILE * TILE + x % TILE) * grid.tiles + tile
