"""Boosted decision trees, walked in NumPy, so that classifying imports no library for learning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
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
        """Return what each of the T trees says of P pictures, P x T, from their K measures, P x K."""
        trees, nodes = self.measure.shape
        measure, threshold, value = (one.ravel() for one in (self.measure, self.threshold, self.value))
        pictures = np.arange(len(measures), dtype=np.intp)[:, None] * measures.shape[1]
        at = np.broadcast_to(np.arange(trees, dtype=np.intp) * nodes, (len(measures), trees))
        told = np.ascontiguousarray(measures).ravel()
        for _ in range(nodes):
            goes_above = told.take(pictures + measure.take(at)) > threshold.take(at)
            further = self._next.take(2 * at + goes_above)
            if np.array_equal(further, at):
                break
            at = further
        return np.asarray(value.take(at), np.float32)

    @cached_property
    def _next(self) -> NDArray[np.intp]:
        """Where the walk goes on from each node of all trees: at its even place below, at its odd one above."""
        start = np.arange(len(self.measure), dtype=np.intp)[:, None] * self.measure.shape[1]
        return np.stack([start + self.below, start + self.above], axis=-1).ravel()


def trees_in(tensors: Mapping[str, NDArray[Any]]) -> Trees:
    """Return the trees that a file holds."""
    return Trees(
        tensors["measure"],
        tensors["threshold"],
        tensors["below"],
        tensors["above"],
        tensors["value"].astype(np.float32),
    )
