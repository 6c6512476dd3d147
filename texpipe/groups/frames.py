"""Frames of animations: textures that share large parts, or that have numbered names and look alike."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from texpipe.analysis.inventory import Fingerprints, SurveyedTexture, read_again
from texpipe.classify.block_digests import DIGEST_BYTES
from texpipe.errors import TexpipeError
from texpipe.imaging.visible import without_hidden

_MIN_EQUAL_BLOCKS = 6
"""Smallest number of equal blocks, of 16, that make two textures frames; blocks of a single colour don't count."""

_MIN_CORRELATION = 0.5
"""Lowest correlation of two textures with numbered names that makes them frames."""

MAX_FRAMES = 64
"""Largest number of frames of an animation; larger sets of textures only have a border in common."""

BY_BLOCKS = "large parts of them are the same"
BY_NUMBER = "their names are numbered and they look alike"

_NUMBERED = re.compile(r"(.*?)(\d{1,6})(\D*)", re.DOTALL)

_TexturePair = tuple[SurveyedTexture, SurveyedTexture]


@dataclass(frozen=True)
class Animation:
    """Frames in order of their names, and the reason why they are frames, in one line."""

    frames: tuple[SurveyedTexture, ...]
    why: str


def find_animations(items: Iterable[SurveyedTexture], fingerprints: Fingerprints) -> list[Animation]:
    """Find the animations among textures; a texture is in at most one of them.

    Args:
        items: textures that differ in their visible pixels, in any order.
        fingerprints: of these textures.

    Returns:
        Animations of 2 to 64 frames with one size, alpha class and edges, in order of their first frames.
    """
    ordered = sorted(items, key=lambda item: item.source.name)
    alike: dict[Hashable, list[SurveyedTexture]] = defaultdict(list)
    for item in ordered:
        if item.plan.action == "upscale":
            plan = item.plan
            alike[item.size, plan.alpha, plan.edges, plan.scale, plan.model].append(item)
    links: list[tuple[_TexturePair, str]] = [
        (pair, BY_BLOCKS) for some in alike.values() for pair in _sharing_blocks(some, fingerprints)
    ]
    links += [(pair, BY_NUMBER) for some in alike.values() for pair in _numbered(some)]
    return list(_connected(ordered, links))


def _sharing_blocks(items: Sequence[SurveyedTexture], fingerprints: Fingerprints) -> Iterator[_TexturePair]:
    """Yield the pairs that have enough blocks in common."""
    holders: dict[tuple[int, bytes], list[SurveyedTexture]] = defaultdict(list)
    for item in items:
        blocks = fingerprints[item.source.name].blocks
        for at in range(0, len(blocks), DIGEST_BYTES):
            digest = blocks[at : at + DIGEST_BYTES]
            if any(digest):
                holders[at, digest].append(item)
    shared: Counter[tuple[str, str]] = Counter()
    for some in holders.values():
        if len(some) <= MAX_FRAMES:
            shared.update((one.source.name, other.source.name) for one, other in combinations(some, 2))
    by_name = {item.source.name: item for item in items}
    return (
        (by_name[one], by_name[other]) for (one, other), count in shared.items() if count >= _MIN_EQUAL_BLOCKS
    )


def _numbered(items: Sequence[SurveyedTexture]) -> Iterator[_TexturePair]:
    """Yield textures with consecutive numbers that look alike; the digits of an emulator's checksums don't count."""
    rows: dict[Hashable, list[tuple[int, SurveyedTexture]]] = defaultdict(list)
    for item in items:
        stem, _, suffix = item.source.name.rpartition(".")
        if item.source.emulator is None and (found := _NUMBERED.fullmatch(stem)) is not None:
            rows[found[1], found[3], suffix].append((int(found[2]), item))
    for row in rows.values():
        for (number, one), (following, other) in pairwise(
            sorted(row, key=lambda pair: (pair[0], pair[1].source.name))
        ):
            if following == number + 1 and _look_alike(one, other):
                yield one, other


def _look_alike(one: SurveyedTexture, other: SurveyedTexture) -> bool:
    try:
        pictures = [read_again(item).rgba for item in (one, other)]
    except TexpipeError:
        return False  # the run reports the error when it reads the texture
    shown = [without_hidden(rgba).astype(np.float64) for rgba in pictures]
    first, second = (picture - picture.mean(axis=(0, 1)) for picture in shown)
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return scale > 0 and float((first * second).sum()) >= _MIN_CORRELATION * scale


def _connected(
    items: Sequence[SurveyedTexture], links: Iterable[tuple[_TexturePair, str]]
) -> Iterator[Animation]:
    """Yield the connected sets of textures."""
    members: dict[str, list[SurveyedTexture]] = {}
    why: dict[str, str] = {}
    for (one, other), reason in links:
        first, second = (members.setdefault(_name(item), [item]) for item in (one, other))
        if first is not second:
            few, many = sorted((first, second), key=len)
            many += few
            members |= {item.source.name: many for item in few}
        why.setdefault(one.source.name, reason)
        why.setdefault(other.source.name, reason)
    for item in items:
        frames = members.get(_name(item), [])
        if 1 < len(frames) <= MAX_FRAMES and min(frames, key=_name) is item:
            yield Animation(tuple(sorted(frames, key=_name)), why[item.source.name])


def _name(item: SurveyedTexture) -> str:
    return item.source.name
