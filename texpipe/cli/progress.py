"""Live progress: a bar on a terminal, a plain line now and then elsewhere, event lines for front ends."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console
from texpipe.progress import Progress

if TYPE_CHECKING:
    import rich.progress

_PLAIN_SECONDS = 10.0
"""Without a terminal a line for people is written this often."""
_EVENT_SECONDS = 0.5
"""Event lines are written at most this often, and at the end of every stage."""

_BAR_COLUMNS = (6, 40)
"""The bar itself is so wide at least and at most."""
_TEXT_COLUMNS = 78
"""What stands around the bar takes so much of a terminal: the text must not be cut for the bar's sake."""


@dataclass(frozen=True)
class Pace:
    """How fast a stage is: textures per second, and the seconds left as far as they can be known."""

    per_second: float
    seconds_left: float | None


def pace(progress: Progress, seconds: float) -> Pace:
    """Return the pace of a stage after `seconds` in it.

    Textures from the store take no time to speak of, so the rest is judged by those that were computed.
    """
    fresh = progress.done - progress.cached
    left = progress.total - progress.done
    per_second = progress.done / max(seconds, 1e-6)
    return Pace(per_second, left * seconds / fresh if fresh > 0 else (0.0 if left == 0 else None))


def describe(progress: Progress, now: Pace) -> str:
    """Return what a line says behind the counts: pace, time left, failures, textures from the store."""
    parts = [f"{now.per_second:.1f} textures/s"]
    if now.seconds_left:
        parts.append(f"{clock(now.seconds_left)} left")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.cached:
        parts.append(f"{progress.cached} from the store")
    return ", ".join(parts)


def clock(seconds: float) -> str:
    """Return a duration as people read it: 0:07, 12:34, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def event(progress: Progress, now: Pace) -> str:
    """Return the JSON line of a step, for front ends."""
    left = None if now.seconds_left is None else round(now.seconds_left, 1)
    pace_of = {"per_second": round(now.per_second, 2), "seconds_left": left}
    return json.dumps({"event": "progress", **vars(progress), **pace_of})


class ProgressBar:
    """Shows `Progress` values on stderr.

    Args:
        console: says nothing when it is quiet.
        events: without a terminal write event lines instead of lines for people.
    """

    def __init__(self, console: Console, *, events: bool = False) -> None:
        self._quiet = console.quiet
        self._live = not console.quiet and sys.stderr.isatty()
        self._events = events
        self._stage = ""
        self._failed = self._failed_before = 0
        self._started = self._last = 0.0
        self._spoke = False
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> ProgressBar:
        if self._live:
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            console = RichConsole(stderr=True)
            width = max(_BAR_COLUMNS[0], min(_BAR_COLUMNS[1], console.width - _TEXT_COLUMNS))
            columns = (TextColumn("{task.description}"), BarColumn(width), MofNCompleteColumn())
            self._bar = Progress(*columns, TextColumn("{task.fields[said]}"), console=console, transient=True)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show one step forward."""
        if self._quiet:
            return
        now = time.monotonic()
        if progress.stage != self._stage:
            self._enter(progress, now)
        self._failed = self._failed_before + progress.failed
        progress = replace(progress, failed=self._failed)
        speed = pace(progress, now - self._started)
        if self._bar is not None and self._task is not None:
            said = describe(progress, speed)
            self._bar.update(self._task, completed=progress.done, total=progress.total, said=said)
        elif self._is_due(progress, now):
            self._last, self._spoke = now, True
            plain = f"{progress.stage}: {progress.done}/{progress.total}, {describe(progress, speed)}"
            click.echo(event(progress, speed) if self._events else plain, err=True)

    def _enter(self, progress: Progress, now: float) -> None:
        """Begin another stage, with a bar of its own; what failed in those before stays in sight."""
        self._failed_before = self._failed
        self._stage, self._started, self._last, self._spoke = progress.stage, now, now, False
        if self._bar is not None:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._task = self._bar.add_task(progress.stage, total=progress.total, said="")

    def _is_due(self, progress: Progress, now: float) -> bool:
        """A stage ends with a line if it had one before; front ends always get its last step."""
        if progress.done == progress.total:
            return self._events or self._spoke
        return now - self._last >= (_EVENT_SECONDS if self._events else _PLAIN_SECONDS)
