"""Where a feature map keeps its texels, and which of them a convolution reads: index vectors, no arithmetic.

A feature map is a matrix: one row per texel, one column per channel. Padding, doubling (nearest neighbour),
    cutting into tiles and all at once is then one gather of rows, by an index vector that depends on shapes
    and edges alone and is made once per shape. Every edge mode costs the same, per axis, and none copies a
    map only to widen it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from texpipe.networks.padding import Padding, Pads

Order: TypeAlias = Literal["raster", "tiled"]
"""`raster`: row by row. `tiled`: by place within a 4 x 4 tile, then tile by tile, for Winograd's method."""

TILE = 4
"""Outputs of a Winograd tile per axis; it reads `TILE + 2` inputs."""
MIN_TILES = 16
"""Fewest tiles of a grid, idle ones included: smaller matrix products round differently."""
CHUNK = 256
"""Tiles that are transformed, multiplied and transformed back in one go, to stay in a core's cache."""
_OUTSIDE = -1


@dataclass(frozen=True)
class Grid:
    """The shape of a batch of feature maps and the order of their rows."""

    count: int
    height: int
    width: int
    order: Order

    @property
    def tiles(self) -> int:
        """Number of 4 x 4 tiles that cover the maps, at least `MIN_TILES`."""
        return max(MIN_TILES, self.count * -(-self.height // TILE) * -(-self.width // TILE))

    @property
    def rows(self) -> int:
        """Number of rows of the matrix, those of tiles that hang over the border included."""
        return self.tiles * TILE**2 if self.order == "tiled" else self.count * self.height * self.width

    def doubled(self) -> Grid:
        """Return the grid with twice the height and width."""
        return Grid(self.count, 2 * self.height, 2 * self.width, self.order)


class Window(NamedTuple):
    """What 3x3 convolutions read, or what some tiles of them read.

    Attributes:
        rows: row to read for each position: N x (H + 2) x (W + 2) in raster order, 6 x 6 x tiles in tiled.
        zeros: positions of `rows` that lie outside and count as zero, or None.
    """

    rows: Tensor
    zeros: Tensor | None


@lru_cache(maxsize=256)
def windows(grid: Grid, pads: Pads, doubled: bool, device: torch.device) -> tuple[Window, ...]:
    """Return what a 3x3 convolution over `grid` reads: in one piece, or by `CHUNK` tiles in tiled order.

    Args:
        grid: of the map that is read.
        pads: what lies beyond the border.
        doubled: the convolution sees the map doubled by nearest neighbour.
        device: where the indices are needed.
    """
    rows = _read(grid, pads, doubled)
    if grid.order == "raster":
        return (_window(rows, device),)
    return tuple(_window(chunk, device) for chunk in np.array_split(rows, -(-rows.shape[1] // CHUNK), axis=1))


@lru_cache(maxsize=256)
def taps(grid: Grid, pads: Pads, device: torch.device) -> Tensor:
    """Return what each row of a tiled grid takes from the rows around it, each of which sends nine things.

    The index is rows x 9, down and then across, into the senders' matrix of 9 x rows lines: row by row what
    it sends to the neighbour above left, above, ... and then one line more that counts as zero.
    """
    places = _read(grid, pads, False).reshape(TILE + 2, TILE + 2, -1)
    rows = [places[dy : dy + TILE, dx : dx + TILE].reshape(-1) for dy in range(3) for dx in range(3)]
    lines = np.stack(rows, axis=1) * 9 + np.arange(9)
    lines[np.stack(rows, axis=1) == _OUTSIDE] = 9 * grid.rows
    return torch.from_numpy(lines).to(device)


def _read(grid: Grid, pads: Pads, doubled: bool) -> NDArray[np.int64]:
    """Return the rows that convolutions read, `_OUTSIDE` for zero; in tiled order 36 x tiles."""
    factor = 2 if doubled else 1
    ys = _inside(_positions(grid.height * factor, grid.order), grid.height * factor, pads.y)
    xs = _inside(_positions(grid.width * factor, grid.order), grid.width * factor, pads.x)
    n = np.arange(grid.count)[:, None, None]
    if grid.order == "raster":
        y, x = ys[:, None], xs
    else:  # place in the tile down and across, image, tile down and across
        y, x = ys[:, None, None, :, None], xs[:, None, None, :]
    place = np.maximum(y, 0) // factor, np.maximum(x, 0) // factor
    rows = np.where((y == _OUTSIDE) | (x == _OUTSIDE), _OUTSIDE, _place(grid, n, *place))
    if grid.order == "raster":
        return rows
    rows = rows.reshape((TILE + 2) ** 2, -1)
    tiles = (grid.doubled() if doubled else grid).tiles
    return np.pad(rows, ((0, 0), (0, tiles - rows.shape[1])))  # idle tiles read any row


def _window(rows: NDArray[np.int64], device: torch.device) -> Window:
    outside = np.flatnonzero(rows == _OUTSIDE)
    zeros = torch.from_numpy(outside).to(device) if outside.size else None
    return Window(torch.from_numpy(np.maximum(rows, 0).reshape(-1)).to(device), zeros)


@lru_cache(maxsize=256)
def entering(grid: Grid, device: torch.device) -> Tensor:
    """Return the index that turns N x H x W rows in raster order into the rows of `grid`."""
    raster = Grid(grid.count, grid.height, grid.width, "raster")
    return cut(raster, grid, 0, tuple(range(grid.height)), device)


@lru_cache(maxsize=256)
def leaving(grid: Grid, device: torch.device) -> Tensor:
    """Return the index that turns the rows of `grid` into N x H x W rows in raster order."""
    raster = Grid(grid.count, grid.height, grid.width, "raster")
    return cut(grid, raster, 0, tuple(range(grid.height)), device)


def cut(source: Grid, target: Grid, first: int, lines: tuple[int, ...], device: torch.device) -> Tensor:
    """Return the index that takes some images and some of their lines out of a batch.

    Args:
        source: grid of the rows that are read.
        target: grid of the rows that result: its height is the number of `lines`, its width that of `source`.
        first: number of the first image taken; as many as `target` counts.
        lines: lines of the source, in the order wanted.
        device: where the index is needed.
    """
    index = np.zeros(target.rows, dtype=np.int64)
    n = np.arange(target.count)[:, None, None]
    y = np.arange(target.height)[:, None]
    x = np.arange(target.width)
    index[_place(target, n, y, x)] = _place(source, n + first, np.asarray(lines)[:, None], x)
    return torch.from_numpy(index).to(device)


def _positions(size: int, order: Order) -> NDArray[np.int64]:
    """Return the positions along an axis that 3-wide kernels read; for tiles as (TILE + 2) x tiles."""
    if order == "raster":
        return np.arange(-1, size + 1)
    starts = np.arange(0, size, TILE)
    return np.arange(-1, TILE + 1)[:, None] + starts


def _inside(positions: NDArray[np.int64], size: int, padding: Padding) -> NDArray[np.int64]:
    """Return what stands at positions that may lie outside [0, size), `_OUTSIDE` for zero."""
    if padding == "wrap":
        return positions % size
    if padding == "zero":
        return np.where((positions < 0) | (positions >= size), _OUTSIDE, positions)
    if padding == "reflect" and size > 1:
        folded = positions % (2 * size - 2)
        return np.minimum(folded, 2 * size - 2 - folded)
    return np.clip(positions, 0, size - 1)


def _place(grid: Grid, n: NDArray[np.int64], y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row of a texel of image `n`."""
    if grid.order == "raster":
        return (n * grid.height + y) * grid.width + x
    down, across = -(-grid.height // TILE), -(-grid.width // TILE)
    tile = (n * down + y // TILE) * across + x // TILE
    return (y % TILE * TILE + x % TILE) * grid.tiles + tile
