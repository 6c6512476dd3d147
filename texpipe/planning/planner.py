"""From plans to jobs: which pictures are computed, by what they are known, and what each texture gets from where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Fingerprints, Survey, SurveyedTexture
from texpipe.groups.atlas import find_atlases
from texpipe.groups.frames import find_animations
from texpipe.groups.mirrored import WHY, Images, choose_originals, find_images
from texpipe.groups.split.discovery import groups_for
from texpipe.groups.split.stitching import SplitPicture, make_joins
from texpipe.groups.variants import find_variants
from texpipe.passes.atlas import Atlas, Cell
from texpipe.planning.jobs import Job, ResultRef, Workload
from texpipe.planning.keys import engine_id_for, plan_key
from texpipe.recipe.schema import Recipe
from texpipe.relations import Frame, Mirror, Variant
from texpipe.storage.keys import key_of


def plan_jobs(
    seen: Survey,
    recipe: Recipe,
    engine_id: Sequence[str],
    sightings: AnalysisCache | None = None,
) -> Workload:
    """Turn planned textures into jobs.

    Args:
        seen: textures in stable order. Those to be copied or skipped need no job.
        recipe: its `groups` declare split pictures.
        engine_id: what besides pixels and plan determines a result: model digest, precision, device.
        sightings: what is known already of joined pictures and of those on sheets; new ones are added.
    """
    known = AnalysisCache() if sightings is None else sightings
    items, fingerprints = seen.items, seen.fingerprints
    joins = make_joins(items, groups_for(items, fingerprints, recipe), recipe, known)
    grouped = [_group_job(join, fingerprints, engine_id) for join in joins.joins]
    piece_of = {piece.item.source.name: piece for job in grouped for piece in job.pieces}
    group_of = {item.source.name: join.group.name for join in joins.joins for item in join.made}
    spot_of = {name: join.spot(name) for join in joins.joins for name in _names(join.made)}
    singles: dict[str, Job] = {}
    content_of: dict[str, str] = {}
    for item in items:
        name = item.source.name
        if name in group_of or not item.plan.is_computed:
            continue
        content = content_of[name] = key_of("texture", fingerprints[name].pixels, plan_key(item.plan))
        key = key_of(content, *engine_id_for(item.plan, engine_id))
        singles.setdefault(content, Job(item.plan, (ResultRef(item, key),), content))
    first_of = {name: singles[content].pieces[0].item.source.name for name, content in content_of.items()}
    _cut_atlases(singles, fingerprints, recipe, engine_id, known)
    alone = (job.pieces[0].item for job in singles.values() if job.atlas is None)
    images = find_images(alone, fingerprints) if recipe.mirrored == "auto" else []
    variant_of = _share_structure(singles, content_of, fingerprints) if recipe.variants == "auto" else {}
    frame_of, averaged = (
        _average_frames(singles, content_of, fingerprints) if recipe.frames == "auto" else ({}, {})
    )
    mirror_of = _flip_images(images, singles, averaged, content_of)
    final = singles | averaged
    piece_of |= {name: final[content].pieces[0] for name, content in content_of.items()}
    return Workload(
        jobs=(*grouped, *_in_one_shard((*singles.values(), *averaged.values()))),
        piece_of=piece_of,
        duplicate_of={name: first for name, first in first_of.items() if name != first},
        group_of=group_of,
        spot_of=spot_of,
        variant_of={name: variant_of[first] for name, first in first_of.items() if first in variant_of},
        frame_of={name: frame_of[first] for name, first in first_of.items() if first in frame_of},
        mirror_of={name: mirror_of[first] for name, first in first_of.items() if first in mirror_of},
        notes=joins.notes,
        warnings=joins.warnings,
    )


def _cut_atlases(
    singles: dict[str, Job],
    fingerprints: Fingerprints,
    recipe: Recipe,
    engine_id: Sequence[str],
    sightings: AnalysisCache,
) -> None:
    """Replace the jobs of sheets by such that upscale each picture on them alone."""
    sheets = (job.pieces[0].item for job in singles.values())
    atlases = find_atlases(sheets, fingerprints, recipe, sightings)
    for content, job in singles.items():
        item = job.pieces[0].item
        if (atlas := atlases.get(item.source.name)) is None:
            continue
        cells = [(cell.box, plan_key(cell.plan)) for cell in atlas.cells]
        by = replace(item.plan.decided_by, action=f"{item.plan.decided_by.action}; {atlas}")
        plan = replace(item.plan, decided_by=by)
        key = key_of("atlas", content, plan_key(atlas.base), cells, *engine_id_for(plan, engine_id))
        piece = ResultRef(replace(item, plan=plan), key)
        singles[content] = replace(job, plan=plan, pieces=(piece,), atlas=atlas)


def _share_structure(
    singles: dict[str, Job], content_of: Mapping[str, str], fingerprints: Fingerprints
) -> dict[str, Variant]:
    """Replace the jobs of variants by such that take the structure of another texture; return who takes whose."""
    variant_of: dict[str, Variant] = {}
    for family in find_variants((job.pieces[0].item for job in singles.values()), fingerprints):
        first = singles[content_of[family.like.source.name]]
        like = first.pieces[0]
        for item in family.others:
            key = key_of("variant", like.key, fingerprints[item.source.name].pixels, plan_key(item.plan))
            content = content_of[item.source.name]
            singles[content] = Job(item.plan, (ResultRef(item, key),), content, like=like)
        names = _names((family.like, *family.others))
        variant_of |= dict.fromkeys(names, Variant(family.like.source.name, family.why))
    return variant_of


def _average_frames(
    singles: Mapping[str, Job], content_of: Mapping[str, str], fingerprints: Fingerprints
) -> tuple[dict[str, Frame], dict[str, Job]]:
    """Return texture name -> its animation, and content -> the job that averages a frame with the others."""
    frame_of: dict[str, Frame] = {}
    averaged: dict[str, Job] = {}
    for animation in find_animations((job.pieces[0].item for job in singles.values()), fingerprints):
        names = _names(animation.frames)
        frames = tuple(singles[content_of[name]].pieces[0] for name in names)
        for name, piece in zip(names, frames, strict=True):
            key = key_of("frame", piece.key, [frame.key for frame in frames], plan_key(piece.item.plan))
            job = Job(piece.item.plan, (ResultRef(piece.item, key),), content_of[name], frames=frames)
            averaged[content_of[name]] = job
        frame_of |= dict.fromkeys(names, Frame(names[0], len(names), animation.why))
    return frame_of, averaged


def _flip_images(
    images: Sequence[Images],
    singles: dict[str, Job],
    averaged: dict[str, Job],
    content_of: Mapping[str, str],
) -> dict[str, Mirror]:
    """Replace the jobs of mirror images by flips of what others become; return who is whose image."""
    first_of = _made_together((*singles.values(), *averaged.values())) if images else {}
    company_of = {
        job.pieces[0].item.source.name: first_of[content]
        for content, job in singles.items()
        if content in first_of
    }
    final = singles | averaged
    mirror_of: dict[str, Mirror] = {}
    for name, made in choose_originals(images, company_of).items():
        content, first = content_of[name], final[content_of[made.of]]
        item, of = final[content].pieces[0].item, first.pieces[0]
        plan = item.plan.with_edges_of(first.plan, f"as its mirror image {made.of}")
        piece = ResultRef(replace(item, plan=plan), key_of("mirror", of.key, made.axis))
        averaged.pop(content, None)
        singles[content] = Job(plan, (piece,), content, image=of, axis=made.axis)
        mirror_of[name] = Mirror(made.of, made.axis, WHY)
        mirror_of[made.of] = Mirror(made.of, "none", WHY)
    return mirror_of


def _in_one_shard(jobs: Iterable[Job]) -> Iterator[Job]:
    """Give all that is made of each other one content, the least of them."""
    known = tuple(jobs)
    first_of = _made_together(known)
    return (replace(job, content=first_of.get(job.content, job.content)) for job in known)


def _made_together(jobs: Sequence[Job]) -> dict[str, str]:
    """Return the content of each job that is made of others, or they of it -> the least content of all of them."""
    made = [job for job in jobs if job.made_of]
    keys = {piece.key for job in made for piece in job.made_of}
    content_of = {job.pieces[0].key: job.content for job in jobs if job.pieces[0].key in keys}
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


def _group_job(join: SplitPicture, fingerprints: Fingerprints, engine_id: Sequence[str]) -> Job:
    group = join.group
    pixels_of = {item.source.name: fingerprints[item.source.name].pixels for item in join.members}
    shape = [group.columns, group.rows, group.overlap, join.layout.size, *group.margins, *group.trim]
    order = {name: place for place, name in enumerate(dict.fromkeys(group.files))}
    content = key_of("group", shape, [pixels_of.get(name) for name in group.files], plan_key(join.plan))
    key = key_of(content, *engine_id_for(join.plan, engine_id))
    pieces = tuple(
        ResultRef(replace(item, plan=join.plan), key_of(key, order[item.source.name])) for item in join.made
    )
    # What is inside of margins is a sheet of one picture.
    base = replace(join.plan, action="nearest")
    sheet = Atlas((Cell(join.inside, join.plan),), base, "inside of margins") if any(group.margins) else None
    return Job(join.plan, pieces, content, join, atlas=sheet)


def _names(items: Iterable[SurveyedTexture]) -> list[str]:
    return [item.source.name for item in items]
