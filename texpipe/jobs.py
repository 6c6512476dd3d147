"""From plans to finished pixels: what must be computed, computed once, kept in the store.

A job is one picture for the network and the textures that get their pixels from it: a single texture with all its
duplicates, or the pieces of a picture that the console had to split.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from texpipe.errors import SourceError, TexpipeError
from texpipe.passes import make_passes, nearest, recombine
from texpipe.passes.assemble import join, split
from texpipe.passes.metrics import measure
from texpipe.pixels import encode_png
from texpipe.read.decode import decode
from texpipe.recipe.schema import Recipe
from texpipe.store import Store, key_of
from texpipe.survey import Item, item_of
from texpipe.texture import Action, Edges, Group, Pass, Plan, Rgba8, RgbF, Texture

log = logging.getLogger(__name__)

PIXELS_VERSION = 1
"""Part of every store key: raise it with any change that alters the pixels of a result."""

WINDOW_TEXELS = 1 << 18
"""Source texels that are decoded at a time: bounds memory whatever the size of the dump."""

COMPUTED: tuple[Action, ...] = ("upscale", "nearest")
"""Actions whose results are made here; the others need none."""

Upscale = Callable[[Sequence[Pass], int], Iterator[tuple[int, RgbF]]]
"""Takes passes and a scale, yields the number of a pass and its result in order of completion."""


@dataclass(frozen=True)
class Piece:
    """A texture that a job makes, and the store key of its result."""

    item: Item
    key: str


@dataclass(frozen=True)
class Job:
    """One picture to compute: a texture, or a split picture with its `group`.

    `content` is a digest of pixels and plan alone: the same on machines that compute differently.
    """

    plan: Plan
    pieces: tuple[Piece, ...]
    content: str
    group: Group | None = None


@dataclass(frozen=True)
class Work:
    """All jobs of a run, and what each texture gets from where.

    Attributes:
        jobs: in the order of their first texture.
        piece_of: texture name -> the piece whose result it gets.
        duplicate_of: texture name -> name of the first texture with the same pixels and plan.
        group_of: texture name -> name of the picture that it is a piece of.
        notes: texture name -> a warning that arose here.
        warnings: the same about no texture in particular.
    """

    jobs: tuple[Job, ...]
    piece_of: Mapping[str, Piece] = field(default_factory=dict)
    duplicate_of: Mapping[str, str] = field(default_factory=dict)
    group_of: Mapping[str, str] = field(default_factory=dict)
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
    grouped, notes, warnings = _group_jobs({item.source.name: item for item in items}, recipe, engine_id)
    piece_of = {piece.item.source.name: piece for job in grouped for piece in job.pieces}
    group_of = {
        piece.item.source.name: job.group.name for job in grouped if job.group for piece in job.pieces
    }
    singles: dict[str, Job] = {}
    duplicate_of: dict[str, str] = {}
    for item in items:
        name = item.source.name
        if name in group_of or item.plan.action not in COMPUTED:
            continue
        content = key_of("texture", item.pixels, plan_key(item.plan))
        key = key_of(content, *engine_id_for(item.plan, engine_id))
        piece = singles.setdefault(content, Job(item.plan, (Piece(item, key),), content)).pieces[0]
        piece_of[name] = piece
        if piece.item is not item:
            duplicate_of[name] = piece.item.source.name
    return Work((*grouped, *singles.values()), piece_of, duplicate_of, group_of, notes, warnings)


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
        PIXELS_VERSION,
    ]


def engine_id_for(plan: Plan, engine_id: Sequence[str]) -> Sequence[str]:
    """A nearest-neighbour enlargement is the same whatever the model."""
    return engine_id if plan.action == "upscale" else ()


def _group_jobs(
    items: Mapping[str, Item], recipe: Recipe, engine_id: Sequence[str]
) -> tuple[list[Job], dict[str, str], tuple[str, ...]]:
    jobs: list[Job] = []
    notes: dict[str, str] = {}
    warnings: list[str] = []
    taken: dict[str, str] = {}
    for group in recipe.picture_groups():
        present = [name for name in group.files if name in items]
        if not present:
            warnings.append(f"group {group.name}: none of its files are in the input")
            continue
        problem = _obstacle(group, items, taken)
        try:
            if problem is None:
                jobs.append(_group_job(group, [items[name] for name in group.files], recipe, engine_id))
                taken |= dict.fromkeys(group.files, group.name)
        except TexpipeError as error:
            problem = error.message
        if problem:
            notes |= dict.fromkeys(present, f"not joined as part of {group.name}: {problem}")
    return jobs, notes, tuple(warnings)


def _obstacle(group: Group, items: Mapping[str, Item], taken: Mapping[str, str]) -> str | None:
    """Say why a group cannot be joined, or return None."""
    for name in group.files:
        if name not in items:
            return f"{name} is missing"
        if name in taken:
            return f"{name} is already part of {taken[name]}"
        if items[name].plan.action not in COMPUTED:
            return f"{name} is not to be upscaled ({items[name].plan.decided_by.action})"
    return None


def _group_job(group: Group, members: Sequence[Item], recipe: Recipe, engine_id: Sequence[str]) -> Job:
    textures = [decode(member.source) for member in members]
    picture = join(group, {texture.source.name: texture.rgba for texture in textures})
    first = textures[0]
    plan = item_of(Texture(first.source, picture, first.sha256, first.stored), recipe).plan
    if plan.action not in COMPUTED:
        raise SourceError(f"the joined picture is not to be upscaled ({plan.decided_by.action})")
    shape = [group.columns, group.rows, group.overlap]
    content = key_of("group", shape, [member.pixels for member in members], plan_key(plan))
    key = key_of(content, *engine_id_for(plan, engine_id))
    pieces = tuple(
        Piece(replace(member, plan=plan), key_of(key, place)) for place, member in enumerate(members)
    )
    return Job(plan, pieces, content, group)


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
    # One shape after the other, largest first: batches fill up, and memory is highest at the start.
    pending.sort(key=lambda job: (-_texels(job), job.pieces[0].item.size, job.plan.edges.x, job.plan.edges.y))
    for window in _windows(pending):
        yield from _compute_window(window, store, upscale)


def _texels(job: Job) -> int:
    return sum(piece.item.size[0] * piece.item.size[1] for piece in job.pieces)


def _windows(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    window: list[Job] = []
    texels = 0
    for job in jobs:
        if window and texels + _texels(job) > WINDOW_TEXELS:
            yield window
            window, texels = [], 0
        window.append(job)
        texels += _texels(job)
    if window:
        yield window


def _compute_window(jobs: Sequence[Job], store: Store, upscale: Upscale) -> Iterator[Done]:
    pictures: dict[int, Rgba8] = {}
    results: dict[int, dict[int, RgbF]] = {}
    passes: list[Pass] = []
    owner: list[tuple[int, int]] = []
    for number, job in enumerate(jobs):
        try:
            pictures[number] = _load(job)
        except TexpipeError as error:
            yield Done(job, reason=error.message)
            continue
        if job.plan.action == "nearest":
            yield _finish(job, pictures[number], nearest(pictures[number], job.plan), store)
            continue
        results[number] = {}
        for place, one in enumerate(make_passes(pictures[number], job.plan)):
            passes.append(one)
            owner.append((number, place))
    wanted = Counter(number for number, _ in owner)
    for index, rgb in upscale(passes, jobs[0].plan.scale) if passes else ():
        number, place = owner[index]
        results[number][place] = rgb
        if len(results[number]) == wanted[number]:
            parts = results.pop(number)
            yield _recombine(
                jobs[number], pictures.pop(number), tuple(parts[p] for p in sorted(parts)), store
            )


def _load(job: Job) -> Rgba8:
    textures = [decode(piece.item.source) for piece in job.pieces]
    for texture, piece in zip(textures, job.pieces, strict=True):
        if texture.sha256 != piece.item.sha256:
            raise SourceError(f"{texture.source.name} changed while texpipe was running", hint="Run again.")
    if job.group is None:
        return textures[0].rgba
    return join(job.group, {texture.source.name: texture.rgba for texture in textures})


def _recombine(job: Job, picture: Rgba8, parts: tuple[RgbF, ...], store: Store) -> Done:
    try:
        result = recombine(picture, job.plan, parts)
    except (TexpipeError, ValueError, ArithmeticError) as error:
        log.debug("recombining %s", job.pieces[0].item.source.name, exc_info=True)
        return Done(job, reason=f"could not be recombined: {error}")
    return _finish(job, picture, result, store)


def _finish(job: Job, picture: Rgba8, result: Rgba8, store: Store) -> Done:
    if job.group is None:
        metrics = measure(picture, result, job.plan)
        store.put(job.pieces[0].key, encode_png(result), vars(metrics))
        return Done(job)
    sources = split(job.group, picture, 1, [piece.item.size for piece in job.pieces])
    made = split(job.group, result, job.plan.scale, [piece.item.size for piece in job.pieces])
    plan = replace(
        job.plan, edges=Edges("clamp", "clamp")
    )  # the border of a piece is not the border of the picture
    for piece in job.pieces:
        name = piece.item.source.name
        store.put(piece.key, encode_png(made[name]), vars(measure(sources[name], made[name], plan)))
    return Done(job)
