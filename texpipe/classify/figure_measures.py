"""How what is drawn on a texture is built, inside its own bounds: symmetric or not, flat or shaded, straight or ragged.

Parts of a HUD are flat or evenly shaded, symmetric and straight at their sides; sprites and plants are unevenly shaded
and ragged. Where a figure lies on its texture has no part in this. A flip of the picture leaves every measure as it is.
Pictures of one size are measured together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.kind_measures import AxisMeasures, Planes, columns_of, luma_of
from texpipe.classify.seam_measures import LEVEL, Doubles, Stack

Mask = NDArray[np.bool_]
"""P x H x W."""

_VISIBLE = 64
"""Alpha in levels from which a texel is part of the figure."""
_APART = 24
"""Levels by which the figure differs from the corners of an opaque texture."""
_SAME = 4
"""Levels by which neighbours of one colour may differ."""
_EVEN = 3
"""Levels by which two steps that follow each other may differ and be alike, as in a gradient."""
_SHADES, _HUES = 8, 12
"""Parts that each channel, and the circle of hues, is divided into."""


def figure_measures(rows: Stack) -> AxisMeasures:
    """Return how what is drawn on textures is built.

    Args:
        rows: P x 4 x H x W.
    """
    mask, luma = _figure_of(rows), luma_of(rows)
    shown = rows * mask[:, None]
    x, y = (columns_of(_along(shown, mask, luma, axis), len(rows)) for axis in (2, 1))
    whole = [*_outline(mask), *_colours(rows, mask), *_rim(rows, mask, luma)]
    return AxisMeasures(x, y, columns_of(whole, len(rows)))


def _figure_of(rows: Stack) -> Mask:
    """Return what is visible; where all is, what differs from the usual colour of the corners, or all."""
    visible: Mask = np.asarray(rows[:, 3] >= _VISIBLE)
    corners = np.median(rows[:, :3][:, :, [0, 0, -1, -1], [0, -1, 0, -1]], axis=2)
    differs = np.abs(rows[:, :3] - corners[:, :, None, None]).max(axis=1) > _APART
    is_whole = np.asarray(visible.all(axis=(1, 2), keepdims=True))
    mask: Mask = np.where(is_whole, differs, visible)
    mask[~mask.any(axis=(1, 2))] = True
    return mask


def _area(mask: Mask) -> NDArray[np.intp]:
    """Return how many texels are set, at least 1, P."""
    return np.asarray(np.maximum(np.count_nonzero(mask.reshape(len(mask), -1), axis=1), 1))


def _bounds(mask: Mask, axis: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the last line along an axis that the figure touches, P each."""
    touched: Mask = np.any(mask, axis=3 - axis)
    return touched.argmax(axis=1), touched.shape[1] - 1 - touched[:, ::-1].argmax(axis=1)


def _along(shown: Stack, mask: Mask, luma: Planes, axis: int) -> list[Doubles | float]:
    """Measure along an axis of the masks: how long the figure is, how symmetric, how straight, and how it changes."""
    every, area = np.arange(len(mask)), _area(mask)
    first, last = _bounds(mask, axis)
    lines, colours = np.moveaxis(mask, axis, 1), np.moveaxis(shown, axis + 1, 2)
    mirrored = _mirrored(lines, first + last, 1)
    asymmetry = np.abs(colours - _mirrored(colours, first + last, 2)).mean(axis=1).sum(axis=(1, 2)) / area
    across = np.subtract(*reversed(_bounds(mask, 3 - axis))) + 1
    at_ends = np.count_nonzero(lines[every, first], axis=1) + np.count_nonzero(lines[every, last], axis=1)
    return [
        np.log2(last - first + 1.0),
        np.log(asymmetry + 1),
        np.count_nonzero(lines & mirrored, axis=(1, 2)) / _area(lines | mirrored),
        at_ends / (2 * across),
        _between_lines(np.moveaxis(luma, axis, 1), lines),
        *_steps(colours, lines),
    ]


def _mirrored(planes: NDArray[Any], total: NDArray[np.intp], axis: int) -> NDArray[Any]:
    """Return planes with line `total` - i of each picture where line i was, and nothing where there is no such line."""
    count = planes.shape[axis]
    mirrored = np.flip(planes, axis)
    # A figure that fills its texture, as most do, has its middle there: a flip is all it takes.
    others = np.flatnonzero(total != count - 1)
    if not len(others):
        return mirrored
    mirrored = mirrored.copy()
    place = total[others, None] - np.arange(count)
    shape = [len(others) if k == 0 else count if k == axis else 1 for k in range(planes.ndim)]
    is_line = ((place >= 0) & (place < count)).reshape(shape)
    lines = place.clip(0, count - 1).reshape(shape)
    mirrored[others] = np.take_along_axis(planes[others], lines, axis) * is_line
    return mirrored


def _between_lines(luma: Planes, mask: Mask) -> Doubles:
    """Return how much of the figure's spread is a difference from line to line."""
    in_line, area = np.count_nonzero(mask, axis=2), _area(mask)
    shown = luma * mask
    mean = shown.sum(axis=(1, 2)) / area
    of_lines = shown.sum(axis=2) / np.maximum(in_line, 1)
    between = (in_line * (of_lines - mean[:, None]) ** 2).sum(axis=1)
    power = (mask * (luma - mean[:, None, None]) ** 2).sum(axis=(1, 2))
    return np.asarray((between + LEVEL) / (power + LEVEL * area))


def _steps(shown: Stack, mask: Mask) -> list[Doubles | float]:
    """Return how many neighbours in the figure are of one colour, how many steps are alike, and how large they are."""
    if mask.shape[1] < 3:
        return [0.0, 0.0, 0.0]
    steps = shown[:, :, 1:] - shown[:, :, :-1]
    large, turns = np.abs(steps).max(axis=1), np.abs(steps[:, :, 1:] - steps[:, :, :-1]).max(axis=1)
    two = mask[:, 1:] & mask[:, :-1]
    three = two[:, 1:] & two[:, :-1]
    pairs = _area(two)
    return [
        np.count_nonzero((large <= _SAME) & two, axis=(1, 2)) / pairs,
        np.count_nonzero((turns <= _EVEN) & three, axis=(1, 2)) / _area(three),
        np.log((large * two).sum(axis=(1, 2)) / pairs + LEVEL),
    ]


def _outline(mask: Mask) -> list[Doubles]:
    """Return how much of its bounds the figure fills, how like a disc it is, and how long for its width."""
    area = _area(mask)
    tall, wide = (last - first + 1 for first, last in (_bounds(mask, axis) for axis in (1, 2)))
    y, x = (np.arange(side, dtype=np.float64) for side in mask.shape[1:])
    down, across = np.count_nonzero(mask, axis=2), np.count_nonzero(mask, axis=1)
    at_y, at_x = (down * y).sum(axis=1) / area, (across * x).sum(axis=1) / area
    # A texel is a square with a spread of its own.
    over_y = (down * y**2).sum(axis=1) / area - at_y**2 + 1 / 12
    over_x = (across * x**2).sum(axis=1) / area - at_x**2 + 1 / 12
    both = (mask * (y[:, None] * x)).sum(axis=(1, 2)) / area - at_y * at_x
    spread = np.sqrt(np.maximum(over_y * over_x - both**2, 1 / 144))
    return [area / (tall * wide), area / (4 * np.pi * spread), np.abs(np.log(tall / wide))]


def _colours(rows: Stack, mask: Mask) -> list[Doubles]:
    """Return how many colours and hues the figure has, coarsely, and how light, dark and colourful it gets."""
    plain = (rows[:, :3] * (255 / np.maximum(rows[:, 3:], 1))).clip(0, 255)
    red, green, blue = (plain * (_SHADES / 256)).astype(np.intp).swapaxes(0, 1)
    none = _SHADES**3
    codes = np.where(mask, (red * _SHADES + green) * _SHADES + blue, none)
    shares = np.sort(_counts(codes, none + 1)[:, :none], axis=1)[:, ::-1] / _area(mask)[:, None]
    peak, low = plain.max(axis=1), plain.min(axis=1)
    chroma = (peak - low) * mask
    hues = _counts(_hues(plain, peak, low), _HUES, chroma) + LEVEL
    hues /= hues.sum(axis=1, keepdims=True)
    return [
        np.log2(np.count_nonzero(shares, axis=1) + 1.0),
        shares[:, 0],
        shares[:, :2].sum(axis=1),
        shares[:, :4].sum(axis=1),
        -(hues * np.log(hues)).sum(axis=1),
        hues.max(axis=1),
        *(plane.max(axis=(1, 2)) / 255 for plane in (chroma, peak, low)),
    ]


def _hues(plain: Stack, peak: Planes, low: Planes) -> NDArray[np.intp]:
    """Return the part of the circle of hues that each texel is in, P x H x W."""
    red, green, blue = plain.swapaxes(0, 1)
    chroma = np.maximum(peak - low, 1)
    sixth = np.where(
        peak == red,
        (green - blue) / chroma,
        np.where(peak == green, 2 + (blue - red) / chroma, 4 + (red - green) / chroma),
    )
    around = np.where(sixth < 0, sixth + 6, sixth)
    return np.asarray((around * (_HUES / 6)).astype(np.intp).clip(0, _HUES - 1))


def _counts(codes: NDArray[np.intp], most: int, weights: Planes | None = None) -> Doubles:
    """Return how often each of `most` codes is in each of P pictures, or the sum of its weights, P x `most`."""
    flat = (codes + most * np.arange(len(codes))[:, None, None]).ravel()
    heavy = None if weights is None else weights.ravel()
    return np.bincount(flat, heavy, most * len(codes)).reshape(len(codes), most).astype(np.float64)


def _rim(rows: Stack, mask: Mask, luma: Planes) -> list[Doubles]:
    """Compare the rim of the figure with what is inside, and tell how opaque that is."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    beside = padded[:, 2:, 1:-1] & padded[:, :-2, 1:-1] & padded[:, 1:-1, 2:] & padded[:, 1:-1, :-2]
    inside = mask & beside
    rim = mask & ~beside
    (rim_mean, rim_spread), (mean, spread) = (_spread_in(part, luma) for part in (rim, inside))
    return [
        (mean - rim_mean) / 128,
        np.log((rim_spread + LEVEL) / (spread + LEVEL)),
        rim_spread / 128,
        spread / 128,
        _area(rim) / _area(mask),
        (rows[:, 3] * inside).sum(axis=(1, 2)) / _area(inside) / 255,
    ]


def _spread_in(part: Mask, luma: Planes) -> tuple[Doubles, Doubles]:
    area = _area(part)
    mean = (luma * part).sum(axis=(1, 2)) / area
    return mean, np.sqrt((part * (luma - mean[:, None, None]) ** 2).sum(axis=(1, 2)) / area)
