"""Which textures of a pack keep one scale: pieces, variants in other colours, frames, mirror images, mip levels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import TypeVar

from texpipe.formats.contract import Placed
from texpipe.planning.jobs import Workload

_Node = TypeVar("_Node", bound=Hashable)


def together(placed: Sequence[Placed], work: Workload) -> list[tuple[Placed, ...]]:
    """Return the textures of a pack in sets that belong together, each set and all sets in the order of the pack.

    Args:
        placed: the textures.
        work: what is known of them.
    """
    above: dict[Hashable, Hashable] = {}
    for one in placed:
        name = one.picture.source.name
        for tie in _ties(one, work):
            _join(above, ("texture", name), tie)
    sets: dict[Hashable, list[Placed]] = defaultdict(list)
    for one in placed:
        sets[_top(above, ("texture", one.picture.source.name))].append(one)
    return [tuple(members) for members in sets.values()]


def _ties(one: Placed, work: Workload) -> Iterator[Hashable]:
    """Yield what a texture has in common with others."""
    name, emulator = one.picture.source.name, one.picture.source.emulator
    if (first := work.duplicate_of.get(name)) is not None:
        yield "texture", first
    if (group := work.group_of.get(name)) is not None:
        yield "group", group
    if (variant := work.variant_of.get(name)) is not None:
        yield "texture", variant.like
    if (frame := work.frame_of.get(name)) is not None:
        yield "texture", frame.first
    if (mirror := work.mirror_of.get(name)) is not None:
        yield "texture", mirror.of
    # Dolphin and PPSSPP dump each mip level as a texture, half the size of the one before.
    if emulator is not None:
        fields = tuple(pair for pair in emulator.fields if pair[0] != "level")
        yield "levels", emulator.scheme, emulator.game, fields


def _top(above: dict[_Node, _Node], node: _Node) -> _Node:
    while (higher := above.get(node, node)) != node:
        above[node] = above.get(higher, higher)
        node = higher
    return node


def _join(above: dict[_Node, _Node], one: _Node, other: _Node) -> None:
    first, second = _top(above, one), _top(above, other)
    if first != second:
        above[second] = first
