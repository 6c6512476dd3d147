"""The jobs of a run in processes of this computer: one for each GPU, which takes portions of jobs one after the other.

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
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple, TypeAlias

from texpipe.errors import DeviceError, TexpipeError
from texpipe.execution.chunks import MAX_DEATHS, MAX_TRIES, Chunk, chunks
from texpipe.execution.compute import compute_jobs, stored
from texpipe.planning.jobs import Job, JobResult, Workload
from texpipe.storage.atomic import remove_stale_parts
from texpipe.storage.results import ResultStore
from texpipe.system.memory import budget, resident
from texpipe.upscale.device import choose, identity
from texpipe.upscale.lazy import LazyUpscaler

log = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT_SECONDS = 60.0
"""A process that is told to end may finish the picture in hand for so long."""


class DeviceSlot(NamedTuple):
    """Where a process works: how people call it, and what its environment says differently from ours."""

    name: str
    environment: Mapping[str, str] = {}


class _JobReport(NamedTuple):
    """A job of a portion is finished: its number, whether the store had it, and why it failed."""

    number: int
    cached: bool
    reason: str | None


_Message: TypeAlias = _JobReport | TexpipeError | None
"""None: the portion is finished. An error ends the run."""


@dataclass(frozen=True)
class MultiGpuExecutor:
    """Works in one process for each seat, all of them at once.

    Attributes:
        seats: of the processes.
        device, precision: as `upscale.device.choose` takes them.
        memory: bytes that all of them and this process should stay below together; by default a share of what is free.
    """

    seats: tuple[DeviceSlot, ...]
    device: str
    precision: str
    memory: int | None = None

    def engine(self) -> str:
        """Name how the processes compute."""
        return identity(self.device, self.precision)

    def prepare(self, model: Path) -> None:
        """Do nothing: the processes load the model when they begin to work."""

    def compute(self, work: Workload, store: ResultStore, model: Path) -> Iterator[JobResult]:
        """Yield every job as it is finished; no process is started for what the store has.

        Raises:
            DeviceError: no process stays alive, or see `computing.compute`.
            PackError, ModelError: see `computing.compute`.
        """
        pending = yield from stored(work, store)
        if not pending:
            return
        left = (self.memory or budget()) - resident() - work.record_bytes
        memory = max(0, left) // len(self.seats)
        threads = max(1, choose(self.device, self.precision).spare_threads // len(self.seats))
        crew = _WorkerPool(_Task(self.device, self.precision, memory, threads, model, store.root))
        try:
            crew.start(self.seats)
            yield from crew.do(deque(chunks(pending, len(self.seats))))
        finally:
            crew.end()


class _Task(NamedTuple):
    """What all processes are told when they start."""

    device: str
    precision: str
    memory: int
    threads: int
    model: Path
    store: Path


@dataclass(eq=False)
class _Worker:
    """A process, our end of the pipe to it, and what it has to do."""

    seat: DeviceSlot
    process: BaseProcess
    pipe: Connection
    portion: Chunk | None = None
    done: set[int] = field(default_factory=set)


class _WorkerPool:
    """Processes that are started, given work, replaced when they die, and ended."""

    def __init__(self, task: _Task) -> None:
        self._task = task
        self._members: list[_Worker] = []
        self._deaths = self._in_a_row = 0

    def start(self, seats: tuple[DeviceSlot, ...]) -> None:
        """Start a process for each seat."""
        for seat in seats:
            self._start(seat)

    def do(self, waiting: deque[Chunk]) -> Iterator[JobResult]:
        """Yield every job when it is finished.

        Raises:
            TexpipeError: whatever stops a run in one of the processes.
            DeviceError: processes die and none answers.
        """
        while waiting or any(member.portion for member in self._members):
            for member in self._members:
                if member.portion is None and waiting:
                    self._assign(member, waiting.popleft())
            busy = {member.pipe: member for member in self._members if member.portion}
            for pipe in wait(list(busy)):
                yield from self._receive(busy[pipe], waiting)  # type: ignore[index]

    def end(self) -> None:
        """Let the processes finish what is in hand, and end them."""
        for member in self._members:
            member.pipe.close()
        for member in self._members:
            member.process.join(SHUTDOWN_TIMEOUT_SECONDS)
            member.process.kill()
        if self._deaths:
            remove_stale_parts(self._task.store)

    def _start(self, seat: DeviceSlot) -> None:
        context = multiprocessing.get_context("spawn")  # CUDA cannot be used in a forked process
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, seat, self._task), daemon=True)
        process.start()
        theirs.close()  # so that ours ends with the process
        self._members.append(_Worker(seat, process, ours))

    def _assign(self, member: _Worker, portion: Chunk) -> None:
        member.portion, member.done = portion, set()
        with suppress(OSError):  # it is dead: its end of the pipe will say so
            member.pipe.send(portion.jobs)

    def _receive(self, member: _Worker, waiting: deque[Chunk]) -> Iterator[JobResult]:
        """Take the next message of a process; what it leaves when it dies is put back or given up."""
        assert member.portion is not None
        try:
            message: _Message = member.pipe.recv()
        except (EOFError, OSError):
            yield from self._replace_dead(member, member.portion, waiting)
            return
        self._in_a_row = 0
        if isinstance(message, TexpipeError):
            raise message
        if message is None:
            member.portion = None
            return
        job = member.portion.jobs[message.number]
        member.done.add(message.number)
        yield JobResult(job, message.cached, message.reason)

    def _replace_dead(self, member: _Worker, portion: Chunk, waiting: deque[Chunk]) -> Iterator[JobResult]:
        member.process.join(SHUTDOWN_TIMEOUT_SECONDS)
        log.warning("the process for %s died (exit code %s)", member.seat.name, member.process.exitcode)
        self._deaths += 1
        self._in_a_row += 1
        if self._in_a_row > MAX_DEATHS:
            raise DeviceError(
                f"processes die before they can work, the last one for {member.seat.name}",
                hint="Lines above may say why; --device cpu works without them.",
            )
        self._members.remove(member)
        member.pipe.close()
        self._start(member.seat)
        left = portion.without(member.done)
        again = left.again()
        waiting.extendleft(again)
        if not again:
            for job in left.jobs:
                yield JobResult(job, reason=f"a process died of it {MAX_TRIES} times")


def serve(pipe: Connection, seat: DeviceSlot, task: _Task) -> None:
    """Work in a process of one's own: take jobs out of a pipe and say what became of each, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; ours says what it means
    os.environ.update(seat.environment)
    upscaler = LazyUpscaler(task.model, task.device, task.precision, memory=task.memory)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            for message in _compute(pipe.recv(), task, upscaler):
                pipe.send(message)


def _compute(jobs: tuple[Job, ...], task: _Task, upscaler: LazyUpscaler) -> Iterator[_Message]:
    numbers = {id(job): number for number, job in enumerate(jobs)}
    try:
        for done in compute_jobs(
            Workload(jobs), ResultStore(task.store), upscaler, memory=task.memory, threads=task.threads
        ):
            yield _JobReport(numbers[id(done.job)], done.cached, done.reason)
    except TexpipeError as error:
        yield error
    else:
        yield None
