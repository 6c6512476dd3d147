"""A part of a dump that stands for all of it: every kind, size, alpha class and edge, groups whole, and the worst.

It follows from the textures and the number alone, so the same dump gives the same sample.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from texpipe.planning.amount import network_texels
from texpipe.planning.jobs import Job, Workload, count_pictures
from texpipe.texture import Plan

T = TypeVar("T")

WORST_SHARE = 0.25
"""Share of a sample that is taken from the worst textures of the last run, if there was one."""

_Traits = tuple[Hashable, ...]
"""What a picture is an example of."""


@dataclass(frozen=True)
class SampleSize:
    """What a sample is of its dump.

    Attributes:
        pictures: number of pictures of the sample.
        of: number of pictures of the whole dump.
        asked: number of pictures that were asked for.
        all_made: the pictures of the whole dump are made already.
    """

    pictures: int
    of: int
    asked: int
    all_made: bool = False


@dataclass(frozen=True)
class Sample:
    """Some pictures of a dump.

    Attributes:
        work: their jobs alone, and those that they are made of.
        names: the textures that get their pixels from them.
        size: how many pictures they are.
        texels: texels that the network sees of those pictures, and `all_texels` of all in the dump.
    """

    work: Workload
    names: frozenset[str]
    size: SampleSize
    texels: int
    all_texels: int

    def whole(self, seconds: float) -> float:
        """Return what the whole dump takes if the sample takes some seconds, by texels."""
        return seconds * self.all_texels / self.texels if self.texels else 0.0


def sample_of(work: Workload, count: int, worst: Sequence[str] = ()) -> Sample:
    """Return `count` pictures that show what there is in a dump.

    A split picture is one picture; variants, frames and mirror images of one another come together or not at all.

    Args:
        work: all jobs of the dump.
        count: number of pictures, at least 1. There are fewer if the dump has no more, or only groups that are larger
            than what is left of the number; and more if it has nothing but larger groups.
        worst: names of textures that must be looked at, the worst first; as many as `WORST_SHARE` allows are taken.

    Raises:
        ValueError: `count` is less than 1.
    """
    if count < 1:
        raise ValueError(f"a sample has at least 1 picture, not {count}")
    families = _families(work.jobs)
    chosen = dict.fromkeys(_of_worst(work, families, worst, math.ceil(count * WORST_SHARE)))
    rest = {content: jobs for content, jobs in families.items() if content not in chosen}
    left = count - sum(count_pictures(families[content]) for content in chosen)
    chosen |= dict.fromkeys(_varied(rest, left, [_traits(families[content]) for content in chosen]))
    if families and not chosen:
        chosen = {min(families, key=lambda content: (count_pictures(families[content]), content)): None}
    kept = _only(work, chosen)
    return Sample(
        work=kept,
        names=frozenset(kept.piece_of),
        size=SampleSize(count_pictures(kept.jobs), count_pictures(work.jobs), count),
        texels=sum(map(network_texels, kept.jobs)),
        all_texels=sum(map(network_texels, work.jobs)),
    )


def only_of(work: Workload, names: Container[str]) -> Workload:
    """Return the jobs of some textures alone, and those that they are made of: a sample chosen before.

    Args:
        work: all jobs of a dump.
        names: of the textures; a picture is taken if any of them gets its pixels from it.
    """
    contents = {
        job.content for job in work.jobs if any(piece.item.source.name in names for piece in job.pieces)
    }
    return _only(work, contents)


def _only(work: Workload, contents: Container[str]) -> Workload:
    jobs = tuple(job for job in work.jobs if job.content in contents)
    made = {piece.key for job in jobs for piece in job.pieces}
    names = frozenset(name for name, piece in work.piece_of.items() if piece.key in made)
    return _without_others(replace(work, jobs=jobs), names)


def _without_others(work: Workload, names: Container[str]) -> Workload:
    """Drop what is said of other textures."""

    def kept(said: Mapping[str, T]) -> dict[str, T]:
        return {name: value for name, value in said.items() if name in names}

    return replace(
        work,
        piece_of=kept(work.piece_of),
        duplicate_of=kept(work.duplicate_of),
        group_of=kept(work.group_of),
        spot_of=kept(work.spot_of),
        variant_of=kept(work.variant_of),
        frame_of=kept(work.frame_of),
        mirror_of=kept(work.mirror_of),
        made_by_hand=kept(work.made_by_hand),
        notes=kept(work.notes),
    )


def _families(jobs: Sequence[Job]) -> dict[str, list[Job]]:
    """Return the jobs by their content, which those that are made of each other share."""
    families: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        families[job.content].append(job)
    return families


def _of_worst(
    work: Workload, families: Mapping[str, list[Job]], worst: Sequence[str], most: int
) -> Iterator[str]:
    """Yield the families of the worst textures until there are `most` pictures."""
    content_of = {piece.key: job.content for job in work.jobs for piece in job.pieces}
    keys = (work.piece_of[name].key for name in worst if name in work.piece_of)
    for content in dict.fromkeys(content_of[key] for key in keys if key in content_of):
        if (most := most - count_pictures(families[content])) < 0:
            return
        yield content


def _varied(families: Mapping[str, list[Job]], left: int, shown: Iterable[_Traits]) -> Iterator[str]:
    """Yield families one by one, each the one that shows most of what was shown least.

    A trait counts by the square root of how many have it: what is common is seen more often, what is rare still once.
    """
    alike: dict[_Traits, list[str]] = defaultdict(list)
    for content in sorted(families, key=_shuffled):
        alike[_traits(families[content])].append(content)
    weights = _weights(alike)
    seen = Counter(trait for traits in shown for trait in traits)
    while left > 0 and alike:
        traits = max(alike, key=lambda one: sum(weights[trait] / (1 + seen[trait]) ** 2 for trait in one))
        content = alike[traits].pop(0)
        if not alike[traits]:
            del alike[traits]
        if (size := count_pictures(families[content])) > left:
            continue
        yield content
        left -= size
        seen.update(traits)


def _weights(alike: Mapping[_Traits, Sequence[str]]) -> dict[Hashable, float]:
    counts: Counter[Hashable] = Counter()
    for traits, contents in alike.items():
        counts.update(dict.fromkeys(traits, len(contents)))
    return {trait: math.sqrt(count) for trait, count in counts.items()}


def _shuffled(content: str) -> bytes:
    """Return a key that puts contents into an order which has nothing to do with their names."""
    return hashlib.sha256(content.encode()).digest()


def _traits(family: Sequence[Job]) -> _Traits:
    """Return what the first picture of a family is an example of."""
    first = family[0]
    item = first.pieces[0].item
    plan: Plan = first.plan
    return (
        ("made", type(family[-1]).__name__, plan.action),
        ("kind", item.kind.kind),
        ("alpha", plan.alpha),
        ("edges", plan.edges, plan.undecided),
        ("size", *(side.bit_length() for side in item.size)),
        ("texels", item.texels),
        ("model", plan.model, plan.cells is not None),
        ("folder", item.source.name.rpartition("/")[0]),
    )
