"""Remove banding and dither that a texel format caused, without contradicting any stored texel.

Storing a texture in few levels rounds each texel. The original value lies within half a step of its level, minus what a
dither matrix added: its quantisation box. The picture is smoothed inside these boxes, between texels that differ by at
most one step. Stored again, the cleaned picture is the source to the last texel, so no detail of the source is lost.
Two colours further apart that alternate like a checkerboard meet near the middle, each still nearer to itself. A
network then has neither steps nor dither to sharpen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.dither_detection import Flags, checkered, dither_offsets, top_level
from texpipe.passes.resample import Plane, extend
from texpipe.texture import Edges, RgbF

_HALF_STEP = np.float32(0.499)
"""Half width of a quantisation box, in steps: a little less than half, so that nothing is rounded the other way."""

_ROUNDS = 64
"""Number of diffusion steps. Smoothing reaches about sqrt(rounds / 4) = 4 texels, the width of most bands."""


def clean(picture: RgbF, visible: Flags, edges: Edges) -> RgbF:
    """Smooth a picture inside its quantisation boxes, and checkerboards; other pictures stay unchanged.

    Commutes with rolling a wrapped axis. Hidden texels stay as they are and have no influence.

    Args:
        picture: H x W x 3 in [0, 1], made from 8 bits.
        visible: H x W.
        edges: what lies beyond the borders.

    Returns:
        H x W x 3 in [0, 1].
    """
    top = top_level(picture, visible)
    smoothed = picture if top is None else _smooth_levels(picture, visible, top, edges)
    there, other = checkered(picture, visible, edges)
    if top is not None:
        there &= (np.abs(other - picture) * top > 1.5).any(axis=2)
    if not there.any():
        return smoothed
    return np.where(there[..., None], picture + _HALF_STEP * (other - picture), smoothed)


def _smooth_levels(picture: RgbF, visible: Flags, top: int, edges: Edges) -> RgbF:
    steps = picture * np.float32(top)
    levels = np.rint(steps)
    offsets = dither_offsets(levels, visible, edges)
    centre = levels if offsets is None else levels - offsets
    low, high = (np.clip(centre + side, 0, top) for side in (-_HALF_STEP, _HALF_STEP))
    first = np.clip(steps if offsets is None else centre, low, high)
    across, down = _links(levels, visible, edges)
    value = first
    for _ in range(_ROUNDS):
        value = np.clip(value + _pull(value, across, down, edges), low, high)
    # A texel that did not move stays exactly as it was stored, whichever way its 5 bits were expanded.
    moved = visible[..., None] & (np.abs(value - steps) > 1e-4)
    return np.where(moved, value / np.float32(top), picture)


def _links(levels: Plane, visible: Flags, edges: Edges) -> tuple[Plane, Plane]:
    """Return 1 where a texel and the next one are visible and differ by at most a step, along x and along y.

    The first and last entries are the links across the borders: H x (W + 1) x 1 and (H + 1) x W x 1.
    """
    wide = extend(np.dstack([levels, visible.astype(np.float32)]), edges, 1)

    def link(one: Plane, other: Plane) -> Plane:
        near = (np.abs(one - other)[..., :3] <= 1).all(axis=2)
        both = (one[..., 3] > 0) & (other[..., 3] > 0)
        return np.asarray((near & both)[..., None], dtype=np.float32)

    return link(wide[1:-1, :-1], wide[1:-1, 1:]), link(wide[:-1, 1:-1], wide[1:, 1:-1])


def _pull(value: Plane, across: Plane, down: Plane, edges: Edges) -> Plane:
    """Return an eighth of the sum of the differences to the linked neighbours: one step of diffusion."""
    wide = extend(value, edges, 1)
    flow_x = across * np.diff(wide[1:-1], axis=1)
    flow_y = down * np.diff(wide[:, 1:-1], axis=0)
    pull: NDArray[np.float32] = np.diff(flow_x, axis=1) + np.diff(flow_y, axis=0)
    return pull / np.float32(8)
