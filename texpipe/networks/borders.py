"""How a network of another architecture is run so that the borders of its results are right.

Three classes, of which `certificate` finds the first that a network passes: exact at any size; exact where the sides
are multiples of N, to which a wrapped axis is repeated; approximate, where the picture is repeated three times along
each wrapped axis and the middle is cut out.
"""

from __future__ import annotations

from math import gcd
from typing import Final

from torch import Tensor
from torch.nn import functional

from texpipe.networks.bridge import ForeignNetwork
from texpipe.networks.foreign_facts import Borders
from texpipe.texture import Axes

_WIDTH: Final = 3
_HEIGHT: Final = 2
_COPIES: Final = 3
"""Copies of a picture along a wrapped axis, of which the middle one is kept."""


def run(network: ForeignNetwork, x: Tensor, axes: Axes, borders: Borders) -> Tensor:
    """Upscale pictures.

    Args:
        network: the network.
        x: N x 3 x H x W in [0, 1], H and W at least 1.
        axes: which of them wrap; the others end as the network was trained.
        borders: the network's class.

    Returns:
        N x 3 x scale H x scale W, not clamped.
    """
    height, width = x.shape[2:]
    exact = borders.multiple is not None
    multiple = borders.multiple or network.multiple
    copies = 1 if exact else _COPIES
    x = _fitted(x, _HEIGHT, axes.y, multiple, network, copies)
    x = _fitted(x, _WIDTH, axes.x, multiple, network, copies)
    out: Tensor = network.network(x, axes if exact else Axes())
    size = height * network.scale, width * network.scale
    if exact:
        return _mean_of_copies(out, size, axes)
    top, left = size[0] if axes.y else 0, size[1] if axes.x else 0
    return out[:, :, top : top + size[0], left : left + size[1]]


def _mean_of_copies(out: Tensor, size: tuple[int, int], axes: Axes) -> Tensor:
    """Return the mean of the copies along wrapped axes, and the first part of the others.

    The copies differ where they lie differently to the network's windows. One alone would not meet itself; the mean
    does, because each copy meets the next one.
    """
    height, width = size
    if axes.y and out.shape[2] > height:
        out = out.unflatten(2, (-1, height)).mean(2)  # type: ignore[no-untyped-call]
    if axes.x and out.shape[3] > width:
        out = out.unflatten(3, (-1, width)).mean(3)  # type: ignore[no-untyped-call]
    return out[:, :, :height, :width]


def _fitted(x: Tensor, axis: int, wraps: bool, multiple: int, network: ForeignNetwork, copies: int) -> Tensor:
    """Give an axis a length that the network takes: repeated where it wraps, else continued at its end."""
    if not wraps:
        return _continued(x, axis, network)
    size = x.shape[axis]
    step = multiple // gcd(size, multiple)
    times = -(-copies // step) * step
    while times * size < network.minimum:
        times += step
    return x if times == 1 else x.repeat([times if one == axis else 1 for one in range(4)])


def _continued(x: Tensor, axis: int, network: ForeignNetwork) -> Tensor:
    """Continue an axis at its end as spandrel does: reflected, and beyond that by its last line."""
    size = x.shape[axis]
    missing = max(network.minimum, -(-size // network.multiple) * network.multiple) - size
    for mode, amount in (
        ("reflect", min(missing, size - 1)),
        ("replicate", missing - min(missing, size - 1)),
    ):
        if amount:
            x = functional.pad(x, (0, amount, 0, 0) if axis == _WIDTH else (0, 0, 0, amount), mode)
    return x
