"""From jobs to finished pixels: decoded a window at a time, upscaled, recombined, kept in the store.

What is made of finished pictures, such as variants and frames, comes after them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice

from texpipe.classify.flips import flipped
from texpipe.errors import TexpipeError
from texpipe.groups.assemble import split
from texpipe.jobs import Done, Job, Piece, Work, is_stored, texels_of
from texpipe.manifest import fields_of
from texpipe.passes import nearest, steady, vary
from texpipe.passes.metrics import measure
from texpipe.pixels import decode, encode_png
from texpipe.store import Store
from texpipe.survey import read_again
from texpipe.texture import Edges, Pass, Rgba8, RgbF

log = logging.getLogger(__name__)

WINDOW_TEXELS = 1 << 17
"""Source texels that are decoded at a time: bounds memory whatever the size of the dump. A window is decoded while the
end of the one before is still computed."""

WINDOW_SHARE = 1 / 16
"""Of the memory of a run: so much a window may take."""

Upscale = Callable[[Iterable[Sequence[Pass]], int], Iterator[tuple[int, RgbF]]]
"""Takes windows of passes and a scale, yields the number of a pass, counted through all windows, and its result, in
order of completion."""


def compute(work: Work, store: Store, upscale: Upscale, memory: int | None = None) -> Iterator[Done]:
    """Yield every job as it is finished; results are in the store by then.

    Jobs that the store has already come first, then those that need no network. A texture that cannot be made
    becomes a `Done` with a reason.

    Args:
        work: the jobs.
        store: where results are kept.
        upscale: the network.
        memory: bytes that the process should stay below; they decide how much is decoded at a time.

    Raises:
        PackError: the store cannot be written.
        DeviceError: the device failed for good.
    """
    pending = yield from stored(work, store)
    yield from (_repeat(job, store) for job in pending if _is_repeated(job))
    for_network = [job for job in pending if not job.made_of and not _is_repeated(job)]
    yield from _Desk(store).results(for_network, upscale, memory)
    for job in pending:
        if job.like is not None:
            yield _vary(job, job.like, store)
    for job in pending:
        if job.frames:
            yield _average(job, store)
    for job in pending:
        if job.image is not None:
            yield _flip(job, job.image, store)


def stored(work: Work, store: Store) -> Generator[Done, None, list[Job]]:
    """Yield the jobs whose results are in the store already, and return the others (`yield from` gives them)."""
    pending = []
    for job in work.jobs:
        if is_stored(job, store):
            yield Done(job, cached=True)
        else:
            pending.append(job)
    return pending


def _windows(jobs: Sequence[Job], memory: int | None) -> Iterator[list[Job]]:
    """Divide jobs into runs of at most `window_texels`; a larger job is one of its own.

    One shape after the other, largest first: batches fill up, and memory is highest at the start.
    """
    window: list[Job] = []
    most = window_texels(memory, max((job.plan.scale for job in jobs), default=1))
    room = most
    for job in sorted(jobs, key=_shape):
        if window and texels_of(job) > room:
            yield window
            window, room = [], most
        window.append(job)
        room -= texels_of(job)
    if window:
        yield window


def window_texels(memory: int | None, scale: int) -> int:
    """Return the source texels to decode at a time, at least 1.

    A texel takes 4 bytes and 12 for each of at most two passes; their results, scale x scale times as many, may all
    wait for the pass that belongs to them.

    Args:
        memory: bytes of the run; None for no bound.
        scale: output texels per source texel and axis.
    """
    if memory is None:
        return WINDOW_TEXELS
    return max(1, min(WINDOW_TEXELS, int(memory * WINDOW_SHARE) // (4 + 2 * 12 * (1 + scale**2))))


def _shape(job: Job) -> tuple[int, tuple[int, int], str, str]:
    return -texels_of(job), job.pieces[0].item.size, job.plan.edges.x, job.plan.edges.y


@dataclass
class _Waiting:
    """A decoded picture and what came of its passes so far, by their numbers."""

    job: Job
    picture: Rgba8
    passes: int
    parts: dict[int, RgbF] = field(default_factory=dict)


class _Desk:
    """Where decoded pictures wait for what the network makes of them.

    Args:
        store: where results are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers = count()
        self._waiting: dict[int, _Waiting] = {}
        self._ended: deque[Done] = deque()

    def results(self, jobs: Sequence[Job], upscale: Upscale, memory: int | None) -> Iterator[Done]:
        """Yield jobs for the network as they are finished."""
        scale = max((job.plan.scale for job in jobs), default=1)
        for number, rgb in upscale(map(self._passes, _windows(jobs, memory)), scale):
            waiting = self._waiting.pop(number)
            waiting.parts[number] = rgb
            if len(waiting.parts) == waiting.passes:
                parts = tuple(waiting.parts[number] for number in sorted(waiting.parts))
                yield _recombine(waiting.job, waiting.picture, parts, self._store)
            while self._ended:
                yield self._ended.popleft()
        yield from self._ended

    def _passes(self, window: Sequence[Job]) -> list[Pass]:
        """Decode pictures and return their passes, numbered through all windows."""
        passes: list[Pass] = []
        for job in window:
            try:
                picture = _load(job)
            except _FAULTS as error:
                self._ended.append(Done(job, reason=_why(error)))
                continue
            wanted = job.passes(picture)
            if not wanted:  # an atlas of flat cells
                self._ended.append(_recombine(job, picture, (), self._store))
            waiting = _Waiting(job, picture, len(wanted))
            self._waiting |= dict.fromkeys(islice(self._numbers, len(wanted)), waiting)
            passes += wanted
        return passes


def _is_repeated(job: Job) -> bool:
    return job.plan.action == "nearest" and not job.made_of


def _repeat(job: Job, store: Store) -> Done:
    """Enlarge a picture by repeating its texels."""
    try:
        picture = _load(job)
    except _FAULTS as error:
        return Done(job, reason=_why(error))
    return _finish(job, picture, nearest(picture, job.plan), store)


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
    def varied(made: Rgba8, picture: Rgba8) -> Rgba8:
        return vary(read_again(like.item).rgba, made, picture, job.plan)

    return _remake(job, like, store, varied, "whose structure it shares", "like")


def _flip(job: Job, image: Piece, store: Store) -> Done:
    def mirrored(made: Rgba8, _: Rgba8) -> Rgba8:
        return flipped(made, job.axis)

    return _remake(job, image, store, mirrored, "whose mirror image it is", "of")


def _remake(
    job: Job, piece: Piece, store: Store, make: Callable[[Rgba8, Rgba8], Rgba8], whose: str, how: str
) -> Done:
    """Make a job's picture of another texture's result and of its own source; both words are for the reason."""
    name = piece.item.source.name
    if (made := store.get(piece.key)) is None:
        return Done(job, reason=f"could not be made: {name}, {whose}, failed")
    try:
        picture = _load(job)
        result = make(decode(made.png, name=f"{piece.key}.png")[0], picture)
    except _FAULTS as error:
        return Done(job, reason=f"could not be made {how} {name}: {_why(error)}")
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
        store.put(job.pieces[0].key, encode_png(result), fields_of(metrics))
        return Done(job)
    names = [piece.item.source.name for piece in job.pieces]
    sources = split(job.join.layout, picture, 1, names)
    made = split(job.join.layout, result, job.plan.scale, names)
    plan = replace(
        job.plan, edges=Edges("clamp", "clamp")
    )  # the border of a piece is not the border of the picture
    for piece, name in zip(job.pieces, names, strict=True):
        store.put(piece.key, encode_png(made[name]), fields_of(measure(sources[name], made[name], plan)))
    return Done(job)
