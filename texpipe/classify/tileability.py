"""Whether a texture wraps, is mirrored or ends at its border: judged per axis from its pixels.

The seam, from the last line of texels to the first, is compared with the steps between neighbouring lines inside.
Wrongly `clamp` costs a line where the texture repeats, wrongly `wrap` bleeds opposite borders into each other. The
threshold lies where measured border errors of both break even, and where at most one in a hundred clear seams is
taken for a wrap. docs/alpha-and-edges.md says how the weights were fitted and gives the confusion table.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import AxisGuess, Rgba8

Lines = NDArray[np.float32]
"""N x M x 4: the N lines of texels along an axis; alpha and premultiplied colours in levels."""

_WEIGHTS = {
    "step": -0.45,
    "broad_step": -1.32,
    "outlier": -0.68,
    "largest": 0.48,
    "noise": 0.75,
    "count": 1.04,
    "levels": -0.6,
}
_BIAS = -0.46
_WRAP_ABOVE = 1.5
_WRAP_CUTOUT_ABOVE = 2.5
_CLAMP_BELOW = -2.0
"""Scores are log odds; between the two the answer is `clamp` with low confidence. A cut-out (a quarter of
its borders is void) must do better: what bleeds into the void is seen at once."""

_MIN_SIDE = 8
_MIRROR_CALM = 0.35
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
    alpha = rgba[..., 3:].astype(np.float32)
    shown = np.concatenate([rgba[..., :3] * (alpha / 255), alpha], axis=2).astype(np.float32)
    return _guess(np.moveaxis(shown, 1, 0), n64=n64), _guess(shown, n64=n64)


def _guess(lines: Lines, *, n64: bool) -> AxisGuess:
    return _certain(lines, n64=n64) or _likely(lines)


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
    evidence = seam_evidence(lines)
    score = sum(weight * evidence[name] for name, weight in _WEIGHTS.items()) + _BIAS
    odds = round(float(1 / (1 + np.exp(-score))), 2)
    seam = f"the step across the seam is {np.exp(evidence['step']):.2f} of the mean step inside"
    void = float((lines[[0, -1], :, 3] == 0).mean())
    if score > (_WRAP_ABOVE if void < 0.25 else _WRAP_CUTOUT_ABOVE):
        return AxisGuess("wrap", odds, seam)
    calm = _border_calm(lines)
    if score < _CLAMP_BELOW and calm < _MIRROR_CALM:
        return AxisGuess(
            "mirror", 0.7, f"{seam}, and steps at the borders only {calm:.2f}: cut at lines of symmetry"
        )
    if score < _CLAMP_BELOW:
        return AxisGuess("clamp", round(1 - odds, 2), seam)
    return AxisGuess("clamp", 0.5, f"{seam}: not certain enough to wrap")


def seam_evidence(lines: Lines) -> dict[str, float]:
    """Measure the seam of one axis against the inside; public for calibration.

    Args:
        lines: N x M x 4 float32 with N at least 2, in levels, colours premultiplied.

    Returns:
        step: log of the step across the seam over the mean step inside.
        broad_step: the same after averaging every four neighbours along the lines, which quiets noise.
        outlier: the same in standard deviations of the log steps inside.
        largest: log of the step across the seam over the largest step inside.
        noise: log of the mean step inside over the mean difference of distant lines; near 0 for noise.
        count: binary logarithm of N.
        levels: log of the step across the seam in levels.
    """
    steps = _steps(lines[1:], lines[:-1]) + _LEVEL
    seam = float(_steps(lines[:1], lines[-1:])[0]) + _LEVEL
    log_steps = np.log(steps)
    return {
        "step": float(np.log(seam / steps.mean())),
        "broad_step": _broad_step(lines),
        "outlier": float((np.log(seam) - log_steps.mean()) / (log_steps.std() + 0.15)),
        "largest": float(np.log(seam / steps.max())),
        "noise": float(np.log(steps.mean() / (_distant_step(lines) + _LEVEL))),
        "count": float(np.log2(len(lines))),
        "levels": float(np.log(seam)),
    }


def _steps(these: Lines, others: Lines) -> NDArray[np.float64]:
    """Return the mean absolute difference of each pair of lines where either shows something.

    Pairs with nothing visible are left out. So a sprite that touches a border in a few places is judged by them, and
    the void around it does not pass for a smooth inside. Alpha counts only if the texture has any.
    """
    shown = (these[..., 3] > 0) | (others[..., 3] > 0)
    channels = 4 if min(these[..., 3].min(), others[..., 3].min()) < 255 else 3
    difference = np.abs(these - others)[..., :channels].mean(axis=2, dtype=np.float64)
    count = shown.sum(axis=1)
    return np.asarray((difference * shown).sum(axis=1)[count > 0] / count[count > 0])


def _broad_step(lines: Lines) -> float:
    width = min(4, lines.shape[1])
    last = lines.shape[1] - width + 1
    broad: Lines = np.asarray(
        np.mean([lines[:, at : at + last] for at in range(width)], axis=0, dtype=np.float32)
    )
    seam = float(_steps(broad[:1], broad[-1:])[0])
    return float(np.log((seam + _LEVEL) / (_steps(broad[1:], broad[:-1]).mean() + _LEVEL)))


def _distant_step(lines: Lines) -> float:
    """Mean absolute difference between lines that are a quarter to three quarters of the texture apart."""
    count = len(lines)
    distances = range(max(2, count // 4), max(3, count * 3 // 4), max(1, count // 32))
    return float(np.concatenate([_steps(lines[far:], lines[:-far]) for far in distances]).mean())


def _border_calm(lines: Lines) -> float:
    """Steps next to both borders over those inside: near 0 where a symmetric picture was cut along its axes."""
    steps = _steps(lines[1:], lines[:-1])
    inside = float(np.median(steps[1:-1])) + _LEVEL
    return float(max(steps[0], steps[-1]) + _LEVEL) / inside
