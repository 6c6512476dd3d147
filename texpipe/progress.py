"""A step forward of a run, for whoever shows it."""

from __future__ import annotations

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
    """

    stage: Literal["read", "paint", "upscale", "fit", "write"]
    done: int
    total: int
    cached: int = 0
    failed: int = 0
    work: int = 0
    work_total: int = 0
    work_ahead: int = 0


def in_words(seconds: float) -> str:
    """Return an estimate as people say it, no more exact than it is: 40 s, 12 minutes, 3 h 20 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def of_textures(count: int, which: str = "") -> str:
    """Return a number of textures: 1 texture, 2 textures, 12000 textures; with `which`, 1 edited texture."""
    word = f"{which} texture" if which else "texture"
    return f"1 {word}" if count == 1 else f"{count} {word}s"


def in_bytes(count: float) -> str:
    """Return a size as people say it: 800 KB, 4.9 MB, 120 MB, 3.4 GB."""
    for unit in ("KB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}" if unit == "MB" and count < 10 else f"{max(1, round(count))} {unit}"
    return f"{count / 1000:.1f} GB"
