"""Who computes the jobs of a run: this process, one process for each GPU, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from texpipe.execution.compute import ModelPaths, compute_jobs
from texpipe.execution.multi_gpu import DeviceSlot, MultiGpuExecutor
from texpipe.options import RunOptions
from texpipe.planning.jobs import JobResult, Workload
from texpipe.planning.picture_memory import result_bytes
from texpipe.storage.results import ResultStore
from texpipe.system.memory import MIN_CHECKED_BYTES, budget
from texpipe.upscale.backend import identity
from texpipe.upscale.device import choose, gpus
from texpipe.upscale.lazy_upscaler import LazyUpscaler


class Executor(Protocol):
    """Computes jobs."""

    def engine(self) -> str:
        """Return the name of what decides a result's last bits besides the weights; see `upscale.backend.identity`."""
        ...

    def prepare(self, models: tuple[Path, ...]) -> None:
        """Begin to load models that will be needed, if this process can do something else meanwhile."""
        ...

    def compute(self, work: Workload, store: ResultStore, models: ModelPaths) -> Iterator[JobResult]:
        """Yield every job as it is finished; see `compute.compute_jobs`.

        Args:
            work: the jobs.
            store: where results are kept.
            models: the weights.
        """
        ...


def _largest_result(work: Workload) -> int:
    """Return the bytes of the largest result, which grows while the network computes it, if it is worth mentioning."""
    largest = max((result_bytes(job) for job in work.jobs), default=0)
    return largest if largest >= MIN_CHECKED_BYTES else 0


@dataclass(frozen=True)
class LocalExecutor:
    """Computes in this process.

    Attributes:
        device, precision: as `upscale.device.choose` takes them.
        memory: bytes that this process should stay below; by default a share of what is free.
    """

    device: str
    precision: str
    memory: int | None = None
    _upscalers: dict[tuple[Path, ...], LazyUpscaler] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def engine(self) -> str:
        """Return the name of how this computer computes."""
        return identity(self.device, self.precision)

    def prepare(self, models: tuple[Path, ...]) -> None:
        """Begin to load models in a thread."""
        self._upscaler(models).prepare()

    def compute(self, work: Workload, store: ResultStore, models: ModelPaths) -> Iterator[JobResult]:
        """Yield every job as it is finished; a model that is not loaded yet is loaded for the first pass."""
        memory = (self.memory or budget()) - work.record_bytes

        def upscaler(named: tuple[str, ...]) -> LazyUpscaler:
            one = self._upscaler(models[named])
            one.stay_below(memory - _largest_result(work))
            return one

        threads = choose(self.device, self.precision).spare_threads
        return compute_jobs(
            work, store, upscaler(()), memory=memory, threads=threads, of_rules=upscaler, limit=memory
        )

    def _upscaler(self, models: tuple[Path, ...]) -> LazyUpscaler:
        if models not in self._upscalers:
            self._upscalers[models] = LazyUpscaler(models, self.device, self.precision)
        return self._upscalers[models]


@contextmanager
def executor_for(options: RunOptions) -> Iterator[Executor]:
    """Get the executor that the options ask for, and close it at the end.

    Raises:
        DeviceError: Ray is asked for and is not installed.
    """
    if options.executor == "local":
        yield _local_executor(options)
        return
    from texpipe.execution.ray_cluster import on_ray

    with on_ray(options) as executor:
        yield executor


def processor(options: RunOptions) -> Executor:
    """Return an executor that computes on the processor, for a run that has lost its graphics card."""
    precision = "auto" if options.precision == "fp16" else options.precision
    return LocalExecutor("cpu", precision, options.memory)


def _local_executor(options: RunOptions) -> Executor:
    """Return an executor with a process for each of several GPUs, or else of this process alone."""
    slots = _device_slots() if options.device in ("auto", "cuda") else ()
    if len(slots) < 2:
        return LocalExecutor(options.device, options.precision, options.memory)
    return MultiGpuExecutor(slots, "cuda", options.precision, options.memory)


def _device_slots() -> tuple[DeviceSlot, ...]:
    return tuple(DeviceSlot(f"GPU {name}", {"CUDA_VISIBLE_DEVICES": name}) for name in gpus())
