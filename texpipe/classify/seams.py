"""Evidence about a seam: would the first line of a texture follow its last one?

Every measure of the join is taken three times: across the seam, between neighbouring lines inside, and between lines
inside that lie far apart. The second says what a join looks like in this texture, the third what a break looks like.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import Rgba8

Lines = NDArray[np.float32]
"""N x M x 4: the N lines of texels along an axis; alpha and premultiplied colours in levels."""
Values = NDArray[np.float64]

WEIGHTS: Mapping[str, tuple[float, float, tuple[float, ...]]] = {
    "step": (0.291, 0.740, (-0.539, 0.180, -0.378, 0.462)),
    "broad": (0.370, 0.821, (-0.813, -0.907, -0.584, 0.697)),
    "jump": (0.314, 0.777, (-0.285, 0.213, 0.070, 0.464)),
    "bend": (0.262, 0.584, (-0.202, 1.096, 0.435, -0.268)),
    "match": (0.163, 0.474, (-0.003, 0.502, 0.231, 0.568)),
    "outlier": (0.742, 1.622, (-0.836, -1.252, -0.434, 0.804)),
    "jump_outlier": (0.634, 1.435, (-0.403, 0.152, -0.223, 0.351)),
    "largest": (-0.352, 0.764, (-0.258, -0.983, -0.154, -0.194)),
    "distant": (-0.210, 0.671, (-0.114, 1.171, -0.953, -0.662)),
    "match_distant": (-0.648, 1.443, (-0.462, -0.654, -1.065, 0.247)),
    "count": (5.052, 0.830, (-0.588, 0.023, 0.104, -0.229)),
    "levels": (2.400, 0.939, (-0.121, -0.477, -0.340, -0.249)),
}
"""Measure -> mean and spread over labelled textures, and its weight for each of four hidden units."""
HIDDEN_BIAS = (0.505, 0.945, 0.128, -0.332)
OUTPUT = (1.048, 0.989, 0.868, -1.158)
OUTPUT_BIAS = 0.585

_LEVEL = 0.5
"""Added to differences before they are divided, in levels: less cannot be seen."""
_LEAST_SPREAD = 0.1
_MOST_SPREADS = 4.0
_BROAD = 4
_SHIFTS = (2, 4)
_DISTANCES = 4


def premultiplied(rgba: Rgba8) -> Lines:
    """Return the rows of a picture as lines; hidden RGB becomes 0."""
    alpha = rgba[..., 3:].astype(np.float32)
    return np.concatenate([rgba[..., :3] * (alpha / 255), alpha], axis=2).astype(np.float32)


def seam_score(evidence: Mapping[str, float]) -> float:
    """Return the log odds that a seam belongs to a texture that wraps.

    A network of four hidden units, fitted by `benchmarks/tileability.py --fit`.

    Args:
        evidence: as `seam_evidence` returns it.
    """
    hidden = np.array(HIDDEN_BIAS)
    for name, (mean, spread, weights) in WEIGHTS.items():
        hidden = hidden + np.clip((evidence[name] - mean) / spread, -_MOST_SPREADS, _MOST_SPREADS) * np.array(
            weights
        )
    return float(np.tanh(hidden) @ np.array(OUTPUT)) + OUTPUT_BIAS


def seam_evidence(lines: Lines) -> dict[str, float]:
    """Measure the seam of one axis against the inside.

    Args:
        lines: N x M x 4 float32 with N at least 8; something is visible in the first or the last line.

    Returns:
        Logarithms of differences across the seam, against their means inside:

        * `step` between the two lines, `broad` after averaging every four neighbours along the lines, which
          quiets noise, `jump` the largest of these along the line, `bend` the second difference, and `match` the
          step against steps between the two lines moved along each other: in noise a true join still matches;
        * `outlier` and `jump_outlier`: step and jump in standard deviations of those inside;
        * `largest` and `distant`: the step against the largest inside and against that of distant lines;
        * `match_distant`: the match in standard deviations of that of distant lines;
        * `count`, the binary logarithm of N, and `levels`, the step itself.
    """
    count = len(lines)
    lines = lines if lines[..., 3].min() < 255 else lines[..., :3]
    broad = _broad(lines)
    seam = _joins(lines, broad, np.array([count - 1]), np.array([0]))
    inside = _joins(lines, broad, np.arange(1, count - 2), np.arange(2, count - 1))
    apart = _joins(lines, broad, *_distant_pairs(count))
    value = {name: float(values[0]) for name, values in seam.items()}
    excess = {name: value[name] - _mean(inside[name]) for name in seam}
    return {
        **excess,
        "outlier": excess["step"] / _spread(inside["step"]),
        "jump_outlier": excess["jump"] / _spread(inside["jump"]),
        "largest": value["step"] - float(inside["step"].max(initial=np.log(_LEVEL))),
        "distant": value["step"] - _mean(apart["step"]),
        "match_distant": (value["match"] - _mean(apart["match"])) / _spread(apart["match"]),
        "count": float(np.log2(count)),
        "levels": value["step"],
    }


def _distant_pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return lines a quarter to three quarters of the texture apart, the later one first, as in a seam."""
    far = np.unique(np.linspace(max(3, count // 4), max(4, 3 * count // 4), _DISTANCES).astype(np.intp))
    first = [np.arange(1, count - 1 - distance) for distance in far]
    last = [start + distance for start, distance in zip(first, far, strict=True)]
    return np.concatenate(last), np.concatenate(first)


def _joins(lines: Lines, broad: Lines, last: NDArray[np.intp], first: NDArray[np.intp]) -> dict[str, Values]:
    """Measure how well lines `first` follow lines `last`, as logarithms; pairs that show nothing are left out."""
    shown = _is_shown(lines[last]) | _is_shown(lines[first])
    last, first, shown = last[shown.any(axis=1)], first[shown.any(axis=1)], shown[shown.any(axis=1)]
    before, after = lines[last], lines[first]
    step = _mean_where(np.abs(before - after).mean(axis=2), shown)
    wide = np.abs(broad[last] - broad[first]).mean(axis=2)
    bend = np.abs(lines[last - 1] - 2 * before + after) + np.abs(
        before - 2 * after + lines[(first + 1) % len(lines)]
    )
    level = np.float64(_LEVEL)
    return {
        "step": np.log(step + level),
        "broad": np.log(wide.mean(axis=1) + level),
        "jump": np.log(wide.max(axis=1) + level),
        "bend": np.log(_mean_where(bend.mean(axis=2), shown) + level),
        "match": np.log((step + level) / (_moved_step(before, after, shown) + level)),
    }


def _is_shown(lines: Lines) -> NDArray[np.bool_]:
    return lines[..., 3] > 0 if lines.shape[2] == 4 else np.ones(lines.shape[:2], dtype=np.bool_)


def _mean_where(values: NDArray[np.float32], shown: NDArray[np.bool_]) -> Values:
    return np.asarray((values * shown).sum(axis=1, dtype=np.float64) / shown.sum(axis=1))


def _broad(lines: Lines) -> Lines:
    width = min(_BROAD, lines.shape[1])
    last = lines.shape[1] - width + 1
    return np.asarray(np.mean([lines[:, at : at + last] for at in range(width)], axis=0, dtype=np.float32))


def _moved_step(before: Lines, after: Lines, shown: NDArray[np.bool_]) -> Values:
    """Return the mean step between lines that are moved along each other; their own step where they are too short."""
    length = before.shape[1]
    steps = [
        np.abs(one[:, shift:] - other[:, :-shift]).mean(axis=(1, 2), dtype=np.float64)
        for shift in _SHIFTS
        if length >= 3 * shift
        for one, other in ((before, after), (after, before))
    ]
    return (
        np.asarray(np.mean(steps, axis=0))
        if steps
        else _mean_where(np.abs(before - after).mean(axis=2), shown)
    )


def _mean(values: Values) -> float:
    return float(values.mean()) if values.size else float(np.log(_LEVEL))


def _spread(values: Values) -> float:
    return float(values.std() if values.size else 0.0) + _LEAST_SPREAD
