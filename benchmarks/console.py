"""Pictures reduced and stored as a studio of the 1990s would have done."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import Edges, Rgba8
from texpipe.train.data.degradation import Degradation, draw
from texpipe.train.data.degrade import apply

Floats = NDArray[np.float32]

MOST_AT_ONCE = 8
"""Factor up to which a picture is reduced in one go; a box filter does the rest before."""


def console(hr: Floats, factor: int, edges: Edges, random: np.random.Generator) -> Rgba8:
    """Reduce a picture and store it in one of the console's formats.

    Args:
        hr: H x W x 3 or 4 in [0, 1].
        factor: to reduce by; beyond `MOST_AT_ONCE` it should be even.
        edges: how the picture goes on beyond its borders.
        random: decides on filter, format and dither.

    Returns:
        H / factor x W / factor x 4 uint8.
    """
    while factor > MOST_AT_ONCE:
        hr, factor = _halved(hr), factor // 2
    hr = hr[: hr.shape[0] // factor * factor, : hr.shape[1] // factor * factor]
    options = Degradation(scale=factor)
    grey = bool((hr[..., :3] == hr[..., :1]).all())
    small = apply(hr, draw(random, options, grey=grey), random, factor, edges)
    alpha = small[..., 3:] if small.shape[2] == 4 else np.ones_like(small[..., :1])
    return np.rint(np.concatenate([small[..., :3], alpha], axis=2) * 255).astype(np.uint8)


def _halved(hr: Floats) -> Floats:
    height, width = hr.shape[0] // 2, hr.shape[1] // 2
    blocks = hr[: height * 2, : width * 2].reshape(height, 2, width, 2, -1)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)
