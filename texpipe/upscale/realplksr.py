"""RealPLKSR for batches: 3x3 convolutions over rows of texels, wrapped per axis, and partial large kernels.

After Lee et al. 2024, "Partial Large Kernel CNNs for Efficient Super-Resolution" (arXiv:2404.11848), in the variant of
neosr: group normalisation after each block or layer normalisation before it, and DySample (arXiv:2308.15085) or a pixel
shuffle at the end.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from texpipe.meter import WORKED_OFF
from texpipe.networks.padding import Pads, pad2d
from texpipe.networks.per_axis import sampling
from texpipe.texture import Axes
from texpipe.upscale import layout
from texpipe.upscale.compiled import is_lone
from texpipe.upscale.convolve import Layer, Method
from texpipe.upscale.layout import TexelGrid
from texpipe.upscale.rows import elementwise, product, rows_of


class _Norm(NamedTuple):
    """A normalisation's weight and bias, C values each, what it adds to the variance, and its number of groups."""

    weight: Tensor
    bias: Tensor
    eps: float
    groups: int = 1


class _Block(NamedTuple):
    """One block.

    Attributes:
        before: normalises the channels of each texel, if the network has that.
        mixer: two convolutions, to twice the channels and back.
        large: weight and bias of the large kernel, which sees only the first channels.
        attention: the convolution whose sigmoid each value is multiplied by, if the network has that.
        refine: weight, I x O, and bias of a product.
        after: normalises groups of channels over each picture, if the network has that.
    """

    before: _Norm | None
    mixer: tuple[Layer, Layer]
    large: tuple[Tensor, Tensor]
    attention: Layer | None
    refine: tuple[Tensor, Tensor]
    after: _Norm | None


@dataclass(frozen=True)
class CompiledRealPlksr:
    """A RealPLKSR ready to run.

    Attributes:
        method: the convolution method.
        first: the first convolution.
        blocks: the blocks.
        last: the convolution before the tail.
        tail: turns N x 3 factor^2 x H x W into N x 3 x factor H x factor W.
        repeats: channels of the last convolution for each of the picture.
    """

    method: Method
    first: Layer
    blocks: tuple[_Block, ...]
    last: Layer
    tail: nn.Module
    repeats: int

    def __call__(self, images: Tensor, pads: Pads, counted: float = 1.0) -> Tensor:
        """Run the network; arguments and result as those of `compiled.CompiledNetwork`."""
        if is_lone(self.method, images, self.blocks[0].mixer[0].bias.shape[0]):
            return self(images.expand(2, -1, -1, -1), pads, counted / 2)[:1]
        pictures, grid = rows_of(images, self.method)
        rows = self._convolve(pictures, self.first, grid, pads)
        for block in self.blocks:
            rows = rows + self._block(rows, block, grid, pads)
            WORKED_OFF.add(counted * grid.count * grid.height * grid.width / len(self.blocks))
        detail = self._convolve(rows, self.last, grid, pads)
        return self._enlarged(detail + pictures.repeat_interleave(self.repeats, 1), grid, pads)

    def _block(self, x: Tensor, block: _Block, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return what a block adds to its maps."""
        if block.before is not None:
            x = functional.layer_norm(x, x.shape[1:], *block.before[:3])
        to_more, back = block.mixer
        x = elementwise(functional.mish, self._convolve(x, to_more, grid, pads))
        x = self._convolve(x, back, grid, pads)
        _convolve_large(x, *block.large, grid, pads)
        if block.attention is not None:
            x = x * elementwise(torch.sigmoid, self._convolve(x, block.attention, grid, pads))
        x = product(x, *block.refine)
        return x if block.after is None else _normalised(x, block.after, grid)

    def _convolve(self, rows: Tensor, layer: Layer, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return a convolution in float32: sums and activations lose nothing whatever the products are made in."""
        return self.method.convolve(rows, layer, grid, pads).float().contiguous()

    def _enlarged(self, rows: Tensor, grid: TexelGrid, pads: Pads) -> Tensor:
        """Return the tail's pictures, N x factor H x factor W x 3."""
        maps = _maps(rows, grid).contiguous()
        with sampling(Axes(pads.x == "wrap", pads.y == "wrap")):
            pictures = torch.cat([self.tail(one) for one in _separate(maps)])
        return pictures.permute(0, 2, 3, 1).contiguous()


def _convolve_large(rows: Tensor, weight: Tensor, bias: Tensor, grid: TexelGrid, pads: Pads) -> None:
    """Convolve the first channels of `rows` in place."""
    part = rows[:, : weight.shape[0]]
    padded = pad2d(_maps(part, grid).to(weight.dtype), pads, weight.shape[-1] // 2)
    out = torch.cat([functional.conv2d(one, weight, bias) for one in _separate(padded)])
    part.index_copy_(0, layout.to_raster(grid, rows.device), _raster(out).to(rows.dtype))


def _normalised(rows: Tensor, norm: _Norm, grid: TexelGrid) -> Tensor:
    """Return maps of which each picture's groups of channels have been normalised; rows beyond the border are zero."""
    maps = functional.group_norm(
        _maps(rows, grid).contiguous(), norm.groups, norm.weight, norm.bias, norm.eps
    )
    return torch.zeros_like(rows).index_copy_(0, layout.to_raster(grid, rows.device), _raster(maps))


def _maps(rows: Tensor, grid: TexelGrid) -> Tensor:
    """Return rows as N x C x H x W, without those of tiles that extend beyond the border."""
    texels = rows.index_select(0, layout.to_raster(grid, rows.device))
    return texels.view(grid.count, grid.height, grid.width, -1).permute(0, 3, 1, 2)


def _raster(maps: Tensor) -> Tensor:
    """Return N x C x H x W as N H W rows, in raster order."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


def _separate(maps: Tensor) -> tuple[Tensor, ...]:
    """Return each picture's maps on a processor, where torch chooses its method, and the last bits, by the batch."""
    return torch.split(maps, 1 if maps.is_cpu else len(maps))


def compile_realplksr(
    network: Any,  # noqa: ANN401
    method: Method,
    device: torch.device,
    dtype: torch.dtype,
) -> CompiledRealPlksr:
    """Make a RealPLKSR ready to run.

    Args:
        network: spandrel's module; it is neither kept nor changed.
        method: the convolution method.
        device: where the network runs.
        dtype: of the convolutions; the first and the last, which see the picture itself, are always float32, and so is
            everything between the convolutions.
    """

    def layer(conv: Any, kind: torch.dtype = dtype) -> Layer:  # noqa: ANN401
        return method.prepare(conv.weight.detach().float(), conv.bias.detach().float(), kind)

    def placed(value: Tensor, kind: torch.dtype = torch.float32) -> Tensor:
        return value.detach().to(device, kind).contiguous()

    def norm(module: Any) -> _Norm | None:  # noqa: ANN401
        if isinstance(module, nn.Identity):
            return None
        return _Norm(placed(module.weight), placed(module.bias), module.eps, getattr(module, "num_groups", 1))

    def block(one: Any) -> _Block:  # noqa: ANN401
        mixer, large, attention, refine = one.channel_mixer, one.lk.conv, one.attn, one.refine
        return _Block(
            before=norm(one.layer_norm),
            mixer=(layer(mixer[0]), layer(mixer[2])),
            large=(placed(large.weight, dtype), placed(large.bias, dtype)),
            attention=None if isinstance(attention, nn.Identity) else layer(attention.f[0]),
            refine=(placed(refine.weight.flatten(1).t()), placed(refine.bias)),
            after=norm(one.norm),
        )

    first, *blocks, _dropout, last = network.feats
    return CompiledRealPlksr(
        method=method,
        first=layer(first, torch.float32),
        blocks=tuple(block(one) for one in blocks),
        last=layer(last, torch.float32),
        tail=copy.deepcopy(network.to_img).to(device, torch.float32),
        repeats=last.out_channels // first.in_channels,
    )
