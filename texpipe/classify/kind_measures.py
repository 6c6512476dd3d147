"""What kind of picture a texture is: its shape, its colours, how even it is, how rough it is near and far.

A texture that repeats is alike all over and rough at every distance; a sky is smooth, a letter has few colours, a face
has a middle. A flip of the picture leaves every measure as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.seam_measures import LEVEL, Doubles, parts_of
from texpipe.imaging.visible import LUMA

_DISTANCES = (2, 4, 8)
"""Texels apart at which differences along an axis are compared with those of neighbours."""


@dataclass(frozen=True, eq=False)
class Kind:
    """Measures of what there is along x, along y, and of the picture as a whole."""

    x: Doubles
    y: Doubles
    whole: Doubles


def kind_measures(rows: Doubles, reduced: Doubles) -> Kind:
    """Return what sort of picture it is.

    Args:
        rows: H x W x 4 float64, alpha and premultiplied colours in levels.
        reduced: the same, or reduced so far that going through it takes no time.
    """
    contrast = float(rows.std(axis=(0, 1)).mean()) + LEVEL
    levels = np.empty(rows.shape, np.uint8)
    np.rint(rows, out=levels, casting="unsafe")
    codes = levels.view(np.uint32)[..., 0]
    luma = reduced[..., :3] @ LUMA.astype(np.float64)
    x, y = (
        np.array(
            [
                *_shape(rows.shape[axis]),
                *_steps(rows, codes, axis, contrast),
                _symmetry(reduced, axis),
                *_roughness(np.moveaxis(luma, axis, 0)),
                *_trend(np.moveaxis(luma, axis, 0)),
            ]
        )
        for axis in (1, 0)
    )
    whole = [
        float(rows.shape[0] == rows.shape[1]),
        *_colours(rows, codes),
        np.log(contrast) - 3,
        *_tones(reduced, luma),
        *_rim(codes, rows, contrast),
        *_evenness(reduced, contrast),
    ]
    return Kind(x, y, np.array(whole))


def _shape(side: int) -> tuple[float, float]:
    return float(np.log2(side)) - 5, float(side & (side - 1) == 0)


def _steps(rows: Doubles, codes: NDArray[np.uint32], axis: int, contrast: float) -> tuple[float, float]:
    """Return the usual step along an axis, and how many neighbours are equal."""
    if rows.shape[axis] < 2:
        return float(np.log(LEVEL / contrast)), 0.0
    steps = np.diff(rows, axis=axis)
    step = float(np.abs(steps, out=steps).mean())
    lines = np.moveaxis(codes, axis, 0)
    return float(np.log((step + LEVEL) / contrast)), float((lines[1:] == lines[:-1]).mean())


def _symmetry(rows: Doubles, axis: int) -> float:
    """Correlate the picture with its mirror image."""
    centred = rows - rows.mean(axis=(0, 1))
    power = float((centred**2).sum()) + 1e-6
    return float((centred * np.flip(centred, axis)).sum()) / power


def _roughness(luma: Doubles) -> list[float]:
    """Compare steps along an axis with their largest ones and with differences further apart."""
    if len(luma) < 2:
        return [0.0] * (len(_DISTANCES) + 1)
    near = np.abs(luma[1:] - luma[:-1])
    usual = float(near.mean()) + LEVEL
    peaked = float(np.sqrt((near**2).mean())) + LEVEL
    far = [
        float(np.abs(luma[wide:] - luma[:-wide]).mean()) + LEVEL if wide < len(luma) else usual
        for wide in _DISTANCES
    ]
    return [float(np.log(peaked / usual)), *(float(np.log(one / usual)) for one in far)]


def _trend(luma: Doubles) -> tuple[float, float]:
    """Return how much of the spread a straight ramp along an axis explains, and how much a valley or hill beyond it."""
    means = luma.mean(axis=1)
    centred = means - means.mean()
    place = np.linspace(-1, 1, len(luma))
    bowl = place**2 - (place**2).mean()
    power = float(((luma - luma.mean()) ** 2).sum()) / luma.shape[1] + LEVEL**2 * len(luma)
    explained = (
        float((centred * form).sum()) ** 2 / max(float((form**2).sum()), 1e-6) for form in (place, bowl)
    )
    ramp, valley = (share / power for share in explained)
    return ramp, valley


def _colours(rows: Doubles, codes: NDArray[np.uint32]) -> list[float]:
    """Return how much is visible, and how many colours there are of how many texels."""
    alpha = rows[..., 3]
    _, counts = np.unique(codes, return_counts=True)
    return [
        float((alpha == 255).mean()),
        float((alpha == 0).mean()),
        float(alpha.min() == 255),
        float(np.log2(len(counts))) / 8,
        float(np.log2(len(counts) / codes.size)) / 8,
        float(counts.max() / codes.size),
    ]


def _tones(rows: Doubles, luma: Doubles) -> list[float]:
    """Return how light and how colourful it is, and how luma is distributed: letters are skewed, grounds are not."""
    colours = rows[..., :3]
    spread = float(luma.std()) + LEVEL
    chroma = colours - luma[..., None]
    scaled = (luma - luma.mean()) / spread
    return [
        float(colours.mean()) / 128 - 1,
        float((colours.max(axis=2) - colours.min(axis=2)).mean()) / 128,
        float(np.log((chroma.std(axis=(0, 1)).mean() + LEVEL) / spread)),
        float((scaled**3).mean()),
        float(np.log((scaled**4).mean() + 0.1)),
    ]


def _rim(codes: NDArray[np.uint32], rows: Doubles, contrast: float) -> tuple[float, float, float]:
    """Tell whether the border is of one colour, whether the corners are alike, and how it differs from the middle."""
    rim = np.concatenate([codes[0], codes[-1], codes[1:-1, 0], codes[1:-1, -1]])
    _, counts = np.unique(rim, return_counts=True)
    corners = rows[[0, 0, -1, -1], [0, -1, 0, -1]]
    along = np.concatenate([rows[0], rows[-1], rows[1:-1, 0], rows[1:-1, -1]]).mean(axis=0)
    return (
        float(counts.max() / len(rim)),
        float(np.abs(corners - corners.mean(axis=0)).mean()) / contrast,
        float(np.abs(along - rows.mean(axis=(0, 1))).mean()) / contrast,
    )


def _evenness(rows: Doubles, contrast: float) -> list[float]:
    """Compare blocks with each other, and the middle with what lies around it: a picture of something has a middle."""
    down, across = (parts_of(side) for side in rows.shape[:2])
    means, spreads = _blocks(rows, down, across)
    inner = np.zeros((len(down), len(across)), dtype=bool)
    inner[1:-1, 1:-1] = True
    middle = inner.ravel()
    found = [
        float(means.std(axis=0).mean()) / contrast,
        float(spreads.std()) / contrast,
        float(spreads.min() / (spreads.mean() + LEVEL)),
    ]
    if not middle.any():
        return [*found, 0.0, 0.0]
    apart = float(np.abs(means[middle].mean(axis=0) - means[~middle].mean(axis=0)).mean()) / contrast
    return [
        *found,
        apart,
        float(np.log((spreads[middle].mean() + LEVEL) / (spreads[~middle].mean() + LEVEL))),
    ]


def _blocks(rows: Doubles, down: tuple[slice, ...], across: tuple[slice, ...]) -> tuple[Doubles, Doubles]:
    """Return the mean of each of B blocks, B x 4, and its spread, B, by sums of all texels up to a place."""
    doubled = np.concatenate([rows, rows**2], axis=2)
    sums = np.zeros((rows.shape[0] + 1, rows.shape[1] + 1, 8))
    sums[1:, 1:] = doubled.cumsum(axis=0).cumsum(axis=1)
    top, bottom = (np.array([getattr(part, end) for part in down])[:, None] for end in ("start", "stop"))
    left, right = (np.array([getattr(part, end) for part in across])[None] for end in ("start", "stop"))
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    both = (inside / ((bottom - top) * (right - left))[..., None]).reshape(-1, 8)
    means, squares = both[:, :4], both[:, 4:]
    return means, np.sqrt(np.maximum(squares - means**2, 0)).mean(axis=1)
