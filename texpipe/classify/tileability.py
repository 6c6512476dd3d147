"""Whether a texture wraps, is mirrored or ends at its border: judged per axis from its pixels.

The seam, from the last line of texels to the first, is compared with what the texture itself shows. Wrongly
`clamp` costs a line where the texture repeats, wrongly `wrap` bleeds opposite borders into each other: the threshold
lies where about one in a hundred crops with a visible seam is taken for a wrap. docs/alpha-and-edges.md tells how it
was found and gives the confusion table.
"""

from __future__ import annotations

import numpy as np

from texpipe.classify.seams import Lines, relative_step, seam_score
from texpipe.imaging.visible import premultiplied
from texpipe.texture import AxisGuess, Rgba8

_WRAP_ABOVE = 3.0
_WRAP_CUTOUT_ABOVE = 3.5
_CLAMP_BELOW = -2.5
_MIRROR_BELOW = 0.0
"""Scores are log odds; between the two the answer is `clamp` with low confidence. A cut-out (a quarter of
its borders is void) must do better: what bleeds into the void is seen at once."""

_CUTOUT = 0.25
_MIN_SIDE = 8
_MIRROR_CALM = 0.35
_FRAME_LEVELS = 6.0
_FRAME_SHARE = 0.3
_LEVEL = 0.5
"""Added to steps before they are divided, in levels: less cannot be seen."""


def guess_axes(rgba: Rgba8, *, n64: bool) -> tuple[AxisGuess, AxisGuess]:
    """Guess how a texture goes on beyond its borders, for x (left and right) and y (top and bottom).

    Hidden RGB has no influence. An axis along which nothing changes is `clamp`: every mode gives the same there.

    Args:
        rgba: H x W x 4 uint8.
        n64: the texture comes from an N64, where only sides of a power of two can wrap or mirror.

    Returns:
        The guesses for x and y.
    """
    rows = premultiplied(rgba)
    columns: Lines = np.ascontiguousarray(rows.swapaxes(0, 1))
    x, y = (_certain(lines, n64=n64) for lines in (columns, rows))
    if (x is None or y is None) and _has_uniform_border(rows) and _has_uniform_border(columns):
        framed = AxisGuess("clamp", 0.5, "a frame all around: borders that agree are no sign of a wrap")
        return x or framed, y or framed
    return x or _likely(columns), y or _likely(rows)


def _has_uniform_border(lines: Lines) -> bool:
    """Tell whether the first and the last line hardly vary, as against lines in the middle."""
    border = float(_spread(lines[[0, -1]]).max())
    if border >= _FRAME_LEVELS:
        return False
    middle = float(np.median(_spread(lines[len(lines) // 4 : -(len(lines) // 4) or None])))
    return border < _FRAME_SHARE * (middle + _LEVEL)


def _spread(lines: Lines) -> Lines:
    """Return the standard deviation along each line, mean of the channels."""
    return np.asarray(lines.std(axis=1).mean(axis=1))


def _certain(lines: Lines, *, n64: bool) -> AxisGuess | None:
    """Answer what needs no statistics, or return None."""
    count = len(lines)
    if not (lines != lines[0]).any():
        return AxisGuess("clamp", 1.0, "nothing changes along this axis: every mode gives the same")
    if n64 and count & (count - 1):
        return AxisGuess("clamp", 1.0, f"{count} texels are no power of two: an N64 cannot repeat them")
    if not lines[0, :, 3].any() and not lines[-1, :, 3].any():
        return AxisGuess("clamp", 0.9, "nothing is visible at either border")
    if period := _exact_period(lines):
        return AxisGuess("wrap", 0.95, f"repeats exactly every {period} texels")
    if _only_touches(lines):
        return AxisGuess("clamp", 0.8, "a shape that only touches its borders")
    if count < _MIN_SIDE:
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
        if count % period == 0 and np.array_equal(lines[period:], lines[:-period]):
            return period
    return None


def _likely(lines: Lines) -> AxisGuess:
    score = seam_score(lines)
    odds = round(float(1 / (1 + np.exp(-score))), 2)
    seam = f"the step across the seam is {relative_step(lines):.2f} of a usual step inside"
    void = float((lines[[0, -1], :, 3] == 0).mean())
    if score > (_WRAP_ABOVE if void < _CUTOUT else _WRAP_CUTOUT_ABOVE):
        return AxisGuess("wrap", odds, seam)
    calm = _border_calm(lines)
    if void < _CUTOUT and score < _MIRROR_BELOW and calm < _MIRROR_CALM:
        return AxisGuess(
            "mirror", 0.7, f"{seam}, and steps at the borders only {calm:.2f}: cut at lines of symmetry"
        )
    if score < _CLAMP_BELOW:
        return AxisGuess("clamp", round(1 - odds, 2), seam)
    return AxisGuess("clamp", 0.5, f"{seam}: not certain enough to wrap")


def _border_calm(lines: Lines) -> float:
    """Steps next to both borders over those inside: near 0 where a symmetric picture was cut along its axes."""
    steps = np.abs(np.diff(lines, axis=0)).mean(axis=(1, 2))
    inside = float(np.median(steps[1:-1])) + _LEVEL
    return float(max(steps[0], steps[-1]) + _LEVEL) / inside
