"""Many textures in a row: read one after the other, recognised by their bytes, or else analysed by threads, which hand
that on to processes where there are enough textures."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from texpipe.analysis.cache import AnalysisCache
from texpipe.classify.analysis import Analysis, analyse, analysis_key
from texpipe.errors import TexpipeError
from texpipe.imaging.image_files import MAX_PIXELS
from texpipe.read.decode import Opened, open_source
from texpipe.system.memory import why_too_large
from texpipe.system.offload import SubprocessPool
from texpipe.system.offload_policy import pays_off
from texpipe.texture import Source, Texture

MAX_WORKERS = 4
"""Largest number of threads or processes that analyse: one thread reads and decodes, and keeps no more of them busy."""

MAX_TEXELS_AHEAD = 1 << 20
"""Largest number of decoded texels that wait to be analysed; with more, the first textures are waited for."""

MAX_TEXTURES_AHEAD = 64
"""Largest number of textures that wait to be analysed."""

LOOK_BYTES = 120
"""Memory that it takes to look at a picture, per texel, in bytes; benchmarks/budget.py measures it."""

_SMALL_FILE_BYTES = 4 << 10
"""Size of a file, in bytes, below which no picture takes much memory: one of 1024 x 1024 equal texels is larger."""

_NO_MEMORY = "there is not enough memory to read it"


@dataclass(frozen=True)
class Analysed:
    """A texture's hex digest, as the manifest shows it, and its analysis."""

    sha256: str
    analysis: Analysis


AnalysisResult: TypeAlias = Analysed | str
"""The analysis of a texture, or why it cannot be read."""


@dataclass(frozen=True)
class _Pending:
    """A texture that is analysed: how to get the result, and how many texels are held until then."""

    result: Callable[[], AnalysisResult]
    texels: int = 0


def analyse_all(
    sources: Sequence[Source], cache: AnalysisCache, workers: int, memory: int | None = None
) -> Iterator[AnalysisResult]:
    """Yield the analysis of each texture, in order.

    Args:
        sources: textures.
        cache: earlier analyses; new ones are added.
        workers: number of threads or processes that analyse, at least 1. They do not change the results.
        memory: bytes that this process should stay below: a picture that takes more is not decoded. By default a share
            of what is free.
    """
    waiting: deque[_Pending] = deque()
    held = 0
    with SubprocessPool() as processes, ThreadPoolExecutor(workers, "analyse") as threads:
        pool = _AnalysisPool(threads, processes, workers)
        for left, source in zip(range(len(sources), 0, -1), sources, strict=True):
            waiting.append(_begin(source, cache, pool, left, memory))
            held += waiting[-1].texels
            while held > MAX_TEXELS_AHEAD or len(waiting) > MAX_TEXTURES_AHEAD:
                held -= waiting[0].texels
                yield waiting.popleft().result()
        yield from (one.result() for one in waiting)


class _AnalysisPool:
    """Threads that analyse textures, themselves or, once that pays off, through processes.

    Args:
        threads: the threads.
        processes: the processes.
        workers: how many threads there are.
    """

    def __init__(self, threads: ThreadPoolExecutor, processes: SubprocessPool, workers: int) -> None:
        self._threads, self._processes, self._workers = threads, processes, workers
        self._count, self._is_offloaded = 0, False

    def analyse(self, texture: Texture, left: int) -> Future[Analysis]:
        """Begin to analyse a texture, the first of those that are left.

        Those may all be in the cache, so processes start only when as many textures had to be analysed before.
        """
        self._is_offloaded |= pays_off(min(self._count, left), self._workers)
        self._count += 1
        if self._is_offloaded:
            return self._threads.submit(self._processes.call, analyse, texture)
        return self._threads.submit(analyse, texture)


def _begin(
    source: Source, cache: AnalysisCache, pool: _AnalysisPool, left: int, memory: int | None
) -> _Pending:
    """Read a texture, the first of those that are left; decode it and let the pool analyse it if its bytes are new."""
    try:
        opened = open_source(source, memory)
        key = _key(opened)
        if (found := _cached(key, cache)) is not None:
            cached = Analysed(opened.sha256, found)
            return _Pending(lambda: cached)
        if (refused := _too_large(opened, memory)) is not None:
            return _Pending(lambda: refused)
        texture = opened.texture()
    except TexpipeError as error:
        reason = error.message
        return _Pending(lambda: reason)
    except MemoryError:
        return _Pending(lambda: _NO_MEMORY)
    future = pool.analyse(texture, left)

    def result() -> AnalysisResult:
        try:
            analysis = future.result()
        except MemoryError:
            return _NO_MEMORY
        cache.add(key, analysis)
        return Analysed(opened.sha256, analysis)

    return _Pending(result, texture.size[0] * texture.size[1])


def _too_large(opened: Opened, memory: int | None) -> str | None:
    """Return why a picture must not be looked at, if it would take more memory than there is."""
    if 0 < sum(opened.lengths) < _SMALL_FILE_BYTES or (size := opened.claimed_size()) is None:
        return None
    return why_too_large(size, LOOK_BYTES, "look at", memory)


def analyse_joined(picture: Texture, cache: AnalysisCache) -> Analysis:
    """Return the analysis of a picture that is not a file: a part of a texture, or several joined.

    Args:
        picture: its pixels decide, and what its source's name and its edges say.
        cache: earlier analyses; a new one is added.
    """
    pixels = hashlib.sha256(np.ascontiguousarray(picture.rgba).tobytes()).hexdigest()
    key = analysis_key("made", pixels, picture.size, picture.source.emulator, picture.edges)
    analysis = cache.recall(key)
    if analysis is None or analysis.size != picture.size:
        analysis = analyse(replace(picture, warnings=()))
        cache.add(key, analysis)
    return analysis


def _key(opened: Opened) -> str:
    """Return the key of an analysis: bytes, the file's kind, which of its pictures, and what its name says."""
    source = opened.source
    kind = source.file.suffix.lower()
    return analysis_key("file", opened.sha256, opened.lengths, kind, source.member, source.emulator)


def _cached(key: str, cache: AnalysisCache) -> Analysis | None:
    """Return an earlier analysis; a picture that is too large to open fails as it would without the cache."""
    analysis = cache.recall(key)
    if analysis is None or analysis.size[0] * analysis.size[1] > MAX_PIXELS:
        return None
    return analysis
