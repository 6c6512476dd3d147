"""From jobs to finished pixels: decoded a window at a time, upscaled, recombined, put into the store."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TypeAlias

from texpipe.errors import DeviceLostError
from texpipe.execution.derived import compute_derived
from texpipe.execution.hand_made import take_hand_made
from texpipe.execution.job_io import PICTURE_ERRORS, describe_error, load_input, store_result
from texpipe.meter import WORKED_OFF
from texpipe.passes import nearest
from texpipe.planning.amount import network_texels
from texpipe.planning.jobs import (
    DerivedJob,
    HandMadeJob,
    Job,
    JobResult,
    SourceJob,
    Workload,
    is_stored,
    texels_of,
)
from texpipe.planning.picture_memory import why_too_large
from texpipe.storage.results import ResultStore
from texpipe.system.offload import SubprocessPool
from texpipe.system.offload_policy import pays_off
from texpipe.texture import Pass, Rgba8, RgbF

log = logging.getLogger(__name__)

WINDOW_TEXELS = 1 << 17
"""Largest number of source texels that are decoded at a time: memory then does not grow with the dump. A window is
decoded while the end of the one before is still computed."""

WINDOW_SHARE = 1 / 16
"""Largest share of a run's memory that one window may use."""

MAX_PROCESSES = 8
"""Largest number of processes that finish results: one thread hands results over, and keeps no more of them busy."""

_HandOver: TypeAlias = "Callable[[_Partial], Future[str | None]]"

ModelPaths: TypeAlias = Mapping[tuple[str, ...], tuple[Path, ...]]
"""The files of the models that a plan names, one after the other; those of the recipe under an empty name."""

Upscale = Callable[[Iterable[Sequence[Pass]], int], Iterator[tuple[int, RgbF]]]
"""Takes windows of passes and a scale, yields the number of a pass, counted through all windows, and its result, in
order of completion."""


def compute_jobs(
    work: Workload,
    store: ResultStore,
    upscale: Upscale,
    memory: int | None = None,
    threads: int = 1,
    of_rules: Callable[[tuple[str, ...]], Upscale] | None = None,
    limit: int | None = None,
) -> Iterator[JobResult]:
    """Yield every job as it is finished; its results are in the store by then.

    Jobs that the store has come first, then those that need no network. A texture that cannot be made
    becomes a `JobResult` with a reason.

    Args:
        work: the jobs.
        store: where results are kept.
        upscale: the network of the recipe.
        memory: bytes that the process should stay below; they decide how much is decoded at a time.
        threads: number of threads that decode pictures, and of threads or processes that finish results, while the
            network computes. It does not change the results.
        of_rules: returns the network of what a plan names; needed if any plan names one.
        limit: bytes that this process may take for one picture: one that takes more is not begun.

    Raises:
        PackError: the store cannot be written.
        DeviceError: the device failed for good.
    """
    pending = yield from stored(work, store)
    yield from (take_hand_made(job, store) for job in pending if isinstance(job, HandMadeJob))
    from_source = []
    for job in pending:
        if isinstance(job, SourceJob):
            if limit is not None and (reason := why_too_large(job, limit)) is not None:
                yield JobResult(job, reason=reason)
            else:
                from_source.append(job)
    yield from (_repeat(job, store) for job in from_source if job.plan.action == "nearest")
    for_network: dict[tuple[str, ...], list[SourceJob]] = {}
    for job in from_source:
        if job.plan.action != "nearest":
            for_network.setdefault(job.plan.model, []).append(job)
    # One model after the other: each is loaded once, and none waits for another's batches.
    for named in sorted(for_network):
        network = of_rules(named) if named and of_rules is not None else upscale
        in_flight = _InFlight(store, for_network[named], memory, threads)
        WORKED_OFF.use(named, in_flight.finishers, here=not in_flight.in_processes)
        yield from in_flight.results(network)
    yield from compute_derived([job for job in pending if isinstance(job, DerivedJob)], store)


def stored(work: Workload, store: ResultStore) -> Generator[JobResult, None, list[Job]]:
    """Yield the jobs whose results are in the store, and return the others (the value of `yield from`)."""
    pending = []
    for job in work.jobs:
        if is_stored(job, store):
            yield JobResult(job, cached=True)
        else:
            pending.append(job)
    return pending


def _windows(jobs: Sequence[SourceJob], max_texels: int) -> Iterator[list[SourceJob]]:
    """Divide jobs into windows of at most `max_texels` source texels; a larger job is a window of its own.

    One shape after the other, largest first: batches fill up, and memory is highest at the start.
    """
    window: list[SourceJob] = []
    texels_left = max_texels
    for job in sorted(jobs, key=_shape):
        if window and texels_of(job) > texels_left:
            yield window
            window, texels_left = [], max_texels
        window.append(job)
        texels_left -= texels_of(job)
    if window:
        yield window


def window_texels(memory: int | None, scale: int) -> int:
    """Return the source texels to decode at a time, at least 1.

    A texel takes 4 bytes and 12 for each of at most four passes; their results, scale x scale times as many, may all
    wait for the pass that belongs to them.

    Args:
        memory: bytes of the run; None for no limit.
        scale: output texels per source texel and axis.
    """
    if memory is None:
        return WINDOW_TEXELS
    return max(1, min(WINDOW_TEXELS, int(memory * WINDOW_SHARE) // (4 + 4 * 12 * (1 + scale**2))))


def _shape(job: SourceJob) -> tuple[int, tuple[int, int], str, str]:
    return -texels_of(job), job.pieces[0].item.size, job.plan.edges.x, job.plan.edges.y


@dataclass
class _Partial:
    """A decoded picture and the results of its passes so far, by their numbers."""

    job: SourceJob
    picture: Rgba8
    passes: tuple[Pass, ...]
    parts: dict[int, RgbF] = field(default_factory=dict)

    def results(self) -> tuple[RgbF, ...]:
        """Return the results in the order of the passes."""
        return tuple(self.parts[number] for number in sorted(self.parts))


class _InFlight:
    """Pictures that are decoded for the network, wait for the results of their passes or are being finished.

    Args:
        store: where results are kept.
        jobs: for the network.
        memory, threads: as `compute_jobs` takes them.

    Attributes:
        in_processes: processes finish pictures, not threads.
        finishers: their number.
    """

    def __init__(
        self, store: ResultStore, jobs: Sequence[SourceJob], memory: int | None, threads: int
    ) -> None:
        self._store, self._jobs, self._threads = store, jobs, threads
        self.in_processes = pays_off(len(jobs), threads)
        self.finishers = min(threads, MAX_PROCESSES) if self.in_processes else threads
        self._scale = max((job.plan.scale for job in jobs), default=1)
        self._window_texels = window_texels(memory, self._scale)
        self._numbers = count()
        self._waiting: dict[int, _Partial] = {}
        self._finishing: deque[tuple[Job, Future[str | None]]] = deque()
        self._texels_finishing = 0

    def results(self, upscale: Upscale) -> Iterator[JobResult]:
        """Yield the jobs as they are finished."""
        with ThreadPoolExecutor(self._threads, "decode") as decoding, self._finishers() as hand_over:

            def passes(window: Sequence[SourceJob]) -> list[Pass]:
                return [one for begun in decoding.map(_begin, window) for one in self._take(begun, hand_over)]

            try:
                for number, rgb in upscale(
                    map(passes, _windows(self._jobs, self._window_texels)), self._scale
                ):
                    partial = self._waiting.pop(number)
                    partial.parts[number] = rgb
                    if len(partial.parts) == len(partial.passes):
                        self._finish(partial, hand_over)
                    yield from self._finished(self._window_texels)
            except DeviceLostError:
                yield from self._finished(-1)  # what the device has made is kept
                raise
            yield from self._finished(-1)

    @contextmanager
    def _finishers(self) -> Iterator[_HandOver]:
        """Get a function that hands a picture over to be finished: to a thread, or to a process if that pays off."""
        with SubprocessPool() as processes, ThreadPoolExecutor(self.finishers, "finish") as pool:

            def hand_over(one: _Partial) -> Future[str | None]:
                results = one.results()
                call = partial(processes.call, _recombine) if self.in_processes else _recombine
                return pool.submit(_metered, call, one, results, self._store)

            yield hand_over

    def _take(self, begun: _Partial | JobResult, hand_over: _HandOver) -> tuple[Pass, ...]:
        """Let a decoded picture wait for its results, and return its passes; they are numbered in the order of all."""
        if isinstance(begun, JobResult):
            failed: Future[str | None] = Future()
            failed.set_result(begun.reason)
            self._wait_for(begun.job, failed)
            WORKED_OFF.skip(network_texels(begun.job))
            return ()
        if not begun.passes:  # an atlas of flat cells
            self._finish(begun, hand_over)
        self._waiting |= dict.fromkeys(islice(self._numbers, len(begun.passes)), begun)
        return begun.passes

    def _finish(self, finished: _Partial, hand_over: _HandOver) -> None:
        WORKED_OFF.hand_over(network_texels(finished.job))
        self._wait_for(finished.job, hand_over(finished))

    def _wait_for(self, job: Job, reason: Future[str | None]) -> None:
        self._finishing.append((job, reason))
        self._texels_finishing += texels_of(job)

    def _finished(self, max_texels: int) -> Iterator[JobResult]:
        """Yield what is finished, and wait until at most `max_texels` source texels are being finished; -1 for all."""
        while self._finishing and (self._texels_finishing > max_texels or self._finishing[0][1].done()):
            job, reason = self._finishing.popleft()
            self._texels_finishing -= texels_of(job)
            yield JobResult(job, reason=reason.result())


def _begin(job: SourceJob) -> _Partial | JobResult:
    """Decode a picture and make its passes."""
    try:
        picture = load_input(job)
        return _Partial(job, picture, job.passes(picture))
    except PICTURE_ERRORS as error:
        return JobResult(job, reason=describe_error(error))


def _repeat(job: SourceJob, store: ResultStore) -> JobResult:
    """Enlarge a picture by repeating its texels."""
    try:
        picture = load_input(job)
        result = nearest(picture, job.plan)
    except PICTURE_ERRORS as error:
        return JobResult(job, reason=describe_error(error))
    return store_result(job, picture, result, store)


def _metered(
    recombine: Callable[..., tuple[str | None, float]],
    one: _Partial,
    results: tuple[RgbF, ...],
    store: ResultStore,
) -> str | None:
    """Finish a picture, here or in another process, and count what that took; return the reason if it fails."""
    with WORKED_OFF.finishing(network_texels(one.job)) as took:
        reason, seconds = recombine(one.job, one.picture, one.passes, results, store)
        took(seconds)
    return reason


def _recombine(
    job: SourceJob,
    picture: Rgba8,
    passes: tuple[Pass, ...],
    results: tuple[RgbF, ...],
    store: ResultStore,
) -> tuple[str | None, float]:
    """Finish a picture; return the reason if that fails, and the processor seconds that it took."""
    began = time.thread_time()
    reason = _finished(job, picture, passes, results, store)
    return reason, time.thread_time() - began


def _finished(
    job: SourceJob,
    picture: Rgba8,
    passes: tuple[Pass, ...],
    results: tuple[RgbF, ...],
    store: ResultStore,
) -> str | None:
    try:
        result = job.recombine(picture, results, passes)
    except PICTURE_ERRORS as error:
        log.debug("recombining %s", job.pieces[0].item.source.name, exc_info=True)
        return f"could not be recombined: {describe_error(error)}"
    return store_result(job, picture, result, store).reason
