"""The gaps of a pack: textures of the dump that it lacks, and what each of them can be made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from texpipe.analysis.inventory import Fingerprints, Survey, SurveyedTexture, read_again
from texpipe.errors import PackError, SourceError
from texpipe.groups.variants import find_variants
from texpipe.passes import vary
from texpipe.passes.hand_made import fitted
from texpipe.texture import Rgba8
from texpipe.upkeep.any_pack import AnyPack, PackEntry
from texpipe.upkeep.completed import How
from texpipe.upkeep.coverage import Coverage
from texpipe.upkeep.provenance import Makers

_LACKED = ("missing", "other palette")
"""States of textures that are gaps; one at `wrong name` has a file, which only wants another name."""


@dataclass(frozen=True)
class ByHand:
    """A texture of which somebody made a picture.

    Attributes:
        item: the texture.
        entry: the pack's file.
    """

    item: SurveyedTexture
    entry: PackEntry

    def picture(self) -> Rgba8:
        """Return the picture, H x W x 4 uint8.

        Raises:
            PackError, SourceError: it cannot be read.
        """
        assert self.entry.pixels is not None, "files that textures are found in are pictures"
        return self.entry.pixels()

    def scale_of(self, picture: Rgba8) -> int | None:
        """Return how many times larger the picture is than its texture; None if that is no whole number."""
        width, height = self.item.size
        scale = picture.shape[1] // width
        return scale if scale and (width * scale, height * scale) == picture.shape[1::-1] else None


@dataclass(frozen=True)
class Gap:
    """A texture that the pack lacks.

    Attributes:
        item: the texture.
        how: how it is filled.
        like: the texture whose picture it takes; None if it is made of its own texels alone.
    """

    item: SurveyedTexture
    how: How
    like: ByHand | None = None

    @property
    def name(self) -> str:
        """The texture's name."""
        return self.item.source.name


@dataclass(frozen=True)
class Gaps:
    """What a pack lacks.

    Attributes:
        gaps: by name.
        by_hand: textures whose pictures no model made, by name.
        wrong: textures for which there is a file under a wrong name.
        left_out: textures that are gaps and not filled, and why.
    """

    gaps: tuple[Gap, ...]
    by_hand: tuple[ByHand, ...]
    wrong: tuple[str, ...]
    left_out: Mapping[str, str]

    def count(self, how: How) -> int:
        """Return how many are filled in one way."""
        return sum(one.how == how for one in self.gaps)


def find_gaps(pack: AnyPack, covered: Coverage, seen: Survey, makers: Makers) -> Gaps:
    """Return the gaps of a pack.

    Args:
        pack: from `open_pack`.
        covered: what it has of the dump.
        seen: the dump, with plans.
        makers: who made its textures.
    """
    items = {item.source.name: item for item in seen.items}
    wanted = [items[one.name] for one in covered.textures if one.state in _LACKED and one.name in items]
    failed = {one.source.name: one.reason for one in seen.failures}
    left_out = {one.name: failed[one.name] for one in covered.textures if one.name in failed}
    by_hand = _by_hand(pack, covered, items, makers)
    like = _relatives(wanted, by_hand, seen.fingerprints)
    gaps = []
    for item in wanted:
        name = item.source.name
        alone: How = "repeated" if item.plan.action == "nearest" else "upscaled"
        how, other = like.get(name, (alone, None))
        gaps.append(Gap(item, how, other))
    wrong = tuple(one.name for one in covered.textures if one.state == "wrong name")
    return Gaps(tuple(gaps), by_hand, wrong, left_out)


def _by_hand(
    pack: AnyPack, covered: Coverage, items: Mapping[str, SurveyedTexture], makers: Makers
) -> tuple[ByHand, ...]:
    files = {one.entry.name: one for one in pack.textures}
    found = []
    for one in covered.textures:
        if one.state != "there" or one.name not in items:
            continue
        file = files[one.files[0]]
        with suppress(PackError, SourceError):  # nothing can be made of a file that cannot be read
            if makers.is_by_hand(file):
                found.append(ByHand(items[one.name], file.entry))
    return tuple(found)


def _relatives(
    wanted: Sequence[SurveyedTexture], by_hand: Sequence[ByHand], fingerprints: Fingerprints
) -> dict[str, tuple[How, ByHand]]:
    """Return for textures with the texels of a hand-made one, in its colours or in others, which one that is."""
    made = {_pixels(one.item, fingerprints): one for one in reversed(by_hand)}
    first = {_pixels(item, fingerprints): item for item in reversed(wanted)}
    known = {key: one.item for key, one in made.items()}
    by_name = {one.item.source.name: one for one in made.values()}
    variant_of: dict[str, ByHand] = {}
    for variants in find_variants((first | known).values(), fingerprints):
        members = [one.source.name for one in (variants.like, *variants.others)]
        like = next((by_name[name] for name in members if name in by_name), None)
        if like is not None:
            variant_of |= dict.fromkeys((name for name in members if name not in by_name), like)
    found: dict[str, tuple[How, ByHand]] = {}
    for item in wanted:
        key = _pixels(item, fingerprints)
        if key in made:
            found[item.source.name] = "copied", made[key]
        elif (like := variant_of.get(first[key].source.name)) is not None:
            found[item.source.name] = "recoloured", like
    return found


def _pixels(item: SurveyedTexture, fingerprints: Fingerprints) -> tuple[str, tuple[int, int]]:
    return fingerprints[item.source.name].pixels, item.size


def picture_like(gap: Gap, scale: int) -> Rgba8:
    """Return the picture of a gap that has the texels of a hand-made texture.

    Args:
        gap: one with another texture's picture.
        scale: of the pack, for pictures that are no whole number of times as large as their texture.

    Returns:
        The hand-made picture itself, or the same with another palette: sH x sW x 4 uint8.

    Raises:
        PackError, SourceError: a picture cannot be read.
    """
    assert gap.like is not None, "the caller has looked"
    made = gap.like.picture()
    if gap.how == "copied":
        return made
    own = gap.like.scale_of(made)
    plan = gap.item.plan.with_edges_of(gap.like.item.plan, f"as its variant {gap.like.item.source.name}")
    plan = replace(plan, scale=own or scale)
    width, height = (side * plan.scale for side in gap.item.size)
    whole = fitted(np.ascontiguousarray(made), (width, height), plan)
    return vary(read_again(gap.like.item).rgba, whole, read_again(gap.item).rgba, plan)


def usual_scale(by_hand: Iterable[ByHand]) -> dict[int, int]:
    """Return how many hand-made pictures are how many times larger than their textures, the most frequent first.

    Pictures that cannot be read, or that are no whole number of times as large, do not count.
    """
    counts: dict[int, int] = {}
    for one in by_hand:
        try:
            scale = one.scale_of(one.picture())
        except (PackError, SourceError):
            continue
        if scale is not None:
            counts[scale] = counts.get(scale, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
