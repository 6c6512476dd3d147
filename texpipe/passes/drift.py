"""How far an enlarged picture is from its source: in tone, and in detail beyond what storage can account for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.resample import Plane, beyond
from texpipe.texture import EdgeMode, Edges, PlaneF

_WINDOW = 8
"""Side of the window whose mean is tone, in texels."""


def tone_drift(difference: Plane, weight: PlaneF, edges: Edges) -> float:
    """Return the mean absolute difference of means over 8 x 8 texels, over all places of this window.

    Commutes with rolling a wrapped axis; at a clamped border windows end.

    Args:
        difference: H x W x C, source less reduced result.
        weight: H x W, how much each texel counts; some must.
        edges: what lies beyond the borders.

    Returns:
        In the unit of the differences.
    """
    import cv2

    both = np.dstack([difference * weight[..., None], weight]).astype(np.float32)
    rows, row_windows = _windows(len(weight), edges.y)
    columns, column_windows = _windows(weight.shape[1], edges.x)
    wide = both.take(rows, axis=0).take(columns, axis=1)
    sums = np.asarray(
        cv2.boxFilter(
            wide,
            cv2.CV_32F,
            (len(columns) + 1 - column_windows, len(rows) + 1 - row_windows),
            anchor=(0, 0),
            normalize=False,
        )
    )
    sums = sums[:row_windows, :column_windows]
    mass = sums[..., -1].clip(0)
    means = np.abs(sums[..., :-1]).mean(axis=2) / np.maximum(mass, np.float32(1e-6))
    return float(np.average(means, weights=mass))


def _windows(length: int, mode: EdgeMode) -> tuple[NDArray[np.intp], int]:
    """Return the texels that windows along an axis cover, one after the other, and how many windows there are."""
    if mode == "clamp":
        return np.arange(length), max(1, length + 1 - _WINDOW)
    return beyond(length, mode, _WINDOW)[_WINDOW : length + 2 * _WINDOW - 1], length


def box_distance(difference: Plane, width: Plane, weight: PlaneF) -> float:
    """Return the mean distance of texels from the box of what they could have been, 0 inside of it.

    Args:
        difference: H x W x C, source less reduced result.
        width: H x W x C half-widths, as `storage.box` returns them, in the same unit.
        weight: H x W, how much each texel counts; some must.
    """
    outside = np.maximum(np.abs(difference) - width, 0).mean(axis=2)
    return float(np.average(outside, weights=weight))
