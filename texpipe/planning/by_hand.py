"""Hand-made pictures in the plan of a run: they replace results, and change those of no other texture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from texpipe.analysis.inventory import Fingerprints, Survey, SurveyedTexture
from texpipe.planning.jobs import HandMadeJob, Job, ResultRef, Workload
from texpipe.planning.overrides import Overrides
from texpipe.planning.result_keys import plan_key
from texpipe.planning.texture_names import shown
from texpipe.read.hand_made import HandMade
from texpipe.storage.keys import key_of
from texpipe.texture import Axes, Edges, Likely, Plan

_Value = TypeVar("_Value")


def marked(items: Iterable[SurveyedTexture], overrides: Overrides) -> tuple[SurveyedTexture, ...]:
    """Return textures with plans that say which of them get a hand-made picture."""
    known = overrides.by_texture
    return tuple(
        _marked(item, item.plan, known[item.source.name]) if item.source.name in known else item
        for item in items
    )


def with_hand_made(
    work: Workload, seen: Survey, left_out: Mapping[str, str], overrides: Overrides
) -> tuple[Workload, tuple[SurveyedTexture, ...]]:
    """Put hand-made pictures in the place of results.

    A picture is for the texture that it is named after, and for the textures that are duplicates of that one and have
    none of their own. All other textures get what they would get without it; what nobody needs any more is not made.

    Args:
        work: the jobs as they would be without hand-made pictures.
        seen: the textures and their fingerprints.
        left_out: texture name -> why no target can hold it.
        overrides: the pictures by texture.

    Returns:
        The jobs, and the textures with the plans that these jobs follow.
    """
    if not overrides.by_texture:
        return replace(work, warnings=(*work.warnings, *overrides.warnings)), seen.items
    used = {name: one for name, one in overrides.by_texture.items() if name not in left_out}
    shared, disputes = _shared(work, used)
    made = used | shared
    items = tuple(_planned(item, work, made) for item in seen.items)
    jobs = {
        item.source.name: _job(item, made[item.source.name], seen.fingerprints)
        for item in items
        if item.source.name in made
    }
    warnings = (*work.warnings, *overrides.warnings, *disputes, *_unused(overrides, left_out))
    return _replaced(work, jobs, made, warnings), items


def _planned(item: SurveyedTexture, work: Workload, made: Mapping[str, HandMade]) -> SurveyedTexture:
    name = item.source.name
    if name not in made:
        return item
    plan = work.plan_of(item)
    if name in work.group_of:  # the border of a piece is not the border of the picture
        plan = plan.with_edges_of(
            replace(plan, edges=Edges(), undecided=Axes(), repeats=Likely()), "a piece of a split picture"
        )
    return _marked(item, plan, made[name])


def _marked(item: SurveyedTexture, plan: Plan, made: HandMade) -> SurveyedTexture:
    by = replace(plan.decided_by, action=f"by hand: {made.name}")
    return replace(item, plan=replace(plan, action="hand", undecided=Axes(), repeats=Likely(), decided_by=by))


def _families(work: Workload) -> Iterator[tuple[str, ...]]:
    """Yield the textures that are duplicates of each other, the first one first."""
    families: dict[str, list[str]] = {}
    for name, first in work.duplicate_of.items():
        families.setdefault(first, [first]).append(name)
    return map(tuple, families.values())


def _shared(work: Workload, used: Mapping[str, HandMade]) -> tuple[dict[str, HandMade], list[str]]:
    """Return the pictures that duplicates have from another, and a line where two pictures are possible."""
    shared: dict[str, HandMade] = {}
    disputes: list[str] = []
    for family in _families(work):
        own = {name: used[name] for name in family if name in used}
        others = [name for name in family if name not in own]
        if len({one.sha256 for one in own.values()}) == 1:
            shared |= dict.fromkeys(others, next(iter(own.values())))
        elif own and others:
            disputes.append(
                f"{shown(others)} is upscaled: its duplicates {shown(own)} have different hand-made pictures"
            )
    return shared, disputes


def _unused(overrides: Overrides, left_out: Mapping[str, str]) -> Iterator[str]:
    for name, one in overrides.by_texture.items():
        if name in left_out:
            yield f"{one.root / one.name} is not used: {name} is left out: {left_out[name]}"


def _job(item: SurveyedTexture, made: HandMade, prints: Fingerprints) -> HandMadeJob:
    key = key_of("hand", made.sha256, made.problem, prints[item.source.name].pixels, plan_key(item.plan))
    return HandMadeJob(ResultRef(item, key), key, made)


def _replaced(
    work: Workload, jobs: Mapping[str, HandMadeJob], made: Mapping[str, HandMade], warnings: Sequence[str]
) -> Workload:
    pieces = dict(work.piece_of) | {name: job.result for name, job in jobs.items()}
    needed = _needed(work.jobs, {piece.key for name, piece in pieces.items() if name not in jobs})
    once = {job.result.key: job for job in jobs.values()}

    def without(known: Mapping[str, _Value]) -> dict[str, _Value]:
        return {name: value for name, value in known.items() if name not in jobs}

    return replace(
        work,
        jobs=(*needed, *once.values()),
        piece_of=pieces,
        duplicate_of=_duplicates(work, pieces),
        variant_of=without(work.variant_of),
        frame_of=without(work.frame_of),
        mirror_of=without(work.mirror_of),
        made_by_hand=dict(made),
        warnings=tuple(warnings),
    )


def _needed(jobs: Sequence[Job], keys: set[str]) -> list[Job]:
    """Return the jobs whose results some texture gets, or some other job that is needed."""
    maker = {piece.key: job for job in jobs for piece in job.pieces}
    needed: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in needed and key in maker:
            needed.add(key)
            waiting += [piece.key for piece in maker[key].made_of]
    return [job for job in jobs if any(piece.key in needed for piece in job.pieces)]


def _duplicates(work: Workload, pieces: Mapping[str, ResultRef]) -> dict[str, str]:
    """Return texture name -> the first texture with the same texels that still has the same result."""
    found: dict[str, str] = {}
    for family in _families(work):
        same: defaultdict[str, list[str]] = defaultdict(list)
        for name in family:
            same[pieces[name].key].append(name)
        found |= {name: names[0] for names in same.values() for name in names[1:]}
    return found
