"""The jobs of a run on a Ray cluster: actors that hold the model take chunks of jobs, one after the other.

Pixels never travel through Ray. Every machine reads the input and writes into the store itself, so both must be on a
disk that all of them share, under one path; what an actor had finished when it died is there already.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from texpipe import __version__
from texpipe.errors import DeviceError, PackError
from texpipe.execution.chunks import Chunk, chunks
from texpipe.execution.compute import ModelPaths, compute_jobs, stored
from texpipe.execution.retries import DeathCount, given_up, retry
from texpipe.options import RunOptions
from texpipe.planning.jobs import Job, JobResult, Workload, is_stored
from texpipe.planning.result_keys import PIXELS_VERSION
from texpipe.storage.results import ResultStore
from texpipe.storage.stale_parts import remove_stale_parts
from texpipe.upscale.backend import identity
from texpipe.upscale.device import gpus
from texpipe.upscale.lazy_upscaler import Upscalers, upscalers_of

log = logging.getLogger(__name__)

ACTOR_MEMORY = 3 << 29
"""Default memory of an actor in bytes: 1.5 GiB hold torch, the weights and a large picture."""
_HINT = "Input, output, model and overrides must be on a disk that all machines share, under one path."
_OBJECT_STORE = 80 << 20
"""Shared memory of a cluster of our own in bytes: only jobs and names pass through it."""


class ActorInfo(NamedTuple):
    """Where an actor is, and what decides its results."""

    host: str
    process: int
    engine: str
    version: tuple[str, int] = (__version__, PIXELS_VERSION)


class SharedPaths(NamedTuple):
    """What all machines must see under one path: the inputs, the store's root, the weights and hand-made pictures."""

    inputs: tuple[Path, ...]
    store: Path
    models: ModelPaths
    overrides: tuple[Path, ...] = ()

    def all(self) -> Iterator[Path]:
        """Yield each of them."""
        yield from (*self.inputs, self.store, *self.overrides)
        for files in self.models.values():
            yield from files


class Actor:
    """Lives in a process somewhere in the cluster and keeps the model from chunk to chunk."""

    def __init__(self, device: str, precision: str, memory: int = ACTOR_MEMORY) -> None:
        self._device, self._precision, self._memory = device, precision, memory
        self._upscalers: Upscalers | None = None

    def describe(self) -> ActorInfo:
        """Return where this is and how it computes.

        Raises:
            DeviceError: see `upscale.device.choose`.
        """
        return ActorInfo(socket.gethostname(), os.getpid(), identity(self._device, self._precision))

    def do(self, jobs: tuple[Job, ...], paths: SharedPaths) -> list[JobResult]:
        """Compute jobs on one core or GPU; their results are in the store when this returns.

        Raises:
            PackError: this machine does not see one of the paths; see also `compute.compute_jobs`.
            DeviceError, ModelError: see `compute.compute_jobs`.
        """
        for path in paths.all():
            if not path.exists():
                raise PackError(f"{path} is not there on {socket.gethostname()}", hint=_HINT)
        if self._upscalers is None:
            self._upscalers = upscalers_of(paths.models, self._device, self._precision, 1, self._memory)
        known, store = self._upscalers, ResultStore(paths.store)
        return list(compute_jobs(Workload(jobs), store, known[()], self._memory, of_rules=known.__getitem__))


@contextmanager
def on_ray(options: RunOptions) -> Iterator[RayExecutor]:
    """Get an executor on a Ray cluster, which is connected to or started when needed, and left at the end.

    Args:
        options: its `address` is "local" for a cluster of our own, else as `ray.init` takes it.

    Raises:
        DeviceError: Ray is not installed.
    """
    ray = _ray()
    try:
        yield RayExecutor(partial(_connected, ray, options.address), options)
    finally:
        ray.shutdown()


def _connected(ray: Any, address: str) -> Any:  # noqa: ANN401
    """Connect to a cluster or start one, and return the module.

    Raises:
        DeviceError: the cluster cannot be reached.
    """
    settings: dict[str, object] = {"log_to_driver": False, "logging_level": logging.WARNING}
    if address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a run sends nothing about itself to anybody
        settings |= {"include_dashboard": False, "object_store_memory": _OBJECT_STORE}
    try:
        ray.init(address=address, **settings)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise DeviceError(
            f"no Ray cluster at {address}: {error}",
            hint="Start one with `ray start --head`, or leave --address out for one on this computer.",
        ) from error
    return ray


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
        connect: connects to the cluster and returns the `ray` module; called when an actor is needed.
        options: device, precision, memory, address and input of the run.
    """

    def __init__(self, connect: Callable[[], Any], options: RunOptions) -> None:
        self._connect, self._options = connect, options
        self._memory = options.memory or ACTOR_MEMORY
        self._engine: str | None = None
        self._started = 0
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Chunk | None]] = {}

    @cached_property
    def _ray(self) -> Any:  # noqa: ANN401
        return self._connect()

    @cached_property
    def _gpus(self) -> int:
        options = self._options
        if options.device not in ("auto", "cpu", "cuda"):
            hint = "Use --device auto, cpu or cuda, or leave out --executor ray."
            raise DeviceError(f"a Ray cluster does not compute by {options.device}", hint=hint)
        count = 0 if options.device == "cpu" else int(self._ray.cluster_resources().get("GPU", 0))
        if options.device == "cuda" and not count:
            raise DeviceError("the Ray cluster has no GPU", hint="Use --device cpu or auto.")
        return count

    @cached_property
    def _workers(self) -> int:
        has = self._ray.cluster_resources()
        return self._gpus or max(1, int(min(has.get("CPU", 1), has.get("memory", 0) // self._memory)))

    @cached_property
    def _deaths(self) -> DeathCount:
        return DeathCount(self._workers)

    def engine(self) -> str:
        """Name how the cluster computes: as this computer does for a cluster on it, else as one of its actors says.

        Raises:
            DeviceError: the device is not there, the cluster cannot be reached or no actor can start.
        """
        options = self._options
        if self._engine is None and options.address == "local":
            device = "cpu" if options.device == "auto" and not gpus() else options.device
            self._engine = identity(device, options.precision)
        while self._engine is None:
            if not self._busy:
                self._start()
            self._next()
        return self._engine

    def prepare(self, models: tuple[Path, ...]) -> None:
        """Do nothing: the processes load the model when they begin to work."""

    def compute(self, work: Workload, store: ResultStore, models: ModelPaths) -> Iterator[JobResult]:
        """Yield every job when the chunk that it is in is finished; no actor is started for what the store has.

        Raises:
            DeviceError: the machines compute differently, or no actor stays alive.
            PackError, ModelError: see `compute.compute_jobs`; also, a machine does not share our disk.
        """
        pending = yield from stored(work, store)
        if not pending:
            return
        store.root.mkdir(parents=True, exist_ok=True)
        paths = SharedPaths(
            self._options.inputs,
            store.root,
            {named: tuple(path.absolute() for path in files) for named, files in models.items()},
            self._options.overrides,
        )
        for _ in range(self._workers - self._started):
            self._start()
        waiting = deque(chunks(pending, self._workers))
        while waiting or any(chunk for _, chunk in self._busy.values()):
            while waiting and self._idle:
                actor, chunk = self._idle.pop(), waiting.popleft()
                self._busy[actor.do.remote(chunk.jobs, paths)] = (actor, chunk)
            done, again = self._next()
            waiting.extendleft(again)
            _require_shared(done, store)
            yield from done
        if self._deaths.total:
            remove_stale_parts(store.root)

    def _start(self) -> None:
        device = "cuda" if self._gpus else "cpu"
        resources = {"num_gpus": 1} if self._gpus else {"num_gpus": 0, "memory": self._memory}
        kind = self._ray.remote(num_cpus=1, max_restarts=0, **resources)(Actor)
        actor = kind.remote(device, self._options.precision, self._memory)
        self._started += 1
        self._busy[actor.describe.remote()] = (actor, None)

    def _next(self) -> tuple[list[JobResult], list[Chunk]]:
        """Wait for an actor; return what it finished, or the chunks to begin again if it died."""
        (ready, *_), _ = self._ray.wait(list(self._busy), num_returns=1)
        actor, chunk = self._busy.pop(ready)
        try:
            answer = self._ray.get(ready)
        except self._ray.exceptions.RayActorError as error:
            log.warning("a Ray actor died: %s", str(error).strip().splitlines()[0])
            return self._replace_dead(chunk)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        self._idle.append(actor)
        self._deaths.reset()
        if chunk is not None:
            return answer, []
        self._require_same_engine(answer)
        return [], []

    def _require_same_engine(self, info: ActorInfo) -> None:
        log.info("Ray actor on %s, process %d: %s", info.host, info.process, info.engine)
        ours = (self._engine or info.engine, (__version__, PIXELS_VERSION))
        if (info.engine, info.version) != ours:
            raise DeviceError(
                f"{info.host} computes by {info.engine} with texpipe {info.version[0]}, "
                f"others by {ours[0]} with {ours[1][0]}: results would differ in their last bits",
                hint="Use machines of one kind, or give --device and --precision that all of them have.",
            )
        self._engine = info.engine

    def _replace_dead(self, chunk: Chunk | None) -> tuple[list[JobResult], list[Chunk]]:
        """Replace a dead actor; return what is given up and what is begun again of its chunk."""
        self._deaths.add(DeviceError("Ray's actors die before they can work", hint="Ray's own log says why."))
        self._started -= 1
        self._start()
        if chunk is None:
            return [], []
        again = list(retry(chunk))
        return [] if again else given_up(chunk), again


def _require_shared(done: Sequence[JobResult], store: ResultStore) -> None:
    """Say that a disk is not shared, instead of failing every texture."""
    for one in done:
        if one.reason is None and not is_stored(one.job, store):
            raise PackError(
                f"a Ray actor wrote to {store.root}, but nothing is there on this computer", hint=_HINT
            )
