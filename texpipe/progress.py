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

    stage: Literal["read", "upscale", "write"]
    done: int
    total: int
    cached: int = 0
    failed: int = 0
    work: int = 0
    work_total: int = 0
    work_ahead: int = 0
