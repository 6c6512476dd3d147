"""How sure a mean difference is: paired bootstrap intervals over textures.

Textures differ more from each other than models do on one texture, so models are compared texture by texture (Efron and
Tibshirani, "An introduction to the bootstrap", 1993). The percentile interval is too short for few textures; it is
widened by sqrt(n / (n - 1)) and Student's t over the normal quantile (Hesterberg, "What teachers should know about the
bootstrap", 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 4000
_NORMAL = 1.959964
"""Quantile of the normal distribution for 95 % on both sides."""


@dataclass(frozen=True)
class Interval:
    """A mean difference and the 95 % interval around it."""

    mean: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Whether it does not hold zero: the difference is no chance."""
        return self.low > 0 or self.high < 0

    def as_json(self) -> dict[str, float | None]:
        """Return the three numbers; an end without limit, as of one texture alone, is None."""
        ends = {"low": self.low, "high": self.high}
        return {"mean": self.mean} | {name: end if np.isfinite(end) else None for name, end in ends.items()}


def paired_interval(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Return the mean of `ours - theirs` with its 95 % interval; the same values give the same interval.

    Args:
        ours, theirs: one value per texture, in the same order. One texture tells nothing: the
            interval is infinite then.
    """
    differences = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    mean = float(differences.mean())
    if len(differences) < 2:
        return Interval(mean, -np.inf, np.inf)
    means = differences[resamples(len(differences))].mean(axis=1)
    return interval(mean, means, len(differences))


def resamples(count: int, seed: int = 0) -> NDArray[np.intp]:
    """Return which textures each resample holds, 4000 x `count`; always the same ones."""
    return np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))


def interval(value: float, resampled: NDArray[np.float64], count: int) -> Interval:
    """Return the widened percentile interval around a value.

    Args:
        value: computed from all textures.
        resampled: the same computed from each resample.
        count: number of textures, at least 2.
    """
    widened = np.sqrt(count / (count - 1)) * _student(count - 1) / _NORMAL
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Interval(value, float(value + widened * (low - value)), float(value + widened * (high - value)))


def _student(degrees: int) -> float:
    """Approximate Student's quantile for 95 % on both sides (Cornish and Fisher, Abramowitz and Stegun 26.7.5)."""
    z, v = _NORMAL, degrees
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return float(z + sum(term / v**power for power, term in enumerate(terms, start=1)))
