"""The odds that an axis repeats, from its measures: boosted decision trees, walked in NumPy.

`benchmarks/fit_tileability.py` fits them to labelled textures; docs/alpha-and-edges.md says which, and what they get
right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.evidence import Floats

_TREES = Path(__file__).with_name("judge.safetensors")
MOST_ODDS = 4.6
"""Largest log odds, either way, of an axis about which no fact decides: a probability of 99 %."""


@dataclass(frozen=True, eq=False)
class Judge:
    """T trees of up to N nodes; the first node of each is its root, and leaves lead to themselves.

    Attributes:
        measure: T x N, number of the measure that a node asks for.
        threshold: T x N, largest value of that measure for which the walk goes on at `below`, else at `above`.
        below, above: T x N, numbers of nodes.
        value: T x N, log odds that a leaf adds.
        start: log odds to which they are added.
    """

    measure: NDArray[np.uint8]
    threshold: Floats
    below: NDArray[np.uint8]
    above: NDArray[np.uint8]
    value: Floats
    start: float

    def log_odds(self, measures: Floats) -> float:
        """Return the log odds that an axis repeats, from its K measures."""
        trees = np.arange(len(self.measure))
        at = np.zeros(len(trees), np.uint8)
        for _ in range(self.measure.shape[1]):
            goes_below = measures[self.measure[trees, at]] <= self.threshold[trees, at]
            further = np.where(goes_below, self.below[trees, at], self.above[trees, at])
            if np.array_equal(further, at):
                break
            at = further
        return self.start + float(self.value[trees, at].sum(dtype=np.float64))


def log_odds(measures: Floats) -> float:
    """Return the log odds that an axis repeats, within `MOST_ODDS` and rounded to 3 decimals.

    Args:
        measures: its measures, as `evidence` returns them.
    """
    return round(min(max(_judge().log_odds(measures), -MOST_ODDS), MOST_ODDS), 3)


def probability(odds: float) -> float:
    """Return the probability, 0 to 1, that some log odds stand for."""
    return 1 / (1 + math.exp(-odds))


@cache
def _judge() -> Judge:
    from safetensors.numpy import load_file

    tensors = load_file(_TREES)
    return Judge(
        tensors["measure"],
        tensors["threshold"],
        tensors["below"],
        tensors["above"],
        tensors["value"].astype(np.float32),
        float(tensors["start"][0]),
    )
