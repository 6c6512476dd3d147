"""Baselines: upscalers without a network, which every model must beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from texpipe.passes.resample import extend, repeat
from texpipe.texture import Edges
from texpipe.train.data.dither import Floats

Upscaler: TypeAlias = Callable[[Floats, Edges], Floats]


def baselines(scale: int) -> Mapping[str, Upscaler]:
    """Return the baselines for a scale by name, `nearest` first; scale2x only for powers of two."""
    found: dict[str, Upscaler] = {
        "nearest": lambda lr, _: repeat(lr, scale),
        "bicubic": lambda lr, _: bicubic(lr, scale),
    }
    if scale.bit_count() == 1:
        found["scale2x"] = partial(_doubled, times=scale.bit_length() - 1)
    return MappingProxyType(found)


def bicubic(lr: Floats, scale: int) -> Floats:
    """Enlarge h x w x 3 bicubically (Pillow's Catmull-Rom); clamped to [0, 1]."""
    size = (lr.shape[1] * scale, lr.shape[0] * scale)
    planes = [Image.fromarray(np.ascontiguousarray(lr[..., c])) for c in range(3)]
    return np.stack([np.asarray(p.resize(size, Image.Resampling.BICUBIC)) for p in planes], axis=2).clip(0, 1)


def scale2x(lr: Floats, edges: Edges) -> Floats:
    """Double h x w x 3 by Scale2x (Mazzoleni 2001), the ancestor of xBRZ, which adds no new colours.

    A corner takes the colour that the two texels next to it share, unless the opposite texels share one as well.
    """
    around = extend(lr, edges, 1)
    up, down, left, right = around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]
    doubled = repeat(lr, 2)
    for y, near_y, far_y in ((0, up, down), (1, down, up)):
        for x, near_x, far_x in ((0, left, right), (1, right, left)):
            taken = _same(near_x, near_y) & ~_same(near_x, far_y) & ~_same(near_y, far_x)
            doubled[y::2, x::2][taken] = near_x[taken]
    return doubled


def _doubled(lr: Floats, edges: Edges, times: int) -> Floats:
    for _ in range(times):
        lr = scale2x(lr, edges)
    return lr


def _same(a: Floats, b: Floats) -> NDArray[np.bool_]:
    return np.asarray((a == b).all(axis=2))
