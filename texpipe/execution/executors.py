"""Who does the jobs of a run: this process, one process for each GPU, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from texpipe.execution.compute import compute_jobs
from texpipe.execution.multi_gpu import DeviceSlot, MultiGpuExecutor
from texpipe.options import RunOptions
from texpipe.planning.jobs import JobResult, Workload
from texpipe.storage.results import ResultStore
from texpipe.system.memory import budget
from texpipe.upscale.device import choose, gpus, identity
from texpipe.upscale.lazy import LazyUpscaler


class Executor(Protocol):
    """Computes jobs."""

    def engine(self) -> str:
        """Name whatever decides a result's last bits besides the weights; see `upscale.device.identity`."""
        ...

    def prepare(self, model: Path) -> None:
        """Begin to load a model that will be needed, if that can be done while something else is done here."""
        ...

    def compute(self, work: Workload, store: ResultStore, model: Path) -> Iterator[JobResult]:
        """Yield every job as it is finished; see `computing.compute`.

        Args:
            work: the jobs.
            store: where results go.
            model: the weights.
        """
        ...


@dataclass(frozen=True)
class LocalExecutor:
    """Works in this process.

    Attributes:
        device, precision: as `upscale.device.choose` takes them.
        memory: bytes that this process should stay below; by default a share of what is free.
    """

    device: str
    precision: str
    memory: int | None = None
    _upscalers: dict[Path, LazyUpscaler] = field(default_factory=dict, init=False, compare=False, repr=False)

    def engine(self) -> str:
        """Name how this computer computes."""
        return identity(self.device, self.precision)

    def prepare(self, model: Path) -> None:
        """Begin to load a model in a thread."""
        self._upscaler(model).prepare()

    def compute(self, work: Workload, store: ResultStore, model: Path) -> Iterator[JobResult]:
        """Yield every job as it is finished; a model that is not prepared is loaded when the first pass needs it."""
        most = (self.memory or budget()) - work.record_bytes
        upscaler = self._upscaler(model)
        upscaler.stay_below(most)
        threads = choose(self.device, self.precision).spare_threads
        return compute_jobs(work, store, upscaler, memory=most, threads=threads)

    def _upscaler(self, model: Path) -> LazyUpscaler:
        return self._upscalers.setdefault(model, LazyUpscaler(model, self.device, self.precision))


@contextmanager
def executor_for(order: RunOptions) -> Iterator[Executor]:
    """Get the workers that an order asks for, and let them go at the end.

    Raises:
        DeviceError: Ray is asked for and is not installed, or the cluster cannot be had.
    """
    if order.executor == "local":
        yield _local_executor(order)
        return
    from texpipe.execution.ray_cluster import on_ray

    with on_ray(order) as workers:
        yield workers


def _local_executor(order: RunOptions) -> Executor:
    """One process for each of several GPUs, or else ours alone."""
    slots = () if order.device == "cpu" else _device_slots()
    if len(slots) < 2:
        return LocalExecutor(order.device, order.precision, order.memory)
    return MultiGpuExecutor(slots, "cuda", order.precision, order.memory)


def _device_slots() -> tuple[DeviceSlot, ...]:
    return tuple(DeviceSlot(f"GPU {name}", {"CUDA_VISIBLE_DEVICES": name}) for name in gpus())
