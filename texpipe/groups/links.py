"""Which texture goes on where another one ends: by lines of texels that both have, or by colours that flow on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.borders import Axis, Tile, families_of
from texpipe.groups.flow import Flow, balanced

Numbers = NDArray[np.float64]

MOST_ALIKE = 64
"""Of so many pairs with the same lines all are tried."""

LIKELY = 0.75
"""Probability of a pair of neighbours that is looked at."""


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


@dataclass(frozen=True, eq=False)
class Shared:
    """Which textures share lines of texels with which.

    Attributes:
        overlap: how many lines.
        ends: for each axis, kind and digest of lines, the textures that end with them and those that begin with them.
    """

    overlap: int
    ends: Mapping[tuple[Axis, Hashable, int, bytes], tuple[list[Tile], list[Tile]]]

    @staticmethod
    def among(tiles: Iterable[Tile], overlap: int) -> Shared:
        """Compare all ends of textures."""
        ends: dict[tuple[Axis, Hashable, int, bytes], tuple[list[Tile], list[Tile]]] = defaultdict(
            lambda: ([], [])
        )
        for family in families_of(tiles):
            for tile in family.tiles:
                border = tile.border(family.axis)
                if border is not None and overlap in border.last_shared:
                    ends[_key(tile, family.axis, border.last_shared[overlap])][0].append(tile)
                    ends[_key(tile, family.axis, border.first_shared[overlap])][1].append(tile)
        return Shared(overlap, dict(ends))

    def links(self) -> Iterator[Link]:
        """Yield the pairs that share lines, but those of which too many do to tell one from the other."""
        for (axis, *_), (lasts, firsts) in self.ends.items():
            if len(lasts) * len(firsts) > MOST_ALIKE:
                continue
            for before, after in product(lasts, firsts):
                confidence = self.agree(before, after, axis)
                if confidence and after.extent(axis) <= before.extent(axis) and before is not after:
                    yield Link(before, after, axis, self.overlap, confidence)

    def agree(self, before: Tile, after: Tile, axis: Axis) -> float | None:
        """Return how sure it is that two textures are neighbours; None if they do not have the same lines.

        That a line with n changes of colour agrees by chance is put at one in 2 to the n / 2. A texture that repeats
        shares lines with itself, a frame with every other frame: they say nothing.
        """
        one, other = before.border(axis), after.border(axis)
        if one is None or other is None or self.overlap not in one.last_shared:
            return None
        if one.last_shared[self.overlap] != other.first_shared.get(self.overlap):
            return None
        if one.repeats[1] or other.repeats[0]:
            return 0.0
        lasts, firsts = self.ends[_key(before, axis, one.last_shared[self.overlap])]
        return float((1 - 2 ** (-one.detail[1] / 2)) / max(len(lasts), len(firsts)))


def _key(tile: Tile, axis: Axis, lines: bytes) -> tuple[Axis, Hashable, int, bytes]:
    return axis, tile.kind, tile.length(axis), lines


def flowing_links(flow: Flow, more: Numbers | float = 0.0) -> Iterator[Link]:
    """Yield the pairs whose colours flow on across the cut, each the likeliest neighbour that the other can have.

    Args:
        flow: how well textures go on in each other.
        more: evidence for each of its pairs that pixels do not tell, natural logs.
    """
    tiles, axis = flow.family.tiles, flow.family.axis
    likely = balanced(flow, more)
    for pair in np.flatnonzero((likely > LIKELY) & flow.possible):
        yield Link(tiles[flow.before[pair]], tiles[flow.after[pair]], axis, 0, float(likely[pair]))
