"""Variants: the same texels under several palettes, or in several tints. All take the structure of one of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from texpipe.analysis.inventory import Fingerprint, Fingerprints, SurveyedTexture, read_again
from texpipe.classify.analysis import SAID_BY_DUMP
from texpipe.classify.index_digests import Indices, index_image, refined
from texpipe.errors import TexpipeError
from texpipe.texture import AxisGuess, Facts, Rgba8

BY_NAME = "their names differ in the palette alone"
BY_TEXELS = "their texels have equal and different colours at the same places"

_PALETTE_ENTRIES = {"ci4": 16, "psx4": 16}
"""Number of palette entries of the texel formats that have fewer than `_MAX_PALETTE_ENTRIES`."""
_MAX_PALETTE_ENTRIES = 256


@dataclass(frozen=True)
class Variants:
    """Textures that are variants of each other.

    Attributes:
        like: the one that is upscaled: most colours, then most contrast.
        others: those that take its structure, planned with its edges.
        why: why they are variants, in one line.
    """

    like: SurveyedTexture
    others: tuple[SurveyedTexture, ...]
    why: str


def find_variants(items: Iterable[SurveyedTexture], fingerprints: Fingerprints) -> list[Variants]:
    """Find the variants among textures.

    Two textures are variants if their names say that they have the same texels and their pixels agree, or if their
    index images are equal and complex enough. Variants have the same size, alpha and scale.

    Args:
        items: textures that differ in their visible pixels or their plans, in any order.
        fingerprints: of these textures.

    Returns:
        Sets of two or more, in the order of their digests. The items' order has no influence.
    """
    both = ((item, fingerprints[item.source.name]) for item in items if item.plan.action == "upscale")
    candidates = [(item, fingerprint) for item, fingerprint in both if _has_structure(fingerprint.facts)]
    count = Counter(fingerprint.indices for _, fingerprint in candidates if fingerprint.indices)
    sets = _VariantSets()
    named: dict[Hashable, list[SurveyedTexture]] = defaultdict(list)
    for item, fingerprint in sorted(candidates, key=lambda pair: (pair[1].pixels, pair[0].source.name)):
        key = _texels_by_name(item)
        if key is None and count[fingerprint.indices] < 2:
            continue  # most textures have no variant
        sets.add(item, fingerprint.indices)
        if key is not None:
            named[_treatment(item), key].append(item)
    for alike in named.values():
        if len(alike) > 1:
            sets.join_by_name(alike)
    return [
        variants for members, why in sets if (variants := _variants(members, fingerprints, why)) is not None
    ]


def _has_structure(facts: Facts) -> bool:
    """Index images are those of visible colours, so a texture whose alpha the game ignores has none."""
    return not facts.flat and facts.alpha != "data"


class _VariantSets:
    """Sets of textures that can be merged."""

    def __init__(self) -> None:
        self._members: dict[Hashable, list[SurveyedTexture]] = {}
        self._why: dict[Hashable, str] = {}
        self._key_of: dict[str, Hashable] = {}

    def add(self, item: SurveyedTexture, indices: str) -> None:
        """Add a texture to those with the same index image, given by its digest."""
        key = (_treatment(item), indices or item.source.name)
        self._members.setdefault(key, []).append(item)
        self._key_of[item.source.name] = key
        self._why.setdefault(key, BY_TEXELS)

    def join_by_name(self, items: Sequence[SurveyedTexture]) -> None:
        """Merge the sets of textures whose names say that they have the same texels, as far as their pixels agree."""
        for some in _agreeing(items):
            first, *rest = dict.fromkeys(self._key_of[item.source.name] for item in some)
            self._why[first] = BY_NAME
            for key in rest:
                moved = self._members.pop(key)
                self._members[first] += moved
                self._key_of.update((item.source.name, first) for item in moved)

    def __iter__(self) -> Iterator[tuple[list[SurveyedTexture], str]]:
        return ((members, self._why[key]) for key, members in self._members.items() if len(members) > 1)


def _treatment(item: SurveyedTexture) -> Hashable:
    return item.size, item.plan.alpha, item.plan.scale, item.plan.model


def _texels_by_name(item: SurveyedTexture) -> Hashable | None:
    """Return the emulator's name without its palette; None for a name that holds no palette."""
    name = item.source.emulator
    if name is None or not any("palette" in field for field, _ in name.fields):
        return None
    return replace(name, fields=tuple(pair for pair in name.fields if "palette" not in pair[0]))


def _agreeing(items: Sequence[SurveyedTexture]) -> Iterator[list[SurveyedTexture]]:
    """Split textures that should have the same texels into sets that can have them: checksums may collide.

    All of a set have one alpha, and together at most as many colours as a palette has entries.
    """
    sets: list[_SameTexels] = []
    for item in items:
        try:
            rgba = read_again(item).rgba
        except TexpipeError:
            continue  # the run reports the error when it reads the texture
        if not any(one.add(item, rgba) for one in sets):
            sets.append(_SameTexels([item], rgba[..., 3].copy(), index_image(rgba)))
    return (one.members for one in sets if len(one.members) > 1)


@dataclass
class _SameTexels:
    """Textures that can have the same texels.

    Attributes:
        members: the textures.
        alpha: that of the first, H x W.
        indices: H x W, equal where all textures have one colour.
    """

    members: list[SurveyedTexture]
    alpha: NDArray[np.uint8]
    indices: Indices

    def add(self, item: SurveyedTexture, rgba: Rgba8) -> bool:
        """Add a texture if it can have the same texels, and return whether it can."""
        if item.plan.alpha != "mask" and not np.array_equal(self.alpha, rgba[..., 3]):
            return False
        indices = refined(self.indices, rgba)
        if int(indices.max()) >= _PALETTE_ENTRIES.get(item.texels or "", _MAX_PALETTE_ENTRIES):
            return False
        self.members.append(item)
        self.indices = indices
        return True


def _variants(members: Sequence[SurveyedTexture], fingerprints: Fingerprints, why: str) -> Variants | None:
    """Choose the texture whose structure all take; leave out those for which a rule or the dump sets other edges."""
    like = max(members, key=lambda item: _rank(item, fingerprints[item.source.name]))
    others = tuple(
        replace(item, plan=item.plan.with_edges_of(like.plan, f"as its variant {like.source.name}"))
        for item in members
        if item is not like
        and (item.plan.edges == like.plan.edges or _edges_are_guessed(item, fingerprints[item.source.name]))
    )
    return Variants(like, others, why) if others else None


def _rank(item: SurveyedTexture, fingerprint: Fingerprint) -> tuple[int, float, str, str]:
    """More colours hide less; among equals the network sees most in the one with the highest contrast."""
    return fingerprint.facts.colours, fingerprint.contrast, fingerprint.pixels, item.source.name


def _edges_are_guessed(item: SurveyedTexture, fingerprint: Fingerprint) -> bool:
    """Return whether the classifier alone decided both edge modes."""
    by, facts = item.plan.decided_by, fingerprint.facts
    return is_guessed(by.x, facts.x) and is_guessed(by.y, facts.y)


def is_guessed(by: str, guess: AxisGuess) -> bool:
    """Return whether the classifier alone, no rule and no dump, decided the edge mode of an axis."""
    return by.startswith("classify") and guess.reason != SAID_BY_DUMP
