"""Average animation frames, so that the parts that do not change are enlarged identically.

A network's result depends on texels far away: parts that do not change are drawn a little differently from frame to
frame and flicker. Here each texel of a frame is averaged over the frames that are similar there. Where none is similar
it stays unchanged, so the results differ where the sources do. The order of the frames has no influence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from texpipe.imaging.visible import without_hidden
from texpipe.passes.resample import Plane, enlarge, smooth
from texpipe.texture import Plan, PlaneF, Rgba8

_MAX_DIFFERENCE = 6.0
"""Smallest difference around a texel, in levels, at which two frames are unrelated there; half of it counts half.
Rounding to 5 bits and its dither cause less."""

_ROUNDS = 2
"""Number of times that a difference spreads to the neighbouring texels."""


def steady(sources: Sequence[Rgba8], results: Sequence[Rgba8], number: int, plan: Plan) -> Rgba8:
    """Average one frame with the others wherever they show the same.

    Args:
        sources: the frames, H x W x 4 uint8 each.
        results: their results by the same plan, sH x sW x 4 uint8 each.
        number: the frame to make.
        plan: its alpha class, edges and scale are used.

    Returns:
        sH x sW x 4 uint8; binary and ternary alpha keep the levels of the frame's own result.
    """
    total = np.zeros(results[0].shape, np.float32)
    weights = np.zeros(results[0].shape[:2], np.float32)
    for source, result in zip(sources, results, strict=True):
        likeness = _likeness(sources[number], source, plan)
        if likeness.any():
            weight = enlarge(likeness, plan.scale, plan.edges)
            total += result * weight[..., None]
            weights += weight
    mean: Rgba8 = np.rint(total / weights[..., None]).astype(np.uint8)
    if plan.alpha in ("binary", "ternary"):
        mean[..., 3] = _nearest_level(mean[..., 3], results[number][..., 3])
    return mean


def _likeness(one: Rgba8, other: Rgba8, plan: Plan) -> PlaneF:
    """Return 1 where two frames are the same around a texel, 0 where they differ visibly."""
    difference: Plane = np.abs(_visible(one) - _visible(other)).max(axis=2)
    for _ in range(_ROUNDS):
        difference = np.maximum(difference, smooth(difference, plan.edges))
    return np.asarray(np.clip(1 - difference / np.float32(_MAX_DIFFERENCE), 0, 1), np.float32)


def _visible(rgba: Rgba8) -> Plane:
    return without_hidden(rgba).astype(np.float32)


def _nearest_level(alpha: Rgba8, own: Rgba8) -> Rgba8:
    levels = np.unique(own).astype(np.int16)
    chosen = np.abs(alpha[..., None].astype(np.int16) - levels).argmin(axis=-1)
    return np.asarray(levels[chosen].astype(np.uint8))
