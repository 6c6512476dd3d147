"""What happens while a game is played, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "started",
    "found",
    "preview",
    "unreadable",
    "refining",
    "progress",
    "refined",
    "kept",
    "idle",
    "missing",
    "problem",
    "stopped",
]
"""What an event is about.

- started: `folder` is where textures go, `count` the files that are there already.
- found: `count` files are new or changed.
- preview: `textures` are in the emulator's folder, `seconds` after the last of their files was written.
- unreadable: `textures` cannot be read; `text` says why.
- refining: a run over the whole dump has begun.
- progress: `count` of `total` in the run's stage `text`.
- refined: `textures` are in the emulator's folder as the run makes them.
- kept: `count` files in the emulator's folder are not the pack's and were left as they are; `text` names the first.
- idle: everything is as `run` leaves it: `count` textures.
- missing: the folder `text` is not there; it is waited for.
- problem: `text` says what went wrong; what was not done is tried again.
- stopped: the user stopped it.
"""


@dataclass(frozen=True)
class Event:
    """One thing that happened; which fields say something depends on its kind, see `Kind`.

    `ends_run`: a run over the whole dump ended with it.
    """

    kind: Kind
    textures: tuple[str, ...] = ()
    count: int = 0
    total: int = 0
    seconds: float | None = None
    folder: str | None = None
    text: str | None = None
    hint: str | None = None
    ends_run: bool = False
