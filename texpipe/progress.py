"""A step forward of a run, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """A step forward that a front end may show."""

    stage: Literal["read", "upscale", "write"]
    done: int
    total: int
    cached: int = 0
    failed: int = 0
