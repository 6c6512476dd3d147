"""3x3 convolutions over rows of texels by torch's own convolution; `winograd` has the other method.

Both are built around a `Stack`: the feature maps that the convolutions of a dense block read, each padded (and
transformed) only once although up to five convolutions read it.
"""

from __future__ import annotations

import platform
from functools import cache
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from texpipe.networks.padding import Pads
from texpipe.upscale.layout import ReadWindow, TexelGrid, TexelOrder, window

_QUADS = (((1.0, 0.0, 0.0), (0.0, 1.0, 1.0)), ((1.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
"""Matrices that add three weights to two texels, for the first and the second copy of a doubled texel."""


class Layer(NamedTuple):
    """A convolution's weights in the form that its method needs, its bias, and its activation.

    Attributes:
        weight: in the method's form.
        bias: O values, or as many as the weights have outputs.
        slope: negative slope of the LeakyReLU that follows; None without one.
    """

    weight: Tensor
    bias: Tensor
    slope: float | None = None


class Stack(Protocol):
    """Feature maps of one shape, read together by a convolution, channels side by side."""

    def clear(self) -> None:
        """Remove all maps; their memory is used again."""

    def push(self, rows: Tensor) -> None:
        """Add a map, rows x channels."""

    def convolve(self, layer: Layer) -> Tensor:
        """Return the convolution of all maps so far, rows x channels."""


class Method(Protocol):
    """A convolution method.

    Attributes:
        pairs: whether a single small picture must be run twice, because it would get other last bits than in a batch.
        order: order of the rows of maps.
        doubled_order: order of the rows that convolutions of doubled maps return.
    """

    pairs: bool
    order: TexelOrder
    doubled_order: TexelOrder

    def prepare(self, weight: Tensor, bias: Tensor, dtype: torch.dtype, slope: float | None = None) -> Layer:
        """Return the layer for O x I x 3 x 3 weights and O biases, both float32."""

    def prepare_doubled(self, weight: Tensor, bias: Tensor, dtype: torch.dtype, slope: float) -> Layer:
        """Return the same for a convolution that sees its map doubled by nearest neighbour."""

    def prepare_last(self, weight: Tensor, bias: Tensor) -> Layer:
        """Return the layer of the last convolution, which makes the picture, in float32."""

    def new_stack(self, grid: TexelGrid, pads: Pads, channels: int, dtype: torch.dtype) -> Stack:
        """Return an empty stack.

        Args:
            grid: grid of the maps that will be pushed.
            pads: padding of the convolutions.
            channels: number of channels of all maps together.
            dtype: element type of the convolutions.
        """

    def convolve(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the convolution of a single map, as a stack of that map alone would, with less memory.

        Args:
            rows: the map.
            layer: the convolution, in the precision that it was prepared for.
            grid: grid of the map.
            pads: padding of the convolution.

        Returns:
            The map in the method's `order`.
        """

    def convolve_upsampled(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the convolution of a single map doubled by nearest neighbour, in `doubled_order`."""

    def convolve_output(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the last convolution of a map, in float32."""


class DirectConvolution:
    """torch's own convolution, in channels_last layout."""

    order: TexelOrder = "raster"
    doubled_order: TexelOrder = "quads"

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.pairs = not all(_uses_onednn(device, dtype) for dtype in (torch.float32, torch.bfloat16))

    def prepare(self, weight: Tensor, bias: Tensor, dtype: torch.dtype, slope: float | None = None) -> Layer:
        """Return the layer for O x I x 3 x 3 weights and O biases."""
        placed = weight.to(self._device, dtype, memory_format=torch.channels_last)
        return Layer(placed, bias.to(self._device, dtype), slope)

    def prepare_doubled(self, weight: Tensor, bias: Tensor, dtype: torch.dtype, slope: float) -> Layer:
        """Return the layer with 4 O x I x 2 x 2 weights: each corner where four texels meet gives four results.

        A result's nine weights fall on four texels of the map before doubling, so 16 products replace 36.
        """
        sides = torch.tensor(_QUADS, dtype=torch.float64)
        folded = torch.einsum("pay,qbx,oiyx->pqoiab", sides, sides, weight.to("cpu", torch.float64))
        return self.prepare(folded.flatten(0, 2), bias.repeat(4), dtype, slope)

    def prepare_last(self, weight: Tensor, bias: Tensor) -> Layer:
        """Return the layer, like any other."""
        return self.prepare(weight, bias, torch.float32)

    def new_stack(self, grid: TexelGrid, pads: Pads, channels: int, dtype: torch.dtype) -> Stack:
        """Return an empty stack."""
        reads = window(grid, pads, False, self._device)
        return _DirectStack(reads, grid, dtype)

    def convolve(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the convolution of a single map."""
        reads = window(grid, pads, False, self._device)
        return _convolve(_gather(rows, reads, layer.weight.dtype), grid, layer)

    def convolve_upsampled(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the convolution of a single map doubled by nearest neighbour, in quads."""
        reads = window(grid, pads, True, self._device)
        out = _convolve(_gather(rows, reads, layer.weight.dtype), grid, layer)
        return out.view(-1, layer.bias.shape[0] // 4)

    def convolve_output(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the last convolution, made like any other."""
        return self.convolve(rows, layer, grid, pads)


class _DirectStack:
    def __init__(self, reads: ReadWindow, grid: TexelGrid, dtype: torch.dtype) -> None:
        self._reads, self._grid, self._dtype = reads, grid, dtype
        self._maps: Tensor | None = None
        self._kept: dict[int, Tensor] = {}

    def clear(self) -> None:
        self._maps = None

    def push(self, rows: Tensor) -> None:
        padded = _gather(rows, self._reads, self._dtype)
        # Appended to what the last convolution read, rather than joining all maps again: fewer and longer copies.
        self._maps = padded if self._maps is None else self._joined(self._maps, padded)

    def convolve(self, layer: Layer) -> Tensor:
        assert self._maps is not None
        return _convolve(self._maps, self._grid, layer)

    def _joined(self, maps: Tensor, padded: Tensor) -> Tensor:
        """Return maps side by side, in memory that the next dense block uses again."""
        width = maps.shape[1] + padded.shape[1]
        if width not in self._kept:
            self._kept[width] = maps.new_empty(len(maps), width)
        return torch.cat((maps, padded), 1, out=self._kept[width])


def _gather(rows: Tensor, reads: ReadWindow, dtype: torch.dtype) -> Tensor:
    """Return the rows that a window reads, zeros outside; converted before or after, whichever copies fewer bytes."""
    if rows.dtype.itemsize > dtype.itemsize:
        rows = rows.to(dtype)
    gathered = rows.index_select(0, reads.rows)
    if reads.zeros is not None:
        gathered.index_fill_(0, reads.zeros, 0)
    return gathered.to(dtype)


def _convolve(padded: Tensor, grid: TexelGrid, layer: Layer) -> Tensor:
    """Return the convolution of maps that have a border of one texel: rows x outputs."""
    maps = padded.view(grid.count, grid.height + 2, grid.width + 2, -1).permute(0, 3, 1, 2)
    if _uses_onednn(maps.device, maps.dtype):
        out = _convolve_by_onednn(maps, layer)
    else:
        out = functional.conv2d(maps, layer.weight, layer.bias)
        out = out if layer.slope is None else functional.leaky_relu_(out, layer.slope)
    return out.permute(0, 2, 3, 1).reshape(-1, layer.weight.shape[0])


def _convolve_by_onednn(maps: Tensor, layer: Layer) -> Tensor:
    then, values = ("none", []) if layer.slope is None else ("leaky_relu", [layer.slope])
    out: Tensor = torch.ops.mkldnn._convolution_pointwise(
        maps, layer.weight, layer.bias, (0, 0), (1, 1), (1, 1), 1, then, values, ""
    )
    return out


@cache
def _uses_onednn(device: torch.device, dtype: torch.dtype) -> bool:
    """Return whether oneDNN is called directly.

    It applies the LeakyReLU before it writes, and convolves single small maps like all others, for which the general
    call (up to 20,480 numbers) uses another library.
    """
    if device.type != "cpu" or platform.machine() not in ("x86_64", "AMD64"):
        return False
    if not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return False
    # Emulated bf16 does not go through oneDNN.
    if dtype is not torch.float32 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    return _onednn_is_correct(dtype)


def _onednn_is_correct(dtype: torch.dtype) -> bool:
    """Test the operator on a small map: torch calls it private and may change it."""
    maps = torch.linspace(-1, 1, 2 * 8 * 5 * 5).view(2, 8, 5, 5).to(dtype, memory_format=torch.channels_last)
    weight = torch.linspace(-1, 1, 8 * 8 * 9).view(8, 8, 3, 3).to(dtype, memory_format=torch.channels_last)
    layer = Layer(weight, torch.linspace(-1, 1, 8).to(dtype), 0.2)
    expected = functional.leaky_relu(
        functional.conv2d(maps.double(), weight.double(), layer.bias.double()), 0.2
    )
    try:
        found = _convolve_by_onednn(maps, layer).double()
    except RuntimeError:
        return False
    return bool(torch.allclose(found, expected, rtol=0.02, atol=0.1))
