"""Make a base shorter by what changes the result least, for a faster network."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from texpipe.errors import UsageError
from texpipe.networks.compact import Compact
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.train.merge_convolutions import merged


def shortened(network: nn.Module, blocks: int, lr: Tensor) -> RRDBNet | Compact:
    """Return a copy with `blocks` residual blocks; the block that changes the result least is removed, one by one.

    Of a Compact, which has no such blocks, convolutions are merged. The copy needs training, because each removed block
    costs detail.

    Args:
        network: the network to shorten; unchanged.
        blocks: number of blocks that stay; of a Compact, of convolutions between the first and the last.
        lr: pictures to measure the change on, N x 3 x H x W in [0, 1], on the network's device.

    Raises:
        UsageError: the network is neither an RRDBNet nor a Compact, or has at most `blocks` blocks.
    """
    if isinstance(network, Compact):
        return merged(network, blocks, lr)
    if not isinstance(network, RRDBNet) or len(network.body) <= blocks:
        has = len(network.body) if isinstance(network, RRDBNet) else "no"
        raise UsageError(
            f"keep_blocks: {blocks} of a base with {has} residual blocks",
            hint="Choose fewer than the base has, and as base an ESRGAN (RRDBNet) or a Compact.",
        )
    shorter = copy.deepcopy(network).eval()
    kept = list(shorter.body)
    with torch.no_grad():
        whole = shorter(lr)
        while len(kept) > blocks:
            changes = [_change(shorter, _without(kept, i), lr, whole) for i in range(len(kept))]
            kept = _without(kept, changes.index(min(changes)))
    shorter.body = nn.ModuleList(kept)
    shorter.architecture = replace(network.architecture, num_block=blocks)
    return shorter


def _without(kept: list[nn.Module], number: int) -> list[nn.Module]:
    return kept[:number] + kept[number + 1 :]


def _change(network: RRDBNet, body: list[nn.Module], lr: Tensor, whole: Tensor) -> float:
    """Return the mean absolute difference from the whole network's result with these blocks alone."""
    network.body = nn.ModuleList(body)
    return float((network(lr) - whole).abs().mean())
