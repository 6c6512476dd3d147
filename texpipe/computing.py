"""From jobs to finished pixels: decoded a window at a time, upscaled, recombined, kept in the store."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice

from texpipe.finishing import FAULTS, finish, load, why
from texpipe.jobs import Done, Job, Work, is_stored, texels_of
from texpipe.passes import nearest
from texpipe.remaking import remake
from texpipe.store import Store
from texpipe.texture import Pass, Rgba8, RgbF

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
    yield from remake(pending, store)


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
                picture = load(job)
            except FAULTS as error:
                self._ended.append(Done(job, reason=why(error)))
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
        picture = load(job)
    except FAULTS as error:
        return Done(job, reason=why(error))
    return finish(job, picture, nearest(picture, job.plan), store)


def _recombine(job: Job, picture: Rgba8, parts: tuple[RgbF, ...], store: Store) -> Done:
    try:
        result = job.recombine(picture, parts)
    except FAULTS as error:
        log.debug("recombining %s", job.pieces[0].item.source.name, exc_info=True)
        return Done(job, reason=f"could not be recombined: {why(error)}")
    return finish(job, picture, result, store)
