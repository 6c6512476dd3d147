"""Dithering to a set of levels or to a palette, as drawing programs and consoles did it.

Source: Floyd and Steinberg, "An adaptive algorithm for spatial grey scale" (1976); the ordered patterns and their
sources are in `passes/dither_detection.py`, which detects them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.dither_detection import DITHER_MATRICES

Dither: TypeAlias = Literal["none", "bayer", "psx", "floyd_steinberg"]
Floats: TypeAlias = NDArray[np.float32]

PATTERNS: dict[Dither, Floats] = {"bayer": DITHER_MATRICES["bayer"], "psx": DITHER_MATRICES["psx"]}

_FLOYD_STEINBERG = ((0, 1, 7 / 16), (1, -1, 3 / 16), (1, 0, 5 / 16), (1, 1, 1 / 16))


def to_levels(image: Floats, levels: Floats, dither: Dither) -> Floats:
    """Round every channel separately to `levels`.

    Args:
        image: H x W x C in [0, 1].
        levels: sorted values in [0, 1], at least one.
        dither: the pattern; "none" takes the nearest level.

    Returns:
        H x W x C, every value one of `levels`.
    """
    if dither == "floyd_steinberg":
        return diffuse(image, lambda rows: nearest_level(rows, levels))
    if dither == "none" or len(levels) == 1:
        return nearest_level(image, levels)
    step = np.float32((levels[-1] - levels[0]) / (len(levels) - 1))
    return nearest_level(image + step * _offsets(dither, image.shape), levels)


def to_palette(image: Floats, palette: Floats, dither: Dither) -> Floats:
    """Round every pixel to a colour of the palette.

    Ordered patterns shift a colour by at most half the median distance between neighbours in the palette.

    Args:
        image: H x W x 3 in [0, 1].
        palette: N x 3 in [0, 1].
        dither: the pattern; "none" takes the nearest colour.

    Returns:
        H x W x 3, every pixel one of the palette's colours.
    """
    if dither == "floyd_steinberg":
        return diffuse(image, lambda rows: _nearest_colour(rows, palette))
    if dither == "none" or len(palette) == 1:
        return _nearest_colour(image, palette)
    return _nearest_colour(image + _spacing(palette) * _offsets(dither, image.shape), palette)


def nearest_level(values: Floats, levels: Floats) -> Floats:
    """Replace each value by the nearest of the sorted `levels`."""
    middles = (levels[1:] + levels[:-1]) / 2
    return levels[np.searchsorted(middles, values)]


def _nearest_colour(colours: Floats, palette: Floats) -> Floats:
    """Replace each colour (... x 3) by the nearest of `palette` (N x 3) in RGB distance."""
    flat = colours.reshape(-1, 3)
    # |c - p|^2 without |c|^2, which is the same for every p.
    distance = (palette * palette).sum(axis=1) - 2 * flat @ palette.T
    nearest: Floats = palette[distance.argmin(axis=1)].reshape(colours.shape)
    return nearest


def _spacing(palette: Floats) -> np.float32:
    """Return the median distance of a palette's colours to their nearest neighbours, per channel."""
    squares = (palette * palette).sum(axis=1)
    distance = squares[:, None] + squares - 2 * palette @ palette.T
    np.fill_diagonal(distance, np.inf)
    return np.float32(np.sqrt(np.median(distance.min(axis=1)).clip(0) / 3))


def diffuse(image: Floats, nearest: Callable[[Floats], Floats]) -> Floats:
    """Apply Floyd and Steinberg's error diffusion, left to right.

    Pixels with equal x + 2y do not depend on each other, so each such slanted line is one vector operation.

    Args:
        image: H x W x C in [0, 1].
        nearest: maps N x C wanted values to N x C allowed ones.

    Returns:
        H x W x C of allowed values.
    """
    height, width = image.shape[:2]
    wanted = np.pad(image, ((0, 1), (1, 1), (0, 0)))  # takes the error that leaves the picture
    result = np.empty_like(image)
    for line in range(width + 2 * (height - 1)):
        y = np.arange(max(0, (line - width + 2) // 2), min(height, line // 2 + 1))
        x = line - 2 * y
        chosen = nearest(wanted[y, x + 1])
        result[y, x] = chosen
        error = wanted[y, x + 1] - chosen
        for down, right, share in _FLOYD_STEINBERG:
            wanted[y + down, x + 1 + right] += np.float32(share) * error
    return result


def _offsets(dither: Dither, shape: tuple[int, ...]) -> Floats:
    """Return the pattern of an ordered dither repeated over an H x W x C picture, as H x W x 1."""
    height, width = shape[:2]
    pattern = PATTERNS[dither]
    return np.tile(pattern, (-(-height // 4), -(-width // 4)))[:height, :width, None]
