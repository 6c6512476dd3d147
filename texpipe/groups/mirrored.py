"""Mirror images: halves and quarters of one symmetric picture, arrows to the left and to the right."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from texpipe.analysis.inventory import Item, read_again
from texpipe.classify.flips import FLIPS, after, flipped
from texpipe.classify.indices import ENOUGH_BITS, index_image, is_plain
from texpipe.errors import TexpipeError
from texpipe.groups.variants import is_guessed
from texpipe.imaging.visible import without_hidden
from texpipe.relations import Flip
from texpipe.texture import Rgba8

WHY = "its texels are exactly those of the other, flipped"


@dataclass(frozen=True)
class Images:
    """Textures that are mirror images of each other, in order of their names, and what makes each of them the first."""

    items: tuple[Item, ...]
    flips: tuple[Flip, ...]

    def between(self, one: int, other: int) -> Flip:
        """Return the flip that makes one of them the other."""
        return after(self.flips[one], self.flips[other])


@dataclass(frozen=True)
class Image:
    """What a texture is made of: the name of the one that is upscaled, and the flip."""

    of: str
    axis: Flip


def find_images(items: Iterable[Item]) -> list[Images]:
    """Find the textures that are exact mirror images of others.

    They lie in one folder, have one format and are treated alike. Where a rule or the dump says so of one and not of
    the other, they are left alone. Pictures that many textures could show by chance say nothing.

    Args:
        items: textures in any order; of equal ones the first by name counts.

    Returns:
        Sets of two to four, in order of their first names. The items' order has no influence.
    """
    wanted = sorted(filter(_may_be_image, items), key=lambda item: item.source.name)
    count = Counter(item.clues.orbit for item in wanted)  # most are alone in theirs
    alike: dict[Hashable, dict[str, Item]] = defaultdict(dict)
    for item in wanted:
        if count[item.clues.orbit] > 1:
            alike[_treatment(item)].setdefault(item.clues.pixels, item)
    sets = (list(some.values()) for some in alike.values() if len(some) > 1)
    return [made for some in sets if (made := _images(some)) is not None]


def choose_originals(images: Iterable[Images], company_of: Mapping[str, str]) -> dict[str, Image]:
    """Choose which textures are upscaled and which are made of them by a flip.

    Textures whose results depend on each other keep company: variants share a structure, frames are averaged. A
    company is made of another one as a whole, by one flip, or not at all.

    Args:
        images: textures that are mirror images of each other.
        company_of: texture name -> the company that it keeps, by any name. A texture without one keeps its own.

    Returns:
        Name of a texture -> what it is made of. The others are upscaled.
    """
    mates: dict[str, dict[str, Flip]] = {}
    for some in images:
        names = [item.source.name for item in some.items]
        for one, name in enumerate(names):
            mates[name] = {mate: some.between(other, one) for other, mate in enumerate(names) if other != one}
    companies: dict[str, list[str]] = defaultdict(list)
    for name in sorted({*mates, *company_of}):
        companies[company_of.get(name, name)].append(name)
    chosen: dict[str, Image] = {}
    kept: dict[str, str] = {}
    for members in sorted(companies.values(), key=lambda members: (-len(members), members)):
        made = _made_of(members, mates, kept)
        chosen |= made
        if not made:
            kept |= dict.fromkeys(members, members[0])
    return chosen


def _made_of(
    members: Sequence[str], mates: Mapping[str, Mapping[str, Flip]], kept: Mapping[str, str]
) -> dict[str, Image]:
    """Return what each of a company is made of, if one flip makes all of them of one company that is kept."""
    for mate, axis in mates.get(members[0], {}).items():
        made = {
            name: Image(other, flip)
            for name in members
            for other, flip in mates.get(name, {}).items()
            if flip == axis and mate in kept and kept.get(other) == kept[mate]
        }
        if len(made) == len(members):
            return made
    return {}


def _may_be_image(item: Item) -> bool:
    facts = item.clues.facts
    return item.clues.orbit != "" and item.plan.action == "upscale" and not (facts.flat or facts.tiny)


def _treatment(item: Item) -> tuple[Hashable, ...]:
    """Return what mirror images have in common: pixels, folder, format, and what rules or the dump say of them."""
    plan, name = item.plan, item.source.emulator
    folder = item.source.name.rpartition("/")[0]
    axes = (
        (plan.edges.x, plan.decided_by.x, item.clues.facts.x),
        (plan.edges.y, plan.decided_by.y, item.clues.facts.y),
    )
    edges = tuple(None if is_guessed(by, guess) else mode for mode, by, guess in axes)
    treated = (
        plan.alpha,
        plan.scale,
        plan.colour,
        plan.grey,
        plan.consistency,
        plan.clean,
        plan.cells,
        plan.detail,
    )
    return item.clues.orbit, folder, name and (name.scheme, name.texels), edges, *treated


def _images(items: Sequence[Item]) -> Images | None:
    """Compare the pixels themselves; None if they say too little, or can no longer be read."""
    try:
        pictures = [_shown(item) for item in items]
    except TexpipeError:
        return None  # the run itself says what is wrong with it
    related = [
        (item, axis)
        for item, picture in zip(items, pictures, strict=True)
        if (axis := _flip_between(picture, pictures[0])) is not None
    ]
    if len(related) < 2 or not _says_enough(pictures[0]):
        return None
    known, flips = zip(*related, strict=True)
    return Images(known, flips)


def _flip_between(one: Rgba8, other: Rgba8) -> Flip | None:
    return next((axis for axis in FLIPS if np.array_equal(flipped(one, axis), other)), None)


def _shown(item: Item) -> Rgba8:
    """Read a texture again, without what nobody sees."""
    rgba = read_again(item).rgba
    return rgba if item.plan.alpha == "data" else without_hidden(rgba)


def _says_enough(rgba: Rgba8) -> bool:
    """Tell a picture from what many textures show by chance: stripes, gradients, a few dots.

    A picture is one of N! / (n1! n2! ...) with the same texels in another order, colours of n1, n2, ... texels.
    """
    indices = index_image(rgba)
    if is_plain(indices):
        return False
    ways = math.lgamma(indices.size + 1) - sum(math.lgamma(n + 1) for n in np.bincount(indices.ravel()))
    return ways >= ENOUGH_BITS * math.log(2)
