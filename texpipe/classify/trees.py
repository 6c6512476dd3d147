"""Boosted decision trees, evaluated in NumPy, so that classifying imports no library for learning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class _Questions(NamedTuple):
    """The nodes that are no leaves, Q of each of T trees; where a tree has fewer, the rest asks nothing.

    Attributes:
        measure: Q x T, number of the measure that is asked for.
        threshold: Q x T, largest value with which the walk goes on below.
        ruled_out: Q x T, a bit for each leaf that is impossible if it goes on above.
        value: T x L, what the leaves add, from the leftmost to the rightmost.
    """

    measure: NDArray[np.intp]
    threshold: Floats
    ruled_out: NDArray[np.uint32]
    value: Floats


@dataclass(frozen=True, eq=False)
class Trees:
    """T trees of up to N nodes and 32 leaves; the first node of each is its root, leaves lead to themselves, and all
    others to nodes of higher numbers.

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
        """Return what each of the T trees says of P pictures, P x T, from their K measures, P x K.

        No tree is walked: every question is answered, each answer rules out leaves, and the leftmost one that is left
        is where a walk would end (Lucchese et al., "QuickScorer", 2015).
        """
        asked = self._questions
        impossible = np.zeros((len(measures), len(self.measure)), np.uint32)
        for measure, threshold, leaves in zip(*asked[:3], strict=True):
            impossible |= (measures.take(measure, axis=1) > threshold) * leaves
        leftmost = ~impossible & (impossible + np.uint32(1))
        leaf = np.frexp(leftmost.astype(np.float64))[1] - 1
        return np.asarray(asked.value[np.arange(len(self.measure)), leaf], np.float32)

    @cached_property
    def _questions(self) -> _Questions:
        trees, nodes = self.measure.shape
        every, is_leaf = np.arange(trees), self.below == np.arange(nodes)
        count = np.ones((trees, nodes), np.intp)  # leaves at and under each node
        for node in reversed(range(nodes)):
            under = count[every, self.below[:, node]] + count[every, self.above[:, node]]
            count[:, node] = np.where(is_leaf[:, node], 1, under)
        first = np.zeros((trees, nodes), np.intp)  # the leftmost of them, by its number
        for node in range(nodes):
            asks = np.flatnonzero(~is_leaf[:, node])
            below, above = self.below[asks, node], self.above[asks, node]
            first[asks, below] = first[asks, node]
            first[asks, above] = first[asks, node] + count[asks, below]
        return self._in_order(is_leaf, count, first)

    def _in_order(
        self, is_leaf: NDArray[np.bool_], count: NDArray[np.intp], first: NDArray[np.intp]
    ) -> _Questions:
        every = np.arange(len(is_leaf))[:, None]
        # Under a node lie neighbouring leaves: above it goes on past all those below.
        some = count[every, self.below].astype(np.uint64)
        ruled_out = ((np.uint64(1) << some) - np.uint64(1)) << first.astype(np.uint64)
        value = np.zeros((len(is_leaf), int(count[:, 0].max())), np.float32)
        reached = is_leaf & (np.cumsum(is_leaf, axis=1) <= count[:, :1])
        value[np.nonzero(reached)[0], first[reached]] = self.value[reached]
        questions = np.argsort(is_leaf, axis=1, kind="stable")[:, : int((~is_leaf).sum(axis=1).max())]
        return _Questions(
            np.ascontiguousarray(self.measure[every, questions].T, np.intp),
            np.ascontiguousarray(self.threshold[every, questions].T),
            np.ascontiguousarray(np.where(is_leaf, 0, ruled_out)[every, questions].T, np.uint32),
            value,
        )


def trees_in(tensors: Mapping[str, NDArray[Any]]) -> Trees:
    """Return the trees that a file holds."""
    return Trees(
        tensors["measure"],
        tensors["threshold"],
        tensors["below"],
        tensors["above"],
        tensors["value"].astype(np.float32),
    )
