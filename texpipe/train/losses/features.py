"""Frozen ImageNet trunks whose features losses and metrics compare: VGG16, VGG19 and AlexNet.

Their weights are not shipped: `weights` reads them from a file or fetches them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

TrunkName: TypeAlias = Literal["vgg16", "vgg19", "alexnet"]
Activation: TypeAlias = Literal["before", "after"]
Pooling: TypeAlias = Literal["max", "l2"]
Looked: TypeAlias = dict[str, Tensor]


class Layer(NamedTuple):
    """A convolution with its ReLU; `pool` is the max pooling in front of it (kernel, stride), if any."""

    name: str
    position: int  # in torchvision's `features`, which names the weights
    inputs: int
    outputs: int
    kernel: int
    stride: int
    padding: int
    pool: tuple[int, int] | None


def _vgg(*convs_per_block: int) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    index, inputs = 0, 3
    for block, count in enumerate(convs_per_block, start=1):
        outputs = min(32 << block, 512)
        for conv in range(1, count + 1):
            pool = (2, 2) if conv == 1 and block > 1 else None
            layers.append(Layer(f"conv{block}_{conv}", index, inputs, outputs, 3, 1, 1, pool))
            index, inputs = index + 2, outputs
        index += 1
    return tuple(layers)


LAYERS: dict[TrunkName, tuple[Layer, ...]] = {
    "vgg16": _vgg(2, 2, 3, 3, 3),
    "vgg19": _vgg(2, 2, 4, 4, 4),
    "alexnet": (
        Layer("conv1", 0, 3, 64, 11, 4, 2, None),
        Layer("conv2", 3, 64, 192, 5, 1, 2, (3, 2)),
        Layer("conv3", 6, 192, 384, 3, 1, 1, (3, 2)),
        Layer("conv4", 8, 384, 256, 3, 1, 1, None),
        Layer("conv5", 10, 256, 256, 3, 1, 1, None),
    ),
}
LPIPS_LAYERS: dict[TrunkName, tuple[str, ...]] = {
    "vgg16": ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"),
    "alexnet": ("conv1", "conv2", "conv3", "conv4", "conv5"),
}


class Trunk(nn.Module):
    """A trunk, and the heads of LPIPS where the weights have them.

    Args:
        name: which network.
        weights: torchvision's names (`features.0.weight`, ...) plus `heads.0` ... `heads.4` (C values each)
            for LPIPS; by default random weights and equal heads, which only tests use.

    Raises:
        KeyError: a convolution's weights are missing.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: TrunkName, weights: dict[str, Tensor] | None = None) -> None:
        super().__init__()
        self.name = name
        self.convs = nn.ModuleDict()
        for layer in LAYERS[name]:
            conv = nn.Conv2d(layer.inputs, layer.outputs, layer.kernel, layer.stride, layer.padding)
            if weights is not None:
                conv.weight.data = weights[f"features.{layer.position}.weight"].float()
                conv.bias = nn.Parameter(weights[f"features.{layer.position}.bias"].float())
            self.convs[layer.name] = conv
        self.heads = nn.ParameterList(_heads(name, weights))
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225])[:, None, None])
        self.requires_grad_(False)
        self.eval()

    def forward(
        self, x: Tensor, layers: Collection[str], activation: Activation = "after", *, l2_pool: bool = False
    ) -> dict[str, Tensor]:
        """Return the features of some layers.

        Args:
            x: N x 3 x H x W in [0, 1].
            layers: names such as "conv3_3"; layers after the last of them are not computed.
            activation: before or after the ReLU.
            l2_pool: DISTS's anti-aliased pooling instead of max pooling.

        Returns:
            N x C x H' x W' per layer.
        """
        found: dict[str, Tensor] = {}
        x = (x - self.mean) / self.std
        for layer in LAYERS[self.name]:
            if layer.pool is not None:
                x = _l2_pool(x) if l2_pool else functional.max_pool2d(x, *layer.pool)
            x = self.convs[layer.name](x)
            activated = functional.relu(x)
            if layer.name in layers:
                found[layer.name] = x if activation == "before" else activated
                if len(found) == len(layers):
                    break
            x = activated
        return found


def lpips(trunk: Trunk, a: Tensor, b: Tensor) -> Tensor:
    """LPIPS v0.1 (Zhang et al. 2018, arXiv:1801.03924), without its dropout.

    Args:
        trunk: VGG16 or AlexNet with heads.
        a: N x 3 x H x W in [0, 1], H and W at least 32 for AlexNet.
        b: as many, or one that all are compared with.

    Returns:
        N distances, 0 for equal pictures.
    """
    layers = LPIPS_LAYERS[trunk.name]
    return lpips_of(trunk, trunk(a, layers), trunk(b, layers))


def lpips_of(trunk: Trunk, ours: Looked, theirs: Looked) -> Tensor:
    """Compute LPIPS from features of the trunk's LPIPS layers; N distances."""
    total = torch.zeros(())
    for name, head in zip(LPIPS_LAYERS[trunk.name], trunk.heads, strict=True):
        difference = (_unit(ours[name].float()) - _unit(theirs[name].float())) ** 2
        total = total.to(difference.device) + (difference * head[:, None, None]).sum(dim=1).mean(dim=(1, 2))
    return total


def dists(trunk: Trunk, alpha: Tensor, beta: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """DISTS (Ding et al. 2020, arXiv:2004.07728): texture and structure similarity of VGG16 features.

    Args:
        trunk: VGG16.
        alpha, beta: 1,475 weights each, of the means (texture) and of the correlations (structure).
        a: N x 3 x H x W in [0, 1].
        b: as many, or one that all are compared with.

    Returns:
        N distances, 0 for equal pictures.
    """
    layers = LPIPS_LAYERS["vgg16"]
    ours = [a, *trunk(a, layers, l2_pool=True).values()]
    theirs = [b, *trunk(b, layers, l2_pool=True).values()]
    return dists_of(alpha, beta, ours, theirs)


def dists_of(alpha: Tensor, beta: Tensor, ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """Compute DISTS from pictures and their features, in order of depth; N distances."""
    ours, theirs = [x.float() for x in ours], [y.float() for y in theirs]
    sizes = [x.shape[1] for x in ours]
    whole = alpha.sum() + beta.sum()
    similarity = torch.zeros(len(ours[0]), device=alpha.device)
    for x, y, of_mean, of_structure in zip(
        ours, theirs, torch.split(alpha, sizes), torch.split(beta, sizes), strict=True
    ):
        mean_x, mean_y = x.mean(dim=(2, 3)), y.mean(dim=(2, 3))
        var_x, var_y = x.var(dim=(2, 3), correction=0), y.var(dim=(2, 3), correction=0)
        covariance = (x * y).mean(dim=(2, 3)) - mean_x * mean_y
        texture = (2 * mean_x * mean_y + 1e-6) / (mean_x**2 + mean_y**2 + 1e-6)
        structure = (2 * covariance + 1e-6) / (var_x + var_y + 1e-6)
        similarity = similarity + (of_mean * texture + of_structure * structure).sum(dim=1) / whole
    return 1 - similarity


def _heads(name: TrunkName, weights: dict[str, Tensor] | None) -> list[nn.Parameter]:
    if name not in LPIPS_LAYERS:
        return []
    widths = {layer.name: layer.outputs for layer in LAYERS[name]}
    if weights is None:
        return [nn.Parameter(torch.ones(widths[layer])) for layer in LPIPS_LAYERS[name]]
    return [nn.Parameter(weights[f"heads.{i}"].float()) for i in range(5) if f"heads.{i}" in weights]


def _unit(features: Tensor) -> Tensor:
    """Scale the feature vector of every pixel to length 1."""
    # The floor stands under the root: the root's slope at 0 is infinite and would poison the gradient.
    return features / (features.square().sum(dim=1, keepdim=True) + 1e-20).sqrt().clamp_min(1e-10)


def _l2_pool(x: Tensor) -> Tensor:
    window = torch.hann_window(5, periodic=False, device=x.device, dtype=x.dtype)[1:-1]
    kernel = torch.outer(window, window)
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, 3, 3)
    pooled = functional.conv2d(x.square(), kernel, stride=2, padding=1, groups=x.shape[1])
    return (pooled + 1e-12).sqrt()


def st_lpips(trunk: Trunk, a: Tensor, b: Tensor) -> Tensor:
    """ST-LPIPS (Ghildyal and Liu 2022, arXiv:2207.13686) on its shift-tolerant AlexNet.

    The first convolution has stride 1, and every reduction is a reflected 3x3 binomial blur and subsampling.

    Args:
        trunk: AlexNet with the weights and heads of ST-LPIPS.
        a: N x 3 x H x W in [0, 1].
        b: as many, or one that all are compared with.

    Returns:
        N distances, 0 for equal pictures.
    """
    total = torch.zeros(len(a), device=a.device)
    for ours, theirs, head in zip(
        _shift_tolerant(trunk, a), _shift_tolerant(trunk, b), trunk.heads, strict=True
    ):
        total = total + ((_unit(ours) - _unit(theirs)) ** 2 * head[:, None, None]).sum(dim=1).mean(dim=(1, 2))
    return total


def _shift_tolerant(trunk: Trunk, x: Tensor) -> list[Tensor]:
    found: list[Tensor] = []
    x = (x - trunk.mean) / trunk.std
    for layer in LAYERS["alexnet"]:
        conv = trunk.convs[layer.name]
        assert isinstance(conv, nn.Conv2d)
        if layer.pool is not None:
            x = _blur_pool(functional.max_pool2d(x, layer.pool[0], 1))
        x = functional.conv2d(x, conv.weight, conv.bias, padding=layer.padding)
        if layer.stride > 1:
            x = _blur_pool(x)
        x = functional.relu(x)
        found.append(x)
    return found


def _blur_pool(x: Tensor) -> Tensor:
    window = torch.tensor([0.25, 0.5, 0.25], device=x.device, dtype=x.dtype)
    kernel = torch.outer(window, window).expand(x.shape[1], 1, 3, 3)
    return functional.conv2d(functional.pad(x, (2, 2, 2, 2), "reflect"), kernel, stride=2, groups=x.shape[1])
