"""The jobs of a run in processes of this computer: one for each GPU, which takes chunks of jobs one after the other.

Pixels do not travel: each process reads the input and writes into the store itself. What it had finished when it died
is there already.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple, TypeAlias

from texpipe.errors import DeviceError, TexpipeError
from texpipe.execution.chunks import Chunk, chunks
from texpipe.execution.compute import ModelPaths, compute_jobs, stored
from texpipe.execution.retries import DeathCount, given_up, retry
from texpipe.planning.jobs import Job, JobResult, Workload
from texpipe.storage.results import ResultStore
from texpipe.storage.stale_parts import remove_stale_parts
from texpipe.system.memory import budget, resident
from texpipe.upscale.backend import identity
from texpipe.upscale.device import choose
from texpipe.upscale.lazy_upscaler import Upscalers, upscalers_of

log = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT_SECONDS = 60.0
"""Longest time in seconds that a process may go on with its picture when it is told to end."""


class DeviceSlot(NamedTuple):
    """Where a process works: how people call it, and what its environment says differently from ours."""

    name: str
    environment: Mapping[str, str] = {}


class _JobReport(NamedTuple):
    """A job of a chunk is finished: its number, whether the store had it, and why it failed."""

    number: int
    cached: bool
    reason: str | None


_Message: TypeAlias = _JobReport | TexpipeError | None
"""None: the chunk is finished. An error ends the run."""


@dataclass(frozen=True)
class MultiGpuExecutor:
    """Works in one process for each slot, all of them at once.

    Attributes:
        slots: where the processes work.
        device, precision: as `upscale.device.choose` takes them.
        memory: bytes that all processes and this one should stay below together; by default a share of what is free.
    """

    slots: tuple[DeviceSlot, ...]
    device: str
    precision: str
    memory: int | None = None

    def engine(self) -> str:
        """Name how the processes compute."""
        return identity(self.device, self.precision)

    def prepare(self, models: tuple[Path, ...]) -> None:
        """Do nothing: the processes load the model when they begin to work."""

    def compute(self, work: Workload, store: ResultStore, models: ModelPaths) -> Iterator[JobResult]:
        """Yield every job as it is finished; no process is started for what the store has.

        Raises:
            DeviceError: no process stays alive, or see `compute.compute_jobs`.
            PackError, ModelError: see `compute.compute_jobs`.
        """
        pending = yield from stored(work, store)
        if not pending:
            return
        free = (self.memory or budget()) - resident() - work.record_bytes
        memory = max(0, free) // len(self.slots)
        threads = max(1, choose(self.device, self.precision).spare_threads // len(self.slots))
        task = _Task(self.device, self.precision, memory, threads, models, store.root)
        pool = _WorkerPool(task, len(self.slots))
        try:
            pool.start(self.slots)
            yield from pool.do(deque(chunks(pending, len(self.slots))))
        finally:
            pool.end()


class _Task(NamedTuple):
    """What all processes need to know when they start."""

    device: str
    precision: str
    memory: int
    threads: int
    models: ModelPaths
    store: Path


@dataclass(eq=False)
class _Worker:
    """A process, our end of the pipe to it, and what it has to do."""

    slot: DeviceSlot
    process: BaseProcess
    pipe: Connection
    chunk: Chunk | None = None
    done: set[int] = field(default_factory=set)


class _WorkerPool:
    """Processes that are started, given work, replaced when they die, and ended."""

    def __init__(self, task: _Task, workers: int) -> None:
        self._task = task
        self._workers: list[_Worker] = []
        self._deaths = DeathCount(workers)

    def start(self, slots: tuple[DeviceSlot, ...]) -> None:
        """Start a process for each slot."""
        for slot in slots:
            self._start(slot)

    def do(self, waiting: deque[Chunk]) -> Iterator[JobResult]:
        """Yield every job when it is finished.

        Raises:
            TexpipeError: whatever stops a run in one of the processes.
            DeviceError: processes die, and none answers.
        """
        while waiting or any(worker.chunk for worker in self._workers):
            for worker in self._workers:
                if worker.chunk is None and waiting:
                    self._assign(worker, waiting.popleft())
            busy = {worker.pipe: worker for worker in self._workers if worker.chunk}
            for pipe in wait(list(busy)):
                yield from self._receive(busy[pipe], waiting)  # type: ignore[index]

    def end(self) -> None:
        """Let the processes finish their pictures, and end them."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join(SHUTDOWN_TIMEOUT_SECONDS)
            worker.process.kill()
        if self._deaths.total:
            remove_stale_parts(self._task.store)

    def _start(self, slot: DeviceSlot) -> None:
        context = multiprocessing.get_context("spawn")  # CUDA cannot be used in a forked process
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, slot, self._task), daemon=True)
        with _without_interrupts():
            process.start()
        theirs.close()  # so that ours ends with the process
        self._workers.append(_Worker(slot, process, ours))

    def _assign(self, worker: _Worker, chunk: Chunk) -> None:
        worker.chunk, worker.done = chunk, set()
        with suppress(OSError):  # it is dead: its end of the pipe will say so
            worker.pipe.send(chunk.jobs)

    def _receive(self, worker: _Worker, waiting: deque[Chunk]) -> Iterator[JobResult]:
        """Take the next message of a process; what it leaves when it dies is put back or given up."""
        assert worker.chunk is not None
        try:
            message: _Message = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._replace_dead(worker, worker.chunk, waiting)
            return
        self._deaths.reset()
        if isinstance(message, TexpipeError):
            raise message
        if message is None:
            worker.chunk = None
            return
        job = worker.chunk.jobs[message.number]
        worker.done.add(message.number)
        yield JobResult(job, message.cached, message.reason)

    def _replace_dead(self, worker: _Worker, chunk: Chunk, waiting: deque[Chunk]) -> Iterator[JobResult]:
        worker.process.join(SHUTDOWN_TIMEOUT_SECONDS)
        log.warning("the process for %s died (exit code %s)", worker.slot.name, worker.process.exitcode)
        self._deaths.add(
            DeviceError(
                f"processes die before they can work, the last one for {worker.slot.name}",
                hint="Lines above may say why; --device cpu works without them.",
            )
        )
        self._workers.remove(worker)
        worker.pipe.close()
        self._start(worker.slot)
        left = chunk.without(worker.done)
        again = retry(left)
        waiting.extendleft(again)
        if not again:
            yield from given_up(left)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let processes that are started here never get a Ctrl-C, not even while they still import: ours says what it
    means.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(pipe: Connection, slot: DeviceSlot, task: _Task) -> None:
    """Work in a process of one's own: take jobs out of a pipe and say what became of each, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; ours says what it means
    os.environ.update(slot.environment)
    upscalers = upscalers_of(task.models, task.device, task.precision, memory=task.memory)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            for message in _compute(pipe.recv(), task, upscalers):
                pipe.send(message)


def _compute(jobs: tuple[Job, ...], task: _Task, upscalers: Upscalers) -> Iterator[_Message]:
    numbers = {id(job): number for number, job in enumerate(jobs)}
    try:
        for done in compute_jobs(
            Workload(jobs),
            ResultStore(task.store),
            upscalers[()],
            memory=task.memory,
            threads=task.threads,
            of_rules=upscalers.__getitem__,
            limit=task.memory,
        ):
            yield _JobReport(numbers[id(done.job)], done.cached, done.reason)
    except TexpipeError as error:
        yield error
    else:
        yield None
