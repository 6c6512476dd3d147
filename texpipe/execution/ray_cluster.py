"""The jobs of a run on a Ray cluster: actors that hold the model take groups of jobs, one after the other.

Pixels never travel through Ray. Every machine reads the input and writes into the store itself, so both must be on a
disk that all of them share, under one path; what an actor had finished when it died is there already.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from texpipe import __version__
from texpipe.errors import DeviceError, PackError
from texpipe.execution.chunks import MAX_DEATHS, MAX_TRIES, Chunk, chunks
from texpipe.execution.compute import compute_jobs
from texpipe.options import RunOptions
from texpipe.planning.jobs import Job, JobResult, Workload, is_stored
from texpipe.planning.keys import PIXELS_VERSION
from texpipe.storage.atomic import remove_stale_parts
from texpipe.storage.results import ResultStore
from texpipe.upscale.device import identity
from texpipe.upscale.lazy import LazyUpscaler

log = logging.getLogger(__name__)

ACTOR_MEMORY = 3 << 29
"""Bytes that an actor is given if the order does not say: 1.5 GiB hold torch, the weights and a large picture."""
_SHARE = "Input, output and model must be on a disk that all machines share, under one path."
_OBJECT_STORE = 80 << 20
"""Bytes of shared memory for a cluster of our own: only jobs and names pass through it."""


class ActorInfo(NamedTuple):
    """What an actor says when it is ready: where it is, and what decides its results."""

    host: str
    process: int
    engine: str
    version: tuple[str, int] = (__version__, PIXELS_VERSION)


class SharedPaths(NamedTuple):
    """What all machines must see under one path: the input, the store's root and the weights."""

    input: Path
    store: Path
    model: Path


class Actor:
    """Lives in a process somewhere in the cluster and keeps the model from group to group."""

    def __init__(self, device: str, precision: str, memory: int = ACTOR_MEMORY) -> None:
        self._device, self._precision, self._memory = device, precision, memory
        self._upscaler: LazyUpscaler | None = None

    def describe(self) -> ActorInfo:
        """Say who this is.

        Raises:
            DeviceError: see `upscale.device.choose`.
        """
        return ActorInfo(socket.gethostname(), os.getpid(), identity(self._device, self._precision))

    def do(self, jobs: tuple[Job, ...], places: SharedPaths) -> list[JobResult]:
        """Compute jobs on one core or GPU; their results are in the store when this returns.

        Raises:
            PackError: this machine does not see one of the places; see also `computing.compute`.
            DeviceError, ModelError: see `computing.compute`.
        """
        for path in places:
            if not path.exists():
                raise PackError(f"{path} is not there on {socket.gethostname()}", hint=_SHARE)
        if self._upscaler is None:
            self._upscaler = LazyUpscaler(places.model, self._device, self._precision, 1, self._memory)
        return list(compute_jobs(Workload(jobs), ResultStore(places.store), self._upscaler, self._memory))


@contextmanager
def on_ray(order: RunOptions) -> Iterator[RayExecutor]:
    """Connect to a Ray cluster, or start one on this computer, and leave it at the end.

    Args:
        order: its `address` is "local" for a cluster of our own, else as `ray.init` takes it.

    Raises:
        DeviceError: Ray is not installed, or the cluster cannot be reached.
    """
    ray = _ray()
    options: dict[str, object] = {"log_to_driver": False, "logging_level": logging.WARNING}
    if order.address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a run tells nobody of itself
        options |= {"include_dashboard": False, "object_store_memory": _OBJECT_STORE}
    try:
        ray.init(address=order.address, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise DeviceError(
            f"no Ray cluster at {order.address}: {error}",
            hint="Start one with `ray start --head`, or leave --address out for one on this computer.",
        ) from error
    try:
        yield RayExecutor(ray, order)
    finally:
        ray.shutdown()


def _ray() -> Any:  # noqa: ANN401
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise DeviceError(
            "--executor ray needs Ray, which is not installed",
            hint="python -m pip install 'texpipe[ray]'",
        ) from error


class RayExecutor:
    """Actors of a cluster: one for each GPU, or, where there is none, one for each processor core.

    Args:
        ray: the module, connected.
        order: its device, precision and input.

    Raises:
        DeviceError: CUDA is asked for, and the cluster has no GPU.
    """

    def __init__(self, ray: Any, order: RunOptions) -> None:  # noqa: ANN401
        self._ray, self._order = ray, order
        self._memory = order.memory or ACTOR_MEMORY
        has = ray.cluster_resources()
        gpus = 0 if order.device == "cpu" else int(has.get("GPU", 0))
        if order.device == "cuda" and not gpus:
            raise DeviceError("the Ray cluster has no GPU", hint="Use --device cpu or auto.")
        self._device = "cuda" if gpus else "cpu"
        self._wanted = gpus or max(1, int(min(has.get("CPU", 1), has.get("memory", 0) // self._memory)))
        self._engine: str | None = None
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Chunk | None]] = {}
        self._deaths = self._in_a_row = 0

    def engine(self) -> str:
        """Start the actors, wait for the first of them and name how it computes.

        Raises:
            DeviceError: none of them can start.
        """
        while self._engine is None:
            if not self._busy:
                for _ in range(self._wanted):
                    self._start()
            self._next()
        return self._engine

    def prepare(self, model: Path) -> None:
        """Do nothing: the processes load the model when they begin to work."""

    def compute(self, work: Workload, store: ResultStore, model: Path) -> Iterator[JobResult]:
        """Yield every job when the group that it is in is finished.

        Raises:
            DeviceError: the machines compute differently, or no actor stays alive.
            PackError, ModelError: see `computing.compute`; also, a machine does not share our disk.
        """
        store.root.mkdir(parents=True, exist_ok=True)
        places = SharedPaths(self._order.input, store.root, model.absolute())
        self.engine()
        waiting = deque(chunks(work.jobs, self._wanted))
        while waiting or any(group for _, group in self._busy.values()):
            while waiting and self._idle:
                actor, group = self._idle.pop(), waiting.popleft()
                self._busy[actor.do.remote(group.jobs, places)] = (actor, group)
            done, again = self._next()
            waiting.extendleft(again)
            _require_shared(done, store)
            yield from done
        if self._deaths:
            remove_stale_parts(store.root)

    def _start(self) -> None:
        options = {"num_gpus": 1} if self._device == "cuda" else {"num_gpus": 0, "memory": self._memory}
        kind = self._ray.remote(num_cpus=1, max_restarts=0, **options)(Actor)
        actor = kind.remote(self._device, self._order.precision, self._memory)
        self._busy[actor.describe.remote()] = (actor, None)

    def _next(self) -> tuple[list[JobResult], list[Chunk]]:
        """Wait for an actor; return what it finished, or the groups to begin again if it died."""
        (ready, *_), _ = self._ray.wait(list(self._busy), num_returns=1)
        actor, group = self._busy.pop(ready)
        try:
            answer = self._ray.get(ready)
        except self._ray.exceptions.RayActorError as error:
            log.warning("a Ray actor died: %s", str(error).strip().splitlines()[0])
            return self._replace_dead(group)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        self._idle.append(actor)
        self._in_a_row = 0
        if group is not None:
            return answer, []
        self._require_same_engine(answer)
        return [], []

    def _require_same_engine(self, greeting: ActorInfo) -> None:
        log.info("Ray actor on %s, process %d: %s", greeting.host, greeting.process, greeting.engine)
        ours = (self._engine or greeting.engine, (__version__, PIXELS_VERSION))
        if (greeting.engine, greeting.version) != ours:
            raise DeviceError(
                f"{greeting.host} computes by {greeting.engine} with texpipe {greeting.version[0]}, "
                f"others by {ours[0]} with {ours[1][0]}: results would differ in their last bits",
                hint="Use machines of one kind, or give --device and --precision that all of them have.",
            )
        self._engine = greeting.engine

    def _replace_dead(self, group: Chunk | None) -> tuple[list[JobResult], list[Chunk]]:
        """Replace a dead actor, and begin its group again: whole, then family by family."""
        self._deaths += 1
        self._in_a_row += 1
        if self._in_a_row > MAX_DEATHS + self._wanted:
            raise DeviceError("Ray's actors die before they can work", hint="Ray's own log says why.")
        self._start()
        if group is None:
            return [], []
        if again := group.again():
            return [], list(again)
        return [JobResult(job, reason=f"a worker died of it {MAX_TRIES} times") for job in group.jobs], []


def _require_shared(done: Sequence[JobResult], store: ResultStore) -> None:
    """Say that a disk is not shared, instead of failing every texture."""
    for one in done:
        if one.reason is None and not is_stored(one.job, store):
            raise PackError(
                f"a Ray actor wrote to {store.root}, but nothing is there on this computer", hint=_SHARE
            )
