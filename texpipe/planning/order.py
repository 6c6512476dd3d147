"""What is computed first: textures that are named, each with all that its picture is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from texpipe.errors import UsageError
from texpipe.planning.jobs import Job, Workload
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_small, text_of

_FIRST_SLICE: Final = 32
"""Number of jobs that are computed before any other; each slice after it has four times as many."""
_GROWTH: Final = 4
_MAX_FILE: Final = 64 << 20
"""Largest size of a file of names in bytes."""


def read_order(file: Path, option: str = "--order") -> tuple[str, ...]:
    """Read names of textures, the most important first: one a line.

    Args:
        file: of text.
        option: what named the file, for messages.

    Raises:
        UsageError: the file is missing, unreadable or empty.
    """
    try:
        lines = text_of(read_small(file, _MAX_FILE)).splitlines()
    except (MissingFileError, RefusedFileError) as error:
        raise UsageError(f"{option}: {file} cannot be read: {error.message}") from error
    names = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not names:
        raise UsageError(f"{option}: there are no names in {file}", hint="Give one name of a texture a line.")
    return names


def slices(work: Workload, first: Sequence[str]) -> Iterator[Workload]:
    """Divide jobs into parts that are computed one after the other, those of named textures first.

    A job is in one part with all that it is derived from.

    Args:
        work: the jobs.
        first: names of textures, the most important first; names of no texture are passed over.
    """
    ranks = _ranks(work, first)
    named = sorted((job for job in work.jobs if job.content in ranks), key=lambda job: ranks[job.content])
    begin, size = 0, _FIRST_SLICE
    while begin < len(named):
        end = min(begin + size, len(named))
        while end < len(named) and named[end].content == named[end - 1].content:
            end += 1
        yield _part(work, named[begin:end])
        begin, size = end, size * _GROWTH
    if others := [job for job in work.jobs if job.content not in ranks]:
        yield _part(work, others)


def _ranks(work: Workload, first: Sequence[str]) -> Mapping[str, int]:
    """Return the content of each job that a named texture needs -> the place of the first such name."""
    if not first:
        return {}
    content_of = {piece.key: job.content for job in work.jobs for piece in job.pieces}
    ranks: dict[str, int] = {}
    for rank, name in enumerate(first):
        piece = work.piece_of.get(name)
        if piece is not None and piece.key in content_of:
            ranks.setdefault(content_of[piece.key], rank)
    return ranks


def _part(work: Workload, jobs: Sequence[Job]) -> Workload:
    return replace(work, jobs=tuple(jobs))
