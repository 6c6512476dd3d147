"""Padding of feature maps per axis.

`torch.nn.functional.pad` pads both axes in one mode and refuses maps smaller than the padding; game textures may wrap
on one axis only and be one texel high.
"""

from __future__ import annotations

from math import gcd
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from texpipe.texture import Edges

Padding: TypeAlias = Literal["wrap", "replicate", "reflect", "zero"]
"""`wrap` continues at the other side, `replicate` repeats the border, `reflect` mirrors around the border."""

CLAMP_AS: Padding = "zero"
"""Padding for the edge mode `clamp` in every convolution: zeros, as the public networks were trained.

Measured against the same texels inside a larger picture, over the outer 8 pixels, mean absolute levels:
zero 7.2, reflect 9.3, 16 repeated texels around the input 9.7, replicate 10.1 (realesrgan-x4plus-anime, 9
pictures); 8.2, 8.3, 8.5, 19.1 (realesrgan-x4plus, 3 pictures).
"""


class Pads(NamedTuple):
    """Padding per axis: `x` left and right, `y` top and bottom."""

    x: Padding = "zero"
    y: Padding = "zero"


def pads_of(edges: Edges, clamp: Padding = CLAMP_AS) -> Pads:
    """Return how a 3x3 convolution pads a texture with these edges.

    Padding cannot make a network mirror, because its kernels are not symmetric. Mirroring is done outside the network:
    a texture joined to its own mirror image wraps.

    Args:
        edges: the texture's edge mode per axis, `wrap` or `clamp`.
        clamp: padding for the edge mode `clamp`.

    Raises:
        ValueError: for the edge mode `mirror`.
    """
    if "mirror" in (edges.x, edges.y):
        raise ValueError("a network cannot mirror: join the texture to its mirror image and wrap that")
    return Pads(*("wrap" if mode == "wrap" else clamp for mode in (edges.x, edges.y)))


def pad2d(x: Tensor, pads: Pads, by: int = 1) -> Tensor:
    """Pad the last two axes of `x` by `by` on each side.

    Args:
        x: N x C x H x W in any floating type, in either memory format, H and W at least 1.
        pads: the mode per axis.
        by: texels per side; may exceed H and W, as in `numpy.pad`.

    Returns:
        N x C x (H + 2 by) x (W + 2 by) in the memory format of `x`; differentiable.
    """
    return _pad_axis(_pad_axis(x, 3, pads.x, by), 2, pads.y, by)


def to_multiple(x: Tensor, factor: int, pads: Pads) -> Tensor:
    """Extend `x` at the right and at the bottom until H and W are multiples of `factor`.

    A wrapped axis is repeated whole, so that it stays periodic; any other repeats its last row or column.

    Args:
        x: N x C x H x W.
        factor: what H and W must be divisible by.
        pads: the mode per axis.
    """
    for axis, mode in ((3, pads.x), (2, pads.y)):
        size = x.shape[axis]
        if size % factor == 0:
            continue
        if mode == "wrap":
            x = torch.cat([x] * (factor // gcd(size, factor)), axis)
        else:
            last = x.narrow(axis, size - 1, 1)
            x = torch.cat([x] + [last] * (-size % factor), axis)
    return x


def extend(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Continue `x` at its other side along one axis, `before` and `after` of it: as often as that takes."""
    size = x.shape[axis]
    if max(before, after) <= size:
        parts = (x.narrow(axis, size - before, before), x, x.narrow(axis, 0, after))
        return torch.cat([part for part in parts if part.shape[axis]], axis)
    return x.index_select(axis, torch.arange(-before, size + after, device=x.device) % size)


def _pad_axis(x: Tensor, axis: int, mode: Padding, by: int) -> Tensor:
    if mode == "zero":
        return functional.pad(x, (by, by) if axis == 3 else (0, 0, by, by))
    size = x.shape[axis]

    # Slices keep the channels_last strides, which index_select would lose.
    def at(position: int) -> Tensor:
        return x.narrow(axis, _inside(position, size, mode), 1)

    before = [at(position) for position in range(-by, 0)]
    after = [at(position) for position in range(size, size + by)]
    return torch.cat([*before, x, *after], axis)


def _inside(position: int, size: int, mode: Padding) -> int:
    """Return the index in [0, size) that a position outside stands for."""
    if mode == "wrap":
        return position % size
    if mode == "replicate" or size == 1:
        return min(max(position, 0), size - 1)
    folded = position % (2 * size - 2)
    return min(folded, 2 * size - 2 - folded)
