"""What is drawn on a texture: how much of it is ink, in which strokes, how sharp, and in what colours.

Ink is what is visible where something is not, else the rarer of light and dark. Letters are thin strokes of one colour,
icons are closed shapes of several, faces have the colours of skin, and data are no picture at all. A flip of the
picture leaves every measure as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.seam_measures import LEVEL, Doubles
from texpipe.imaging.visible import LUMA

Mask = NDArray[np.bool_]

_CALM = 0.1
"""Distance from nothing or from all, as a share, within which a texel counts as one of both."""


@dataclass(frozen=True, eq=False)
class Ink:
    """Measures of strokes along x, along y, and of what is drawn as a whole."""

    x: Doubles
    y: Doubles
    whole: Doubles


def ink_measures(rows: Doubles) -> Ink:
    """Return what is drawn on a texture.

    Args:
        rows: H x W x 4 float64, alpha and premultiplied colours in levels.
    """
    luma = rows[..., :3] @ LUMA.astype(np.float64)
    level = _level(rows[..., 3], luma)
    ink: Mask = np.asarray(level >= 0.5)
    if ink.mean() > 0.5 and rows[..., 3].min() >= 128:
        ink, level = ~ink, 1 - level
    x, y = (
        np.array(
            [
                *_strokes(np.moveaxis(ink, axis, 0)),
                *_neighbours(np.moveaxis(luma, axis, 0)),
                _balance(ink, axis),
            ]
        )
        for axis in (1, 0)
    )
    return Ink(x, y, np.array([*_shape(ink, level, rows[..., 3]), *_paint(rows), *_vectors(rows)]))


def _count(mask: NDArray[np.bool_] | np.bool_) -> int:
    return int(np.count_nonzero(mask))


def _level(alpha: Doubles, luma: Doubles) -> Doubles:
    """Return what is ink, 0 to 1: alpha where it says something, else luma from the darkest to the lightest."""
    plane = alpha if alpha.min() < 128 else luma
    low, high = float(plane.min()), float(plane.max())
    return np.asarray((plane - low) / max(high - low, LEVEL))


def _strokes(ink: Mask) -> list[float]:
    """Return how long strokes along an axis are, how many there are in a line, and how many lines have none."""
    starts = _count(ink[1:] & ~ink[:-1]) + _count(ink[:1])
    lines = max(_count(ink.any(axis=0)), 1)
    count = max(starts, 1)
    return [
        float(np.log(_count(ink) / count + 0.5)),
        float(np.log(count / lines)),
        1 - lines / ink.shape[1],
        float((ink[0].mean() + ink[-1].mean()) / 2),
    ]


def _neighbours(luma: Doubles) -> list[float]:
    """Correlate texels with their next ones along an axis: noise has nothing to do with itself."""
    if len(luma) < 3:
        return [0.0, 0.0]
    centred = luma - luma.mean()
    power = float((centred**2).mean()) + LEVEL**2
    return [float((centred[step:] * centred[:-step]).mean()) / power for step in (1, 2)]


def _balance(ink: Mask, axis: int) -> float:
    """Return how far the middle of the ink is from the middle of the texture, as a share of its side."""
    along = ink.sum(axis=1 - axis)
    total = int(along.sum())
    if not total:
        return 0.0
    place = float((along * np.arange(len(along))).sum()) / total
    return abs(place - (len(along) - 1) / 2) / len(along)


def _shape(ink: Mask, level: Doubles, alpha: Doubles) -> list[float]:
    """Return how much ink there is, how sharp it is, how compact, and how many pieces it has beyond its holes."""
    padded = np.pad(ink, 1).astype(np.int8)
    quads = padded[1:, 1:] + padded[1:, :-1] + padded[:-1, 1:] + padded[:-1, :-1]
    diagonal = (padded[1:, 1:] == padded[:-1, :-1]) & (padded[1:, :-1] == padded[:-1, 1:]) & (quads == 2)
    euler = (_count(quads == 1) - _count(quads == 3) + 2 * _count(diagonal)) / 4
    rim = _count(np.diff(padded, axis=0) != 0) + _count(np.diff(padded, axis=1) != 0)
    area = _count(ink)
    calm = (level < _CALM) | (level > 1 - _CALM)
    soft = (alpha > 5) & (alpha < 250)
    return [
        area / ink.size,
        float(calm.mean()),
        float(np.log(rim**2 / (16 * max(area, 1)) + 0.1)),
        float(np.sign(euler) * np.log1p(abs(euler))),
        float(soft.mean()),
        float(len(np.unique(alpha[soft].astype(np.uint8)))) / 256,
    ]


def _paint(rows: Doubles) -> list[float]:
    """Return how the visible colours are: how colourful, how many of skin, of grey, and how much they differ."""
    alpha = rows[..., 3]
    shown = rows[alpha >= 128]
    if not len(shown):
        return [0.0] * 9
    red, green, blue = (shown[:, :3] * (255 / shown[:, 3:])).clip(0, 255).T
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    spread = high - low
    luma = (red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]).astype(np.float64)
    skin = (red > green) & (green >= blue) & (spread > 20) & (spread < 130) & (red - green > 8) & (red > 80)
    codes = red.astype(np.int64) << 16 | green.astype(np.int64) << 8 | blue.astype(np.int64)
    _, counts = np.unique(codes, return_counts=True)
    return [
        float(spread.mean()) / 255,
        float(spread.std()) / 128,
        float((spread < 8).mean()),
        float(skin.mean()),
        float((red - blue).mean()) / 255,
        float((green - (red + blue) / 2).mean()) / 255,
        float(luma.std()) / 128,
        float(np.log2(len(counts))) / 8,
        float(counts.max() / len(shown)),
    ]


def _vectors(rows: Doubles) -> list[float]:
    """Tell how much the colours are vectors of length 1, as in maps of normals, and whether alpha is the colour."""
    vectors = rows[..., :3] / 127.5 - 1
    length = np.sqrt((vectors**2).sum(axis=2))
    plain = rows[..., :3]
    return [
        float(np.abs(length - 1).mean()),
        float(vectors[..., 2].mean()),
        float(np.abs(plain - rows[..., 3:]).mean()) / 255,
        float(np.abs(plain[..., :1] - plain[..., 1:]).mean()) / 255,
    ]
