"""Cut-outs that repeat, drawn by rule: grass, ivy and foam go on to the left and right, clouds in every direction.

Most cut-outs of a game end, as sprites do, so examples of those that do not are rare in any set of textures.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from masonry import levels_of_5_bits, periodic_noise
from numpy.typing import NDArray

from texpipe.texture import Rgba8

Floats = NDArray[np.float64]
Growth = Literal["grass", "ivy", "foam", "clouds"]
GROWTHS: tuple[Growth, ...] = get_args(Growth)


def draw_fringe(random: np.random.Generator, growth: Growth, size: tuple[int, int]) -> Rgba8:
    """Draw a cut-out that wraps left to right; clouds wrap top to bottom, too.

    Args:
        random: decides everything else.
        growth: what is drawn.
        size: height and width in texels.

    Returns:
        H x W x 4 uint8, 5 bits per colour; alpha is 0 or 255 in grass and ivy.
    """
    colours = random.uniform(40, 200, 3) + periodic_noise(random, size, random.uniform(5, 40))[..., None]
    if growth != "clouds":
        colours = colours + random.normal(0, 30) * (np.arange(size[0])[:, None, None] / size[0] - 0.5)
    alpha = _clouds(random, size) if growth == "clouds" else _fringe(random, growth, size)
    if growth == "ivy":
        alpha = alpha[::-1]
    return np.dstack([levels_of_5_bits(colours), np.rint(np.clip(alpha, 0, 255)).astype(np.uint8)])


def _clouds(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    return np.asarray(random.uniform(60, 160) + periodic_noise(random, size, random.uniform(20, 70)))


def _fringe(random: np.random.Generator, growth: Growth, size: tuple[int, int]) -> Floats:
    """Fill from the bottom up to a height that goes up and down along the width and joins itself."""
    height, width = size
    row = periodic_noise(random, (1, width), 1.0)[0]
    waves = row * random.uniform(0.08, 0.3) + random.uniform(0.3, 0.75)
    if growth != "foam":
        waves = waves + np.abs(periodic_noise(random, (1, width), random.uniform(0.0, 0.2), rough=True)[0])
    above = waves[None] - (1 - (np.arange(height) + 0.5) / height)[:, None]
    if growth == "foam":
        return np.asarray(128 + above * random.uniform(200, 900))
    holes = periodic_noise(random, size, 1.0, rough=True) > random.uniform(1.2, 3.5)
    return np.asarray(255.0 * ((above > 0) & ~holes))
