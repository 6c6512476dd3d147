"""Make a Compact shorter: two convolutions in a row become one that does nearly the same, for a faster network."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from texpipe.errors import UsageError
from texpipe.networks.compact import Compact

Layer: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""Weights, biases and the negative slopes behind a convolution."""

_SIDE = 3
"""Side of every kernel."""
_RIDGE = 1e-6
"""How much of their mean is added to the diagonal of the normal equations, as a fraction: nearly equal features would
else get huge weights of opposite signs."""


def merged(network: Compact, convolutions: int, lr: Tensor) -> Compact:
    """Return a copy with fewer convolutions: pair by pair, the two become one whose merging changes the result least.

    The one gets the weights that come nearest to both in the sense of least squares, before the PReLU of the second.
    The copy needs training, because each merging costs detail.

    Args:
        network: the network to shorten; unchanged.
        convolutions: number of convolutions that stay between the first and the last.
        lr: pictures to measure on, N x 3 x H x W in [0, 1], on the network's device.

    Raises:
        UsageError: the network has at most `convolutions` such convolutions.
    """
    if network.architecture.num_conv <= convolutions:
        raise UsageError(
            f"keep_blocks: {convolutions} of a base with {network.architecture.num_conv} convolutions",
            hint="Choose fewer than the base has.",
        )
    layers = [
        (conv.weight, _bias(conv), slopes)
        for conv, slopes in zip(network.convs, network.slopes, strict=False)
    ]
    last = (network.convs[-1].weight, _bias(network.convs[-1]))
    with torch.no_grad():
        while len(layers) > convolutions + 1:
            layers = _merged_once(layers, last, lr)
        shorter = Compact(replace(network.architecture, num_conv=convolutions)).to(lr.device).eval()
        for conv, prelu, (weight, bias, slopes) in zip(shorter.convs, shorter.slopes, layers, strict=False):
            conv.weight.copy_(weight)
            _bias(conv).copy_(bias)
            prelu.copy_(slopes)
        shorter.convs[-1].weight.copy_(last[0])
        _bias(shorter.convs[-1]).copy_(last[1])
    return shorter


def _merged_once(layers: list[Layer], last: tuple[Tensor, Tensor], lr: Tensor) -> list[Layer]:
    """Return the layers with those two merged that change the result least."""
    whole = _result(layers, last, lr)
    changes, ways = list[float](), list[list[Layer]]()
    features = lr
    for place in range(len(layers) - 1):
        if place > 0:  # the first convolution sees colours, of which there are too few to stand for two
            one = _one_for_two(layers[place], layers[place + 1], features)
            rest = [one, *layers[place + 2 :]]
            changes.append(float((_result(rest, last, features) - whole).abs().mean()))
            ways.append([*layers[:place], *rest])
        features = _after(layers[place], features)
    return ways[changes.index(min(changes))]


def _result(layers: list[Layer], last: tuple[Tensor, Tensor], features: Tensor) -> Tensor:
    """Return the channels of all pixels of each texel, before the repeated picture is added."""
    for layer in layers:
        features = _after(layer, features)
    return functional.conv2d(features, *last, padding=_SIDE // 2)


def _one_for_two(first: Layer, second: Layer, features: Tensor) -> Layer:
    """Fit one convolution to two of them, on what the first one sees; the slopes are the second one's."""
    wanted = functional.conv2d(_after(first, features), second[0], second[1], padding=_SIDE // 2)
    seen = functional.unfold(features, _SIDE, padding=_SIDE // 2)
    # On the processor: Apple's GPUs have no float64.
    rows = seen.transpose(1, 2).reshape(-1, seen.shape[1]).cpu().double()
    rows = torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1)
    values = wanted.flatten(2).transpose(1, 2).reshape(len(rows), -1).cpu().double()
    square = rows.T @ rows
    square += _RIDGE * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
    found = torch.linalg.solve(square, rows.T @ values).to(features)
    weight = found[:-1].T.reshape(second[0].shape[0], features.shape[1], _SIDE, _SIDE)
    return weight.contiguous(), found[-1].contiguous(), second[2]


def _after(layer: Layer, features: Tensor) -> Tensor:
    weight, bias, slopes = layer
    return functional.prelu(functional.conv2d(features, weight, bias, padding=_SIDE // 2), slopes)


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None, "every convolution of a Compact has one"
    return conv.bias
