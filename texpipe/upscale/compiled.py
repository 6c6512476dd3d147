"""RRDBNet for inference: residual factors folded into the weights, maps padded once, the tail in small chunks.

It computes the same function, to rounding, as `networks.rrdbnet.RRDBNet`, the readable definition that is trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from texpipe.meter import WORKED_OFF
from texpipe.networks.padding import Padding, Pads
from texpipe.networks.rrdbnet import RESIDUAL, SLOPE, RRDBNet
from texpipe.upscale import layout
from texpipe.upscale.convolve import Layer, Method
from texpipe.upscale.layout import TexelGrid

TAIL_TEXELS = 4096
"""Number of texels of the trunk that the tail upsamples at once: its maps have 16 times as many."""

_TAIL_BLOCKS = 2
"""Number of blocks that make as many multiplications as the tail."""

_MAX_LONE_WORK = 65536
"""Largest product of texels and features at which a single picture runs twice; see `is_lone`."""


class _TailChunk(NamedTuple):
    """Part of a batch for the tail: whole images, or some lines of one image with the lines around that they need.

    Attributes:
        first: number of the first image.
        images: number of images.
        lines: the lines that are read, in order.
        above: number of them before the first line that is kept.
        kept: number of lines kept.
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

    def __call__(self, images: Tensor, pads: Pads, counted: float = 1.0) -> Tensor:
        """Run the network.

        Args:
            images: N x H x W x C float32 on the device, C as the first convolution takes it.
            pads: what every convolution sees beyond the border.
            counted: share of the texels that the meter of progress counts.

        Returns:
            N x factor H x factor W x C float32, not clamped.
        """
        if is_lone(self.method, images, self.first.bias.shape[0]):
            return self(images.expand(2, -1, -1, -1), pads, counted / 2)[:1]
        count, height, width, channels = images.shape
        grid = TexelGrid(count, height, width, self.method.order)
        rows = images.reshape(-1, channels)
        if grid.order != "raster":
            rows = rows.index_select(0, layout.from_raster(grid, self.device))
        trunk = self._trunk(rows, grid, pads, counted)
        shape = (count, height * self.factor, width * self.factor, self.last.bias.shape[0])
        out = torch.empty(shape, device=self.device)
        for chunk in _tail_chunks(grid, pads.y, len(self.ups)):
            self._run_tail(trunk, grid, pads, chunk, out)
            self._count(counted * chunk.images * chunk.kept * grid.width, _TAIL_BLOCKS)
        return out

    def _count(self, texels: float, blocks: float) -> None:
        """Count what was worked off, in parts of the whole network."""
        WORKED_OFF.add(texels * blocks / (len(self.blocks) + _TAIL_BLOCKS))

    def _trunk(self, rows: Tensor, grid: TexelGrid, pads: Pads, counted: float) -> Tensor:
        # Between blocks the residual stream is float32 whatever the convolutions are: rounding errors there stay to
        # the end. Within a block they count a fifth, and rounding its three sums costs half a decibel.
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
                self._count(counted * grid.count * grid.height * grid.width, 1 / len(block))
            features = torch.add(features, inner, alpha=RESIDUAL)
        return torch.add(first, self.method.convolve(features, self.body, grid, pads))

    def _widest(self) -> int:
        """Return the channels that the last convolution of a dense block reads."""
        growing = self.blocks[0][0][:-1]
        return self.first.bias.shape[0] + sum(layer.bias.shape[0] for layer in growing)

    def _run_tail(self, trunk: Tensor, grid: TexelGrid, pads: Pads, chunk: _TailChunk, out: Tensor) -> None:
        """Upsample a chunk and write it to its place in `out`."""
        part = TexelGrid(chunk.images, len(chunk.lines), grid.width, grid.order)
        rows = trunk
        if part != grid:
            rows = trunk.index_select(0, layout.crop_rows(grid, part, chunk.first, chunk.lines, self.device))
        for layer in self.ups:
            rows = self.method.convolve_upsampled(rows, layer, part, pads)
            part = part.doubled(self.method.doubled_order)
        rows = self.method.convolve(rows, self.conv_hr, part, pads)
        part = replace(part, order=self.method.order)
        rows = self.method.convolve_output(rows, self.last, part, pads)
        if part.order != "raster":
            rows = rows.index_select(0, layout.to_raster(part, self.device))
        picture = rows.view(part.count, part.height, part.width, -1)
        top = chunk.lines[chunk.above] * self.factor
        start, size = chunk.above * self.factor, chunk.kept * self.factor
        images = slice(chunk.first, chunk.first + chunk.images)
        out[images, top : top + size] = picture[:, start : start + size]


def is_lone(method: Method, images: Tensor, features: int) -> bool:
    """Return whether a batch, N x H x W x C, is a single small picture that must run twice.

    torch convolves a single small map by another library than two or more, with other last bits; but a result must not
    depend on the rest of its batch. The bound was measured over sizes and widths.
    """
    count, height, width, _ = images.shape
    return method.pairs and count == 1 and height * width * features <= _MAX_LONE_WORK


def compile_network(
    network: RRDBNet, method: Method, device: torch.device, dtype: torch.dtype
) -> CompiledNetwork:
    """Make a network ready to run.

    Args:
        network: is neither kept nor changed.
        method: the convolution method.
        device: where the network runs.
        dtype: of the convolutions; the first and the last, which see the picture itself, are always float32.
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
    """Divide a batch into chunks of about `TAIL_TEXELS` for the tail.

    On a wrapped axis the lines go around; on any other they end at the border, where the convolutions pad as they would
    pad the whole image.
    """
    height = grid.height
    lines = max(1, TAIL_TEXELS // grid.width)
    if lines >= height:
        # All chunks have the same number of images, at least two if there are two: see `is_lone`.
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
    """Return the number of lines of the trunk, above and below its own, that a result of the tail depends on."""
    lines = 2  # the last two convolutions, at full size
    for _ in range(stages):
        lines = -(-lines // 2) + 1
    return lines
