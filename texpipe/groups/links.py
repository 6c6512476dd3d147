"""Which texture goes on where another one ends: by lines of texels that both have, or by colours that flow on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.groups.borders import Axis, Tile
from texpipe.groups.flow import MIN_DETAIL, Flow, balanced

Numbers = NDArray[np.float64]

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
