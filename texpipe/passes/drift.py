"""How far an enlarged picture is from its source: in tone, and in detail beyond what storage can account for."""

from __future__ import annotations

import numpy as np

from texpipe.passes.channels import mean, merged, parted, spread
from texpipe.passes.resample import Plane, continued
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

    both = merged([*parted(difference * spread(weight)), weight])
    height, width = weight.shape
    rows, columns = _windows(height, edges.y), _windows(width, edges.x)
    wide = _with_windows(both, edges)
    sums = np.asarray(
        cv2.boxFilter(
            wide,
            cv2.CV_32F,
            (wide.shape[1] + 1 - columns, wide.shape[0] + 1 - rows),
            anchor=(0, 0),
            normalize=False,
        )
    )
    *of_colours, mass = parted(sums[:rows, :columns])
    mass = mass.clip(0)
    means = mean(np.abs(merged(of_colours)))
    means /= np.maximum(mass, np.float32(1e-6))
    return float(_average(means, mass))


def _windows(length: int, mode: EdgeMode) -> int:
    """Return how many windows there are along an axis."""
    return max(1, length + 1 - _WINDOW) if mode == "clamp" else length


def _with_windows(plane: Plane, edges: Edges) -> Plane:
    """Continue a plane to the right and the bottom as far as windows reach; along clamped axes they end with it."""
    further = continued(plane, edges, 0, _WINDOW - 1)
    height, width = plane.shape[:2]
    return further[: height if edges.y == "clamp" else None, : width if edges.x == "clamp" else None]


def _average(values: Plane, weights: PlaneF) -> np.float32:
    return np.float32((values * weights).sum() / weights.sum())


def box_distance(difference: Plane, width: Plane, weight: PlaneF) -> float:
    """Return the mean distance of texels from the box of what they could have been, 0 inside of it.

    Args:
        difference: H x W x C, source less reduced result.
        width: H x W x C half-widths, as `storage.box` returns them, in the same unit.
        weight: H x W, how much each texel counts; some must.
    """
    return float(_average(mean(np.maximum(np.abs(difference) - width, 0)), weight))
