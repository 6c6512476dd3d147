"""Boosted decision trees, walked in NumPy, so that classifying imports no library for learning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Trees:
    """T trees of up to N nodes; the first node of each is its root, and leaves lead to themselves.

    Attributes:
        measure: T x N, number of the measure that a node asks for.
        threshold: T x N, largest value of that measure for which the walk goes on at `below`, else at `above`.
        below, above: T x N, numbers of nodes.
        value: T x N, log odds that a leaf adds.
    """

    measure: NDArray[np.uint8]
    threshold: Floats
    below: NDArray[np.uint8]
    above: NDArray[np.uint8]
    value: Floats

    def values(self, measures: Floats) -> Floats:
        """Return what each of the T trees says of K measures."""
        trees = np.arange(len(self.measure))
        at = np.zeros(len(trees), np.uint8)
        for _ in range(self.measure.shape[1]):
            goes_below = measures[self.measure[trees, at]] <= self.threshold[trees, at]
            further = np.where(goes_below, self.below[trees, at], self.above[trees, at])
            if np.array_equal(further, at):
                break
            at = further
        return self.value[trees, at]


def trees_in(tensors: Mapping[str, NDArray[Any]]) -> Trees:
    """Return the trees that a file holds."""
    return Trees(
        tensors["measure"],
        tensors["threshold"],
        tensors["below"],
        tensors["above"],
        tensors["value"].astype(np.float32),
    )
