"""From plans to jobs: which pictures are computed, under which keys, and what each texture gets from where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Fingerprints, Survey, SurveyedTexture
from texpipe.groups.atlas import find_atlases
from texpipe.groups.frames import find_animations
from texpipe.groups.mirrored import WHY, Images, choose_originals, find_images
from texpipe.groups.split.discovery import groups_for
from texpipe.groups.split.stitching import SplitPicture, make_joins
from texpipe.groups.variants import find_variants
from texpipe.planning.jobs import (
    AtlasJob,
    FrameJob,
    MirroredJob,
    ResultRef,
    SingleTexture,
    SplitPictureJob,
    VariantJob,
    Workload,
)
from texpipe.planning.result_keys import EngineIds, content_with_model, engine_id_for, plan_key
from texpipe.recipe.schema import Recipe
from texpipe.relations import Frame, Mirror, Variant
from texpipe.storage.keys import key_of


class _Context(NamedTuple):
    """What every step of planning goes by."""

    fingerprints: Fingerprints
    recipe: Recipe
    engine_ids: EngineIds
    cache: AnalysisCache


def plan_jobs(
    seen: Survey,
    recipe: Recipe,
    engine_id: Sequence[str],
    cache: AnalysisCache | None = None,
    of_rules: EngineIds = MappingProxyType({}),
) -> Workload:
    """Turn planned textures into jobs.

    Args:
        seen: textures in stable order, and their fingerprints. Those to be copied or skipped need no job.
        recipe: its `groups` declare split pictures.
        engine_id: what besides pixels and plan determines a result: model digest, precision, device.
        cache: what is known of joined pictures and of those on sheets; new ones are added.
        of_rules: the same as `engine_id` for the models that rules name.
    """
    ids = {**of_rules, (): engine_id}
    context = _Context(seen.fingerprints, recipe, ids, AnalysisCache() if cache is None else cache)
    joins = make_joins(seen.items, groups_for(seen.items, seen.fingerprints, recipe), recipe, context.cache)
    grouped = {item.source.name: join for join in joins.joins for item in join.made}
    split_jobs = [_split_picture_job(join, context) for join in joins.joins]
    alone = (item for item in seen.items if item.source.name not in grouped and item.plan.is_computed)
    work = _plan_singles(alone, context)
    return replace(
        work,
        jobs=(*split_jobs, *work.jobs),
        piece_of={piece.item.source.name: piece for job in split_jobs for piece in job.pieces}
        | dict(work.piece_of),
        group_of={name: join.group.name for name, join in grouped.items()},
        spot_of={name: join.spot(name) for name, join in grouped.items()},
        notes=joins.notes,
        warnings=joins.warnings,
    )


def _plan_singles(items: Iterable[SurveyedTexture], context: _Context) -> Workload:
    """Plan the textures that are no pieces of split pictures: each content once."""
    jobs, content_of = _single_jobs(items, context)
    recipe = context.recipe
    first_of = {name: _name(jobs[content]) for name, content in content_of.items()}
    _cut_atlases(jobs, context)
    alone = [job.result.item for job in jobs.values() if isinstance(job, SingleTexture)]
    images = find_images(alone, context.fingerprints) if recipe.mirrored == "auto" else []
    variant_of = _share_structure(jobs, content_of, context) if recipe.variants == "auto" else {}
    frame_of, averaged = _average_frames(jobs, content_of, context) if recipe.frames == "auto" else ({}, {})
    mirror_of = _flip_images(images, jobs, averaged, content_of)
    final = {**jobs, **averaged}
    return Workload(
        jobs=tuple(_in_one_shard((*jobs.values(), *averaged.values()))),
        piece_of={name: final[content].result for name, content in content_of.items()},
        duplicate_of={name: first for name, first in first_of.items() if name != first},
        variant_of={name: variant_of[first] for name, first in first_of.items() if first in variant_of},
        frame_of={name: frame_of[first] for name, first in first_of.items() if first in frame_of},
        mirror_of={name: mirror_of[first] for name, first in first_of.items() if first in mirror_of},
    )


_SingleJob = SingleTexture | AtlasJob | VariantJob | FrameJob | MirroredJob
"""Jobs of one texture."""


def _single_jobs(
    items: Iterable[SurveyedTexture], context: _Context
) -> tuple[dict[str, _SingleJob], dict[str, str]]:
    """Return content -> the job that makes it, and texture name -> content."""
    jobs: dict[str, _SingleJob] = {}
    content_of: dict[str, str] = {}
    for item in items:
        name = item.source.name
        base = _base_of(item, context)
        content = content_of[name] = content_with_model(base, item.plan)
        key = key_of(base, *engine_id_for(item.plan, context.engine_ids))
        jobs.setdefault(content, SingleTexture(ResultRef(item, key), content))
    return jobs, content_of


def _base_of(item: SurveyedTexture, context: _Context) -> str:
    """Return the digest of a texture's pixels and plan, whatever the model."""
    return key_of("texture", context.fingerprints[item.source.name].pixels, plan_key(item.plan))


def _cut_atlases(jobs: dict[str, _SingleJob], context: _Context) -> None:
    """Replace the jobs of sheets by jobs that upscale each picture on them alone."""
    items = (job.result.item for job in jobs.values())
    atlases = find_atlases(items, context.fingerprints, context.recipe, context.cache)
    for content, job in jobs.items():
        item = job.result.item
        if (atlas := atlases.get(item.source.name)) is None:
            continue
        cells = [(cell.box, plan_key(cell.plan)) for cell in atlas.cells]
        by = replace(item.plan.decided_by, action=f"{item.plan.decided_by.action}; {atlas}")
        plan = replace(item.plan, decided_by=by)
        engine_id = engine_id_for(plan, context.engine_ids)
        key = key_of("atlas", _base_of(item, context), plan_key(atlas.base), cells, *engine_id)
        jobs[content] = AtlasJob(ResultRef(replace(item, plan=plan), key), content, atlas)


def _share_structure(
    jobs: dict[str, _SingleJob], content_of: Mapping[str, str], context: _Context
) -> dict[str, Variant]:
    """Replace the jobs of variants by jobs that take the structure of another texture; return which one each takes."""
    variant_of: dict[str, Variant] = {}
    fingerprints = context.fingerprints
    for variants in find_variants((job.result.item for job in jobs.values()), fingerprints):
        like = jobs[content_of[variants.like.source.name]].result
        for item in variants.others:
            key = key_of("variant", like.key, fingerprints[item.source.name].pixels, plan_key(item.plan))
            content = content_of[item.source.name]
            jobs[content] = VariantJob(ResultRef(item, key), content, like)
        names = _names((variants.like, *variants.others))
        variant_of |= dict.fromkeys(names, Variant(variants.like.source.name, variants.why))
    return variant_of


def _average_frames(
    jobs: Mapping[str, _SingleJob], content_of: Mapping[str, str], context: _Context
) -> tuple[dict[str, Frame], dict[str, FrameJob]]:
    """Return texture name -> its animation, and content -> the job that averages a frame with the others."""
    frame_of: dict[str, Frame] = {}
    averaged: dict[str, FrameJob] = {}
    for animation in find_animations((job.result.item for job in jobs.values()), context.fingerprints):
        names = _names(animation.frames)
        frames = tuple(jobs[content_of[name]].result for name in names)
        for name, piece in zip(names, frames, strict=True):
            key = key_of("frame", piece.key, [frame.key for frame in frames], plan_key(piece.item.plan))
            content = content_of[name]
            averaged[content] = FrameJob(ResultRef(piece.item, key), content, frames)
        frame_of |= dict.fromkeys(names, Frame(names[0], len(names), animation.why))
    return frame_of, averaged


def _flip_images(
    images: Sequence[Images],
    jobs: dict[str, _SingleJob],
    averaged: dict[str, FrameJob],
    content_of: Mapping[str, str],
) -> dict[str, Mirror]:
    """Replace the jobs of mirror images by flips of other results; return which texture each is the image of."""
    first_of = _made_together((*jobs.values(), *averaged.values())) if images else {}
    set_of = {_name(job): first_of[content] for content, job in jobs.items() if content in first_of}
    final: dict[str, _SingleJob] = {**jobs, **averaged}
    mirror_of: dict[str, Mirror] = {}
    for name, made in choose_originals(images, set_of).items():
        content, original = content_of[name], final[content_of[made.of]].result
        item = final[content].result.item
        plan = item.plan.with_edges_of(original.item.plan, f"as its mirror image {made.of}")
        result = ResultRef(replace(item, plan=plan), key_of("mirror", original.key, made.axis))
        averaged.pop(content, None)
        jobs[content] = MirroredJob(result, content, original, made.axis)
        mirror_of[name] = Mirror(made.of, made.axis, WHY)
        mirror_of[made.of] = Mirror(made.of, "none", WHY)
    return mirror_of


def _in_one_shard(jobs: Iterable[_SingleJob]) -> Iterator[_SingleJob]:
    """Give all jobs of which one is derived from the other one content, the least of them."""
    known = tuple(jobs)
    first_of = _made_together(known)
    return (replace(job, content=first_of.get(job.content, job.content)) for job in known)


def _made_together(jobs: Sequence[_SingleJob]) -> dict[str, str]:
    """Return content -> the least content of all jobs that are derived from each other, without jobs on their own."""
    made = [job for job in jobs if job.made_of]
    keys = {piece.key for job in made for piece in job.made_of}
    content_of = {job.result.key: job.content for job in jobs if job.result.key in keys}
    sets: dict[str, set[str]] = {}
    for job in made:
        for piece in job.made_of:
            both = job.content, content_of[piece.key]
            one, other = (sets.setdefault(content, {content}) for content in both)
            if one is not other:
                few, many = sorted((one, other), key=len)
                many |= few
                sets |= dict.fromkeys(few, many)
    together = {id(some): some for some in sets.values() if len(some) > 1}
    return {content: first for some in together.values() for first in (min(some),) for content in some}


def _split_picture_job(join: SplitPicture, context: _Context) -> SplitPictureJob:
    group = join.group
    pixels_of = {name: context.fingerprints[name].pixels for name in _names(join.members)}
    shape = [group.columns, group.rows, group.overlap, join.layout.size, *group.margins, *group.trim]
    order = {name: place for place, name in enumerate(dict.fromkeys(group.files))}
    base = key_of("group", shape, [pixels_of.get(name) for name in group.files], plan_key(join.plan))
    content = content_with_model(base, join.plan)
    key = key_of(base, *engine_id_for(join.plan, context.engine_ids))
    pieces = tuple(
        ResultRef(replace(item, plan=join.plan), key_of(key, order[item.source.name])) for item in join.made
    )
    return SplitPictureJob(join, pieces, content)


def _name(job: _SingleJob) -> str:
    return job.result.item.source.name


def _names(items: Iterable[SurveyedTexture]) -> list[str]:
    return [item.source.name for item in items]
