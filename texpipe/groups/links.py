"""Which texture goes on where another one ends: by lines of texels that both have, or by colours that flow on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.borders import Axis, Floats, Tile

Indices = NDArray[np.intp]

MIN_DETAIL = 4
"""A border whose colour changes less often along its line says nothing: black meets black everywhere."""

WORST_OF_FLAT = 0.85
"""The best neighbour's step over that to a border of a single colour: above, the border is too plain to tell."""

MIN_LENGTH = 16
"""Texels of a border that are enough to judge by how colours flow on."""

WORST_STEP = 3.0
"""Largest mean square step across a cut, in units of those inside both pieces. True neighbours have 0.5 to 3."""

WORST_RATIO, WORST_RATIO_OF_SHORT, SHORT = 0.85, 0.35, 100
"""The best neighbour's step over that of the next best one: above, nobody can tell which is the right one. A border
of less than 100 texels finds a good neighbour by chance more often."""

NEAREST = 12
"""Candidates for each border that are looked at closely, the nearest by their low frequencies."""

_TINY = 1e-3
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Link:
    """Two neighbours: `after` is right of or below `before`.

    Attributes:
        axis: the direction.
        overlap: texels that they share.
        confidence: 0 to 1.
    """

    before: Tile
    after: Tile
    axis: Axis
    overlap: int
    confidence: float


def shares(before: Tile, after: Tile, axis: Axis, overlap: int) -> bool:
    """Tell whether the last lines of one texture are the first of the other, texel by texel."""
    one, other = before.border(axis), after.border(axis)
    if one is None or other is None or overlap not in one.last_shared:
        return False
    return one.last_shared[overlap] == other.first_shared.get(overlap)


def sharing_links(tiles: Iterable[Tile], axis: Axis, overlap: int) -> Iterator[Link]:
    """Yield the pairs that share lines of texels, where nobody else has the same ones.

    A texture that repeats shares lines with itself, a frame with every other frame: both are left out. That
    a line with n changes of colour agrees by chance is put at one in 2 to the n / 2.
    """
    ends: dict[Hashable, tuple[list[Tile], list[Tile]]] = defaultdict(lambda: ([], []))
    for tile in tiles:
        if (border := tile.border(axis)) is None:
            continue
        for side, lines in enumerate((border.last_shared, border.first_shared)):
            if overlap in lines:
                ends[tile.kind, tile.length(axis), lines[overlap]][side].append(tile)
    for lasts, firsts in ends.values():
        if len(lasts) == len(firsts) == 1 and lasts[0] is not firsts[0]:
            link = _sharing(lasts[0], firsts[0], axis, overlap)
            if link is not None:
                yield link


def _sharing(before: Tile, after: Tile, axis: Axis, overlap: int) -> Link | None:
    one, other = before.border(axis), after.border(axis)
    if one is None or other is None or one.repeats[1] or other.repeats[0]:
        return None
    if one.detail[1] < MIN_DETAIL or after.extent(axis) > before.extent(axis):
        return None
    return Link(before, after, axis, overlap, 1 - 2 ** (-one.detail[1] / 2))


def flowing_links(tiles: Sequence[Tile], axis: Axis) -> list[Link]:
    """Return the pairs whose colours flow on across the cut, each the best neighbour that the other can have.

    Found in rounds: a border that has its neighbour is no candidate for the others any more.

    Args:
        tiles: textures of one kind, all of one length across the axis.
        axis: the direction.
    """
    if len(tiles) < 2 or tiles[0].length(axis) < MIN_LENGTH:
        return []
    ends = _Ends.of(tiles, axis)
    before, after = _candidates(ends)
    step = ends.steps(before, after)
    # A mirror image goes on without any step: the other half of a symmetric picture, but not what lies next to it.
    real = (step > _TINY) | (before == after)
    before, after, step = before[real], after[real], step[real]
    worst = WORST_RATIO if tiles[0].length(axis) >= SHORT else WORST_RATIO_OF_SHORT
    links: list[Link] = []
    while True:
        found, rival = _best_pairs(before, after, step, len(tiles))
        ratio = (step[found] + _TINY) / (rival + _TINY)
        plain = step[found] > WORST_OF_FLAT * ends.flatness(before[found], after[found])
        good = (
            (step[found] <= WORST_STEP)
            & (ratio <= worst)
            & ~plain
            & ends.telling(before[found], after[found])
        )
        if not good.any():
            return links
        chosen = found[good]
        for pair, doubt in zip(chosen, ratio[good], strict=True):
            links.append(Link(tiles[before[pair]], tiles[after[pair]], axis, 0, float(1 - doubt)))
        kept = ~(np.isin(before, before[chosen]) | np.isin(after, after[chosen]))
        before, after, step = before[kept], after[kept], step[kept]


def step_between(before: Tile, after: Tile, axis: Axis) -> float:
    """Return the step across a cut in units of the steps inside; around 1 between true neighbours."""
    ends = _Ends.of([before, after], axis)
    return float(ends.steps(np.array([0]), np.array([1]))[0])


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
        return np.asarray(poorer >= MIN_DETAIL)

    def flatness(self, before: Indices, after: Indices) -> Floats:
        """Return for each pair the step from its plainer border to one of a single colour."""
        lasts = _distance_from_flat(self.last, self.spread)[before]
        firsts = _distance_from_flat(self.first, self.spread)[after]
        return np.minimum(lasts, firsts)

    def steps(self, before: Indices, after: Indices) -> Floats:
        """Return for each pair the mean square step across the cut over that inside, per frequency: 1 is usual.

        A low frequency hardly changes from line to line inside a texture and so weighs most.
        """
        size = max(1, _CHUNK // self.first.shape[1])
        parts = [
            self._steps(before[at : at + size], after[at : at + size]) for at in range(0, len(before), size)
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def _steps(self, before: Indices, after: Indices) -> Floats:
        step = self.first[after] - self.last[before]
        usual = (self.spread[before] + self.spread[after]) / 2
        return np.asarray((step * step / usual).mean(axis=1), dtype=np.float32)


def _distance_from_flat(border: Floats, spread: Floats) -> Floats:
    # The first four numbers are the mean colour.
    return np.asarray((border[:, 4:] ** 2 / spread[:, 4:]).sum(axis=1) / border.shape[1], dtype=np.float32)


def _candidates(ends: _Ends) -> tuple[Indices, Indices]:
    """Return pairs (before, after) worth a closer look, and every texture with itself: a rival of its neighbours."""
    weight = (1 / np.sqrt(np.median(ends.spread, axis=0))).astype(np.float32)
    lasts, firsts = ends.last * weight, ends.first * weight
    one = _nearest(lasts, firsts)
    other = _nearest(firsts, lasts)
    count = len(lasts)
    rows = np.repeat(np.arange(count), one.shape[1])
    itself = np.arange(count)
    keys = np.unique(
        np.concatenate([rows * count + one.ravel(), other.ravel() * count + rows, itself * count + itself])
    )
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
        found.append(np.argpartition(distance, count - 1, axis=1)[:, :count])
    return np.concatenate(found)


def _best_pairs(before: Indices, after: Indices, step: Floats, count: int) -> tuple[Indices, Floats]:
    """Return the pairs that are each other's best, and the smaller step to the next best of either."""
    best_after, next_after = _two_best(before, step, count)
    best_before, next_before = _two_best(after, step, count)
    pairs = np.arange(len(step))
    mutual = (best_after[before] == pairs) & (best_before[after] == pairs) & (before != after)
    return pairs[mutual], np.minimum(next_after[before], next_before[after])[mutual]


def _two_best(owner: Indices, step: Floats, count: int) -> tuple[Indices, Floats]:
    """Return for each owner the number of its best pair, and the step of its second best."""
    order = np.lexsort((step, owner))
    starts = np.searchsorted(owner[order], np.arange(count))
    ends = np.searchsorted(owner[order], np.arange(count), side="right")
    best = np.full(count, -1, dtype=np.intp)
    second = np.full(count, np.inf, dtype=np.float32)
    some, more = ends > starts, ends > starts + 1
    best[some] = order[starts[some]]
    second[more] = step[order[starts[more] + 1]]
    return best, second
