"""Which texture goes on where another one ends, by colours that flow on: likelihoods, weighed against all rivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.split.borders import Axis, Floats, PieceFamily, Tile

Indices = NDArray[np.intp]

MIN_LENGTH = 16
"""Texels of a border that are enough to judge by how colours flow on."""

_MIN_DETAIL = 4
"""A border whose colour changes less often along its line says nothing: black meets black everywhere."""

_MAX_DULL_SHARE = -2.0
"""The most that such a border is worth, in nats: alone it is no neighbour, with an order or other cuts it may be."""

NEAREST = 12
"""Candidates for each border that are looked at closely, the nearest by their low frequencies."""

_ROUGH = 96
"""Numbers of a border by which these are chosen: of the lowest frequencies."""

_STRIDES = (1, 2, 3, 4, 5, 6, 8)
"""How far apart in an order textures are that are looked at closely too: pieces of a row, and rows of some pieces."""

_WORST_STEP = 3.0
"""Largest mean square step across a cut, in units of those inside both pieces. True neighbours have 0.5 to 3."""

_STEP_OF_MIRROR = 0.4
"""A smaller step at both ends, likewise measured: the one is a mirror image of the other."""

_NUMBERS_PER_NAT = 24
"""So many of a border's numbers are worth one nat of evidence: they are far from independent of each other."""

_USUAL = 1.5
"""The surprise at which a pair is as likely as none: mean of the numbers, around 0 between true neighbours."""

_CHUNK = 1 << 22
_ROUNDS = 30
_MAX_EVIDENCE = 40.0
"""More nats than this are certainty."""


@dataclass(frozen=True, eq=False)
class Flow:
    """How well textures of one kind go on in each other.

    Attributes:
        family: the textures.
        before, after: p numbers of tiles: the pairs that are worth a look, every texture with itself among them.
        evidence: p float64, log of how much likelier the pair is than none at all.
        possible: p, whether the pair can be neighbours; otherwise it is only a rival of other pairs.
    """

    family: PieceFamily
    before: Indices
    after: Indices
    evidence: NDArray[np.float64]
    possible: NDArray[np.bool_]


def flow_in(family: PieceFamily, ranks: Sequence[Indices] = ()) -> Flow:
    """Compare the ends of all textures of a family that could be neighbours.

    Args:
        family: at least two textures.
        ranks: places of the textures in orders that may tell of neighbours: those that follow each other are compared.
    """
    ends = _Ends.of(family.tiles, family.axis)
    before, after = _candidates(ends, ranks)
    step, surprise = ends.steps(before, after)
    # A mirror image goes on at both ends: the other half of a symmetric picture, but not what comes next.
    back = ends.steps(after, before)[0]
    real = (np.maximum(step, back) > _STEP_OF_MIRROR) | (before == after)
    before, after, step, surprise = before[real], after[real], step[real], surprise[real]
    evidence = (_USUAL - surprise) * (ends.first.shape[1] / _NUMBERS_PER_NAT)
    evidence = np.where(ends.telling(before, after), evidence, np.minimum(evidence, _MAX_DULL_SHARE))
    possible = (step <= _WORST_STEP) & (before != after)
    return Flow(family, before, after, evidence, possible)


def balanced(flow: Flow, more: NDArray[np.float64] | float = 0.0) -> NDArray[np.float64]:
    """Return for each pair the probability that they are neighbours, when every border has one neighbour at most.

    Weights are scaled by turns until those of each border, with a weight of 1 for none, add up to 1 (Sinkhorn and
    Knopp, 1967). So a border that suits everybody is nobody's, and one that has found its neighbour is no rival.

    Args:
        flow: how well textures go on in each other.
        more: evidence for each of its p pairs that pixels do not tell, natural logs.
    """
    weight = np.exp(np.clip(flow.evidence + more, -_MAX_EVIDENCE, _MAX_EVIDENCE))
    count = len(flow.family.tiles)
    across = np.ones(count)
    for _ in range(_ROUNDS):
        down = 1 / (1 + np.bincount(flow.before, weight * across[flow.after], count))
        across = 1 / (1 + np.bincount(flow.after, weight * down[flow.before], count))
    down = 1 / (1 + np.bincount(flow.before, weight * across[flow.after], count))
    return np.asarray(weight * down[flow.before] * across[flow.after])


def step_between(before: Tile, after: Tile, axis: Axis) -> float:
    """Return the mean square step across a cut in units of those inside; around 1 between true neighbours."""
    ends = _Ends.of([before, after], axis)
    return float(ends.steps(np.array([0]), np.array([1]))[0][0])


@dataclass(frozen=True, eq=False)
class _Ends:
    """The borders of n textures along one axis.

    Attributes:
        first, last, spread: n x D float32: the low frequencies of both ends, and their mean square steps inside.
        detail: n x 2, changes of colour along the first and the last line.
        extent: n, texels along the axis.
    """

    first: Floats
    last: Floats
    spread: Floats
    detail: Indices
    extent: Indices

    @staticmethod
    def of(tiles: Sequence[Tile], axis: Axis) -> _Ends:
        borders = [border for tile in tiles if (border := tile.border(axis)) is not None]
        return _Ends(
            np.stack([border.first.ravel() for border in borders]),
            np.stack([border.last.ravel() for border in borders]),
            np.stack([border.steps.ravel() for border in borders]),
            np.array([border.detail for border in borders], dtype=np.intp),
            np.array([tile.extent(axis) for tile in tiles], dtype=np.intp),
        )

    def telling(self, before: Indices, after: Indices) -> NDArray[np.bool_]:
        """Tell which pairs have enough detail at their cut."""
        poorer = np.minimum(self.detail[before, 1], self.detail[after, 0])
        return np.asarray(poorer >= _MIN_DETAIL)

    def steps(self, before: Indices, after: Indices) -> tuple[Floats, Floats]:
        """Return for each pair the mean square step across the cut over that inside, per frequency, and its surprise.

        A low frequency hardly changes from line to line inside a texture and so weighs most. The surprise is the
        negative log likelihood (normal distribution, variance that of both pieces' steps), without what depends on
        one piece alone: rough pieces take any step for usual, but what lies beside a smooth one is smooth.
        """
        size = max(1, _CHUNK // self.first.shape[1])
        logs = np.log(self.spread).mean(axis=1)
        parts = [
            self._steps(before[at : at + size], after[at : at + size], logs)
            for at in range(0, len(before), size)
        ]
        return np.concatenate([step for step, _ in parts]), np.concatenate(
            [surprise for _, surprise in parts]
        )

    def _steps(self, before: Indices, after: Indices, logs: Floats) -> tuple[Floats, Floats]:
        step = self.first[after] - self.last[before]
        usual = (self.spread[before] + self.spread[after]) / 2
        mean = (step * step / usual).mean(axis=1)
        wider = np.log(usual).mean(axis=1) - (logs[before] + logs[after]) / 2
        return mean, mean - 1 + wider


def _candidates(ends: _Ends, ranks: Sequence[Indices]) -> tuple[Indices, Indices]:
    """Return pairs (before, after) worth a closer look, and every texture with itself: a rival of its neighbours."""
    weight = (1 / np.sqrt(np.median(ends.spread[:, :_ROUGH], axis=0))).astype(np.float32)
    lasts, firsts = ends.last[:, :_ROUGH] * weight, ends.first[:, :_ROUGH] * weight
    one = _nearest(lasts, firsts)
    other = _nearest(firsts, lasts)
    count = len(lasts)
    rows = np.repeat(np.arange(count), one.shape[1])
    itself = np.arange(count)
    pairs = [rows * count + one.ravel(), other.ravel() * count + rows, itself * count + itself]
    for places in ranks:
        order = np.argsort(places, kind="stable")
        for apart in _STRIDES:
            pairs += [order[:-apart] * count + order[apart:], order[apart:] * count + order[:-apart]]
    keys = np.unique(np.concatenate(pairs))
    before, after = keys // count, keys % count
    # Only the last piece of a picture may be smaller than the others.
    fits = ends.extent[after] <= ends.extent[before]
    return before[fits], after[fits]


def _nearest(points: Floats, others: Floats) -> Indices:
    """Return for each point the numbers of the nearest others, n x k."""
    count = min(NEAREST, len(others))
    lengths = np.einsum("nd,nd->n", others, others)
    size = max(1, _CHUNK // len(others))
    found = []
    for at in range(0, len(points), size):
        distance = lengths - 2 * points[at : at + size] @ others.T
        found.append(np.argpartition(distance, count - 1, axis=1)[:, :count].copy())
    return np.concatenate(found)
