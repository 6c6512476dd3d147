"""3x3 convolutions over rows of texels: directly, or by Winograd's method.

Both are written around a `Stack`: the feature maps that the convolutions of a dense block read, each of them
padded (and transformed) once although up to five convolutions read it.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from texpipe.networks.padding import Pads
from texpipe.upscale.layout import TILE, Grid, Order, Window, window


class Layer(NamedTuple):
    """A convolution's weights in the form that its method needs, and its bias."""

    weight: Tensor
    bias: Tensor


class Stack(Protocol):
    """Feature maps of one shape, read together by a convolution, channels side by side."""

    def clear(self) -> None:
        """Forget the maps, keep the memory."""

    def push(self, rows: Tensor) -> None:
        """Add a map: rows x channels of the grid that is read."""

    def convolve(self, layer: Layer) -> Tensor:
        """Return the convolution of all maps so far: rows x channels of the grid that results, bias added."""


class Method(Protocol):
    """A way to convolve."""

    name: str
    order: Order

    def prepare(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Layer:
        """Return the layer for O x I x 3 x 3 weights and O biases, both float32."""

    def stack(
        self, grid: Grid, pads: Pads, channels: int, dtype: torch.dtype, doubled: bool = False
    ) -> Stack:
        """Return an empty stack.

        Args:
            grid: of the maps that will be pushed.
            pads: what the convolutions see beyond the border.
            channels: of all maps together.
            dtype: of the convolutions.
            doubled: the convolutions see the maps doubled by nearest neighbour.
        """


class Direct:
    """The library's own convolution, in channels_last layout."""

    name = "direct"
    order: Order = "raster"

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def prepare(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Layer:
        """Return the layer for O x I x 3 x 3 weights and O biases."""
        placed = weight.to(self._device, dtype, memory_format=torch.channels_last)
        return Layer(placed, bias.to(self._device, dtype))

    def stack(
        self, grid: Grid, pads: Pads, channels: int, dtype: torch.dtype, doubled: bool = False
    ) -> Stack:
        """Return an empty stack."""
        result = grid.doubled() if doubled else grid
        return _DirectStack(window(grid, pads, doubled, self._device), result, dtype)


class _DirectStack:
    def __init__(self, reads: Window, result: Grid, dtype: torch.dtype) -> None:
        self._reads, self._result, self._dtype = reads, result, dtype
        self._padded: list[Tensor] = []

    def clear(self) -> None:
        self._padded.clear()

    def push(self, rows: Tensor) -> None:
        self._padded.append(_gather(rows.to(self._dtype), self._reads))

    def convolve(self, layer: Layer) -> Tensor:
        rows = self._padded[0] if len(self._padded) == 1 else torch.cat(self._padded, 1)
        grid = self._result
        maps = rows.view(grid.count, grid.height + 2, grid.width + 2, -1).permute(0, 3, 1, 2)
        out = functional.conv2d(maps, layer.weight, layer.bias)
        return out.permute(0, 2, 3, 1).reshape(grid.rows, -1)


class Winograd:
    """F(4x4, 3x3) of Lavin and Gray, "Fast algorithms for convolutional neural networks" (arXiv:1509.09308).

    36 multiplications for 16 results in place of 144, as 36 matrix products; in float32 alone, for the
    transforms cost about two decimal digits. Maps stay in tiled order from layer to layer, so that each
    transform is one product with a constant 36-column matrix and padding is part of the gather that cuts the
    tiles.
    """

    name = "winograd"
    order: Order = "tiled"

    def __init__(self, device: torch.device) -> None:
        self._to_weights = _transform(_TO_WEIGHTS)
        self._from_tiles = _transform(_FROM_TILES).to(device, torch.float32)
        self._to_results = _transform(_TO_RESULTS).to(device, torch.float32)
        self._device = device

    def prepare(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Layer:
        """Return the layer for O x I x 3 x 3 weights and O biases: 36 matrices I x O."""
        outputs, inputs = weight.shape[:2]
        flat = weight.to(torch.float64).permute(2, 3, 1, 0).reshape(9, inputs * outputs)
        transformed = (self._to_weights @ flat).reshape(36, inputs, outputs)
        return Layer(transformed.to(self._device, dtype), bias.to(self._device, dtype))

    def stack(
        self, grid: Grid, pads: Pads, channels: int, dtype: torch.dtype, doubled: bool = False
    ) -> Stack:
        """Return an empty stack."""
        tiles = (grid.doubled() if doubled else grid).tiles
        space = torch.empty(36, tiles, channels, dtype=dtype, device=self._device)
        return _WinogradStack(
            window(grid, pads, doubled, self._device), space, self._from_tiles, self._to_results
        )


class _WinogradStack:
    def __init__(self, reads: Window, space: Tensor, from_tiles: Tensor, to_results: Tensor) -> None:
        self._reads, self._space = reads, space
        self._from_tiles, self._to_results = from_tiles, to_results
        self._channels = 0

    def clear(self) -> None:
        self._channels = 0

    def push(self, rows: Tensor) -> None:
        tiles, channels = self._space.shape[1], rows.shape[1]
        cut = _gather(rows, self._reads).view(36, tiles * channels)
        transformed = torch.mm(self._from_tiles, cut).view(36, tiles, channels)
        self._space[:, :, self._channels : self._channels + channels] = transformed
        self._channels += channels

    def convolve(self, layer: Layer) -> Tensor:
        tiles = self._space.shape[1]
        products = torch.bmm(self._space[:, :, : self._channels], layer.weight)
        results = torch.mm(self._to_results, products.view(36, -1))
        return results.view(TILE**2 * tiles, -1).add_(layer.bias)


def _gather(rows: Tensor, reads: Window) -> Tensor:
    gathered = rows.index_select(0, reads.rows)
    return gathered if reads.zeros is None else gathered.index_fill_(0, reads.zeros, 0)


def _transform(matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """Return the two-dimensional transform that applies `matrix` along both axes, float64."""
    once = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(once, once)


# The transforms for the points 0, 1, -1, 2, -2 and infinity (section 4.3 of the paper).
_TO_RESULTS = (
    (1.0, 1.0, 1.0, 1.0, 1.0, 0.0),
    (0.0, 1.0, -1.0, 2.0, -2.0, 0.0),
    (0.0, 1.0, 1.0, 4.0, 4.0, 0.0),
    (0.0, 1.0, -1.0, 8.0, -8.0, 1.0),
)
_FROM_TILES = (
    (4.0, 0.0, -5.0, 0.0, 1.0, 0.0),
    (0.0, -4.0, -4.0, 1.0, 1.0, 0.0),
    (0.0, 4.0, -4.0, -1.0, 1.0, 0.0),
    (0.0, -2.0, -1.0, 2.0, 1.0, 0.0),
    (0.0, 2.0, -1.0, -2.0, 1.0, 0.0),
    (0.0, 4.0, 0.0, -5.0, 0.0, 1.0),
)
_TO_WEIGHTS = (
    (1 / 4, 0.0, 0.0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0.0, 0.0, 1.0),
)
