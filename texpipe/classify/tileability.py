"""Whether a texture wraps or ends at its border: judged per axis from its pixels.

Facts come first. What they leave open is decided by harm: how likely the axis repeats, and what each treatment would
cost where it is seen, if it were the wrong one. docs/alpha-and-edges.md has the table of harms. Mirroring is never
guessed: where pixels give it away, at calm borders, a clamp looks the same.
"""

from __future__ import annotations

import numpy as np

from texpipe.classify.evidence import Floats, Seen, evidence
from texpipe.classify.harm import Treatment, harms, least_harm
from texpipe.classify.judge import log_odds, probability
from texpipe.classify.seam_measures import LEAST_LINES, Lines, relative_step
from texpipe.imaging.visible import premultiplied
from texpipe.texture import AxisGuess, Doubt, Rgba8

NOTHING_CHANGES = "nothing changes along this axis: every mode gives the same"
"""The reason of a guess that says nothing of what the game does."""


def guess_axes(rgba: Rgba8, *, n64: bool, seen: Seen | None = None) -> tuple[AxisGuess, AxisGuess]:
    """Guess how a texture goes on beyond its borders, for x (left and right) and y (top and bottom).

    Hidden RGB has no influence. An axis along which nothing changes is `clamp`: every mode gives the same there.

    Args:
        rgba: H x W x 4 uint8.
        n64: the texture comes from an N64, where only sides of a power of two can wrap or mirror.
        seen: what is measured of its premultiplied pixels, if somebody else asks for that, too.

    Returns:
        The guesses for x and y.
    """
    seen = Seen(premultiplied(rgba)) if seen is None else seen
    rows = seen.rows
    columns: Lines = np.ascontiguousarray(rows.swapaxes(0, 1))
    x, y = (certain(lines, n64=n64) for lines in (columns, rows))
    if x is not None and y is not None:
        return x, y
    of_x, of_y = evidence(seen)
    return x or _likely(columns, of_x), y or _likely(rows, of_y)


def certain(lines: Lines, *, n64: bool) -> AxisGuess | None:
    """Answer what needs no statistics, or return None.

    Args:
        lines: N x M x 4, the lines along an axis.
        n64: as `guess_axes` takes it.
    """
    count = len(lines)
    if not (lines != lines[0]).any():
        return AxisGuess("clamp", 1.0, NOTHING_CHANGES)
    if n64 and count & (count - 1):
        return AxisGuess("clamp", 1.0, f"{count} texels are no power of two: an N64 cannot repeat them")
    if not lines[0, :, 3].any() and not lines[-1, :, 3].any():
        return AxisGuess("clamp", 0.9, "nothing is visible at either border")
    if period := _exact_period(lines):
        return AxisGuess("wrap", 0.95, f"it repeats exactly every {period} texels")
    if _only_touches(lines):
        return AxisGuess("clamp", 0.8, "a shape that only touches its borders")
    if count < LEAST_LINES:
        return AxisGuess("clamp", 0.5, f"{count} texels are too few to tell")
    if np.array_equal(lines[0], lines[-1]) and (lines[0, :, 3] != lines[0, 0, 3]).any():
        # As bars of a fence do. Were it not meant, equal would bleed into equal.
        return AxisGuess("wrap", 0.9, "the same line of texels and holes at both borders")
    return None


def _only_touches(lines: Lines) -> bool:
    """Tell whether less is visible at both borders than anywhere in the middle, as in an icon that fills its box.

    What goes on past a border (a fence, foliage) is somewhere in the middle as narrow as it is there.
    """
    width = (lines[..., 3] > 0).sum(axis=1)
    middle = width[len(lines) // 4 : -(len(lines) // 4) or None]
    touching = max(width[0], width[-1])
    return bool(touching < 0.75 * middle.min() and touching <= lines.shape[1] / 2)


def _exact_period(lines: Lines) -> int | None:
    """Return the shortest period that divides the number of lines, if the texture repeats inside itself."""
    count = len(lines)
    for period in range(1, count // 2 + 1):
        if (
            count % period == 0
            and np.array_equal(lines[period], lines[0])  # most periods fail here
            and np.array_equal(lines[period:], lines[:-period])
        ):
            return period
    return None


def by_harm(doubt: Doubt, neighbours: str = "") -> AxisGuess:
    """Return the treatment that costs least, and say it with the seam, which everybody can check.

    Args:
        doubt: what is weighed.
        neighbours: what other textures say of it, a continuation of that sentence.
    """
    seam = f"the step across the seam is {doubt.step:.1f} times a usual one{neighbours}"
    repeats = round(probability(doubt.odds), 2)
    treatment = least_harm(doubt)
    if treatment is Treatment.WRAP:
        return AxisGuess("wrap", repeats, seam, doubt=doubt)
    if treatment is Treatment.BLEND:
        return AxisGuess("clamp", repeats, seam, undecided=True, doubt=doubt)
    return AxisGuess("clamp", round(1 - repeats, 2), seam, doubt=doubt)


def _likely(lines: Lines, measures: Floats) -> AxisGuess:
    clamp, wrap = harms(lines)
    step = round(relative_step(lines), 2)
    return by_harm(Doubt(log_odds(measures), clamp, wrap, step))
