"""3x3 convolutions over rows of texels: directly, or by Winograd's method.

Both are written around a `Stack`: the feature maps that the convolutions of a dense block read, each of them
padded (and transformed) once although up to five convolutions read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from texpipe.networks.padding import Pads
from texpipe.upscale.layout import TILE, Grid, Order, Window, taps, windows

_PLACES = (TILE + 2) ** 2
_PLACE_OF_ONES = TILE + 2 + 1


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

    def stack(self, grid: Grid, pads: Pads, channels: int, dtype: torch.dtype) -> Stack:
        """Return an empty stack.

        Args:
            grid: of the maps that will be pushed.
            pads: what the convolutions see beyond the border.
            channels: of all maps together.
            dtype: of the convolutions.
        """

    def once(self, rows: Tensor, layer: Layer, grid: Grid, pads: Pads, doubled: bool = False) -> Tensor:
        """Return the convolution of a single map, as a stack of nothing else would, with less memory.

        Args:
            rows: the map.
            layer: the convolution, in the precision that it was prepared for.
            grid: of the map.
            pads: what the convolution sees beyond the border.
            doubled: it sees the map doubled by nearest neighbour; the result has twice the size.
        """

    def prepare_last(self, weight: Tensor, bias: Tensor) -> Layer:
        """Return the layer of the last convolution, which makes the picture, in float32."""

    def last(self, rows: Tensor, layer: Layer, grid: Grid, pads: Pads) -> Tensor:
        """Return the last convolution of a float32 map."""


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

    def stack(self, grid: Grid, pads: Pads, channels: int, dtype: torch.dtype) -> Stack:
        """Return an empty stack."""
        (reads,) = windows(grid, pads, False, self._device)
        return _DirectStack(reads, grid, dtype)

    def once(self, rows: Tensor, layer: Layer, grid: Grid, pads: Pads, doubled: bool = False) -> Tensor:
        """Return the convolution of a single map."""
        (reads,) = windows(grid, pads, doubled, self._device)
        stack = _DirectStack(reads, grid.doubled() if doubled else grid, layer.weight.dtype)
        stack.push(rows)
        return stack.convolve(layer)

    def prepare_last(self, weight: Tensor, bias: Tensor) -> Layer:
        """Return the layer, like any other."""
        return self.prepare(weight, bias, torch.float32)

    def last(self, rows: Tensor, layer: Layer, grid: Grid, pads: Pads) -> Tensor:
        """Return the last convolution, made like any other."""
        return self.once(rows, layer, grid, pads)


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
        self._from_tiles = torch.tensor(_FROM_TILES, device=device)
        self._to_results = torch.tensor(_TO_RESULTS, device=device)
        self._device = device

    def prepare(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Layer:
        """Return the layer for O x I x 3 x 3 weights and O biases: 36 matrices I x O."""
        outputs, inputs = weight.shape[:2]
        flat = weight.to(torch.float64).permute(2, 3, 1, 0).reshape(9, inputs * outputs)
        transformed = _transform(torch.tensor(_TO_WEIGHTS, dtype=torch.float64), flat)
        transformed = transformed.view(_PLACES, inputs, outputs)
        return Layer(transformed.to(self._device, dtype), bias.to(self._device, dtype))

    def stack(self, grid: Grid, pads: Pads, channels: int, dtype: torch.dtype) -> Stack:
        """Return an empty stack."""
        space = torch.empty(_PLACES, grid.tiles, channels, dtype=dtype, device=self._device)
        return _WinogradStack(self, windows(grid, pads, False, self._device), space)

    def once(self, rows: Tensor, layer: Layer, grid: Grid, pads: Pads, doubled: bool = False) -> Tensor:
        """Return the convolution of a single map, without keeping its transform."""
        chunks = windows(grid, pads, doubled, self._device)
        tiles = (grid.doubled() if doubled else grid).tiles
        return self.results((self.cut(rows, reads) for reads in chunks), layer, tiles)

    def prepare_last(self, weight: Tensor, bias: Tensor) -> Layer:
        """Return the layer for O x I x 3 x 3 weights and O biases: one matrix I x 9 O."""
        outputs, inputs = weight.shape[:2]
        sending = weight.permute(1, 2, 3, 0).reshape(inputs, 9 * outputs)
        return Layer(sending.to(self._device, torch.float32), bias.to(self._device, torch.float32))

    def last(self, rows: Tensor, layer: Layer, grid: Grid, pads: Pads) -> Tensor:
        """Return the last convolution: so few results are not worth the transforms of what they are made of."""
        outputs = layer.bias.shape[0]
        places = rows.view(TILE**2, -1, rows.shape[1])
        sent = torch.bmm(places, layer.weight.expand(TILE**2, -1, -1)).view(-1, outputs)
        if "zero" in pads:
            sent = functional.pad(sent, (0, 0, 0, 1))
        return functional.embedding_bag(taps(grid, pads, self._device), sent, mode="sum").add_(layer.bias)

    def cut(self, rows: Tensor, reads: Window) -> Tensor:
        """Return the tiles of a map, transformed: 36 x tiles x channels."""
        tiles = _gather(rows, reads).view(_PLACES, -1)
        return _transform(self._from_tiles, tiles).view(_PLACES, -1, rows.shape[1])

    def results(self, chunks: Iterable[Tensor], layer: Layer, tiles: int) -> Tensor:
        """Multiply transformed tiles, chunk by chunk, and transform back."""
        parts = [self._multiplied(chunk, layer) for chunk in chunks]
        out = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        return out.view(TILE**2 * tiles, -1)

    def _multiplied(self, chunk: Tensor, layer: Layer) -> Tensor:
        products = torch.bmm(chunk, layer.weight)
        # This place alone turns into ones all over the tile: a bias costs a 16th of what it would afterwards.
        products[_PLACE_OF_ONES].add_(layer.bias)
        results = _transform(self._to_results, products.view(_PLACES, -1))
        return results.view(TILE**2, -1, layer.bias.shape[0])


class _WinogradStack:
    def __init__(self, method: Winograd, reads: tuple[Window, ...], space: Tensor) -> None:
        self._method, self._reads, self._space = method, reads, space
        self._channels = 0

    def clear(self) -> None:
        self._channels = 0

    def push(self, rows: Tensor) -> None:
        end = self._channels + rows.shape[1]
        for space, reads in zip(self._chunks(), self._reads, strict=True):
            space[:, :, self._channels : end] = self._method.cut(rows, reads)
        self._channels = end

    def convolve(self, layer: Layer) -> Tensor:
        chunks = (space[:, :, : self._channels] for space in self._chunks())
        return self._method.results(chunks, layer, self._space.shape[1])

    def _chunks(self) -> tuple[Tensor, ...]:
        return self._space.tensor_split(len(self._reads), dim=1)


def _gather(rows: Tensor, reads: Window) -> Tensor:
    gathered = rows.index_select(0, reads.rows)
    return gathered if reads.zeros is None else gathered.index_fill_(0, reads.zeros, 0)


def _transform(matrix: Tensor, places: Tensor) -> Tensor:
    """Apply an R x C matrix down and across: C^2 x N values by place in their tile become R^2 x N."""
    rows, columns = matrix.shape
    # One axis after the other takes a third of the multiplications of both at once. Batched, for a single
    # product of such a small matrix has other last bits with two threads than with one.
    down = torch.bmm(matrix.expand(columns, -1, -1), places.view(columns, columns, -1).transpose(0, 1))
    return torch.bmm(matrix.expand(rows, -1, -1), down.transpose(0, 1)).view(rows * rows, -1)


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
