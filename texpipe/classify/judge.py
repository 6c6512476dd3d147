"""How likely an axis repeats, from its measures: boosted decision trees, walked in NumPy.

`benchmarks/fit_tileability.py` fits them to labelled textures; docs/alpha-and-edges.md says which, and what they get
right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.evidence import Floats

_TREES = Path(__file__).with_name("judge.safetensors")
_LEAST, _MOST = 0.01, 0.99
"""Lowest and highest probability of an axis about which no fact decides."""


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


def probability(measures: Floats) -> float:
    """Return how likely an axis repeats.

    Args:
        measures: its measures, as `evidence` returns them.
    """
    odds = 1 / (1 + np.exp(-np.float64(_judge().log_odds(measures))))
    return float(min(max(odds, _LEAST), _MOST))


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
