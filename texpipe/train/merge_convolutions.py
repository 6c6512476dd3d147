"""Make a Compact shorter: two convolutions in a row become one that does nearly the same, for a faster network."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from texpipe.errors import UsageError
from texpipe.networks.compact import Compact

_PAIR = 4
"""Number of modules of two convolutions: each has its PReLU behind it."""
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
    shorter = copy.deepcopy(network).eval()
    with torch.no_grad():
        for _ in range(network.architecture.num_conv - convolutions):
            shorter.body = nn.ModuleList(_merged_once(list(shorter.body), lr))
    shorter.architecture = replace(network.architecture, num_conv=convolutions)
    return shorter


def _merged_once(body: list[nn.Module], lr: Tensor) -> list[nn.Module]:
    """Return a Compact's modules with those two convolutions merged that change the result least."""
    whole = nn.Sequential(*body)(lr)
    changes, ways = list[float](), list[list[nn.Module]]()
    # The first convolution sees colours, of which there are too few to stand for two.
    features = nn.Sequential(*body[:2])(lr)
    for place in range(2, len(body) - _PAIR, 2):
        merged_here = [_one_for_two(body[place : place + 3], features), *body[place + 3 :]]
        changes.append(float((nn.Sequential(*merged_here)(features) - whole).abs().mean()))
        ways.append([*body[:place], *merged_here])
        features = nn.Sequential(*body[place : place + 2])(features)
    return ways[changes.index(min(changes))]


def _one_for_two(both: Sequence[nn.Module], features: Tensor) -> nn.Conv2d:
    """Fit one convolution to two with a PReLU between them, on what the first one sees."""
    second = both[-1]
    assert isinstance(second, nn.Conv2d), "the second convolution's PReLU stays"
    one = copy.deepcopy(second)
    assert one.bias is not None, "every convolution of a Compact has one"
    side = one.kernel_size[0]
    wanted = nn.Sequential(*both)(features)
    seen = functional.unfold(features, side, padding=side // 2)
    # On the processor: Apple's GPUs have no float64.
    rows = seen.transpose(1, 2).reshape(-1, seen.shape[1]).cpu().double()
    rows = torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1)
    values = wanted.flatten(2).transpose(1, 2).reshape(len(rows), -1).cpu().double()
    square = rows.T @ rows
    square += _RIDGE * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
    found = torch.linalg.solve(square, rows.T @ values).to(features)
    one.weight.copy_(found[:-1].T.reshape(one.weight.shape))
    one.bias.copy_(found[-1])
    return one
