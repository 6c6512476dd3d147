"""RRDBNet, the generator of ESRGAN (Wang et al. 2018, arXiv:1809.00219), under Real-ESRGAN's names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from texpipe.networks.padding import CLAMP_AS, Padding, Pads, pad2d, pads_of, to_multiple
from texpipe.texture import Edges

SLOPE: Final = 0.2
"""Negative slope of every LeakyReLU."""
RESIDUAL: Final = 0.2
"""Factor on each residual before it is added, in the dense blocks and around three of them."""


@dataclass(frozen=True)
class Architecture:
    """The parameters of an RRDBNet, all of which the shapes of its weights determine.

    Attributes:
        num_in_ch, num_out_ch: channels of the pictures.
        scale: output texels per input texel and axis.
        num_feat: features of the trunk.
        num_block: residual-in-residual dense blocks.
        num_grow_ch: features that each convolution of a dense block adds.
        unshuffle: the input is folded by this factor, texels into channels, before the first convolution.
    """

    num_in_ch: int = 3
    num_out_ch: int = 3
    scale: int = 4
    num_feat: int = 64
    num_block: int = 23
    num_grow_ch: int = 32
    unshuffle: int = 1

    @property
    def stages(self) -> int:
        """Number of doublings after the trunk."""
        return (self.scale * self.unshuffle).bit_length() - 1

    @property
    def widest(self) -> int:
        """Channels that the widest convolution reads."""
        return self.num_feat + 4 * self.num_grow_ch

    @property
    def size(self) -> str:
        """The size in words."""
        return f"{self.num_block} blocks, {self.num_feat} features"

    def as_json(self) -> dict[str, str | int]:
        """Return the flat object that model cards show."""
        return {"type": "RRDBNet", **asdict(self)}


class DenseBlock(nn.Module):
    """Five 3x3 convolutions, each of which sees the input and all results before it; residual around them."""

    def __init__(self, num_feat: int, num_grow_ch: int) -> None:
        super().__init__()
        self.conv1 = _conv(num_feat, num_grow_ch)
        self.conv2 = _conv(num_feat + num_grow_ch, num_grow_ch)
        self.conv3 = _conv(num_feat + 2 * num_grow_ch, num_grow_ch)
        self.conv4 = _conv(num_feat + 3 * num_grow_ch, num_grow_ch)
        self.conv5 = _conv(num_feat + 4 * num_grow_ch, num_feat)
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
            # A tenth of He's initialisation: without normalisation a deep net needs it (ESRGAN, section 3.1).
            nn.init.kaiming_normal_(conv.weight)
            conv.weight.data.mul_(0.1)
            nn.init.zeros_(_bias(conv))

    def forward(self, x: Tensor, pads: Pads) -> Tensor:
        """Return N x num_feat x H x W for N x num_feat x H x W."""
        maps = x
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            maps = torch.cat((maps, _activate(convolve(conv, maps, pads))), 1)
        return x + RESIDUAL * convolve(self.conv5, maps, pads)


class _Rrdb(nn.Module):
    """Residual in residual dense block: three dense blocks and a residual around them."""

    def __init__(self, num_feat: int, num_grow_ch: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(num_feat, num_grow_ch)
        self.rdb2 = DenseBlock(num_feat, num_grow_ch)
        self.rdb3 = DenseBlock(num_feat, num_grow_ch)

    def forward(self, x: Tensor, pads: Pads) -> Tensor:
        """Return N x num_feat x H x W for N x num_feat x H x W."""
        out: Tensor = self.rdb3(self.rdb2(self.rdb1(x, pads), pads), pads)
        return x + RESIDUAL * out


class RRDBNet(nn.Module):
    """ESRGAN's generator, whose convolutions pad per axis as the texture's edges say.

    For a factor of 2 or 1 Real-ESRGAN folds the input by 2 or 4 (pixel unshuffle) before two doublings. Older
    ESRGAN models have as many doublings as their factor needs; `unshuffle` tells them apart.

    Args:
        num_in_ch, num_out_ch: channels of the pictures.
        scale: output texels per input texel and axis: 1, 2, 4 (8 and 16 without unshuffle).
        num_feat: features of the trunk.
        num_block: residual-in-residual dense blocks.
        num_grow_ch: features that each convolution of a dense block adds.
        unshuffle: factor by which the input is folded; by default that of Real-ESRGAN.
    """

    def __init__(
        self,
        num_in_ch: int = 3,
        num_out_ch: int = 3,
        scale: int = 4,
        num_feat: int = 64,
        num_block: int = 23,
        num_grow_ch: int = 32,
        unshuffle: int | None = None,
    ) -> None:
        super().__init__()
        fold = max(1, 4 // scale) if unshuffle is None else unshuffle
        self.architecture = Architecture(num_in_ch, num_out_ch, scale, num_feat, num_block, num_grow_ch, fold)
        self.conv_first = _conv(num_in_ch * fold**2, num_feat)
        self.body = nn.ModuleList(_Rrdb(num_feat, num_grow_ch) for _ in range(num_block))
        self.conv_body = _conv(num_feat, num_feat)
        for stage in range(1, self.architecture.stages + 1):
            self.add_module(f"conv_up{stage}", _conv(num_feat, num_feat))
        self.conv_hr = _conv(num_feat, num_feat)
        self.conv_last = _conv(num_feat, num_out_ch)

    @classmethod
    def of(cls, a: Architecture) -> RRDBNet:
        """Make an untrained network of this architecture."""
        return cls(a.num_in_ch, a.num_out_ch, a.scale, a.num_feat, a.num_block, a.num_grow_ch, a.unshuffle)

    @property
    def up_convs(self) -> tuple[nn.Conv2d, ...]:
        """The convolutions after each doubling: conv_up1, conv_up2, ..."""
        return tuple(getattr(self, f"conv_up{stage}") for stage in range(1, self.architecture.stages + 1))

    def forward(self, x: Tensor, edges: Edges = Edges(), clamp: Padding = CLAMP_AS) -> Tensor:  # noqa: B008
        """Upscale a batch.

        Args:
            x: N x num_in_ch x H x W in [0, 1], H and W at least 1.
            edges: what lies beyond the border, per axis: `wrap` or `clamp`; for `mirror` see `pads_of`.
            clamp: the padding that stands for the edge mode `clamp`.

        Returns:
            N x num_out_ch x scale H x scale W, not clamped to [0, 1].
        """
        pads = pads_of(edges, clamp)
        height, width = x.shape[2], x.shape[3]
        if self.architecture.unshuffle > 1:
            fold = self.architecture.unshuffle
            x = functional.pixel_unshuffle(to_multiple(x, fold, pads), fold)
        out = self._upsample(self._trunk(x, pads), pads)
        if self.architecture.unshuffle > 1:
            out = out[:, :, : height * self.architecture.scale, : width * self.architecture.scale]
        return out

    def _trunk(self, x: Tensor, pads: Pads) -> Tensor:
        first = convolve(self.conv_first, x, pads)
        features = first
        for block in self.body:
            features = block(features, pads)
        return first + convolve(self.conv_body, features, pads)

    def _upsample(self, features: Tensor, pads: Pads) -> Tensor:
        for conv in self.up_convs:
            doubled = functional.interpolate(features, scale_factor=2, mode="nearest")
            features = _activate(convolve(conv, doubled, pads))
        return convolve(self.conv_last, _activate(convolve(self.conv_hr, features, pads)), pads)


def convolve(conv: nn.Conv2d, x: Tensor, pads: Pads) -> Tensor:
    """Apply a 3x3 convolution that keeps H and W, padded per axis.

    Args:
        conv: its weight and bias are used, its own padding is not.
        x: N x C x H x W.
        pads: the mode per axis.
    """
    if pads == Pads("zero", "zero"):
        return functional.conv2d(x, conv.weight, conv.bias, padding=1)
    return functional.conv2d(pad2d(x, pads), conv.weight, conv.bias)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias


def _activate(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, SLOPE)
