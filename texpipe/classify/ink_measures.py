"""What is drawn on a texture: how much of it is ink, in which strokes, how sharp, and in what colours.

Ink is what is visible where something is not, else the rarer of light and dark. Letters are thin strokes of one colour,
icons are closed shapes of several, faces have the colours of skin, and data are no picture at all. A flip of the
picture leaves every measure as it is. Pictures of one size are measured together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.kind_measures import AxisMeasures, Planes, columns_of, counted, luma_of
from texpipe.classify.seam_measures import LEVEL, Doubles, Stack
from texpipe.imaging.visible import LUMA

Mask = NDArray[np.bool_]
"""P x H x W."""

_CALM = 0.1
"""Distance from nothing or from all, as a share, within which a texel counts as one of both."""


def ink_measures(rows: Stack) -> AxisMeasures:
    """Return what is drawn on textures.

    Args:
        rows: P x 4 x H x W.
    """
    pictures, luma, alpha = len(rows), luma_of(rows), rows[:, 3]
    level = _level(alpha, luma)
    ink: Mask = np.asarray(level >= 0.5)
    turned = (_count(ink) / ink[0].size > 0.5) & (alpha.min(axis=(1, 2)) >= 128)
    ink ^= turned[:, None, None]
    level = np.where(turned[:, None, None], 1 - level, level)
    x, y = (
        columns_of(
            [
                *_strokes(np.moveaxis(ink, axis, 1)),
                *_neighbours(np.moveaxis(luma, axis, 1)),
                _balance(ink, axis),
            ],
            pictures,
        )
        for axis in (2, 1)
    )
    whole = [*_shape(ink, level, alpha), *_paint(rows), *_vectors(rows)]
    return AxisMeasures(x, y, columns_of(whole, pictures))


def _count(mask: Mask) -> NDArray[np.intp]:
    """Return how many are set in each picture, P."""
    return np.asarray(np.count_nonzero(mask.reshape(len(mask), -1), axis=1))


def _level(alpha: Planes, luma: Planes) -> Planes:
    """Return what is ink, 0 to 1: alpha where it says something, else luma from the darkest to the lightest."""
    plane = np.where(alpha.min(axis=(1, 2), keepdims=True) < 128, alpha, luma)
    low, high = (end(axis=(1, 2), keepdims=True) for end in (plane.min, plane.max))
    return np.asarray((plane - low) / np.maximum(high - low, LEVEL))


def _strokes(ink: Mask) -> list[Doubles]:
    """Return how long strokes along an axis are, how many there are in a line, and how many lines have none."""
    starts = _count(ink[:, 1:] & ~ink[:, :-1]) + np.count_nonzero(ink[:, 0], axis=1)
    lines = np.maximum(np.count_nonzero(ink.any(axis=1), axis=1), 1)
    count = np.maximum(starts, 1)
    return [
        np.log(_count(ink) / count + 0.5),
        np.log(count / lines),
        1 - lines / ink.shape[2],
        (ink[:, 0].mean(axis=1) + ink[:, -1].mean(axis=1)) / 2,
    ]


def _neighbours(luma: Planes) -> list[Doubles | float]:
    """Correlate texels with their next ones along an axis: noise has nothing to do with itself."""
    if luma.shape[1] < 3:
        return [0.0, 0.0]
    centred = luma - luma.mean(axis=(1, 2), keepdims=True)
    power = np.square(centred).mean(axis=(1, 2)) + LEVEL**2
    return [(centred[:, step:] * centred[:, :-step]).mean(axis=(1, 2)) / power for step in (1, 2)]


def _balance(ink: Mask, axis: int) -> Doubles:
    """Return how far the middle of the ink is from the middle of the texture, as a share of its side."""
    along = np.count_nonzero(ink, axis=3 - axis)
    total, count = along.sum(axis=1), along.shape[1]
    place = (along * np.arange(count)).sum(axis=1) / np.maximum(total, 1)
    return np.where(total > 0, np.abs(place - (count - 1) / 2) / count, 0.0)


def _shape(ink: Mask, level: Planes, alpha: Planes) -> list[Doubles]:
    """Return how much ink there is, how sharp it is, how compact, and how many pieces it has beyond its holes."""
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1))).view(np.int8)
    low, high = padded[:, :-1], padded[:, 1:]
    quads = high[..., 1:] + high[..., :-1] + low[..., 1:] + low[..., :-1]
    diagonal = (high[..., 1:] == low[..., :-1]) & (high[..., :-1] == low[..., 1:]) & (quads == 2)
    euler = (_count(quads == 1) - _count(quads == 3) + 2 * _count(diagonal)) / 4
    rim = _count(high != low) + _count(padded[..., 1:] != padded[..., :-1])
    area, texels = _count(ink), ink[0].size
    calm = (level < _CALM) | (level > 1 - _CALM)
    soft = (alpha > 5) & (alpha < 250)
    return [
        area / texels,
        _count(calm) / texels,
        np.log(rim**2 / (16 * np.maximum(area, 1)) + 0.1),
        np.sign(euler) * np.log1p(np.abs(euler)),
        _count(soft) / texels,
        np.array([len(np.unique(one[some].astype(np.uint8))) for one, some in zip(alpha, soft, strict=True)])
        / 256,
    ]


def _paint(rows: Stack) -> list[Doubles]:
    """Return how the visible colours are: how colourful, how many of skin, of grey, and how much they differ."""
    found = np.zeros((len(rows), 9))
    visible = (rows[:, 3] >= 128).reshape(len(rows), -1)
    whole = visible.all(axis=1)
    partly = visible.any(axis=1) & ~whole
    for some in (whole, partly):
        if some.any():
            texels = rows[some].reshape(np.count_nonzero(some), 4, -1)
            found[some] = _paint_of(texels, None if some is whole else visible[some])
    return list(found.T)


def _paint_of(texels: Doubles, visible: NDArray[np.bool_] | None) -> Doubles:
    """Measure the colours of P x 4 x K texels, P x 9.

    Args:
        texels: premultiplied colours and alpha in levels.
        visible: P x K, those that count, at least one of each picture; None if all do.
    """
    if visible is None:
        colours, count = (texels[:, :3] * (255 / texels[:, 3:])).clip(0, 255), np.array(texels.shape[2])
    else:  # zeros add nothing to a sum, and black is neither skin nor far from grey
        share = np.where(visible, 255 / np.maximum(texels[:, 3], 1), 0)
        colours, count = (texels[:, :3] * share[:, None]).clip(0, 255), np.count_nonzero(visible, axis=1)
    red, green, blue = colours.swapaxes(0, 1)
    spread = colours.max(axis=1) - colours.min(axis=1)
    luma = red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]
    skin = (red > green) & (green >= blue) & (spread > 20) & (spread < 130) & (red - green > 8) & (red > 80)
    grey = spread < 8
    codes = red.astype(np.int32) << 16 | green.astype(np.int32) << 8 | blue.astype(np.int32)
    if visible is None:
        distinct, most = counted(codes)
    else:
        grey &= visible
        # Codes that no colour has, each of them once, are taken off again.
        distinct, most = counted(np.where(visible, codes, np.arange(-codes.shape[1], 0, dtype=np.int32)))
        distinct = distinct - (codes.shape[1] - count)
    return np.stack(
        [
            spread.sum(axis=1) / count / 255,
            _deviation(spread, visible, count) / 128,
            np.count_nonzero(grey, axis=1) / count,
            np.count_nonzero(skin, axis=1) / count,
            (red - blue).sum(axis=1) / count / 255,
            (green - (red + blue) / 2).sum(axis=1) / count / 255,
            _deviation(luma, visible, count) / 128,
            np.log2(distinct) / 8,
            most / count,
        ],
        axis=1,
    )


def _deviation(values: Doubles, visible: NDArray[np.bool_] | None, count: NDArray[np.intp]) -> Doubles:
    """Return the standard deviation of P x K values, zeros where they do not count, from `count` that do; P."""
    centred = values - (values.sum(axis=1) / count)[:, None]
    if visible is not None:
        centred *= visible
    return np.asarray(np.sqrt(np.vecdot(centred, centred) / count))


def _vectors(rows: Stack) -> list[Doubles]:
    """Tell how much the colours are vectors of length 1, as in maps of normals, and whether alpha is the colour."""
    plain = rows[:, :3]
    vectors = plain / 127.5 - 1
    length = np.sqrt(np.square(vectors).sum(axis=1))
    return [
        np.abs(length - 1).mean(axis=(1, 2)),
        vectors[:, 2].mean(axis=(1, 2)),
        np.abs(plain - rows[:, 3:]).mean(axis=(1, 2, 3)) / 255,
        np.abs(plain[:, :1] - plain[:, 1:]).mean(axis=(1, 2, 3)) / 255,
    ]
