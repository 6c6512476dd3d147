"""A texture that may repeat or end at its border: computed both ways, and blended so that neither mistake shows.

Where both ways agree within what the console could store, the result is that of the wrap, and joins itself without a
step. Where they do not, a wrap would bleed one border into the other: there the texture keeps its own border, moved
towards the wrapped one by no more than anybody sees.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from texpipe.texture import Axes, Edges, Plan, Rgba8

AGREE_LEVELS = 255 / 31
"""Difference, in levels, up to which two results count as one: a step of 5 bits, the finest that consoles stored."""


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
        sH x sW x 4 uint8: `repeats` as far as it differs from `ends` by at most `AGREE_LEVELS`, else `ends` and so much
        of the difference. Where alpha differs by more, as at the rim of a cut-out, it is `ends` alone.
    """
    apart = repeats.astype(np.int16) - ends
    most = int(AGREE_LEVELS)
    moved = (ends + np.clip(apart, -most, most)).astype(np.uint8)
    return np.where(np.abs(apart[..., 3:]) > most, ends, moved)
