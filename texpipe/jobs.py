"""From plans to finished pixels: what must be computed, computed once, kept in the store.

A job is one picture for the network and the textures that get their pixels from it: a single texture with all its
duplicates, or the pieces of a picture that the console had to split.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from texpipe.errors import TexpipeError
from texpipe.groups.assemble import split
from texpipe.groups.atlas import Atlas, find_atlases
from texpipe.groups.frames import find_animations
from texpipe.groups.joins import Join, make_joins, read_again
from texpipe.groups.proposal import groups_for
from texpipe.groups.variants import find_variants
from texpipe.passes import make_passes, nearest, recombine, steady, vary
from texpipe.passes.metrics import measure
from texpipe.pixels import decode, encode_png
from texpipe.recipe.schema import Recipe
from texpipe.store import Store, key_of
from texpipe.survey import Item
from texpipe.texture import Edges, Frame, Pass, Plan, Rgba8, RgbF, Spot, Variant

log = logging.getLogger(__name__)

PIXELS_VERSION = 3
"""Part of every store key: raise it with any change that alters the pixels of a result."""

WINDOW_TEXELS = 1 << 18
"""Source texels that are decoded at a time: bounds memory whatever the size of the dump."""

Upscale = Callable[[Sequence[Pass], int], Iterator[tuple[int, RgbF]]]
"""Takes passes and a scale, yields the number of a pass and its result in order of completion."""


@dataclass(frozen=True)
class Piece:
    """A texture that a job makes, and the store key of its result."""

    item: Item
    key: str


@dataclass(frozen=True)
class Job:
    """One picture to compute: a texture, an `atlas`, a split picture with its `join`, or what is made of finished ones:
    a variant `like` another texture, a frame that is averaged with all `frames` of its animation.

    `content` is a digest of pixels and plan alone: the same on machines that compute differently. What is made of each
    other has the same, so that it stays in one shard.
    """

    plan: Plan
    pieces: tuple[Piece, ...]
    content: str
    join: Join | None = None
    like: Piece | None = None
    atlas: Atlas | None = None
    frames: tuple[Piece, ...] = ()

    @property
    def is_network_job(self) -> bool:
        """Whether it needs nothing but its sources."""
        return self.like is None and not self.frames

    def passes(self, picture: Rgba8) -> tuple[Pass, ...]:
        """Return what the network is to see of the picture."""
        return self.atlas.passes(picture) if self.atlas else make_passes(picture, self.plan)

    def recombine(self, picture: Rgba8, results: tuple[RgbF, ...]) -> Rgba8:
        """Make the enlarged picture of the results for `passes`."""
        if self.atlas:
            return self.atlas.recombine(picture, results)
        return recombine(picture, self.plan, results)


@dataclass(frozen=True)
class Work:
    """All jobs of a run, and what each texture gets from where.

    Attributes:
        jobs: in the order of their first texture.
        piece_of: texture name -> the piece whose result it gets.
        duplicate_of: texture name -> name of the first texture with the same pixels and plan.
        group_of: texture name -> name of the picture that it is a piece of.
        spot_of: texture name -> where in that picture, and why.
        variant_of: texture name -> the texture that it has its structure from, and why.
        frame_of: texture name -> the animation that it is a frame of.
        notes: texture name -> a warning that arose here.
        warnings: the same about no texture in particular.
    """

    jobs: tuple[Job, ...]
    piece_of: Mapping[str, Piece] = field(default_factory=dict)
    duplicate_of: Mapping[str, str] = field(default_factory=dict)
    group_of: Mapping[str, str] = field(default_factory=dict)
    spot_of: Mapping[str, Spot] = field(default_factory=dict)
    variant_of: Mapping[str, Variant] = field(default_factory=dict)
    frame_of: Mapping[str, Frame] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """A job that is finished, or failed with a reason; `cached` when its result was in the store already."""

    job: Job
    cached: bool = False
    reason: str | None = None


def make_work(items: Sequence[Item], recipe: Recipe, engine_id: Sequence[str]) -> Work:
    """Turn planned textures into jobs.

    Args:
        items: what the survey saw, in stable order. Those to be copied or skipped need no job.
        recipe: its `groups` declare split pictures.
        engine_id: what besides pixels and plan determines a result: model digest, precision, device.
    """
    joins = make_joins(items, groups_for(items, recipe), recipe)
    grouped = [_group_job(join, engine_id) for join in joins.joins]
    piece_of = {piece.item.source.name: piece for job in grouped for piece in job.pieces}
    group_of = {item.source.name: join.group.name for join in joins.joins for item in join.made}
    spot_of = {name: join.spot(name) for join in joins.joins for name in _names(join.made)}
    singles: dict[str, Job] = {}
    content_of: dict[str, str] = {}
    for item in items:
        name = item.source.name
        if name in group_of or not item.plan.is_computed:
            continue
        content = content_of[name] = key_of("texture", item.pixels, plan_key(item.plan))
        key = key_of(content, *engine_id_for(item.plan, engine_id))
        singles.setdefault(content, Job(item.plan, (Piece(item, key),), content))
    first_of = {name: singles[content].pieces[0].item.source.name for name, content in content_of.items()}
    _cut_atlases(singles, recipe, engine_id)
    variant_of = _share_structure(singles, content_of) if recipe.variants == "auto" else {}
    frame_of, averaged = _average_frames(singles, content_of) if recipe.frames == "auto" else ({}, {})
    final = singles | averaged
    piece_of |= {name: final[content].pieces[0] for name, content in content_of.items()}
    return Work(
        jobs=(*grouped, *_in_one_shard((*singles.values(), *averaged.values()))),
        piece_of=piece_of,
        duplicate_of={name: first for name, first in first_of.items() if name != first},
        group_of=group_of,
        spot_of=spot_of,
        variant_of={name: variant_of[first] for name, first in first_of.items() if first in variant_of},
        frame_of={name: frame_of[first] for name, first in first_of.items() if first in frame_of},
        notes=joins.notes,
        warnings=joins.warnings,
    )


def _cut_atlases(singles: dict[str, Job], recipe: Recipe, engine_id: Sequence[str]) -> None:
    """Replace the jobs of sheets by such that upscale each picture on them alone."""
    atlases = find_atlases((job.pieces[0].item for job in singles.values()), recipe)
    for content, job in singles.items():
        item = job.pieces[0].item
        if (atlas := atlases.get(item.source.name)) is None:
            continue
        cells = [(cell.box, plan_key(cell.plan)) for cell in atlas.cells]
        by = replace(item.plan.decided_by, action=f"{item.plan.decided_by.action}; {atlas}")
        plan = replace(item.plan, decided_by=by)
        key = key_of("atlas", content, plan_key(atlas.base), cells, *engine_id_for(plan, engine_id))
        piece = Piece(replace(item, plan=plan), key)
        singles[content] = replace(job, plan=plan, pieces=(piece,), atlas=atlas)


def _share_structure(singles: dict[str, Job], content_of: Mapping[str, str]) -> dict[str, Variant]:
    """Replace the jobs of variants by such that take the structure of another texture; return who takes whose."""
    variant_of: dict[str, Variant] = {}
    for family in find_variants(job.pieces[0].item for job in singles.values()):
        first = singles[content_of[family.like.source.name]]
        like = first.pieces[0]
        for item in family.others:
            key = key_of("variant", like.key, item.pixels, plan_key(item.plan))
            content = content_of[item.source.name]
            singles[content] = Job(item.plan, (Piece(item, key),), content, like=like)
        names = _names((family.like, *family.others))
        variant_of |= dict.fromkeys(names, Variant(family.like.source.name, family.why))
    return variant_of


def _average_frames(
    singles: Mapping[str, Job], content_of: Mapping[str, str]
) -> tuple[dict[str, Frame], dict[str, Job]]:
    """Return texture name -> its animation, and content -> the job that averages a frame with the others."""
    frame_of: dict[str, Frame] = {}
    averaged: dict[str, Job] = {}
    for animation in find_animations(job.pieces[0].item for job in singles.values()):
        names = _names(animation.frames)
        frames = tuple(singles[content_of[name]].pieces[0] for name in names)
        for name, piece in zip(names, frames, strict=True):
            key = key_of("frame", piece.key, [frame.key for frame in frames], plan_key(piece.item.plan))
            job = Job(piece.item.plan, (Piece(piece.item, key),), content_of[name], frames=frames)
            averaged[content_of[name]] = job
        frame_of |= dict.fromkeys(names, Frame(names[0], len(names), animation.why))
    return frame_of, averaged


def _in_one_shard(jobs: Iterable[Job]) -> Iterator[Job]:
    """Give all that is made of each other one content, the least of them."""
    known = tuple(jobs)
    content_of = {job.pieces[0].key: job.content for job in known}
    sets: dict[str, set[str]] = {job.content: {job.content} for job in known}
    for job in known:
        for piece in (*job.frames, *((job.like,) if job.like else ())):
            one, other = sets[job.content], sets[content_of[piece.key]]
            if one is not other:
                one |= other
                sets |= dict.fromkeys(other, one)
    return (replace(job, content=min(sets[job.content])) for job in known)


def part_of(work: Work, shard: tuple[int, int] | None) -> Work:
    """Return the jobs that one of several machines does: (i, n) is the i-th of n, from 1.

    Decided by content, so that the parts stay the same when textures are added, and duplicates stay together.
    """
    if shard is None:
        return work
    part, parts = shard
    return replace(work, jobs=tuple(job for job in work.jobs if int(job.content, 16) % parts == part - 1))


def plan_key(plan: Plan) -> list[object]:
    """Return the parts of a plan that determine pixels, for a store key."""
    return [
        plan.action,
        plan.alpha,
        plan.edges.x,
        plan.edges.y,
        plan.scale,
        plan.colour,
        plan.grey,
        plan.consistency,
        plan.clean,
        PIXELS_VERSION,
    ]


def engine_id_for(plan: Plan, engine_id: Sequence[str]) -> Sequence[str]:
    """A nearest-neighbour enlargement is the same whatever the model."""
    return engine_id if plan.action == "upscale" else ()


def _group_job(join: Join, engine_id: Sequence[str]) -> Job:
    group = join.group
    pixels_of = {item.source.name: item.pixels for item in join.members}
    shape = [group.columns, group.rows, group.overlap, join.layout.size]
    order = {name: place for place, name in enumerate(dict.fromkeys(group.files))}
    content = key_of("group", shape, [pixels_of.get(name) for name in group.files], plan_key(join.plan))
    key = key_of(content, *engine_id_for(join.plan, engine_id))
    pieces = tuple(
        Piece(replace(item, plan=join.plan), key_of(key, order[item.source.name])) for item in join.made
    )
    return Job(join.plan, pieces, content, join)


def _names(items: Iterable[Item]) -> list[str]:
    return [item.source.name for item in items]


def compute(work: Work, store: Store, upscale: Upscale) -> Iterator[Done]:
    """Yield every job as it is finished; results are in the store by then.

    Jobs that the store has already come first. A texture that cannot be made becomes a `Done` with a reason.

    Raises:
        PackError: the store cannot be written.
        DeviceError: the device failed for good.
    """
    pending = []
    for job in work.jobs:
        if all(store.has(piece.key) for piece in job.pieces):
            yield Done(job, cached=True)
        else:
            pending.append(job)
    for window in windows(job for job in pending if job.is_network_job):
        yield from _compute_window(window, store, upscale)
    for job in pending:
        if job.like is not None:
            yield _vary(job, job.like, store)
    for job in pending:
        if job.frames:
            yield _average(job, store)


def windows(jobs: Iterable[Job], most: int = WINDOW_TEXELS) -> Iterator[list[Job]]:
    """Divide jobs into runs of at most so many source texels; a larger job is one of its own.

    One shape after the other, largest first: batches fill up, and memory is highest at the start.
    """
    window: list[Job] = []
    room = most
    for job in sorted(jobs, key=_shape):
        if window and texels_of(job) > room:
            yield window
            window, room = [], most
        window.append(job)
        room -= texels_of(job)
    if window:
        yield window


def _shape(job: Job) -> tuple[int, tuple[int, int], str, str]:
    return -texels_of(job), job.pieces[0].item.size, job.plan.edges.x, job.plan.edges.y


def texels_of(job: Job) -> int:
    """Return the source texels of a job."""
    return sum(piece.item.size[0] * piece.item.size[1] for piece in job.pieces)


def _compute_window(jobs: Sequence[Job], store: Store, upscale: Upscale) -> Iterator[Done]:
    pictures: dict[int, Rgba8] = {}
    results: dict[int, dict[int, RgbF]] = {}
    passes: list[Pass] = []
    owner: list[tuple[int, int]] = []
    for number, job in enumerate(jobs):
        try:
            pictures[number] = _load(job)
        except _FAULTS as error:
            yield Done(job, reason=_why(error))
            continue
        if job.plan.action == "nearest":
            yield _finish(job, pictures[number], nearest(pictures[number], job.plan), store)
            continue
        results[number] = {}
        wanted_of_job = job.passes(pictures[number])
        if not wanted_of_job:  # an atlas of flat cells
            yield _recombine(job, pictures.pop(number), (), store)
        passes += wanted_of_job
        owner += [(number, place) for place in range(len(wanted_of_job))]
    wanted = Counter(number for number, _ in owner)
    for index, rgb in upscale(passes, jobs[0].plan.scale) if passes else ():
        number, place = owner[index]
        results[number][place] = rgb
        if len(results[number]) == wanted[number]:
            parts = results.pop(number)
            yield _recombine(
                jobs[number], pictures.pop(number), tuple(parts[p] for p in sorted(parts)), store
            )


_FAULTS = (TexpipeError, ValueError, ArithmeticError, MemoryError)
"""What may be wrong with one picture, and stops no other."""


def _why(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    return error.message if isinstance(error, TexpipeError) else str(error)


def _load(job: Job) -> Rgba8:
    return job.join.picture() if job.join is not None else read_again(job.pieces[0].item).rgba


def _recombine(job: Job, picture: Rgba8, parts: tuple[RgbF, ...], store: Store) -> Done:
    try:
        result = job.recombine(picture, parts)
    except _FAULTS as error:
        log.debug("recombining %s", job.pieces[0].item.source.name, exc_info=True)
        return Done(job, reason=f"could not be recombined: {_why(error)}")
    return _finish(job, picture, result, store)


def _vary(job: Job, like: Piece, store: Store) -> Done:
    name = like.item.source.name
    if (made := store.get(like.key)) is None:
        return Done(job, reason=f"could not be made: {name}, whose structure it shares, failed")
    try:
        source, picture = read_again(like.item).rgba, _load(job)
        result = vary(source, decode(made.png, name=f"{like.key}.png")[0], picture, job.plan)
    except _FAULTS as error:
        return Done(job, reason=f"could not be made like {name}: {_why(error)}")
    return _finish(job, picture, result, store)


def _average(job: Job, store: Store) -> Done:
    sources: list[Rgba8] = []
    results: list[Rgba8] = []
    for frame in job.frames:
        if (made := store.get(frame.key)) is None:
            name = frame.item.source.name
            return Done(
                job, reason=f"could not be compared with {name}, a frame of the same animation, which failed"
            )
        try:
            sources.append(read_again(frame.item).rgba)
            results.append(decode(made.png, name=f"{frame.key}.png")[0])
        except _FAULTS as error:
            return Done(job, reason=f"could not be compared with its other frames: {_why(error)}")
    number = [frame.item for frame in job.frames].index(job.pieces[0].item)
    return _finish(job, sources[number], steady(sources, results, number, job.plan), store)


def _finish(job: Job, picture: Rgba8, result: Rgba8, store: Store) -> Done:
    if job.join is None:
        metrics = measure(picture, result, job.plan)
        store.put(job.pieces[0].key, encode_png(result), vars(metrics))
        return Done(job)
    names = _names(piece.item for piece in job.pieces)
    sources = split(job.join.layout, picture, 1, names)
    made = split(job.join.layout, result, job.plan.scale, names)
    plan = replace(
        job.plan, edges=Edges("clamp", "clamp")
    )  # the border of a piece is not the border of the picture
    for piece, name in zip(job.pieces, names, strict=True):
        store.put(piece.key, encode_png(made[name]), vars(measure(sources[name], made[name], plan)))
    return Done(job)
