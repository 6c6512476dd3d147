"""A step forward of a run, for whoever shows it."""

from __future__ import annotations

import threading
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

    stage: Literal["read", "paint", "upscale", "write"]
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


class Meter:
    """How many texels networks have worked off in this process, counted while a picture is still computed."""

    def __init__(self) -> None:
        self._lock, self._texels = threading.Lock(), 0.0

    @property
    def texels(self) -> float:
        """Source texels, each once for all of a network."""
        return self._texels

    def add(self, texels: float) -> None:
        """Count a part of a picture, from any thread."""
        with self._lock:
            self._texels += texels


WORKED_OFF = Meter()
"""The meter of this process: what is shown while a large picture takes minutes is read from it."""
