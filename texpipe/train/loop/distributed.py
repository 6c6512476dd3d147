"""Training in several processes: `torchrun --nproc-per-node N -m texpipe finetune ...`.

Every process computes the gradient of its own crops; the gradients are averaged before each step, so that N
processes with batch B take the same steps as one with batch N x B.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a training and this one's rank; processes of one machine have local ranks 0, 1, ..."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace each gradient by its mean over all processes, in one exchange."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of a small tensor over all processes."""
        if self.size > 1:
            values = values.clone()
            distributed.all_reduce(values)
            values /= self.size
        return values

    def highest(self, value: float) -> float:
        """Return the largest of all processes' values, so that all of them take the same decision."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64)
        distributed.all_reduce(shared, distributed.ReduceOp.MAX)
        return float(shared)

    def wait(self) -> None:
        """Wait until all processes have reached this point."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def process_group() -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started; without torchrun yield a group of this process alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ProcessGroup()
        return
    # gloo also reduces CUDA tensors, so one backend serves flags and gradients.
    distributed.init_process_group("gloo")
    try:
        yield ProcessGroup(int(os.environ["RANK"]), size, int(os.environ.get("LOCAL_RANK", "0")))
    finally:
        distributed.destroy_process_group()
