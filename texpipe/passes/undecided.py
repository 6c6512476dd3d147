"""A texture that may repeat or end at its border: computed both ways, and blended so that neither mistake shows.

Where both ways agree within what the console could store, the result lies halfway: no farther from either than anybody
sees. The more they differ, the less likely is it that one continues the other, and the nearer the result is to the
texture's own border.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from texpipe.passes.resample import row_bands
from texpipe.texture import Axes, Edges, Plan, Rgba8

AGREE_LEVELS = 255 / 31
"""Difference, in levels, up to which two results count as one: a step of 5 bits, the finest that consoles stored."""

CONTRADICT_LEVELS = 3 * AGREE_LEVELS
"""Difference, in levels, from which the wrapped result has no say: so different is what lies at the other border."""


def ways(plan: Plan) -> tuple[Plan, ...]:
    """Return the plans that a texture is computed by: its own or, undecided, one that clamps and one that wraps."""
    if not plan.undecided:
        return (plan,)
    x = "wrap" if plan.undecided.x else plan.edges.x
    y = "wrap" if plan.undecided.y else plan.edges.y
    ends = replace(plan, undecided=Axes())
    return ends, replace(ends, edges=Edges(x, y))


def blended(ends: Rgba8, repeats: Rgba8) -> Rgba8:
    """Blend a texture computed as if it ended and as if it repeated.

    Args:
        ends: sH x sW x 4 uint8.
        repeats: the same size.

    Returns:
        sH x sW x 4 uint8: halfway between both as far as they differ by at most `AGREE_LEVELS`; from there on ever
        nearer to `ends`, which it is from `CONTRADICT_LEVELS` on. Where alpha differs by more than `AGREE_LEVELS`, as
        at the rim of a cut-out, it is `ends` alone.
    """
    found = np.empty_like(ends)
    for rows in row_bands(*ends.shape[:2]):
        own = ends[rows]
        apart = repeats[rows].astype(np.int16) - own
        moved = (own + _MOVES[np.abs(apart)] * np.sign(apart)).astype(np.uint8)
        found[rows] = np.where(np.abs(apart[..., 3:]) > AGREE_LEVELS, own, moved)
    return found


def _moves() -> NDArray[np.int16]:
    """Return by how many levels a result moves from its own border, for differences of 0 to 255 levels."""
    apart = np.arange(256)
    agreement = (CONTRADICT_LEVELS - apart) / (CONTRADICT_LEVELS - AGREE_LEVELS)
    moves = np.minimum(apart, AGREE_LEVELS) / 2 * np.clip(agreement, 0, 1)
    return np.asarray(moves, dtype=np.int16)


_MOVES = _moves()
