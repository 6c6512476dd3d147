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
from texpipe.execution.chunks import DEATHS, TRIES, Portion, portions
from texpipe.execution.compute import compute, stored
from texpipe.planning.jobs import Done, Job, Work
from texpipe.storage.atomic import remove_stale_parts
from texpipe.storage.results import Store
from texpipe.system.memory import budget, resident
from texpipe.upscale.device import choose, identity
from texpipe.upscale.lazy import LazyUpscaler

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""A process that is told to end may finish the picture in hand for so long."""


class Seat(NamedTuple):
    """Where a process works: how people call it, and what its environment says differently from ours."""

    name: str
    environment: Mapping[str, str] = {}


class _News(NamedTuple):
    """A job of a portion is finished: its number, whether the store had it, and why it failed."""

    number: int
    cached: bool
    reason: str | None


_Message: TypeAlias = _News | TexpipeError | None
"""None: the portion is finished. An error ends the run."""


@dataclass(frozen=True)
class ProcessWorkers:
    """Works in one process for each seat, all of them at once.

    Attributes:
        seats: of the processes.
        device, precision: as `upscale.device.choose` takes them.
        memory: bytes that all of them and this process should stay below together; by default a share of what is free.
    """

    seats: tuple[Seat, ...]
    device: str
    precision: str
    memory: int | None = None

    def engine(self) -> str:
        """Name how the processes compute."""
        return identity(self.device, self.precision)

    def prepare(self, model: Path) -> None:
        """Do nothing: the processes load the model when they begin to work."""

    def compute(self, work: Work, store: Store, model: Path) -> Iterator[Done]:
        """Yield every job as it is finished; no process is started for what the store has.

        Raises:
            DeviceError: no process stays alive, or see `computing.compute`.
            PackError, ModelError: see `computing.compute`.
        """
        pending = yield from stored(work, store)
        if not pending:
            return
        left = (self.memory or budget()) - resident() - work.bytes_to_come
        memory = max(0, left) // len(self.seats)
        threads = max(1, choose(self.device, self.precision).spare_threads // len(self.seats))
        crew = _Crew(_Task(self.device, self.precision, memory, threads, model, store.root))
        try:
            crew.start(self.seats)
            yield from crew.do(deque(portions(pending, len(self.seats))))
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
class _Member:
    """A process, our end of the pipe to it, and what it has to do."""

    seat: Seat
    process: BaseProcess
    pipe: Connection
    portion: Portion | None = None
    done: set[int] = field(default_factory=set)


class _Crew:
    """Processes that are started, given work, replaced when they die, and ended."""

    def __init__(self, task: _Task) -> None:
        self._task = task
        self._members: list[_Member] = []
        self._deaths = self._in_a_row = 0

    def start(self, seats: tuple[Seat, ...]) -> None:
        """Start a process for each seat."""
        for seat in seats:
            self._start(seat)

    def do(self, waiting: deque[Portion]) -> Iterator[Done]:
        """Yield every job when it is finished.

        Raises:
            TexpipeError: whatever stops a run in one of the processes.
            DeviceError: processes die and none answers.
        """
        while waiting or any(member.portion for member in self._members):
            for member in self._members:
                if member.portion is None and waiting:
                    self._give(member, waiting.popleft())
            busy = {member.pipe: member for member in self._members if member.portion}
            for pipe in wait(list(busy)):
                yield from self._hear(busy[pipe], waiting)  # type: ignore[index]

    def end(self) -> None:
        """Let the processes finish what is in hand, and end them."""
        for member in self._members:
            member.pipe.close()
        for member in self._members:
            member.process.join(PATIENCE_SECONDS)
            member.process.kill()
        if self._deaths:
            remove_stale_parts(self._task.store)

    def _start(self, seat: Seat) -> None:
        context = multiprocessing.get_context("spawn")  # CUDA cannot be used in a forked process
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, seat, self._task), daemon=True)
        process.start()
        theirs.close()  # so that ours ends with the process
        self._members.append(_Member(seat, process, ours))

    def _give(self, member: _Member, portion: Portion) -> None:
        member.portion, member.done = portion, set()
        with suppress(OSError):  # it is dead: its end of the pipe will say so
            member.pipe.send(portion.jobs)

    def _hear(self, member: _Member, waiting: deque[Portion]) -> Iterator[Done]:
        """Take the next message of a process; what it leaves when it dies is put back or given up."""
        assert member.portion is not None
        try:
            message: _Message = member.pipe.recv()
        except (EOFError, OSError):
            yield from self._bury(member, member.portion, waiting)
            return
        self._in_a_row = 0
        if isinstance(message, TexpipeError):
            raise message
        if message is None:
            member.portion = None
            return
        job = member.portion.jobs[message.number]
        member.done.add(message.number)
        yield Done(job, message.cached, message.reason)

    def _bury(self, member: _Member, portion: Portion, waiting: deque[Portion]) -> Iterator[Done]:
        member.process.join(PATIENCE_SECONDS)
        log.warning("the process for %s died (exit code %s)", member.seat.name, member.process.exitcode)
        self._deaths += 1
        self._in_a_row += 1
        if self._in_a_row > DEATHS:
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
                yield Done(job, reason=f"a process died of it {TRIES} times")


def serve(pipe: Connection, seat: Seat, task: _Task) -> None:
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
        for done in compute(
            Work(jobs), Store(task.store), upscaler, memory=task.memory, threads=task.threads
        ):
            yield _News(numbers[id(done.job)], done.cached, done.reason)
    except TexpipeError as error:
        yield error
    else:
        yield None
