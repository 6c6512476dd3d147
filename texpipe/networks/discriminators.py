"""Discriminators and critics: networks that tell real pictures from generated ones.

All return logits (or critic scores), without the final sigmoid: the losses apply it, which is exact where
`log(sigmoid(x))` in two steps would lose precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2


class StridedDiscriminator(nn.Module):
    """SRGAN's discriminator: eight convolutions, every second one with stride 2, then two dense layers.

    After Ledig et al. 2017 (arXiv:1609.04802), figure 4. Without normalisation it is the critic that a
    gradient penalty needs (Gulrajani et al. 2017, arXiv:1704.00028: batch norm mixes the samples whose
    gradients are penalised one by one).

    Args:
        size: side of the square pictures, a multiple of 16.
        num_feat: features of the first layer; they double three times.
        dense: units of the first dense layer: 1024 in the paper.
        norm: batch normalisation from the second convolution on.

    Raises:
        ValueError: `size` is not a multiple of 16.
    """

    def __init__(self, size: int, num_feat: int = 64, dense: int = 1024, *, norm: bool = True) -> None:
        super().__init__()
        if size % 16 or size < 16:
            raise ValueError(f"the discriminator needs pictures of a multiple of 16 pixels, not {size}")
        widths = [num_feat * factor for factor in (1, 1, 2, 2, 4, 4, 8, 8)]
        layers: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(zip([3, *widths], widths, strict=False)):
            layers.append(nn.Conv2d(inputs, outputs, 3, stride=1 + i % 2, padding=1))
            if norm and i > 0:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.LeakyReLU(SLOPE))
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[-1] * (size // 16) ** 2, dense),
            nn.LeakyReLU(SLOPE),
            nn.Linear(dense, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return N x 1 logits for N x 3 x size x size in [0, 1]."""
        out: Tensor = self.head(self.features(x * 2 - 1))
        return out


class UNetDiscriminator(nn.Module):
    """A discriminator with a logit per pixel: three halvings, three doublings with skips, spectral norm throughout.

    After Schoenfeld et al. 2020 (arXiv:2002.12655) in the form that Real-ESRGAN (Wang et al. 2021,
    arXiv:2107.10833, section 3.4) trains with.

    Args:
        num_feat: features of the first layer; they double three times.
    """

    def __init__(self, num_feat: int = 64) -> None:
        super().__init__()
        n = num_feat
        self.conv_first = nn.Conv2d(3, n, 3, padding=1)
        self.down = nn.ModuleList(_spectral(n << i, n << (i + 1), 4, stride=2) for i in range(3))
        self.up = nn.ModuleList(_spectral(n << (i + 1), n << i, 3) for i in (2, 1, 0))
        self.tail = nn.ModuleList([_spectral(n, n, 3), _spectral(n, n, 3)])
        self.conv_last = nn.Conv2d(n, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return N x 1 x H x W logits for N x 3 x H x W in [0, 1]; H and W multiples of 8."""
        skips = [_activate(self.conv_first(x))]
        for conv in self.down:
            skips.append(_activate(conv(skips[-1])))
        hidden = skips.pop()
        for conv in self.up:
            doubled = functional.interpolate(hidden, scale_factor=2, mode="bilinear", align_corners=False)
            hidden = _activate(conv(doubled)) + skips.pop()
        for conv in self.tail:
            hidden = _activate(conv(hidden))
        out: Tensor = self.conv_last(hidden)
        return out


class ProjectedDiscriminator(nn.Module):
    """Small heads that look at the features of a frozen network, each with a verdict of its own per place.

    After Sauer et al. 2021, "Projected GANs Converge Faster" (arXiv:2111.01007), without their random mixing: a network
    that knows pictures already tells real from generated within a few hundred steps.

    Args:
        look: N x 3 x H x W in [0, 1] -> features by name, N x C x H' x W', none negative. It is not a part of this
            module: it is neither trained nor saved with it.
        channels: C per name; one head each, from the finest features to the coarsest.
        num_feat: features of a head.
    """

    def __init__(
        self, look: Callable[[Tensor], Mapping[str, Tensor]], channels: Mapping[str, int], num_feat: int = 64
    ) -> None:
        super().__init__()
        # In a tuple, for a module that is an attribute would become a part of this one.
        self._look = (look,)
        self.heads = nn.ModuleDict({name: _head(count, num_feat) for name, count in channels.items()})

    def forward(self, x: Tensor) -> Tensor:
        """Return N x heads x H' x W' logits, as large as the finest features."""
        features = self._look[0](x)
        # The logarithm brings features of all depths to one size, without forgetting which are strong.
        verdicts = [head(features[name].log1p()) for name, head in self.heads.items()]
        size = verdicts[0].shape[2:]
        return torch.cat([functional.interpolate(v, size, mode="nearest") for v in verdicts], 1)


def _head(inputs: int, num_feat: int) -> nn.Sequential:
    return nn.Sequential(
        _spectral(inputs, num_feat, 3),
        nn.LeakyReLU(SLOPE),
        _spectral(num_feat, num_feat, 3),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(num_feat, 1, 1),
    )


def _spectral(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
    module: nn.Module = spectral_norm(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=1, bias=False)
    )
    return module


def _activate(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, SLOPE)
