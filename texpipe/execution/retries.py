"""What becomes of work whose process died: begun again, divided, or given up; and when a run is given up."""

from __future__ import annotations

from texpipe.errors import DeviceError
from texpipe.execution.chunks import Chunk
from texpipe.planning.jobs import JobResult

MAX_TRIES = 2
"""Largest number of times that a chunk is begun before it is divided, or given up when it cannot be."""

MAX_DEATHS = 8
"""Largest number of workers that may die one after the other, beyond those that were started at first, while none
answers."""


class DeathCount:
    """Counts the workers that died, and gives a run up when they die without ever answering.

    Args:
        workers: number of workers that are started at first.
    """

    def __init__(self, workers: int) -> None:
        self._limit = MAX_DEATHS + workers
        self._in_a_row = 0
        self.total = 0

    def reset(self) -> None:
        """Note that a worker answered."""
        self._in_a_row = 0

    def add(self, error: DeviceError) -> None:
        """Note that a worker died.

        Raises:
            DeviceError: the given one, if too many died one after the other.
        """
        self.total += 1
        self._in_a_row += 1
        if self._in_a_row > self._limit:
            raise error


def retry(chunk: Chunk) -> tuple[Chunk, ...]:
    """Return what to begin when the worker of a chunk died: all of it, then set by set; nothing to give it up."""
    if chunk.tries + 1 < MAX_TRIES:
        return (Chunk(chunk.sets, chunk.tries + 1),)
    if len(chunk.sets) > 1:
        return tuple(Chunk((jobs,)) for jobs in chunk.sets)
    return ()


def given_up(chunk: Chunk) -> list[JobResult]:
    """Return the failed jobs of a chunk that is not begun again."""
    return [
        JobResult(job, reason=f"the process that computed it died {MAX_TRIES} times") for job in chunk.jobs
    ]
