"""RRDBNet as it is run: residual factors folded into weights, maps padded once, the tail in small pieces.

The same function as `networks.rrdbnet.RRDBNet` (to rounding), which stays the readable definition and what is
trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from texpipe.networks.padding import Padding, Pads
from texpipe.networks.rrdbnet import RESIDUAL, SLOPE, RRDBNet
from texpipe.upscale import layout
from texpipe.upscale.convolve import Layer, Method
from texpipe.upscale.layout import TexelGrid

TAIL_TEXELS = 4096
"""Texels of the trunk that are upsampled in one go: the maps of the tail have 16 times as many."""

_MAX_LONE_WORK = 65536
"""A single picture of at most this many texels times features runs as a pair; see `CompiledNetwork._is_lone`."""


class _TailChunk(NamedTuple):
    """Part of a batch for the tail: whole images, or lines of one image and those around that they need.

    Attributes:
        first: number of the first image.
        images: how many.
        lines: lines read, in order.
        above: how many of them come before the first line that is kept.
        kept: lines kept.
    """

    first: int
    images: int
    lines: tuple[int, ...]
    above: int
    kept: int


@dataclass(frozen=True)
class CompiledNetwork:
    """A network ready to run: weights prepared for one method, one device and one precision."""

    method: Method
    device: torch.device
    dtype: torch.dtype
    factor: int
    first: Layer
    blocks: tuple[tuple[tuple[Layer, ...], ...], ...]
    body: Layer
    ups: tuple[Layer, ...]
    conv_hr: Layer
    last: Layer

    def __call__(self, images: Tensor, pads: Pads) -> Tensor:
        """Run the network.

        Args:
            images: N x H x W x C float32 on the device, C as the first convolution takes it.
            pads: what every convolution sees beyond the border.

        Returns:
            N x factor H x factor W x C float32, not clamped.
        """
        if self._is_lone(images):
            return self(images.expand(2, -1, -1, -1), pads)[:1]
        count, height, width, channels = images.shape
        grid = TexelGrid(count, height, width, self.method.order)
        rows = images.reshape(-1, channels)
        if grid.order != "raster":
            rows = rows.index_select(0, layout.from_raster(grid, self.device))
        trunk = self._trunk(rows, grid, pads)
        shape = (count, height * self.factor, width * self.factor, self.last.bias.shape[0])
        out = torch.empty(shape, device=self.device)
        for piece in _tail_chunks(grid, pads.y, len(self.ups)):
            self._finish(trunk, grid, pads, piece, out)
        return out

    def _is_lone(self, images: Tensor) -> bool:
        # torch gives a lone small map to another library than two or more of them, with other last bits; but a
        # result must not depend on its company. The bound was measured over sizes and widths.
        count, height, width, _ = images.shape
        work = height * width * self.first.bias.shape[0]
        return self.method.pairs and count == 1 and work <= _MAX_LONE_WORK

    def _trunk(self, rows: Tensor, grid: TexelGrid, pads: Pads) -> Tensor:
        # From block to block the residual stream is float32 whatever the convolutions are: what is rounded there
        # stays to the end. Within a block it counts a fifth, and rounding its three sums costs half a decibel.
        first = self.method.convolve(rows, self.first, grid, pads)
        features = first
        stack = self.method.new_stack(grid, pads, self._widest(), self.dtype)
        for block in self.blocks:
            inner = features.to(self.dtype)
            for dense in block:
                stack.clear()
                stack.push(inner)
                for layer in dense[:-1]:
                    stack.push(stack.convolve(layer))
                inner = torch.add(inner, stack.convolve(dense[-1]))
            features = torch.add(features, inner, alpha=RESIDUAL)
        return torch.add(first, self.method.convolve(features, self.body, grid, pads))

    def _widest(self) -> int:
        """Return the channels that the last convolution of a dense block reads."""
        growing = self.blocks[0][0][:-1]
        return self.first.bias.shape[0] + sum(layer.bias.shape[0] for layer in growing)

    def _finish(self, trunk: Tensor, grid: TexelGrid, pads: Pads, piece: _TailChunk, out: Tensor) -> None:
        """Upsample a piece and write it to its place in `out`."""
        part = TexelGrid(piece.images, len(piece.lines), grid.width, grid.order)
        rows = trunk
        if part != grid:
            rows = trunk.index_select(0, layout.crop_rows(grid, part, piece.first, piece.lines, self.device))
        for layer in self.ups:
            rows = self.method.convolve_upsampled(rows, layer, part, pads)
            part = part.doubled(self.method.doubled_order)
        rows = self.method.convolve(rows, self.conv_hr, part, pads)
        part = replace(part, order=self.method.order)
        rows = self.method.convolve_output(rows, self.last, part, pads)
        if part.order != "raster":
            rows = rows.index_select(0, layout.to_raster(part, self.device))
        picture = rows.view(part.count, part.height, part.width, -1)
        top = piece.lines[piece.above] * self.factor
        start, size = piece.above * self.factor, piece.kept * self.factor
        images = slice(piece.first, piece.first + piece.images)
        out[images, top : top + size] = picture[:, start : start + size]


def compile_network(
    network: RRDBNet, method: Method, device: torch.device, dtype: torch.dtype
) -> CompiledNetwork:
    """Make a network ready to run.

    Args:
        network: trained or not; not kept, and not changed.
        method: how to convolve.
        device: where.
        dtype: of the convolutions; the first and the last, which see the picture itself, are float32 always.
    """

    def layer(
        conv: nn.Module, dtype: torch.dtype = dtype, factor: float = 1.0, slope: float | None = None
    ) -> Layer:
        weight, bias = _parameters(conv)
        return method.prepare(weight * factor, bias * factor, dtype, slope)

    def dense(block: nn.Module) -> tuple[Layer, ...]:
        growing = tuple(layer(getattr(block, f"conv{k}"), slope=SLOPE) for k in (1, 2, 3, 4))
        return (*growing, layer(block.conv5, factor=RESIDUAL))  # type: ignore[arg-type]

    return CompiledNetwork(
        method=method,
        device=device,
        dtype=dtype,
        factor=2**network.architecture.stages,
        first=layer(network.conv_first, torch.float32),
        blocks=tuple(tuple(dense(getattr(rrdb, f"rdb{k}")) for k in (1, 2, 3)) for rrdb in network.body),
        body=layer(network.conv_body),
        ups=tuple(method.prepare_doubled(*_parameters(conv), dtype, SLOPE) for conv in network.up_convs),
        conv_hr=layer(network.conv_hr, slope=SLOPE),
        last=method.prepare_last(*_parameters(network.conv_last)),
    )


def _parameters(conv: nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    return conv.weight.detach().float(), conv.bias.detach().float()


def _tail_chunks(grid: TexelGrid, padding: Padding, stages: int) -> Iterator[_TailChunk]:
    """Divide a batch into pieces of about `TAIL_TEXELS` for the tail.

    On a wrapped axis the lines go around; on any other they end at the border, so that the convolutions pad
    there as they would pad the whole image.
    """
    height = grid.height
    lines = max(1, TAIL_TEXELS // grid.width)
    if lines >= height:
        # Always as many images, never one where there are two: see `CompiledNetwork._is_lone`.
        step = min(grid.count, max(2, TAIL_TEXELS // (height * grid.width)))
        for first in range(0, grid.count, step):
            yield _TailChunk(min(first, grid.count - step), step, tuple(range(height)), 0, height)
        return
    reach = _tail_reach(stages)
    for first in range(grid.count):
        for top in range(0, height, lines):
            kept = min(lines, height - top)
            above = reach if padding == "wrap" else min(reach, top)
            below = reach if padding == "wrap" else min(reach, height - top - kept)
            numbers = tuple(y % height for y in range(top - above, top + kept + below))
            yield _TailChunk(first, 1, numbers, above, kept)


def _tail_reach(stages: int) -> int:
    """Return how many lines of the trunk beyond its own a result of the tail depends on."""
    lines = 2  # the last two convolutions, at full size
    for _ in range(stages):
        lines = -(-lines // 2) + 1
    return lines
