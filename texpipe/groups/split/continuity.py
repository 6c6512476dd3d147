"""Likelihood that one texture continues in another, by the colours at their borders, weighed against all rivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.split.borders import Axis, Floats, Piece, PieceFamily

Indices = NDArray[np.intp]

MIN_LENGTH = 16
"""Shortest border, in texels, that is judged by its colours."""

_MIN_COLOUR_CHANGES = 4
"""Smallest number of colour changes along a border that tell something: black meets black everywhere."""

_MAX_PLAIN_EVIDENCE = -2.0
"""Largest evidence of a border with fewer changes, in nats: too little alone, enough beside an order or other cuts."""

NEAREST_CANDIDATES = 12
"""Number of candidates per border that are compared in full: the nearest by their lowest frequencies."""

_COARSE_COEFFICIENTS = 96
"""Number of coefficients of a border, of the lowest frequencies, by which the nearest candidates are chosen."""

_RANK_DISTANCES = (1, 2, 3, 4, 5, 6, 8)
"""Distances in an order at which textures are compared in full too: pieces of one row, and rows of a few pieces."""

_MAX_STEP = 3.0
"""Largest mean square step across a cut, relative to the steps inside both pieces. True neighbours have 0.5 to 3."""

_MAX_MIRROR_STEP = 0.4
"""Largest such step at both ends of a pair of which one is the other's mirror image."""

_COEFFICIENTS_PER_NAT = 24
"""Number of a border's coefficients that make one nat of evidence: they are far from independent of each other."""

_NEUTRAL_SURPRISE = 1.5
"""Mean surprise per coefficient at which a pair is neither likely nor unlikely; around 0 between true neighbours."""

_CHUNK_NUMBERS = 1 << 22
"""Number of float32 values that are compared at once, to bound memory."""
_SINKHORN_ROUNDS = 30
"""Number of rounds in which the probabilities are balanced."""
_MAX_EVIDENCE = 40.0
"""Largest evidence for or against a pair, in nats; keeps the exponential finite."""


@dataclass(frozen=True, eq=False)
class Continuity:
    """How well the textures of a family continue in each other.

    Attributes:
        family: the textures.
        before, after: numbers of the pieces of P compared pairs, each texture with itself among them.
        evidence: P float64, natural log of the odds that the pair are neighbours.
        possible: P, whether the pair can be neighbours; otherwise it only competes with other pairs.
    """

    family: PieceFamily
    before: Indices
    after: Indices
    evidence: NDArray[np.float64]
    possible: NDArray[np.bool_]


def compare_ends(family: PieceFamily, ranks: Sequence[Indices] = ()) -> Continuity:
    """Compare the borders of all textures of a family that could be neighbours.

    Args:
        family: at least two textures.
        ranks: positions of the textures in orders that may tell neighbours: close ones are compared in full.
    """
    ends = _Ends.of(family.pieces, family.axis)
    before, after = _candidates(ends, ranks)
    step, surprise = ends.steps(before, after)
    # A mirror image continues at both ends: it is the other half of a symmetric picture, not what comes next.
    step_back = ends.steps(after, before)[0]
    kept = (np.maximum(step, step_back) > _MAX_MIRROR_STEP) | (before == after)
    before, after, step, surprise = before[kept], after[kept], step[kept], surprise[kept]
    evidence = ends.evidence(before, after, surprise)
    possible = (step <= _MAX_STEP) & (before != after)
    return Continuity(family, before, after, evidence, possible)


def neighbour_probabilities(
    continuity: Continuity, extra_evidence: NDArray[np.float64] | float = 0.0
) -> NDArray[np.float64]:
    """Return for each pair the probability that they are neighbours, given that a border has at most one neighbour.

    Weights are scaled in turn until those of each border, with a weight of 1 for no neighbour, add up to 1 (Sinkhorn
    and Knopp, 1967). A border that fits all others thus gets no neighbour, and one with a clear neighbour does not
    compete for others.

    Args:
        continuity: how well textures continue in each other.
        extra_evidence: for each of its P pairs, beside the pixels; natural logs of odds.
    """
    weight = np.exp(np.clip(continuity.evidence + extra_evidence, -_MAX_EVIDENCE, _MAX_EVIDENCE))
    count, before, after = len(continuity.family.pieces), continuity.before, continuity.after
    across = np.ones(count)
    for _ in range(_SINKHORN_ROUNDS):
        down = 1 / (1 + np.bincount(before, weight * across[after], count))
        across = 1 / (1 + np.bincount(after, weight * down[before], count))
    down = 1 / (1 + np.bincount(before, weight * across[after], count))
    return np.asarray(weight * down[before] * across[after])


def step_between(before: Piece, after: Piece, axis: Axis) -> float:
    """Return the mean square step across a cut relative to those inside; around 1 between true neighbours."""
    ends = _Ends.of([before, after], axis)
    return float(ends.steps(np.array([0]), np.array([1]))[0][0])


def evidence_between(before: Sequence[Piece], after: Sequence[Piece], axis: Axis) -> Floats:
    """Return the natural log of the odds that one is the other's neighbour for every pair, N x M.

    Args:
        before: N textures.
        after: M textures with borders of the same length, which would follow along the axis.
        axis: the direction.
    """
    ends = _Ends.of([*before, *after], axis)
    one, other = (numbers.ravel() for numbers in np.indices((len(before), len(after))))
    other = other + len(before)
    _, surprise = ends.steps(one, other)
    return np.asarray(ends.evidence(one, other, surprise).reshape(len(before), len(after)))


@dataclass(frozen=True, eq=False)
class _Ends:
    """The borders of N textures along one axis.

    Attributes:
        first, last, spread: N x D float32: low frequencies of both borders, and mean square steps inside.
        detail: N x 2, colour changes along the first and the last line.
        extent: N, texels along the axis.
    """

    first: Floats
    last: Floats
    spread: Floats
    detail: Indices
    extent: Indices

    @staticmethod
    def of(pieces: Sequence[Piece], axis: Axis) -> _Ends:
        borders = [border for piece in pieces if (border := piece.border(axis)) is not None]
        return _Ends(
            np.stack([border.first.ravel() for border in borders]),
            np.stack([border.last.ravel() for border in borders]),
            np.stack([border.steps.ravel() for border in borders]),
            np.array([border.detail for border in borders], dtype=np.intp),
            np.array([piece.extent(axis) for piece in pieces], dtype=np.intp),
        )

    def has_detail(self, before: Indices, after: Indices) -> NDArray[np.bool_]:
        """Return which pairs have enough detail at their cut."""
        poorer = np.minimum(self.detail[before, 1], self.detail[after, 0])
        return np.asarray(poorer >= _MIN_COLOUR_CHANGES)

    def steps(self, before: Indices, after: Indices) -> tuple[Floats, Floats]:
        """Return for each pair the mean square step across the cut relative to those inside, and its surprise.

        Low frequencies hardly change from line to line inside a texture, so they weigh most. The surprise is the
        negative log likelihood under a normal distribution with the variance of both pieces' steps, without the terms
        that depend on one piece alone: otherwise rough pieces would fit everything.
        """
        size = max(1, _CHUNK_NUMBERS // self.first.shape[1])
        logs = np.log(self.spread).mean(axis=1)
        parts = [
            self._steps(before[at : at + size], after[at : at + size], logs)
            for at in range(0, len(before), size)
        ]
        return np.concatenate([step for step, _ in parts]), np.concatenate(
            [surprise for _, surprise in parts]
        )

    def evidence(self, before: Indices, after: Indices, surprise: Floats) -> NDArray[np.float64]:
        """Return the natural log of the odds that each pair are neighbours, by its surprise."""
        nats = (_NEUTRAL_SURPRISE - surprise) * (self.first.shape[1] / _COEFFICIENTS_PER_NAT)
        return np.asarray(
            np.where(self.has_detail(before, after), nats, np.minimum(nats, _MAX_PLAIN_EVIDENCE))
        )

    def _steps(self, before: Indices, after: Indices, logs: Floats) -> tuple[Floats, Floats]:
        step = self.first[after] - self.last[before]
        variance = (self.spread[before] + self.spread[after]) / 2
        mean = (step * step / variance).mean(axis=1)
        excess = np.log(variance).mean(axis=1) - (logs[before] + logs[after]) / 2
        return mean, mean - 1 + excess


def _candidates(ends: _Ends, ranks: Sequence[Indices]) -> tuple[Indices, Indices]:
    """Return the pairs (before, after) to compare in full, and each texture with itself: a rival of its neighbours."""
    weight = (1 / np.sqrt(np.median(ends.spread[:, :_COARSE_COEFFICIENTS], axis=0))).astype(np.float32)
    lasts, firsts = (
        ends.last[:, :_COARSE_COEFFICIENTS] * weight,
        ends.first[:, :_COARSE_COEFFICIENTS] * weight,
    )
    one = _nearest(lasts, firsts)
    other = _nearest(firsts, lasts)
    count = len(lasts)
    rows = np.repeat(np.arange(count), one.shape[1])
    itself = np.arange(count)
    pairs = [rows * count + one.ravel(), other.ravel() * count + rows, itself * count + itself]
    for places in ranks:
        order = np.argsort(places, kind="stable")
        for apart in _RANK_DISTANCES:
            pairs += [order[:-apart] * count + order[apart:], order[apart:] * count + order[:-apart]]
    keys = np.unique(np.concatenate(pairs))
    before, after = keys // count, keys % count
    # Only the last piece of a picture may be smaller than the others.
    fits = ends.extent[after] <= ends.extent[before]
    return before[fits], after[fits]


def _nearest(points: Floats, others: Floats) -> Indices:
    """Return for each of N points the numbers of the K nearest others, N x K."""
    count = min(NEAREST_CANDIDATES, len(others))
    lengths = np.einsum("nd,nd->n", others, others)
    size = max(1, _CHUNK_NUMBERS // len(others))
    found = []
    for at in range(0, len(points), size):
        distance = lengths - 2 * points[at : at + size] @ others.T
        found.append(np.argpartition(distance, count - 1, axis=1)[:, :count].copy())
    return np.concatenate(found)
