"""Does a picture go on beyond its border, in its mirror image?

A picture beside its mirror image has no step, whatever it shows: that says nothing. What says something is the border
itself. Where a symmetric thing was cut in two, its border looks like every other line of it. Where a picture ends,
there is nothing, one colour from end to end, or an outline that differs from what is behind it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import Rgba8

LEAST_SEEN = 1 / 8
"""Share of a border that is not empty."""

LEAST_FULL = 0.85
"""Alpha of a border in that of the fullest of the lines behind it: what only touches a border grows narrow there."""

LEAST_VARIED = 0.35
"""Variation of colours or of alpha along a border in that of the median line."""

LARGEST_STEP = 2.0
"""Step from the border to the lines behind it, in the median step between lines."""

_LEAST_LINES = 6


def goes_on(rgba: Rgba8, axis: Literal["x", "y"]) -> bool:
    """Tell whether the picture goes on beyond one of its two borders.

    Args:
        rgba: H x W x 4 uint8.
        axis: "x" for the left and the right border, "y" for the top and the bottom.
    """
    lines = _lines(rgba, axis)
    if len(lines) < _LEAST_LINES:
        return False
    return _goes_on(lines) or _goes_on(lines[::-1])


def _lines(rgba: Rgba8, axis: Literal["x", "y"]) -> NDArray[np.float64]:
    """Return the lines along the borders, lines x texels x 4: colours as far as they are seen, and alpha."""
    colour, alpha = rgba[..., :3] / 255, rgba[..., 3:] / 255
    seen = np.concatenate([colour * alpha, alpha], axis=2).astype(np.float64)
    return seen.swapaxes(0, 1) if axis == "x" else seen


def _goes_on(lines: NDArray[np.float64]) -> bool:
    """Tell it of the first line."""
    full = lines[..., 3].mean(axis=1)
    if (lines[0, :, 3] > 0).mean() < LEAST_SEEN or full[0] < LEAST_FULL * full[1:4].max():
        return False
    steps = np.abs(np.diff(lines, axis=0)).mean(axis=(1, 2))
    if steps[:2].max() > LARGEST_STEP * float(np.median(steps)):
        return False
    return _is_varied(lines[..., 3]) or _is_varied(_colours(lines))


def _is_varied(values: NDArray[np.float64]) -> bool:
    """Tell whether the first line is no less varied than others."""
    spread = values.std(axis=1)
    return bool(spread[0] >= LEAST_VARIED * float(np.median(spread)) > 0)


def _colours(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the luma of lines where they are seen, and their means elsewhere: lines x texels."""
    luma, alpha = lines[..., :3].mean(axis=2), lines[..., 3]
    means = luma.sum(axis=1, keepdims=True) / np.maximum(alpha.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(luma + (1 - alpha) * means)
