"""Many textures in a row: read one after the other, known again by their bytes, or else looked at by threads, which
pass that on to processes if there are enough of them."""

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
from texpipe.system.offload import SubprocessPool
from texpipe.system.offload_policy import pays_off
from texpipe.texture import Source, Texture

MAX_WORKERS = 4
"""Reading and decoding, done by one thread, keep no more busy than these."""

MAX_TEXELS_AHEAD = 1 << 20
"""As soon as more decoded texels than these are in hand, the first textures are waited for."""

MAX_TEXTURES_AHEAD = 64

_NO_MEMORY = "there is not enough memory to read it"


@dataclass(frozen=True)
class Analysed:
    """A texture's hex digest, as the manifest shows it, and what there is to see in it."""

    sha256: str
    sighting: Analysis


AnalysisResult: TypeAlias = Analysed | str
"""What is seen in a texture, or why it cannot be read."""


@dataclass(frozen=True)
class _Pending:
    """A texture in hand: how to get its outcome, and how many texels are held until then."""

    outcome: Callable[[], AnalysisResult]
    texels: int = 0


def analyse_all(sources: Sequence[Source], known: AnalysisCache, workers: int) -> Iterator[AnalysisResult]:
    """Yield what is seen in each texture, in order.

    Args:
        sources: textures.
        known: what was seen earlier; new sightings are added.
        workers: threads or processes that look, at least 1. They change nothing about what is seen.
    """
    waiting: deque[_Pending] = deque()
    held = 0
    with SubprocessPool() as processes, ThreadPoolExecutor(workers, "analyse") as threads:
        pool = _AnalysisPool(threads, processes, workers)
        for left, source in zip(range(len(sources), 0, -1), sources, strict=True):
            waiting.append(_begin(source, known, pool, left))
            held += waiting[-1].texels
            while held > MAX_TEXELS_AHEAD or len(waiting) > MAX_TEXTURES_AHEAD:
                held -= waiting[0].texels
                yield waiting.popleft().outcome()
        yield from (one.outcome() for one in waiting)


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


def _begin(source: Source, known: AnalysisCache, pool: _AnalysisPool, left: int) -> _Pending:
    """Read a texture, the first of so many; decode it here and look at it elsewhere if its bytes are new."""
    try:
        opened = open_source(source)
        key = _key(opened)
        if (sighting := _cached(key, known)) is not None:
            seen = Analysed(opened.sha256, sighting)
            return _Pending(lambda: seen)
        texture = opened.texture()
    except TexpipeError as error:
        reason = error.message
        return _Pending(lambda: reason)
    except MemoryError:
        return _Pending(lambda: _NO_MEMORY)
    analysing = pool.analyse(texture, left)

    def outcome() -> AnalysisResult:
        try:
            sighting = analysing.result()
        except MemoryError:
            return _NO_MEMORY
        known.add(key, sighting)
        return Analysed(opened.sha256, sighting)

    return _Pending(outcome, texture.size[0] * texture.size[1])


def analyse_joined(picture: Texture, known: AnalysisCache) -> Analysis:
    """Return what there is to see in a picture that is no file: a part of a texture, or several joined.

    Args:
        picture: its pixels decide, and whatever its source's name and its edges say.
        known: what was seen earlier; a new sighting is added.
    """
    pixels = hashlib.sha256(np.ascontiguousarray(picture.rgba).tobytes()).hexdigest()
    key = analysis_key("made", pixels, picture.size, picture.source.emulator, picture.edges)
    sighting = known.recall(key)
    if sighting is None or sighting.size != picture.size:
        sighting = analyse(replace(picture, warnings=()))
        known.add(key, sighting)
    return sighting


def _key(opened: Opened) -> str:
    """Bytes, and what else decides what is seen: the file's kind, which of its pictures, what its name says."""
    source = opened.source
    kind = source.file.suffix.lower()
    return analysis_key("file", opened.sha256, opened.lengths, kind, source.member, source.emulator)


def _cached(key: str, known: AnalysisCache) -> Analysis | None:
    """Return an earlier sighting; a picture larger than what is opened now is to fail as it would without."""
    sighting = known.recall(key)
    if sighting is None or sighting.size[0] * sighting.size[1] > MAX_PIXELS:
        return None
    return sighting
