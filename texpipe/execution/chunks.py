"""Portions of a run's jobs, for processes that take one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from itertools import chain, count
from typing import NamedTuple, TypeAlias

from texpipe.execution.compute import WINDOW_TEXELS
from texpipe.planning.jobs import Job, texels_of

_CHUNKS_PER_WORKER = 4
"""Portions are small enough that every process gets at least so many: the last ones then end at about one time."""
MAX_TRIES = 2
"""Times that a portion is begun. One that nobody survived is divided, and given up when it cannot be."""
MAX_DEATHS = 8
"""Processes that may die one after the other, and none answer, before a run is given up."""

JobSet: TypeAlias = tuple[Job, ...]
"""Jobs of one content: what is made of each other stays together, as it does in a shard."""


class Chunk(NamedTuple):
    """What one process does at a time, and how often it was begun before."""

    families: tuple[JobSet, ...]
    tries: int = 0

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All of them."""
        return tuple(chain.from_iterable(self.families))

    def without(self, done: Container[int]) -> Chunk:
        """Return what is left of it without some jobs, given by their places in `jobs`."""
        places = count()
        left = [tuple(job for job in family if next(places) not in done) for family in self.families]
        return Chunk(tuple(family for family in left if family), self.tries)

    def again(self) -> tuple[Chunk, ...]:
        """Return what to begin when the process has died: all of it, then family by family; nothing to give it up."""
        if self.tries + 1 < MAX_TRIES:
            return (Chunk(self.families, self.tries + 1),)
        if len(self.families) > 1:
            return tuple(Chunk((family,)) for family in self.families)
        return ()


def chunks(jobs: Sequence[Job], processes: int) -> Iterator[Chunk]:
    """Divide jobs for some processes, those of the largest pictures first."""
    families: defaultdict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        families[job.content].append(job)
    most = min(WINDOW_TEXELS, _texels(jobs) // (processes * _CHUNKS_PER_WORKER))
    portion: list[JobSet] = []
    size = 0
    for family in sorted(families.values(), key=_texels, reverse=True):
        portion.append(tuple(family))
        size += _texels(family)
        if size >= most:
            yield Chunk(tuple(portion))
            portion, size = [], 0
    if portion:
        yield Chunk(tuple(portion))


def _texels(jobs: Sequence[Job]) -> int:
    return sum(map(texels_of, jobs))
