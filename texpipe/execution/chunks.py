"""Chunks of a run's jobs, for processes that take one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from itertools import chain, count
from typing import NamedTuple, TypeAlias

from texpipe.execution.compute import WINDOW_TEXELS
from texpipe.planning.jobs import Job, texels_of

_CHUNKS_PER_WORKER = 4
"""Smallest number of chunks that every process gets: the last ones then end at about the same time."""

JobSet: TypeAlias = tuple[Job, ...]
"""Jobs of one content: those of which one is derived from the other stay together, as they do in a shard."""


class Chunk(NamedTuple):
    """What one process does at a time, and how often it was begun before."""

    sets: tuple[JobSet, ...]
    tries: int = 0

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs of all sets."""
        return tuple(chain.from_iterable(self.sets))

    def without(self, done: Container[int]) -> Chunk:
        """Return what is left of it without some jobs, given by their places in `jobs`."""
        places = count()
        left = [tuple(job for job in jobs if next(places) not in done) for jobs in self.sets]
        return Chunk(tuple(jobs for jobs in left if jobs), self.tries)


def chunks(jobs: Sequence[Job], processes: int) -> Iterator[Chunk]:
    """Divide jobs for some processes, those of the largest pictures first."""
    sets: defaultdict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        sets[job.content].append(job)
    chunk_texels = min(WINDOW_TEXELS, _texels(jobs) // (processes * _CHUNKS_PER_WORKER))
    chunk: list[JobSet] = []
    size = 0
    for some in sorted(sets.values(), key=_texels, reverse=True):
        chunk.append(tuple(some))
        size += _texels(some)
        if size >= chunk_texels:
            yield Chunk(tuple(chunk))
            chunk, size = [], 0
    if chunk:
        yield Chunk(tuple(chunk))


def _texels(jobs: Sequence[Job]) -> int:
    return sum(map(texels_of, jobs))
