"""Mirror images: halves and quarters of one symmetric picture, arrows to the left and to the right."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from texpipe.analysis.inventory import Fingerprint, Fingerprints, SurveyedTexture, read_again
from texpipe.classify.flip_digest import FLIPS, after, flipped
from texpipe.classify.index_digests import ENOUGH_BITS, index_image, is_plain
from texpipe.errors import TexpipeError
from texpipe.groups.variants import is_guessed
from texpipe.imaging.visible import without_hidden
from texpipe.relations import Flip
from texpipe.texture import Rgba8

WHY = "its texels are exactly those of the other, flipped"


@dataclass(frozen=True)
class Images:
    """Textures that are mirror images of each other, in order of their names, and the flip from each to the first."""

    items: tuple[SurveyedTexture, ...]
    flips: tuple[Flip, ...]

    def between(self, one: int, other: int) -> Flip:
        """Return the flip that turns one of them into the other."""
        return after(self.flips[one], self.flips[other])


@dataclass(frozen=True)
class Image:
    """How a texture is made: the name of the one that is upscaled, and the flip."""

    of: str
    axis: Flip


def find_images(items: Iterable[SurveyedTexture], fingerprints: Fingerprints) -> list[Images]:
    """Find the textures that are exact mirror images of others.

    They lie in one folder, have one format and are treated alike: where a rule or the dump treats one differently, both
    are upscaled. Simple pictures that could match by chance are left out.

    Args:
        items: textures in any order; only the first by name of equal ones is used.
        fingerprints: of these textures.

    Returns:
        Sets of two to four, in order of their first names. The items' order has no influence.
    """
    ordered = sorted(items, key=lambda item: item.source.name)
    both = [(item, fingerprints[item.source.name]) for item in ordered]
    candidates = [(item, fingerprint) for item, fingerprint in both if _may_be_image(item, fingerprint)]
    count = Counter(fingerprint.orbit for _, fingerprint in candidates)  # most textures have no mirror image
    alike: dict[Hashable, dict[str, SurveyedTexture]] = defaultdict(dict)
    for item, fingerprint in candidates:
        if count[fingerprint.orbit] > 1:
            alike[_treatment(item, fingerprint)].setdefault(fingerprint.pixels, item)
    sets = (list(some.values()) for some in alike.values() if len(some) > 1)
    return [images for some in sets if (images := _images(some)) is not None]


def choose_originals(images: Iterable[Images], set_of: Mapping[str, str]) -> dict[str, Image]:
    """Choose which textures are upscaled and which are made from those by a flip.

    The results of variants, and those of frames, depend on each other. Such a set is made from another one as a whole,
    by one flip, or not at all.

    Args:
        images: textures that are mirror images of each other.
        set_of: texture name -> any name of its set. Other textures are sets of their own.

    Returns:
        Texture name -> how it is made. All other textures are upscaled.
    """
    mates: dict[str, dict[str, Flip]] = {}
    for some in images:
        names = [item.source.name for item in some.items]
        for one, name in enumerate(names):
            mates[name] = {mate: some.between(other, one) for other, mate in enumerate(names) if other != one}
    sets: dict[str, list[str]] = defaultdict(list)
    for name in sorted({*mates, *set_of}):
        sets[set_of.get(name, name)].append(name)
    chosen: dict[str, Image] = {}
    upscaled: dict[str, str] = {}
    for members in sorted(sets.values(), key=lambda members: (-len(members), members)):
        flips = _flips_of(members, mates, upscaled)
        chosen |= flips
        if not flips:
            upscaled |= dict.fromkeys(members, members[0])
    return chosen


def _flips_of(
    members: Sequence[str], mates: Mapping[str, Mapping[str, Flip]], upscaled: Mapping[str, str]
) -> dict[str, Image]:
    """Return how each of a set is made, if one flip makes all of them from a single set that is upscaled."""
    for mate, axis in mates.get(members[0], {}).items():
        flips = {
            name: Image(other, flip)
            for name in members
            for other, flip in mates.get(name, {}).items()
            if flip == axis and mate in upscaled and upscaled.get(other) == upscaled[mate]
        }
        if len(flips) == len(members):
            return flips
    return {}


def _may_be_image(item: SurveyedTexture, fingerprint: Fingerprint) -> bool:
    facts = fingerprint.facts
    return fingerprint.orbit != "" and item.plan.action == "upscale" and not (facts.flat or facts.tiny)


def _treatment(item: SurveyedTexture, fingerprint: Fingerprint) -> tuple[Hashable, ...]:
    """Return what mirror images have in common: pixels, folder, format, and the decisions of rules and the dump."""
    plan, name = item.plan, item.source.emulator
    folder = item.source.name.rpartition("/")[0]
    axes = (
        (plan.edges.x, plan.decided_by.x, fingerprint.facts.x),
        (plan.edges.y, plan.decided_by.y, fingerprint.facts.y),
    )
    edges = tuple(None if is_guessed(by, guess) else mode for mode, by, guess in axes)
    treated = (
        plan.alpha,
        plan.scale,
        plan.colour,
        plan.grey,
        plan.consistency,
        plan.clean,
        plan.detail,
        plan.outline,
        plan.cells,
        plan.model,
    )
    return fingerprint.orbit, folder, name and (name.scheme, name.texels), edges, *treated


def _images(items: Sequence[SurveyedTexture]) -> Images | None:
    """Compare the pixels themselves; None if they are too simple, or cannot be read."""
    try:
        pictures = [_shown(item) for item in items]
    except TexpipeError:
        return None  # the run reports the error when it reads the texture
    related = [
        (item, axis)
        for item, picture in zip(items, pictures, strict=True)
        if (axis := _flip_between(picture, pictures[0])) is not None
    ]
    if len(related) < 2 or not _is_complex(pictures[0]):
        return None
    known, flips = zip(*related, strict=True)
    return Images(known, flips)


def _flip_between(one: Rgba8, other: Rgba8) -> Flip | None:
    return next((axis for axis in FLIPS if np.array_equal(flipped(one, axis), other)), None)


def _shown(item: SurveyedTexture) -> Rgba8:
    """Read a texture again, without hidden colours."""
    rgba = read_again(item).rgba
    return rgba if item.plan.alpha == "data" else without_hidden(rgba)


def _is_complex(rgba: Rgba8) -> bool:
    """Tell a picture from what many textures show by chance: stripes, gradients, a few dots.

    N texels, n1, n2, ... of each colour, can be arranged in N! / (n1! n2! ...) ways; enough of them make equal pictures
    by chance unlikely.
    """
    indices = index_image(rgba)
    if is_plain(indices):
        return False
    ways = math.lgamma(indices.size + 1) - sum(math.lgamma(n + 1) for n in np.bincount(indices.ravel()))
    return ways >= ENOUGH_BITS * math.log(2)
