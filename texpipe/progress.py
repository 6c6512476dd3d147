"""A step forward of a run, for whoever shows it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """A step forward that a front end may show.

    Attributes:
        stage: what is being done.
        done, total: textures or pictures.
        cached: those of `done` that the store had.
        failed: those of `done` that failed.
        work, work_total: work done and all of it, in any unit, where it is known; pictures differ in it.
        work_ahead: the largest piece of work that may be on its way.
        work_per_texel: work of a texel, if all models have the same; 0 where they differ.
    """

    stage: Literal["read", "paint", "upscale", "fit", "write"]
    done: int
    total: int
    cached: int = 0
    failed: int = 0
    work: int = 0
    work_total: int = 0
    work_ahead: int = 0
    work_per_texel: int = 0


def in_words(seconds: float) -> str:
    """Return an estimate as people say it, no more exact than it is: 40 s, 12 minutes, 3 h 20 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def in_bytes(count: float) -> str:
    """Return a size as people say it: 800 KB, 120 MB, 3.4 GB."""
    for unit in ("KB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{max(1, round(count))} {unit}"
    return f"{count / 1000:.1f} GB"


class Meter:
    """How many texels networks have worked off in this process, counted while a picture is still computed.

    The clock starts with the first texels that are counted: loading a model and reading the first pictures take time
    once, and say nothing about what is left. What is finished after the network costs processor time, too: how much,
    compared with the network, is measured.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.restart()

    def restart(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self._texels = self._finished = self._finishing = 0.0
            self._first: tuple[float, float, float] | None = None

    @property
    def texels(self) -> float:
        """Source texels since the restart, each once for all of a network."""
        return self._texels

    @property
    def begun(self) -> float | None:
        """When the first texels were counted, on the monotonic clock; None before that."""
        return None if self._first is None else self._first[0]

    def add(self, texels: float) -> None:
        """Count a part of a picture, from any thread."""
        with self._lock:
            self._texels += texels
            if self._first is None:
                self._first = time.monotonic(), time.process_time(), self._texels

    def finish(self, texels: float, seconds: float) -> None:
        """Count a picture that is finished after the network, from any thread.

        Args:
            texels: that the network saw of it.
            seconds: processor time that finishing it took.
        """
        with self._lock:
            self._finished += texels
            self._finishing += seconds

    def reading(self) -> Reading | None:
        """Return how far the work is; None before there is anything to tell."""
        with self._lock:
            if self._first is None or self._texels <= self._first[2]:
                return None
            began, processor, before = self._first
            texels, finished, finishing = self._texels - before, self._finished, self._finishing
        network = (time.process_time() - processor - finishing) / texels
        share = finishing / finished / network if finished > 0 and network > 0 else 0.0
        return Reading((texels + share * finished) / (1 + share), time.monotonic() - began)


@dataclass(frozen=True)
class Reading:
    """Texels that are worked off, of which a part counts when the picture is finished, and the seconds that it took."""

    texels: float
    seconds: float


WORKED_OFF = Meter()
"""The meter of this process: what is shown while a large picture takes minutes is read from it."""
