"""Many textures: read one after the other, recognised by their bytes, or else analysed together with others of one size
by threads, which hand that on to processes where there are enough textures."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np

from texpipe.analysis.cache import AnalysisCache
from texpipe.classify.analysis import Analysis, analyse_alike, analysis_key
from texpipe.errors import TexpipeError
from texpipe.imaging.image_files import MAX_PIXELS
from texpipe.read.decode import Opened, open_source
from texpipe.system.memory import why_too_large
from texpipe.system.offload import SubprocessPool
from texpipe.system.offload_policy import pays_off
from texpipe.texture import Edges, Source, TexelFormat, Texture

MAX_WORKERS = 4
"""Largest number of threads or processes that analyse: one thread reads and decodes, and keeps no more of them busy."""

FIRST_TEXELS_AHEAD = 1 << 19
"""Decoded texels of the first window, from which on no more are added to it. Each window has twice as many as the one
before: that one is analysed meanwhile, which takes more than twice the time of reading."""

MAX_TEXELS_AHEAD = 1 << 21
"""Decoded texels of the largest window: the more there are, the more have one size and are analysed together. Two
windows are held."""

MAX_TEXTURES_AHEAD = 4096
"""Largest number of textures in a window."""

BATCH_TEXELS = 1 << 17
"""Largest number of texels that are analysed together: beyond that memory costs what fewer steps save."""

_TEXTURES_PER_CALL = 4
"""Textures that are analysed in the time of a call for which `pays_off` is made."""

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


_Look: TypeAlias = (
    "tuple[tuple[int, int], bytes, str | None, TexelFormat | None, Edges | None, tuple[str, ...]]"
)
"""All of a texture that its analysis depends on."""


@dataclass(frozen=True)
class _Unknown:
    """A texture that was decoded to be analysed, what decides how, and the key that its analysis will get."""

    texture: Texture
    look: _Look
    key: str


_Begun: TypeAlias = "AnalysisResult | _Unknown"
"""A texture that was read: what is known of it already, or what is needed to find out."""


_Window: TypeAlias = "list[Callable[[], AnalysisResult]]"
"""How to get the result of each texture, in order."""


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
    with SubprocessPool() as processes, ThreadPoolExecutor(workers, "analyse") as threads:
        pool = _AnalysisPool(threads, processes, workers)
        before: _Window = []
        for window, left in _windows(sources, cache, memory):
            begun = pool.begin(window, cache, left)
            yield from (result() for result in before)
            before = begun
        yield from (result() for result in before)


def _windows(
    sources: Sequence[Source], cache: AnalysisCache, memory: int | None
) -> Iterator[tuple[list[_Begun], int]]:
    """Read textures in order; yield some at a time, and how many are left with them."""
    window: list[_Begun] = []
    held, most = 0, min(FIRST_TEXELS_AHEAD, MAX_TEXELS_AHEAD)
    for left, source in zip(range(len(sources), 0, -1), sources, strict=True):
        begun = _begin(source, cache, memory)
        window.append(begun)
        if isinstance(begun, _Unknown):
            held += begun.texture.size[0] * begun.texture.size[1]
        if held >= most or len(window) >= MAX_TEXTURES_AHEAD:
            yield window, left - 1 + len(window)
            window, held, most = [], 0, min(2 * most, MAX_TEXELS_AHEAD)
    yield window, len(window)


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

    def begin(self, window: Sequence[_Begun], cache: AnalysisCache, left: int) -> _Window:
        """Begin to analyse the textures of a window that are not known yet.

        Args:
            window: textures in order.
            cache: gets their analyses.
            left: how many textures are left, these among them. All may be known, so processes start only when as many
                had to be analysed before.
        """
        calls = min(self._count, left) // _TEXTURES_PER_CALL
        self._is_offloaded |= pays_off(calls, self._workers)
        distinct: dict[_Look, Texture] = {}
        for one in window:
            if isinstance(one, _Unknown):
                distinct.setdefault(one.look, one.texture)
        futures: dict[_Look, tuple[Future[list[Analysis | None]], int]] = {}
        for batch in _batches(distinct):
            future = self._submit([distinct[look] for look in batch])
            futures |= {look: (future, number) for number, look in enumerate(batch)}
            self._count += len(batch)
        return [
            partial(_result, one, *futures[one.look], cache)
            if isinstance(one, _Unknown)
            else partial(_known, one)
            for one in window
        ]

    def _submit(self, textures: list[Texture]) -> Future[list[Analysis | None]]:
        if self._is_offloaded:
            return self._threads.submit(self._processes.call, _analysed, textures)
        return self._threads.submit(_analysed, textures)


def _look(texture: Texture) -> _Look:
    """Return what decides how a texture is analysed: dumps hold many pictures several times under different names."""
    name = texture.source.emulator
    said = (name.scheme, name.texels) if name else (None, None)
    return texture.size, texture.rgba.tobytes(), *said, texture.edges, texture.warnings


def _batches(textures: Mapping[_Look, Texture]) -> Iterator[list[_Look]]:
    """Divide textures into batches of one size."""
    alike: dict[tuple[int, int], list[_Look]] = defaultdict(list)
    for look, texture in textures.items():
        alike[texture.size].append(look)
    for (width, height), some in alike.items():
        most = max(1, BATCH_TEXELS // (width * height))
        yield from (some[at : at + most] for at in range(0, len(some), most))


def _analysed(textures: list[Texture]) -> list[Analysis | None]:
    """Analyse textures of one size; None for one that there is not enough memory for."""
    try:
        return [*analyse_alike(textures)]
    except MemoryError:
        if len(textures) == 1:
            return [None]
    return [_analysed([one])[0] for one in textures]


def _known(result: AnalysisResult) -> AnalysisResult:
    return result


def _result(
    one: _Unknown, batch: Future[list[Analysis | None]], number: int, cache: AnalysisCache
) -> AnalysisResult:
    found = batch.result()[number]
    if found is None:
        return _NO_MEMORY
    # Others that look the same have other names.
    analysis = replace(found, emulator=one.texture.source.emulator)
    cache.add(one.key, analysis)
    return Analysed(one.texture.sha256, analysis)


def _begin(source: Source, cache: AnalysisCache, memory: int | None) -> _Begun:
    """Read a texture, and decode it if its bytes are new."""
    try:
        opened = open_source(source, memory)
        key = _key(opened)
        if (found := _cached(key, cache)) is not None:
            return Analysed(opened.sha256, found)
        if (refused := _too_large(opened, memory)) is not None:
            return refused
        texture = opened.texture()
        return _Unknown(texture, _look(texture), key)
    except TexpipeError as error:
        return error.message
    except MemoryError:
        return _NO_MEMORY


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
        (analysis,) = analyse_alike([replace(picture, warnings=())])
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
