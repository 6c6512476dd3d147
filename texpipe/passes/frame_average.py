"""Steady frames: what stays the same from frame to frame of an animation is enlarged the same.

A network sees a change many texels away, and draws even what has not changed a little differently: it flickers. Here
each texel of a frame is averaged over the frames that are like it there. Where nothing is like it, it stays as it is;
so the results differ where the sources do, and the order of the frames has no influence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from texpipe.imaging.visible import without_hidden
from texpipe.passes.resample import Plane, enlarge, smooth
from texpipe.texture import Plan, PlaneF, Rgba8

_MAX_DIFFERENCE = 6.0
"""Difference around a texel, in levels, from which two frames have nothing in common there. Rounding to 5 bits and its
dither make less; half of it counts half."""

_ROUNDS = 2


def steady(sources: Sequence[Rgba8], results: Sequence[Rgba8], number: int, plan: Plan) -> Rgba8:
    """Average one frame with the others wherever they show the same.

    Args:
        sources: H x W x 4 uint8 each: the frames.
        results: sH x sW x 4 uint8 each: what they became, all by the same plan.
        number: the frame to make.
        plan: its alpha class, edges and scale.

    Returns:
        sH x sW x 4 uint8; binary and ternary alpha keep the levels that the frame had.
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
