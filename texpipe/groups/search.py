"""Find the split pictures among all textures of a dump. Rather miss a picture than join two that are none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import partial

from texpipe.groups.borders import OVERLAPS, Axis, Tile
from texpipe.groups.jigsaw import Grid, solve
from texpipe.groups.links import Link, flowing_links, shares, sharing_links, step_between

SURE = 0.3
"""Lowest mean confidence of the links of a picture."""

SURE_OF_TWO = 0.75
"""The same for a picture of two pieces, of which nothing but that one link tells. Two that share lines are none: parts
of one pattern often do."""

WORST_STEP_INSIDE = 12.0
"""Two pieces with a larger step between them are no neighbours, whatever their other neighbours say."""

_AXES: tuple[Axis, ...] = ("x", "y")


def find_grids(tiles: Iterable[Tile]) -> list[Grid]:
    """Return the split pictures among textures.

    Pieces that share lines of texels are looked for first: an equal line is far better evidence than a likely one.

    Args:
        tiles: textures that differ from each other in their visible pixels.

    Returns:
        The pictures in order of their first pieces' names; no texture is in two of them.
    """
    left = sorted(tiles, key=lambda tile: tile.name)
    found: list[Grid] = []
    for overlap in (*OVERLAPS, 0):
        agree = partial(shares, overlap=overlap) if overlap else _flows
        links = _sharing(left, overlap) if overlap else _flowing(left)
        sure = [grid for grid in solve(links, agree) if _is_sure(grid)]
        taken = {tile for grid in sure for tile in grid.tiles}
        left = [tile for tile in left if tile not in taken]
        found += sure
    return sorted(found, key=lambda grid: grid.tiles[0].name)


def _sharing(tiles: Sequence[Tile], overlap: int) -> Iterator[Link]:
    for axis in _AXES:
        yield from sharing_links(tiles, axis, overlap)


def _flowing(tiles: Sequence[Tile]) -> Iterator[Link]:
    for axis in _AXES:
        alike: dict[Hashable, list[Tile]] = defaultdict(list)
        for tile in tiles:
            if tile.border(axis) is not None:
                alike[tile.kind, tile.length(axis)].append(tile)
        for some in alike.values():
            yield from (link for link in flowing_links(some, axis) if not _overlap(link))


def _overlap(link: Link) -> bool:
    """Tell whether two pieces share lines. If not surely enough to be joined by them, nothing else is right."""
    return any(shares(link.before, link.after, link.axis, overlap) for overlap in OVERLAPS)


def _flows(before: Tile, after: Tile, axis: Axis) -> bool:
    if before.length(axis) != after.length(axis) or before.border(axis) is None or after.border(axis) is None:
        return False
    return step_between(before, after, axis) <= WORST_STEP_INSIDE


def _is_sure(grid: Grid) -> bool:
    if len(grid.tiles) > 2:
        return grid.confidence >= SURE
    return not grid.overlap and grid.confidence >= SURE_OF_TWO
