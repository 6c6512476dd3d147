"""What kind of picture a texture is: its shape, its colours, how even it is, how rough it is near and far.

A texture that repeats is alike all over and rough at every distance; a sky is smooth, a letter has few colours, a face
has a middle. A flip of the picture leaves every measure as it is. Pictures of one size are measured together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.seam_measures import LEVEL, Doubles, Stack, parts_of
from texpipe.imaging.visible import LUMA

Planes: TypeAlias = NDArray[np.float64]
"""P x N x M: one plane of each of P pictures, N along an axis."""

_DISTANCES = (2, 4, 8)
"""Texels apart at which differences along an axis are compared with those of neighbours."""


@dataclass(frozen=True, eq=False)
class AxisMeasures:
    """Measures of what there is along x, along y, and of the picture as a whole, of each of P pictures: P x K."""

    x: Doubles
    y: Doubles
    whole: Doubles


def kind_measures(rows: Stack, reduced: Stack) -> AxisMeasures:
    """Return what sort of pictures they are.

    Args:
        rows: P x 4 x H x W.
        reduced: the same, or reduced so far that going through it takes no time.
    """
    contrast = spreads_of(rows).mean(axis=1) + LEVEL
    levels = np.empty((*rows.shape[:1], *rows.shape[2:], 4), np.uint8)
    np.rint(rows.transpose(0, 2, 3, 1), out=levels, casting="unsafe")
    codes = levels.view(np.uint32)[..., 0]
    luma = luma_of(reduced)
    x, y = (
        columns_of(
            [
                *_shape(rows.shape[axis]),
                *_steps(rows, codes, axis, contrast),
                _symmetry(reduced, axis),
                *_roughness(np.moveaxis(luma, axis - 1, 1)),
                *_trend(np.moveaxis(luma, axis - 1, 1)),
            ],
            len(rows),
        )
        for axis in (3, 2)
    )
    whole = [
        float(rows.shape[2] == rows.shape[3]),
        *_colours(rows[:, 3], codes),
        np.log(contrast) - 3,
        *_tones(reduced, luma),
        *_rim(codes, rows, contrast),
        *_evenness(reduced, contrast),
    ]
    return AxisMeasures(x, y, columns_of(whole, len(rows)))


def columns_of(measures: Sequence[Doubles | float], pictures: int) -> Doubles:
    """Return K measures, of each picture or the same of all, as P x K."""
    return np.stack([np.broadcast_to(one, pictures) for one in measures], axis=1)


def spreads_of(planes: Stack) -> Doubles:
    """Return the standard deviation of P x C planes, P x C."""
    flat = planes.reshape(*planes.shape[:2], -1)
    centred = flat - flat.mean(axis=2, keepdims=True)
    return np.asarray(np.sqrt(np.vecdot(centred, centred) / flat.shape[2]))


def luma_of(rows: Stack) -> Planes:
    """Return the luma of P x 4 x H x W, P x H x W."""
    red, green, blue = LUMA.astype(np.float64)
    luma: Planes = rows[:, 0] * red
    luma += rows[:, 1] * green
    luma += rows[:, 2] * blue
    return luma


def counted(codes: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return of each row of P x K values how many different ones there are, and how often there is the commonest."""
    ranked = np.sort(codes, axis=1)
    is_first = np.ones(ranked.shape, np.bool_)
    np.not_equal(ranked[:, 1:], ranked[:, :-1], out=is_first[:, 1:])
    firsts = np.flatnonzero(is_first)
    counts = np.diff(firsts, append=is_first.size)
    distinct = np.count_nonzero(is_first, axis=1)
    return distinct, np.maximum.reduceat(counts, distinct.cumsum() - distinct)


def _shape(side: int) -> tuple[float, float]:
    return float(np.log2(side)) - 5, float(side & (side - 1) == 0)


def _steps(
    rows: Stack, codes: NDArray[np.uint32], axis: int, contrast: Doubles
) -> tuple[Doubles, Doubles | float]:
    """Return the usual step along an axis, and how many neighbours are equal."""
    if rows.shape[axis] < 2:
        return np.log(LEVEL / contrast), 0.0
    lines = np.moveaxis(codes, axis - 1, 1)
    equal = (lines[:, 1:] == lines[:, :-1]).mean(axis=(1, 2))
    return np.log((mean_steps(rows, axis) + LEVEL) / contrast), equal


def mean_steps(rows: Stack, axis: int) -> Doubles:
    """Return the mean step from line to line along an axis of at least two, P."""
    lines = np.moveaxis(rows, axis, 2)
    steps = lines[:, :, 1:] - lines[:, :, :-1]
    return np.asarray(np.abs(steps, out=steps).mean(axis=(1, 2, 3)))


def _symmetry(rows: Stack, axis: int) -> Doubles:
    """Correlate the picture with its mirror image."""
    centred = rows - rows.mean(axis=(2, 3), keepdims=True)
    flat, mirrored = (one.reshape(len(rows), -1) for one in (centred, np.flip(centred, axis)))
    return np.asarray(np.vecdot(flat, mirrored) / (np.vecdot(flat, flat) + 1e-6))


def _roughness(luma: Planes) -> list[Doubles | float]:
    """Compare steps along an axis with their largest ones and with differences further apart."""
    count = luma.shape[1]
    if count < 2:
        return [0.0] * (len(_DISTANCES) + 1)
    near = np.abs(luma[:, 1:] - luma[:, :-1])
    usual = near.mean(axis=(1, 2)) + LEVEL
    peaked = np.sqrt(np.square(near).mean(axis=(1, 2))) + LEVEL
    far = [
        np.abs(luma[:, wide:] - luma[:, :-wide]).mean(axis=(1, 2)) + LEVEL if wide < count else usual
        for wide in _DISTANCES
    ]
    return [np.log(peaked / usual), *(np.log(one / usual) for one in far)]


def _trend(luma: Planes) -> tuple[Doubles, Doubles]:
    """Return how much of the spread a straight ramp along an axis explains, and how much a valley or hill beyond it."""
    _, count, width = luma.shape
    means = luma.mean(axis=2)
    centred = means - means.mean(axis=1, keepdims=True)
    place = np.linspace(-1, 1, count)
    bowl = place**2 - (place**2).mean()
    around = luma - luma.mean(axis=(1, 2), keepdims=True)
    power = np.square(around, out=around).sum(axis=(1, 2)) / width + LEVEL**2 * count
    ramp, valley = (
        (centred * form).sum(axis=1) ** 2 / max(float((form**2).sum()), 1e-6) / power
        for form in (place, bowl)
    )
    return ramp, valley


def _colours(alpha: Planes, codes: NDArray[np.uint32]) -> list[Doubles]:
    """Return how much is visible, and how many colours there are of how many texels."""
    distinct, most = counted(codes.reshape(len(codes), -1))
    texels = codes[0].size
    return [
        (alpha == 255).mean(axis=(1, 2)),
        (alpha == 0).mean(axis=(1, 2)),
        (alpha.min(axis=(1, 2)) == 255).astype(np.float64),
        np.log2(distinct) / 8,
        np.log2(distinct / texels) / 8,
        most / texels,
    ]


def _tones(rows: Stack, luma: Planes) -> list[Doubles]:
    """Return how light and how colourful it is, and how luma is distributed: letters are skewed, grounds are not."""
    colours = rows[:, :3]
    spread = spreads_of(luma[:, None])[:, 0] + LEVEL
    chroma = colours - luma[:, None]
    scaled = (luma - luma.mean(axis=(1, 2), keepdims=True)) / spread[:, None, None]
    squared = scaled * scaled
    return [
        colours.mean(axis=(1, 2, 3)) / 128 - 1,
        (colours.max(axis=1) - colours.min(axis=1)).mean(axis=(1, 2)) / 128,
        np.log((spreads_of(chroma).mean(axis=1) + LEVEL) / spread),
        (squared * scaled).mean(axis=(1, 2)),
        np.log((squared * squared).mean(axis=(1, 2)) + 0.1),
    ]


def _rim(codes: NDArray[np.uint32], rows: Stack, contrast: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Tell whether the border is of one colour, whether the corners are alike, and how it differs from the middle."""
    _, most = counted(_border(codes))
    corners = rows[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    along = _border(rows)
    return (
        most / along.shape[2],
        np.abs(corners - corners.mean(axis=2, keepdims=True)).mean(axis=(1, 2)) / contrast,
        np.abs(along.mean(axis=2) - rows.mean(axis=(2, 3))).mean(axis=1) / contrast,
    )


def _border(planes: NDArray[Any]) -> NDArray[Any]:
    """Return the texels at the border of ... x H x W planes, ... x K."""
    if min(planes.shape[-2:]) == 1:
        return planes.reshape(*planes.shape[:-2], -1)
    inside = planes[..., 1:-1, :]
    sides = planes[..., 0, :], planes[..., -1, :], inside[..., 0], inside[..., -1]
    return np.concatenate(sides, axis=-1)


def _evenness(rows: Stack, contrast: Doubles) -> list[Doubles | float]:
    """Compare blocks with each other, and the middle with what lies around it: a picture of something has a middle."""
    down, across = (parts_of(side) for side in rows.shape[2:])
    means, spreads = _blocks(rows, down, across)
    inner = np.zeros((len(down), len(across)), dtype=bool)
    inner[1:-1, 1:-1] = True
    middle = inner.ravel()
    found: list[Doubles | float] = [
        means.std(axis=2).mean(axis=1) / contrast,
        spreads.std(axis=1) / contrast,
        spreads.min(axis=1) / (spreads.mean(axis=1) + LEVEL),
    ]
    if not middle.any():
        return [*found, 0.0, 0.0]
    centre, around = (means[:, :, which].mean(axis=2) for which in (middle, ~middle))
    in_centre, outside = (spreads[:, which].mean(axis=1) + LEVEL for which in (middle, ~middle))
    return [*found, np.abs(centre - around).mean(axis=1) / contrast, np.log(in_centre / outside)]


def _blocks(rows: Stack, down: tuple[slice, ...], across: tuple[slice, ...]) -> tuple[Doubles, Doubles]:
    """Return the mean of each of B blocks, P x 4 x B, and its spread, P x B."""
    heights, widths = ([part.stop - part.start for part in parts] for parts in (down, across))
    size = np.outer(heights, widths).ravel()
    means, squares = (_block_sums(one, down, across) / size for one in (rows, rows * rows))
    return means, np.sqrt(np.maximum(squares - means**2, 0)).mean(axis=1)


def _block_sums(planes: Stack, down: tuple[slice, ...], across: tuple[slice, ...]) -> Doubles:
    bands = np.stack([planes[:, :, part].sum(axis=2) for part in down], axis=2)
    blocks = np.stack([bands[..., part].sum(axis=3) for part in across], axis=3)
    return blocks.reshape(*planes.shape[:2], -1)
