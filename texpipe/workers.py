"""Who does the jobs of a run: this computer, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from texpipe.jobs import Done, Work, compute
from texpipe.memory import budget
from texpipe.order import Order
from texpipe.store import Store
from texpipe.upscale.lazy import LazyUpscaler


class Workers(Protocol):
    """Computes jobs."""

    def engine(self) -> str:
        """Name whatever decides a result's last bits besides the weights; see `upscale.engine.identity`."""
        ...

    def compute(self, work: Work, store: Store, model: Path) -> Iterator[Done]:
        """Yield every job as it is finished; see `jobs.compute`.

        Args:
            work: the jobs.
            store: where results go.
            model: the weights.
        """
        ...


@dataclass(frozen=True)
class ThisComputer:
    """Works in this process.

    Attributes:
        device, precision: as `upscale.device.choose` takes them.
        memory: bytes that this process should stay below; by default a share of what is free.
    """

    device: str
    precision: str
    memory: int | None = None

    def engine(self) -> str:
        """Name how this computer computes."""
        from texpipe.upscale.engine import identity

        return identity(self.device, self.precision)

    def compute(self, work: Work, store: Store, model: Path) -> Iterator[Done]:
        """Yield every job as it is finished; the model is loaded when the first pass needs it."""
        most = self.memory or budget()
        upscaler = LazyUpscaler(model, self.device, self.precision, memory=most)
        return compute(work, store, upscaler, memory=most)


@contextmanager
def workers_for(order: Order) -> Iterator[Workers]:
    """Get the workers that an order asks for, and let them go at the end.

    Raises:
        DeviceError: Ray is asked for and is not installed, or the cluster cannot be had.
    """
    if order.executor == "local":
        yield ThisComputer(order.device, order.precision, order.memory)
        return
    from texpipe.ray_workers import on_ray

    with on_ray(order) as workers:
        yield workers
