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

from texpipe.classify.seam_measures import out_of_phase
from texpipe.classify.trees import Floats, Trees, trees_in

_TREES = Path(__file__).with_name("judge.safetensors")
MOST_ODDS = 4.6
"""Largest log odds, either way, of an axis about which no fact decides: a probability of 99 %."""
_OUT_OF_PHASE_ODDS = -1.386
"""Largest log odds of an axis along which a regular pattern is cut in the wrong phase: a probability of 20 %. Alone, it
is too little for a wrap, whatever the harm."""


@dataclass(frozen=True, eq=False)
class Judge:
    """Trees whose values add up to the log odds that an axis repeats, beginning at `start`."""

    trees: Trees
    start: float

    def log_odds(self, measures: Floats) -> list[float]:
        """Return the log odds that axes repeat, from P x K measures."""
        sums = self.trees.values(measures).sum(axis=1, dtype=np.float64)
        return [self.start + one for one in sums.tolist()]


def log_odds(measures: Floats) -> list[float]:
    """Return the log odds that axes repeat, within `MOST_ODDS` and rounded to 3 decimals.

    The trees are overruled where a period does not divide the side: they know too few such cuts to be sure of it.

    Args:
        measures: their measures, P x K, as `evidence` returns them.
    """
    most = np.where(out_of_phase(measures), _OUT_OF_PHASE_ODDS, MOST_ODDS).tolist()
    found = zip(_judge().log_odds(measures), most, strict=True)
    return [round(min(max(odds, -MOST_ODDS), limit), 3) for odds, limit in found]


def probability(odds: float) -> float:
    """Return the probability, 0 to 1, that some log odds stand for."""
    return 1 / (1 + math.exp(-odds))


@cache
def _judge() -> Judge:
    from safetensors.numpy import load_file

    tensors = load_file(_TREES)
    return Judge(trees_in(tensors), float(tensors["start"][0]))
