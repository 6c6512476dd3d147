"""SPAN networks for batches: convolutions over rows of texels, wrapped per axis, and attention without parameters.

After Wan et al. 2023, "Swift Parameter-free Attention Network for Efficient Super-Resolution" (arXiv:2311.12770).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from texpipe.networks.padding import Pads
from texpipe.upscale.compiled import is_lone
from texpipe.upscale.convolve import Layer, Method
from texpipe.upscale.layout import TexelGrid
from texpipe.upscale.rows import elementwise, product, rows_of, shuffled


@dataclass(frozen=True)
class CompiledSpan:
    """A SPAN network ready to run.

    Attributes:
        method: the convolution method.
        mean, gain: a picture x becomes (x - mean) * gain before the network.
        first: the first convolution.
        blocks: the three convolutions of each of six blocks.
        after: the convolution after the blocks.
        joined: weight, I x O, and bias of the product over four maps side by side.
        last: the convolution before the pixel shuffle.
        factor: output texels per input texel and axis.
    """

    method: Method
    mean: Tensor
    gain: float
    first: Layer
    blocks: tuple[tuple[Layer, ...], ...]
    after: Layer
    joined: tuple[Tensor, Tensor]
    last: Layer
    factor: int

    def __call__(self, images: Tensor, pads: Pads) -> Tensor:
        """Run the network; arguments and result as those of `compiled.CompiledNetwork`."""
        if is_lone(self.method, images, self.last.weight.shape[1]):
            return self(images.expand(2, -1, -1, -1), pads)[:1]
        rows, grid = rows_of((images - self.mean) * self.gain, self.method)
        first = features = self._convolve(rows, self.first, grid, pads)
        earliest = latest = first
        for number, block in enumerate(self.blocks):
            features, inner = self._block(features, block, grid, pads)
            earliest = features if number == 0 else earliest
            latest = inner
        after = self._convolve(features, self.after, grid, pads)
        joined = product(torch.cat((first, after, earliest, latest), 1), *self.joined)
        return shuffled(self._convolve(joined, self.last, grid, pads), grid, self.factor)

    def _block(
        self, x: Tensor, block: tuple[Layer, ...], grid: TexelGrid, pads: Pads
    ) -> tuple[Tensor, Tensor]:
        """Return a block's result, and that of its first convolution after the activation."""
        one, two, three = block
        inner = elementwise(functional.silu, self._convolve(x, one, grid, pads))
        out = elementwise(functional.silu, self._convolve(inner, two, grid, pads))
        out = self._convolve(out, three, grid, pads)
        return (out + x) * (elementwise(torch.sigmoid, out) - 0.5), inner

    def _convolve(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return a convolution in float32: sums and activations lose nothing whatever the products are made in."""
        return self.method.convolve(rows, layer, grid, pads).float().contiguous()


def compile_span(network: Any, method: Method, device: torch.device, dtype: torch.dtype) -> CompiledSpan:  # noqa: ANN401
    """Make a SPAN network ready to run.

    Args:
        network: spandrel's module, its branches merged (`update_params`); it is neither kept nor changed.
        method: the convolution method.
        device: where the network runs.
        dtype: of the convolutions; the first and the last, which see the picture itself, are always float32.
    """

    def layer(conv: Any, kind: torch.dtype = dtype) -> Layer:  # noqa: ANN401
        return method.prepare(conv.weight.detach().float(), conv.bias.detach().float(), kind)

    blocks = [getattr(network, f"block_{number}") for number in range(1, 7)]
    joined = network.conv_cat
    normed = bool(network.is_norm)
    return CompiledSpan(
        method=method,
        mean=(network.mean.float().view(3) if normed else torch.zeros(3)).to(device),
        gain=float(network.img_range) if normed else 1.0,
        first=layer(network.conv_1.eval_conv, torch.float32),
        blocks=tuple(
            tuple(layer(part.eval_conv) for part in (block.c1_r, block.c2_r, block.c3_r)) for block in blocks
        ),
        after=layer(network.conv_2.eval_conv),
        joined=(
            joined.weight.detach().float().flatten(1).t().contiguous().to(device),
            joined.bias.detach().float().to(device),
        ),
        last=layer(network.upsampler[0], torch.float32),
        factor=int(network.upsampler[1].upscale_factor),
    )
