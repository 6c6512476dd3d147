"""From jobs to finished pixels: decoded a window at a time, upscaled, recombined, kept in the store."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from typing import TypeAlias

from texpipe.execution.derived import remake
from texpipe.execution.job_io import FAULTS, finish, load, why
from texpipe.passes import nearest
from texpipe.planning.jobs import Done, Job, Work, is_stored, texels_of
from texpipe.storage.results import Store
from texpipe.system.offload import Elsewhere, is_possible
from texpipe.texture import Pass, Rgba8, RgbF

log = logging.getLogger(__name__)

WINDOW_TEXELS = 1 << 17
"""Source texels that are decoded at a time: bounds memory whatever the size of the dump. A window is decoded while the
end of the one before is still computed."""

WINDOW_SHARE = 1 / 16
"""Of the memory of a run: so much a window may take."""

WORTH_PROCESSES = 128
"""Pictures from which on several threads let processes finish results: those take as long to start as 50 pictures."""

MOST_PROCESSES = 8
"""Processes that one thread, which takes results to them, keeps busy."""

_HandOver: TypeAlias = "Callable[[Job, Rgba8, tuple[RgbF, ...]], Future[str | None]]"

Upscale = Callable[[Iterable[Sequence[Pass]], int], Iterator[tuple[int, RgbF]]]
"""Takes windows of passes and a scale, yields the number of a pass, counted through all windows, and its result, in
order of completion."""


def compute(
    work: Work, store: Store, upscale: Upscale, memory: int | None = None, threads: int = 1
) -> Iterator[Done]:
    """Yield every job as it is finished; results are in the store by then.

    Jobs that the store has already come first, then those that need no network. A texture that cannot be made
    becomes a `Done` with a reason.

    Args:
        work: the jobs.
        store: where results are kept.
        upscale: the network.
        memory: bytes that the process should stay below; they decide how much is decoded at a time.
        threads: that decode pictures, and as many threads or processes that finish results, while the network
            computes. They change no result.

    Raises:
        PackError: the store cannot be written.
        DeviceError: the device failed for good.
    """
    pending = yield from stored(work, store)
    yield from (_repeat(job, store) for job in pending if _is_repeated(job))
    for_network = [job for job in pending if not job.made_of and not _is_repeated(job)]
    yield from _Desk(store, for_network, memory, threads).results(upscale)
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


def _windows(jobs: Sequence[Job], most: int) -> Iterator[list[Job]]:
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


def window_texels(memory: int | None, scale: int) -> int:
    """Return the source texels to decode at a time, at least 1.

    A texel takes 4 bytes and 12 for each of at most four passes; their results, scale x scale times as many, may all
    wait for the pass that belongs to them.

    Args:
        memory: bytes of the run; None for no bound.
        scale: output texels per source texel and axis.
    """
    if memory is None:
        return WINDOW_TEXELS
    return max(1, min(WINDOW_TEXELS, int(memory * WINDOW_SHARE) // (4 + 4 * 12 * (1 + scale**2))))


def _shape(job: Job) -> tuple[int, tuple[int, int], str, str]:
    return -texels_of(job), job.pieces[0].item.size, job.plan.edges.x, job.plan.edges.y


@dataclass
class _Waiting:
    """A decoded picture and what came of its passes so far, by their numbers."""

    job: Job
    picture: Rgba8
    passes: tuple[Pass, ...]
    parts: dict[int, RgbF] = field(default_factory=dict)


class _Desk:
    """Where pictures are decoded for the network and wait for their results, and where those are finished.

    Args:
        store: where results are kept.
        jobs: for the network.
        memory, threads: as `compute` takes them.
    """

    def __init__(self, store: Store, jobs: Sequence[Job], memory: int | None, threads: int) -> None:
        self._store, self._jobs, self._threads = store, jobs, threads
        self._scale = max((job.plan.scale for job in jobs), default=1)
        self._most = window_texels(memory, self._scale)
        self._numbers = count()
        self._waiting: dict[int, _Waiting] = {}
        self._finishing: deque[tuple[Job, Future[str | None]]] = deque()

    def results(self, upscale: Upscale) -> Iterator[Done]:
        """Yield the jobs as they are finished."""
        with ThreadPoolExecutor(self._threads, "decode") as decoding, self._finishers() as hand_over:

            def passes(window: Sequence[Job]) -> list[Pass]:
                return [one for begun in decoding.map(_begin, window) for one in self._take(begun, hand_over)]

            for number, rgb in upscale(map(passes, _windows(self._jobs, self._most)), self._scale):
                waiting = self._waiting.pop(number)
                waiting.parts[number] = rgb
                if len(waiting.parts) == len(waiting.passes):
                    self._finish(waiting, hand_over)
                yield from self._finished(self._most)
            yield from self._finished(-1)

    @contextmanager
    def _finishers(self) -> Iterator[_HandOver]:
        """Get whom to hand a picture over to that is to be finished: to a thread or, if there are several and
        much to do, to a process."""
        many = self._threads > 1 and len(self._jobs) >= WORTH_PROCESSES and is_possible()
        workers = min(self._threads, MOST_PROCESSES) if many else self._threads
        with Elsewhere() as elsewhere, ThreadPoolExecutor(workers, "finish") as pool:

            def hand_over(job: Job, picture: Rgba8, parts: tuple[RgbF, ...]) -> Future[str | None]:
                if many:
                    return pool.submit(elsewhere.call, _recombine, job, picture, parts, self._store)
                return pool.submit(_recombine, job, picture, parts, self._store)

            yield hand_over

    def _take(self, begun: _Waiting | Done, hand_over: _HandOver) -> tuple[Pass, ...]:
        """Put a decoded picture on the desk and return its passes, numbered in the order of all of them."""
        if isinstance(begun, Done):
            failed: Future[str | None] = Future()
            failed.set_result(begun.reason)
            self._finishing.append((begun.job, failed))
            return ()
        if not begun.passes:  # an atlas of flat cells
            self._finish(begun, hand_over)
        self._waiting |= dict.fromkeys(islice(self._numbers, len(begun.passes)), begun)
        return begun.passes

    def _finish(self, waiting: _Waiting, hand_over: _HandOver) -> None:
        parts = tuple(waiting.parts[number] for number in sorted(waiting.parts))
        self._finishing.append((waiting.job, hand_over(waiting.job, waiting.picture, parts)))

    def _finished(self, most: int) -> Iterator[Done]:
        """Yield what is finished, and wait until no more than so many source texels are in hand; with -1 for all."""
        in_hand = sum(texels_of(job) for job, _ in self._finishing)
        while self._finishing and (in_hand > most or self._finishing[0][1].done()):
            job, reason = self._finishing.popleft()
            in_hand -= texels_of(job)
            yield Done(job, reason=reason.result())


def _begin(job: Job) -> _Waiting | Done:
    """Decode a picture and make its passes."""
    try:
        picture = load(job)
        return _Waiting(job, picture, job.passes(picture))
    except FAULTS as error:
        return Done(job, reason=why(error))


def _is_repeated(job: Job) -> bool:
    return job.plan.action == "nearest" and not job.made_of


def _repeat(job: Job, store: Store) -> Done:
    """Enlarge a picture by repeating its texels."""
    try:
        picture = load(job)
        result = nearest(picture, job.plan)
    except FAULTS as error:
        return Done(job, reason=why(error))
    return finish(job, picture, result, store)


def _recombine(job: Job, picture: Rgba8, parts: tuple[RgbF, ...], store: Store) -> str | None:
    """Finish a picture, and return the reason if that fails."""
    try:
        result = job.recombine(picture, parts)
    except FAULTS as error:
        log.debug("recombining %s", job.pieces[0].item.source.name, exc_info=True)
        return f"could not be recombined: {why(error)}"
    return finish(job, picture, result, store).reason
