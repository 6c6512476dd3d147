"""Live progress: a bar on a terminal, otherwise a plain line every ten seconds, or JSON lines for front ends."""

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
"""Seconds between two lines for people where stderr is no terminal."""
_EVENT_SECONDS = 0.5
"""Least seconds between two JSON lines of one stage; the last step of a stage always has one."""

_BAR_COLUMNS = (6, 40)
"""Smallest and largest width of the bar itself, in characters."""
_TEXT_COLUMNS = 78
"""Width in characters that the text beside the bar needs: the bar shrinks before the text is cut."""


@dataclass(frozen=True)
class Pace:
    """Speed of a stage in textures per second, and the seconds left, None while they cannot be estimated."""

    per_second: float
    seconds_left: float | None


def pace(progress: Progress, seconds: float) -> Pace:
    """Return the pace of a stage that began `seconds` ago.

    Textures from the store take almost no time, so the time left follows from the computed ones alone.
    """
    computed = progress.done - progress.cached
    left = progress.total - progress.done
    per_second = progress.done / max(seconds, 1e-6)
    return Pace(per_second, left * seconds / computed if computed > 0 else (0.0 if left == 0 else None))


def describe(progress: Progress, now: Pace) -> str:
    """Return the text behind the counts: pace, time left, failures, textures from the store."""
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


def in_words(seconds: float) -> str:
    """Return an estimate as people say it, no more exact than it is: 40 s, 12 minutes, 3 h 20 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


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
        self._printed = False
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> ProgressBar:
        if self._live:
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            console = RichConsole(stderr=True)
            width = max(_BAR_COLUMNS[0], min(_BAR_COLUMNS[1], console.width - _TEXT_COLUMNS))
            columns = (TextColumn("{task.description}"), BarColumn(width), MofNCompleteColumn())
            self._bar = Progress(*columns, TextColumn("{task.fields[text]}"), console=console, transient=True)
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
            self._begin_stage(progress, now)
        self._failed = self._failed_before + progress.failed
        progress = replace(progress, failed=self._failed)
        speed = pace(progress, now - self._started)
        if self._bar is not None and self._task is not None:
            text = describe(progress, speed)
            self._bar.update(self._task, completed=progress.done, total=progress.total, text=text)
        elif self._is_due(progress, now):
            self._last, self._printed = now, True
            plain = f"{progress.stage}: {progress.done}/{progress.total}, {describe(progress, speed)}"
            click.echo(event(progress, speed) if self._events else plain, err=True)

    def _begin_stage(self, progress: Progress, now: float) -> None:
        """Begin another stage with a bar of its own; the failures of earlier stages still count."""
        self._failed_before = self._failed
        self._stage, self._started, self._last, self._printed = progress.stage, now, now, False
        if self._bar is not None:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._task = self._bar.add_task(progress.stage, total=progress.total, text="")

    def _is_due(self, progress: Progress, now: float) -> bool:
        """Return whether a line is due. For people, a stage has a last line only if it had one before."""
        if progress.done == progress.total:
            return self._events or self._printed
        return now - self._last >= (_EVENT_SECONDS if self._events else _PLAIN_SECONDS)
