"""How much of a run's work each picture is: what the network computes counts, all else is as good as free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from texpipe.meter import Lump
from texpipe.passes import pass_texels
from texpipe.planning.jobs import Job, JobResult, Workload, texels_of
from texpipe.progress import Progress


@dataclass(frozen=True)
class Forecast:
    """What a run will need.

    Attributes:
        seconds: time to compute and write what is not in the store yet.
        disk: bytes that the store and the packs grow by.
        pictures: number of pictures that go through a network.
    """

    seconds: float
    disk: int
    pictures: int


def amount_of(job: Job, cost: Callable[[tuple[str, ...]], int]) -> int:
    """Return the amount of work of a job: texels that the network sees, times its cost; 0 without a network.

    Args:
        job: what is made.
        cost: the cost per texel of the models that a plan names, in any unit.
    """
    return network_texels(job) * cost(job.plan.model)


def network_texels(job: Job) -> int:
    """Return about how many texels the network sees of a job: none of what is derived, repeated or made by hand."""
    if job.plan.action != "upscale" or job.made_of:
        return 0
    return pass_texels(texels_of(job), job.plan)


def lumps(jobs: Iterable[Job], cost: Callable[[tuple[str, ...]], int]) -> list[Lump]:
    """Return what goes through networks in the order in which it does: model by model, the largest first.

    Args:
        jobs: what is made.
        cost: as `amount_of` takes it.
    """
    seen = [job for job in jobs if network_texels(job)]
    ordered = sorted(seen, key=lambda job: (job.plan.model, -texels_of(job)))
    alike: dict[tuple[int, int], Lump] = {}  # a dump has few sizes
    sizes = ((network_texels(job), amount_of(job, cost)) for job in ordered)
    return [alike.setdefault(size, Lump(*size)) for size in sizes]


class Amounts:
    """The work of a run that is done, all of it, and the largest piece that may be on its way.

    Args:
        work: the jobs.
        cost: as `amount_of` takes it.
    """

    def __init__(self, work: Workload, cost: Callable[[tuple[str, ...]], int]) -> None:
        self._cost = cost
        self.done, self._waiting = 0, sorted(amount_of(job, cost) for job in work.jobs)
        self.total = sum(self._waiting)
        self._gone: Counter[int] = Counter()

    @property
    def ahead(self) -> int:
        """The largest piece that is not finished: large pictures come first."""
        while self._waiting and self._gone[self._waiting[-1]]:
            self._gone[self._waiting.pop()] -= 1
        return self._waiting[-1] if self._waiting else 0

    def finish(self, result: JobResult) -> None:
        """Count a finished job; one that the store had, or that failed, was no work."""
        amount = amount_of(result.job, self._cost)
        self._gone[amount] += 1
        if result.cached or result.reason is not None:
            self.total -= amount
        else:
            self.done += amount

    def progress(self, done: int, total: int, cached: int = 0, failed: int = 0) -> Progress:
        """Return a step forward with these counts of pictures."""
        return Progress("upscale", done, total, cached, failed, self.done, self.total, self.ahead)
