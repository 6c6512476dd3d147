"""SRResNet, the generator of SRGAN (Ledig et al. 2017, arXiv:1609.04802), and its usual variations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor, nn
from torch.nn import functional

Upsampler: TypeAlias = Literal["pixel_shuffle", "nearest", "transposed"]
BorderPadding: TypeAlias = Literal["zeros", "reflect"]
MIN_SIDE = 5
"""Smallest height and width for reflection padding of the 9x9 convolutions, in texels."""


@dataclass(frozen=True)
class SRResNetArchitecture:
    """The parameters of an SRResNet.

    Attributes:
        num_block: residual blocks; 16 in the paper, 4 and 8 in its smaller descendants.
        upsampler: doublings by pixel shuffle (the paper), by repeating texels before a convolution (no
            checkerboard), or by transposed convolution.
        padding: padding of the convolutions.
        num_feat: features of the trunk.
        scale: output texels per input texel and axis, a power of two.
        norm: batch normalisation in the residual blocks, as in the paper.
    """

    num_block: int = 16
    upsampler: Upsampler = "pixel_shuffle"
    padding: BorderPadding = "zeros"
    num_feat: int = 64
    scale: int = 4
    norm: bool = True


class _ResidualBlock(nn.Module):
    """Two 3x3 convolutions with PReLU between them, and the input added."""

    def __init__(self, a: SRResNetArchitecture) -> None:
        super().__init__()
        self.conv1 = _conv(a, 3, a.num_feat, a.num_feat)
        self.norm1 = nn.BatchNorm2d(a.num_feat) if a.norm else nn.Identity()
        self.act = nn.PReLU()
        self.conv2 = _conv(a, 3, a.num_feat, a.num_feat)
        self.norm2 = nn.BatchNorm2d(a.num_feat) if a.norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return N x num_feat x H x W for N x num_feat x H x W."""
        hidden = self.act(self.norm1(self.conv1(x)))
        out: Tensor = self.norm2(self.conv2(hidden))
        return x + out


class _Doubling(nn.Module):
    """Upsampling by 2 in one of three ways, then PReLU."""

    def __init__(self, a: SRResNetArchitecture) -> None:
        super().__init__()
        self.upsampler = a.upsampler
        if a.upsampler == "transposed":
            self.conv: nn.Module = nn.ConvTranspose2d(a.num_feat, a.num_feat, 4, stride=2, padding=1)
        else:
            outputs = 4 * a.num_feat if a.upsampler == "pixel_shuffle" else a.num_feat
            self.conv = _conv(a, 3, a.num_feat, outputs)
        self.act = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return N x num_feat x 2H x 2W for N x num_feat x H x W."""
        if self.upsampler == "nearest":
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
        x = self.conv(x)
        if self.upsampler == "pixel_shuffle":
            x = functional.pixel_shuffle(x, 2)
        out: Tensor = self.act(x)
        return out


class SRResNet(nn.Module):
    """Residual blocks at the size of the input, then doublings.

    Args:
        architecture: the variation.

    Raises:
        ValueError: the scale is not a power of two.
    """

    def __init__(self, architecture: SRResNetArchitecture = SRResNetArchitecture()) -> None:
        super().__init__()
        a = self.architecture = architecture
        if a.scale < 1 or a.scale & (a.scale - 1):
            raise ValueError(f"scale must be a power of two, not {a.scale}")
        self.conv_first = _conv(a, 9, 3, a.num_feat)
        self.act_first = nn.PReLU()
        self.body = nn.Sequential(*(_ResidualBlock(a) for _ in range(a.num_block)))
        self.conv_body = _conv(a, 3, a.num_feat, a.num_feat)
        self.norm_body = nn.BatchNorm2d(a.num_feat) if a.norm else nn.Identity()
        self.ups = nn.Sequential(*(_Doubling(a) for _ in range(a.scale.bit_length() - 1)))
        self.conv_last = _conv(a, 9, a.num_feat, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale a batch.

        Args:
            x: N x 3 x H x W in [0, 1]; with reflection padding H and W must be at least 5.

        Returns:
            N x 3 x scale H x scale W, not clamped to [0, 1].
        """
        first = self.act_first(self.conv_first(x))
        body: Tensor = self.norm_body(self.conv_body(self.body(first)))
        out: Tensor = self.conv_last(self.ups(first + body))
        return out


def _conv(a: SRResNetArchitecture, kernel: int, inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode=a.padding)
