"""What a wrong treatment of an axis would cost where it is seen, and the treatment that costs least.

Clamped, a texture that repeats has a false step at every repeat; wrapped, one that ends is bled into from its other
border. Both are estimated from the source alone, in levels beyond a step of 5 bits, which nobody sees:
`benchmarks/tileability.py --harms` measures them on results of a network and fits the figures below.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from texpipe.classify.judge import probability
from texpipe.classify.seam_measures import Stack
from texpipe.texture import Doubt

FALSE_STEP = (0.53, 0.01, -1.5)
"""Harm of a clamp: levels per level of the step across the seam and of the steps beside it, and levels in any case."""

BLEEDING = (0.04, 0.03, 0.07)
"""Harm of a wrap, likewise."""

LEFT_STEP = 0.79
"""Share of a clamp's harm that is left if the axis is computed both ways and blended; nothing is left of a wrap's."""

LEAST_LIKELY = 0.25
"""Lowest probability of repeating at which an axis wraps. What bleeds in where it ends is often too little to be seen,
and still much next to a border that would be nearly right without it."""

LEAST_HARM = (0.3, 0.1)
"""What a clamp and a wrap are taken to cost at least, in levels: so likelihood decides where neither shows. Where the
step across the seam is small a clamp was never seen to cost less than a wrap does, so it counts as much at least."""

WORTH_BLENDING = 0.13
"""Expected harm, in levels, that a blend has to save for it to be worth twice the time. Where the axis ends it gains,
too: border bands come nearer to what truly lies around them."""

LEAST_DOUBT = 0.05
"""Lowest probability of repeating at which an axis is undecided; below it nobody would look at it."""


class Treatment(Enum):
    """What can be done with an axis: repeat it, end it, or blend both."""

    WRAP, CLAMP, BLEND = range(3)


def least_harm(doubt: Doubt) -> Treatment:
    """Return the treatment of least expected harm."""
    repeats = probability(doubt.odds)
    step, bleeding = repeats * doubt.clamp, (1 - repeats) * doubt.wrap
    worth = repeats >= LEAST_DOUBT and (1 - LEFT_STEP) * step >= WORTH_BLENDING
    if repeats >= LEAST_LIKELY and bleeding <= (LEFT_STEP if worth else 1) * step:
        return Treatment.WRAP
    return Treatment.BLEND if worth else Treatment.CLAMP


def harms(lines: Stack) -> list[tuple[float, float]]:
    """Return what a clamp costs if the axis repeats, and a wrap if it ends, in visible levels, to 3 decimals.

    Args:
        lines: P x 4 x N x M, the lines along an axis of P pictures.
    """
    first, second, last_but_one, last = (lines[:, :, at] for at in (0, 1, -2, -1))
    seam = np.abs(first - last).mean(axis=(1, 2))
    beside = np.abs(np.stack([second - first, last - last_but_one], axis=1)).mean(axis=(1, 2, 3))
    return [_harm(*one) for one in zip(seam.tolist(), beside.tolist(), strict=True)]


def _harm(seam: float, beside: float) -> tuple[float, float]:
    clamp, wrap = (a * seam + b * beside + c for a, b, c in (FALSE_STEP, BLEEDING))
    bleeds = max(wrap, LEAST_HARM[1])
    return round(max(clamp, LEAST_HARM[0], bleeds), 3), round(bleeds, 3)
