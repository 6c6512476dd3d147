"""Compact for inference: each map padded once, one chain of convolutions at the size of the input.

It computes the same function, to rounding, as `networks.compact.Compact`, the readable definition that is trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from texpipe.meter import WORKED_OFF
from texpipe.networks.compact import Compact
from texpipe.networks.padding import Pads
from texpipe.upscale import layout
from texpipe.upscale.compiled import is_lone
from texpipe.upscale.convolve import Layer, Method
from texpipe.upscale.layout import TexelGrid


@dataclass(frozen=True)
class CompiledCompact:
    """A Compact ready to run: weights prepared for one method, one device and one precision.

    Attributes:
        layers: all convolutions but the last, each with the negative slopes of the PReLU behind it.
        last: the convolution that makes all pixels of a texel.
    """

    method: Method
    device: torch.device
    factor: int
    layers: tuple[tuple[Layer, Tensor], ...]
    last: Layer

    def __call__(self, images: Tensor, pads: Pads, counted: float = 1.0) -> Tensor:
        """Run the network.

        Args:
            images: N x H x W x C float32 on the device.
            pads: what every convolution sees beyond the border.
            counted: share of the texels that the meter of progress counts.

        Returns:
            N x factor H x factor W x C float32, not clamped.
        """
        if is_lone(self.method, images, self.layers[0][1].shape[0]):
            return self(images.expand(2, -1, -1, -1), pads, counted / 2)[:1]
        count, height, width, channels = images.shape
        grid = TexelGrid(count, height, width, self.method.order)
        rows = images.reshape(-1, channels)
        if grid.order != "raster":
            rows = rows.index_select(0, layout.from_raster(grid, self.device))
        for layer, slopes in self.layers:
            rows = functional.prelu(self.method.convolve(rows, layer, grid, pads), slopes)
            WORKED_OFF.add(counted * count * height * width / len(self.layers))
        rows = self.method.convolve(rows, self.last, grid, pads)
        if grid.order != "raster":
            rows = rows.index_select(0, layout.to_raster(grid, self.device))
        return self._shuffled(rows.view(count, height, width, -1), images)

    def _shuffled(self, detail: Tensor, images: Tensor) -> Tensor:
        """Spread the channels of each texel over its pixels, and add the repeated picture."""
        count, height, width, channels = images.shape
        side = self.factor
        pixels = detail.view(count, height, width, channels, side, side).permute(0, 1, 4, 2, 5, 3)
        whole = pixels + images.view(count, height, 1, width, 1, channels)
        return whole.reshape(count, height * side, width * side, channels)


def compile_compact(
    network: Compact, method: Method, device: torch.device, dtype: torch.dtype
) -> CompiledCompact:
    """Make a network ready to run.

    Args:
        network: is neither kept nor changed.
        method: the convolution method.
        device: where the network runs.
        dtype: of the convolutions; the first and the last, which see the picture itself, are always float32.
    """
    kinds = (torch.float32, *[dtype] * (len(network.convs) - 2), torch.float32)

    def layer(number: int) -> Layer:
        conv = network.convs[number]
        assert conv.bias is not None
        return method.prepare(conv.weight.detach().float(), conv.bias.detach().float(), kinds[number])

    slopes = [slope.detach().to(device, kind) for slope, kind in zip(network.slopes, kinds, strict=False)]
    return CompiledCompact(
        method=method,
        device=device,
        factor=network.architecture.scale,
        layers=tuple((layer(number), slope) for number, slope in enumerate(slopes)),
        last=layer(len(slopes)),
    )
