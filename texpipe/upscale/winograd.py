"""3x3 convolutions by Winograd's method: 36 multiplications instead of 144 for 16 results.

F(4x4, 3x3) of Lavin and Gray, "Fast algorithms for convolutional neural networks" (arXiv:1509.09308), in float32 only:
its transforms cost about two decimal digits.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from texpipe.networks.padding import Pads
from texpipe.upscale.convolve import Layer
from texpipe.upscale.layout import TILE, TexelGrid, TexelOrder, taps
from texpipe.upscale.transforms import DOUBLED, ONES, PLAIN, Cut, Form, cuts


class Winograd:
    """Winograd's method: one matrix product for each position of a transformed tile.

    Maps stay in tiled order from layer to layer. Padding and one axis of the first transform are part of the gather
    that cuts the tiles; the other axis, and both axes on the way back, are products with a small constant matrix.

    A map doubled by nearest neighbour vanishes at the point -1 (see `transforms`): 25 of the 36 products remain, and a
    tile reads 4 x 4 texels instead of 6 x 6.
    """

    pairs = False
    order: TexelOrder = "tiled"
    doubled_order: TexelOrder = "tiled"

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._scratch = _Scratch(device)

    def prepare(self, weight: Tensor, bias: Tensor, dtype: torch.dtype, slope: float | None = None) -> Layer:
        """Return the layer for O x I x 3 x 3 weights and O biases: 36 matrices I x O."""
        return self._prepare(PLAIN, weight, bias, dtype, slope)

    def prepare_doubled(self, weight: Tensor, bias: Tensor, dtype: torch.dtype, slope: float) -> Layer:
        """Return the same for a convolution that sees its map doubled: 25 matrices I x O."""
        return self._prepare(DOUBLED, weight, bias, dtype, slope)

    def prepare_last(self, weight: Tensor, bias: Tensor) -> Layer:
        """Return the layer for O x I x 3 x 3 weights and O biases: one matrix I x 9 O."""
        outputs, inputs = weight.shape[:2]
        sending = weight.permute(1, 2, 3, 0).reshape(inputs, 9 * outputs)
        return Layer(sending.to(self._device, torch.float32), bias.to(self._device, torch.float32))

    def new_stack(self, grid: TexelGrid, pads: Pads, channels: int, dtype: torch.dtype) -> _WinogradStack:
        """Return an empty stack."""
        return _WinogradStack(self, cuts(grid, pads, False, self._device), channels, dtype)

    def convolve(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the convolution of a single map, without keeping its transform."""
        return self._once(rows, layer, cuts(grid, pads, False, self._device))

    def convolve_upsampled(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the convolution of a single map doubled by nearest neighbour."""
        return self._once(rows, layer, cuts(grid, pads, True, self._device))

    def convolve_output(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the last convolution, without Winograd: for three channels the input transforms do not pay."""
        outputs = layer.bias.shape[0]
        places = rows.view(TILE**2, -1, rows.shape[1])
        sent = torch.bmm(places, layer.weight.expand(TILE**2, -1, -1)).view(-1, outputs)
        if "zero" in pads:
            sent = functional.pad(sent, (0, 0, 0, 1))
        return functional.embedding_bag(taps(grid, pads, self._device), sent, mode="sum").add_(layer.bias)

    def cut(self, rows: Tensor, cut: Cut) -> Tensor:
        """Return a chunk of tiles, transformed: positions x tiles x channels, in memory that the next call reuses."""
        channels = rows.shape[1]
        down = functional.embedding_bag(
            cut.rows, rows, cut.starts, mode="sum", per_sample_weights=cut.factors
        )
        side, texels = cut.across.shape
        out = self._scratch.take("tiles", side, side, cut.tiles * channels)
        # Batched: a single product of such a small matrix has other last bits with two threads than with one.
        torch.bmm(cut.across.expand(side, -1, -1), down.view(side, texels, -1), out=out)
        return out.view(side * side, cut.tiles, channels)

    def multiply(self, tiles: Tensor, layer: Layer, cut: Cut, out: Tensor) -> None:
        """Multiply transformed tiles, transform back, and write the results into `out`, 16 x tiles x O."""
        side, outputs = cut.across.shape[0], layer.bias.shape[0]
        products = torch.bmm(
            tiles, layer.weight, out=self._scratch.take("products", side * side, cut.tiles, outputs)
        )
        # Adding the bias here, at the position that becomes ones all over the tile, costs a 16th of adding it later.
        products[ONES * side + ONES].add_(layer.bias)
        places = products.view(side, side, -1).transpose(0, 1)
        down = self._scratch.take("down", side, TILE, cut.tiles * outputs)
        torch.bmm(cut.back.expand(side, -1, -1), places, out=down)
        results = out.view(TILE, TILE, -1, outputs)[:, :, cut.first : cut.first + cut.tiles].flatten(2)
        torch.bmm(cut.back.expand(TILE, -1, -1), down.transpose(0, 1), out=results)
        if layer.slope is not None:
            functional.leaky_relu_(results, layer.slope)

    def _once(self, rows: Tensor, layer: Layer, chunks: Sequence[Cut]) -> Tensor:
        out = _results(chunks, layer)
        for cut in chunks:
            self.multiply(self.cut(rows, cut), layer, cut, out)
        return out.flatten(0, 1)

    def _prepare(
        self, form: Form, weight: Tensor, bias: Tensor, dtype: torch.dtype, slope: float | None
    ) -> Layer:
        sides = torch.from_numpy(form.from_weights)
        transformed = torch.einsum("py,qx,oiyx->pqio", sides, sides, weight.to("cpu", torch.float64))
        return Layer(transformed.flatten(0, 1).to(self._device, dtype), bias.to(self._device, dtype), slope)


class _WinogradStack:
    def __init__(self, method: Winograd, chunks: Sequence[Cut], channels: int, dtype: torch.dtype) -> None:
        self._method, self._chunks, self._channels = method, chunks, 0
        side, device = chunks[0].across.shape[0], chunks[0].across.device
        self._space = [
            torch.empty(side * side, cut.tiles, channels, dtype=dtype, device=device) for cut in chunks
        ]

    def clear(self) -> None:
        self._channels = 0

    def push(self, rows: Tensor) -> None:
        end = self._channels + rows.shape[1]
        for space, cut in zip(self._space, self._chunks, strict=True):
            # As matrices: torch copies those twice as fast as the same memory with three axes.
            tiles = self._method.cut(rows, cut).flatten(0, 1)
            space.flatten(0, 1)[:, self._channels : end] = tiles
        self._channels = end

    def convolve(self, layer: Layer) -> Tensor:
        out = _results(self._chunks, layer)
        for space, cut in zip(self._space, self._chunks, strict=True):
            self._method.multiply(space[:, :, : self._channels], layer, cut, out)
        return out.flatten(0, 1)


class _Scratch(threading.local):
    """Memory that each chunk uses again, so that it stays in a core's cache."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._kept: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """Return uninitialised float32 memory of a shape, valid until `name` is taken again."""
        size = prod(shape)
        kept = self._kept.get(name)
        if kept is None or kept.numel() < size:
            kept = self._kept[name] = torch.empty(size, device=self._device)
        return kept[:size].view(shape)


def _results(chunks: Sequence[Cut], layer: Layer) -> Tensor:
    """Return memory for the results of all tiles: 16 x tiles x outputs."""
    tiles = chunks[-1].first + chunks[-1].tiles
    return torch.empty(TILE**2, tiles, layer.bias.shape[0], device=layer.bias.device)
