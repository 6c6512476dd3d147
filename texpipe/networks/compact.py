"""Compact, Real-ESRGAN's small generator (SRVGGNetCompact), under its own names.

All convolutions see the picture at its own size; the last one makes all pixels of a texel at once, and the repeated
picture is added. So it costs a thirtieth of an RRDBNet of 23 blocks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from torch import Tensor, nn
from torch.nn import functional

from texpipe.networks.padding import CLAMP_AS, Padding, pads_of
from texpipe.networks.rrdbnet import convolve
from texpipe.texture import Edges

_FIRST_SLOPE = 0.25
"""Negative slope of every PReLU before training."""


@dataclass(frozen=True)
class CompactArchitecture:
    """The parameters of a Compact, all of which the shapes of its weights determine.

    Attributes:
        num_in_ch, num_out_ch: channels of the pictures.
        scale: output texels per input texel and axis.
        num_feat: features of every convolution but the last.
        num_conv: convolutions between the first and the last.
    """

    num_in_ch: int = 3
    num_out_ch: int = 3
    scale: int = 4
    num_feat: int = 64
    num_conv: int = 16

    @property
    def unshuffle(self) -> int:
        """Factor by which the input is folded: a Compact folds nothing."""
        return 1

    @property
    def widest(self) -> int:
        """Channels of the widest map, at the size of the input."""
        return max(self.num_feat, self.num_out_ch * self.scale**2)

    @property
    def size(self) -> str:
        """The size in words."""
        return f"{self.num_conv + 2} convolutions, {self.num_feat} features"

    def as_json(self) -> dict[str, str | int]:
        """Return the flat object that model cards show."""
        return {"type": "Compact", **asdict(self)}


class Compact(nn.Module):
    """A sequence of 3x3 convolutions with PReLU between them, which pad per axis as the texture's edges say.

    Args:
        architecture: the size.
    """

    def __init__(self, architecture: CompactArchitecture = CompactArchitecture()) -> None:
        super().__init__()
        a = self.architecture = architecture
        layers: list[nn.Module] = []
        for inputs in (a.num_in_ch, *[a.num_feat] * a.num_conv):
            layers += [_conv(inputs, a.num_feat), nn.PReLU(a.num_feat, _FIRST_SLOPE)]
        # The public checkpoints number convolutions and activations as one sequence.
        self.body = nn.ModuleList([*layers, _conv(a.num_feat, a.num_out_ch * a.scale**2)])

    @property
    def convs(self) -> tuple[nn.Conv2d, ...]:
        """All convolutions, in order."""
        return tuple(layer for layer in self.body if isinstance(layer, nn.Conv2d))

    @property
    def slopes(self) -> tuple[Tensor, ...]:
        """The negative slopes after each convolution but the last, one per feature."""
        return tuple(layer.weight for layer in self.body if isinstance(layer, nn.PReLU))

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
        features = x
        for conv, slopes in zip(self.convs, self.slopes, strict=False):
            features = functional.prelu(convolve(conv, features, pads), slopes)
        detail = functional.pixel_shuffle(convolve(self.convs[-1], features, pads), self.architecture.scale)
        return detail + functional.interpolate(x, scale_factor=self.architecture.scale, mode="nearest")


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
