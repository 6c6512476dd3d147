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

from texpipe.analysis.cache import Sightings
from texpipe.classify.analysis import Sighting, look, sighting_key
from texpipe.errors import TexpipeError
from texpipe.imaging.image_files import MAX_PIXELS
from texpipe.read.decode import Opened, open_source
from texpipe.system.offload import Elsewhere, is_possible
from texpipe.texture import Source, Texture

MOST_WORKERS = 4
"""Reading and decoding, done by one thread, keep no more busy than these."""

WORTH_PROCESSES = 128
"""Textures that must have been looked at, and as many must be left, for processes to start: that takes as long as
looking at some fifty."""

TEXELS_AHEAD = 1 << 20
"""As soon as more decoded texels than these are in hand, the first textures are waited for."""

TEXTURES_AHEAD = 64

_NO_MEMORY = "there is not enough memory to read it"


@dataclass(frozen=True)
class Seen:
    """A texture's hex digest, as the manifest shows it, and what there is to see in it."""

    sha256: str
    sighting: Sighting


Outcome: TypeAlias = Seen | str
"""What is seen in a texture, or why it cannot be read."""


@dataclass(frozen=True)
class _Begun:
    """A texture in hand: how to get its outcome, and how many texels are held until then."""

    outcome: Callable[[], Outcome]
    texels: int = 0


def look_at_all(sources: Sequence[Source], known: Sightings, workers: int) -> Iterator[Outcome]:
    """Yield what is seen in each texture, in order.

    Args:
        sources: textures.
        known: what was seen earlier; new sightings are added.
        workers: threads or processes that look, at least 1. They change nothing about what is seen.
    """
    waiting: deque[_Begun] = deque()
    held = 0
    with Elsewhere() as elsewhere, ThreadPoolExecutor(workers, "look") as pool:
        eyes = _Eyes(pool, elsewhere if workers > 1 and is_possible() else None)
        for left, source in zip(range(len(sources), 0, -1), sources, strict=True):
            waiting.append(_begin(source, known, eyes, left))
            held += waiting[-1].texels
            while held > TEXELS_AHEAD or len(waiting) > TEXTURES_AHEAD:
                held -= waiting[0].texels
                yield waiting.popleft().outcome()
        yield from (one.outcome() for one in waiting)


class _Eyes:
    """Threads that look, themselves or, once that is worth it, through processes.

    Args:
        pool: the threads.
        elsewhere: the processes; None to do without.
    """

    def __init__(self, pool: ThreadPoolExecutor, elsewhere: Elsewhere | None) -> None:
        self._pool, self._elsewhere = pool, elsewhere
        self._looked, self._is_worth_it = 0, False

    def look(self, texture: Texture, left: int) -> Future[Sighting]:
        """Begin to look at a texture, the first of so many that are left."""
        self._looked += 1
        self._is_worth_it |= self._looked > WORTH_PROCESSES and left >= WORTH_PROCESSES
        if self._elsewhere and self._is_worth_it:
            return self._pool.submit(self._elsewhere.call, look, texture)
        return self._pool.submit(look, texture)


def _begin(source: Source, known: Sightings, eyes: _Eyes, left: int) -> _Begun:
    """Read a texture, the first of so many; decode it here and look at it elsewhere if its bytes are new."""
    try:
        opened = open_source(source)
        key = _key(opened)
        if (sighting := _recalled(key, known)) is not None:
            seen = Seen(opened.sha256, sighting)
            return _Begun(lambda: seen)
        texture = opened.texture()
    except TexpipeError as error:
        reason = error.message
        return _Begun(lambda: reason)
    except MemoryError:
        return _Begun(lambda: _NO_MEMORY)
    looking = eyes.look(texture, left)

    def outcome() -> Outcome:
        try:
            sighting = looking.result()
        except MemoryError:
            return _NO_MEMORY
        known.add(key, sighting)
        return Seen(opened.sha256, sighting)

    return _Begun(outcome, texture.size[0] * texture.size[1])


def look_at_made(picture: Texture, known: Sightings) -> Sighting:
    """Return what there is to see in a picture that is no file: a part of a texture, or several joined.

    Args:
        picture: its pixels decide, and whatever its source's name and its edges say.
        known: what was seen earlier; a new sighting is added.
    """
    pixels = hashlib.sha256(np.ascontiguousarray(picture.rgba).tobytes()).hexdigest()
    key = sighting_key("made", pixels, picture.size, picture.source.emulator, picture.edges)
    sighting = known.recall(key)
    if sighting is None or sighting.size != picture.size:
        sighting = look(replace(picture, warnings=()))
        known.add(key, sighting)
    return sighting


def _key(opened: Opened) -> str:
    """Bytes, and what else decides what is seen: the file's kind, which of its pictures, what its name says."""
    source = opened.source
    kind = source.file.suffix.lower()
    return sighting_key("file", opened.sha256, opened.lengths, kind, source.member, source.emulator)


def _recalled(key: str, known: Sightings) -> Sighting | None:
    """Return an earlier sighting; a picture larger than what is opened now is to fail as it would without."""
    sighting = known.recall(key)
    if sighting is None or sighting.size[0] * sighting.size[1] > MAX_PIXELS:
        return None
    return sighting
