"""Live progress by work done: a bar on a terminal, else a line every ten seconds, or JSON lines for front ends."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console
from texpipe.meter import WORKED_OFF
from texpipe.progress import Progress

if TYPE_CHECKING:
    import rich.progress

_PLAIN_SECONDS = 10.0
"""Seconds between two lines for people where stderr is no terminal."""
_EVENT_SECONDS = 0.5
"""Least seconds between two JSON lines of one stage; the last step of a stage always has one."""

_TICK_SECONDS = 1.0
"""Seconds between two looks at the clock while no step comes."""

_TELLING_TEXTURES = 16
"""Number of textures that are read before their pace says something: starting takes longer than the first ones."""

_AT_ONCE_SECONDS = 0.5
"""Longest time in seconds between two pictures that came at once, from one batch."""

_NEARLY = 0.99
"""Largest share of the work that is shown while a picture is not finished."""

_BAR_COLUMNS = (6, 40)
"""Smallest and largest width of the bar itself, in characters."""
_TEXT_COLUMNS = 78
"""Width in characters that the text beside the bar needs: the bar shrinks before the text is cut."""


@dataclass(frozen=True)
class Pace:
    """Speed of a stage in textures per second, and the seconds left, None while they cannot be estimated."""

    per_second: float
    seconds_left: float | None


def pace(progress: Progress, seconds: float, waited: float = 0.0, metered: float | None = None) -> Pace:
    """Return the pace of a stage.

    What the store had takes almost no time, so the time left follows from the work that was done now. While a step
    is waited for, the work that is on its way counts as far as it should be done by now, but never beyond the largest
    piece: then the rate falls with the clock, and the time left grows.

    Args:
        progress: the last step.
        seconds: since the stage began.
        waited: of them, since that step.
        metered: the seconds that are left by the meter, where there is one.
    """
    done, total, ahead = _work(progress)
    per_second = progress.done / max(seconds, 1e-6)
    if done >= total:
        return Pace(per_second, 0.0)
    if metered is not None:
        return Pace(per_second, metered)
    if done <= 0 or (progress.stage == "read" and progress.done - progress.cached < _TELLING_TEXTURES):
        return Pace(per_second, None)
    rate = done / max(seconds - waited, 1e-6)
    by_now = done + min(rate * waited, ahead, total - done)
    return Pace(per_second, (total - by_now) * seconds / by_now)


def _metered(progress: Progress) -> float | None:
    """Read the meter; None if it counts nothing yet, or other work than this."""
    return WORKED_OFF.seconds_left() if progress.work_total else None


def _work(progress: Progress) -> tuple[float, float, float]:
    """Return the work that is done now, all of it, and the largest piece ahead; textures where it is not known."""
    if progress.work_total:
        return progress.work, progress.work_total, progress.work_ahead
    left = progress.total - progress.done
    computed = progress.done - progress.cached
    return computed, computed + left, min(1, left)


def describe(progress: Progress, now: Pace) -> str:
    """Return the text behind the counts: share of the work or pace, time left, failures, what earlier runs made."""
    parts = []
    if progress.work_total:
        parts = [f"{progress.work / progress.work_total:.0%} of the work"]
    elif now.seconds_left is not None:
        parts = [f"{now.per_second:.1f} textures/s"]
    if now.seconds_left:
        parts.append(f"{clock(now.seconds_left)} left")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.cached:
        parts.append(f"{progress.cached} from earlier runs")
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
    counts = {name: getattr(progress, name) for name in ("stage", "done", "total", "cached", "failed")}
    return json.dumps({"event": "progress", **counts, **pace_of})


class ProgressBar:
    """Shows `Progress` values on stderr.

    Args:
        console: says nothing when it is quiet.
        events: without a terminal write event lines instead of lines for people.

    Attributes:
        latest: the pace that was shown last.
    """

    def __init__(self, console: Console, *, events: bool = False) -> None:
        self._quiet = console.quiet
        self._live = not console.quiet and sys.stderr.isatty()
        self._events = events
        self._stage = ""
        self._failed = self._failed_before = 0
        self._started = self._last = self._stepped = 0.0
        self._printed = False
        self.latest = Pace(0.0, None)
        self._batch = self._work_before = self._shown = 0
        self._step: Progress | None = None
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None
        self._lock, self._ended = threading.RLock(), threading.Event()
        self._ticking: threading.Thread | None = None

    def __enter__(self) -> ProgressBar:
        if self._live:
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, Progress, TextColumn

            console = RichConsole(stderr=True)
            width = max(_BAR_COLUMNS[0], min(_BAR_COLUMNS[1], console.width - _TEXT_COLUMNS))
            columns = (TextColumn("{task.description}"), BarColumn(width), TextColumn("{task.fields[count]}"))
            self._bar = Progress(*columns, TextColumn("{task.fields[text]}"), console=console, transient=True)
            self._bar.start()
        if not self._quiet:
            self._ticking = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._ticking.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._ticking is not None:
            self._ticking.join()
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show one step forward."""
        if self._quiet:
            return
        now = time.monotonic()
        with self._lock:
            if progress.stage != self._stage:
                self._begin_stage(progress, now)
            self._failed = self._failed_before + progress.failed
            self._step = self._with_batch(replace(progress, failed=self._failed), now)
            self._stepped = now
            self._show(self._step, now)

    def _with_batch(self, progress: Progress, now: float) -> Progress:
        """Let what is on its way be as much as ever came at once: small pictures come in batches."""
        before = 0 if self._step is None else self._step.work
        if now - self._stepped > _AT_ONCE_SECONDS:
            self._work_before = before
        self._batch = max(self._batch, progress.work - self._work_before)
        return replace(progress, work_ahead=max(progress.work_ahead, self._batch))

    def _with_begun(self, progress: Progress) -> Progress:
        """Add what the meter knows to be done of the pictures that are not finished: a large one takes minutes."""
        share = WORKED_OFF.share() if progress.work_total and progress.done < progress.total else None
        begun = 0 if share is None else int(min(share, _NEARLY) * progress.work_total)
        # An estimate may change its mind, but work that was done stays done.
        self._shown = max(self._shown, progress.work, begun)
        return replace(progress, work=self._shown)

    def _tick(self) -> None:
        while not self._ended.wait(_TICK_SECONDS):
            self.wait()

    def wait(self) -> None:
        """Show that time went by without a step: the time left ages, and a plain line comes when it is due."""
        with self._lock:
            if self._step is not None and self._step.done < self._step.total:
                self._show(self._step, time.monotonic())

    def _show(self, progress: Progress, now: float) -> None:
        metered = _metered(progress)
        speed = self.latest = pace(progress, now - self._started, now - self._stepped, metered)
        progress = self._with_begun(progress)
        if self._bar is not None and self._task is not None:
            done, total = (
                (progress.work, progress.work_total)
                if progress.work_total
                else (progress.done, progress.total)
            )
            count = f"{progress.done}/{progress.total}"
            self._bar.update(
                self._task, completed=done, total=total, count=count, text=describe(progress, speed)
            )
        elif self._is_due(progress, now):
            self._last, self._printed = now, True
            plain = f"{progress.stage}: {progress.done}/{progress.total}"
            text = describe(progress, speed)
            click.echo(
                event(progress, speed) if self._events else f"{plain}, {text}" if text else plain, err=True
            )

    def _begin_stage(self, progress: Progress, now: float) -> None:
        """Begin another stage with a bar of its own; the failures of earlier stages still count."""
        self._failed_before = self._failed
        self._stage, self._started, self._last, self._printed = progress.stage, now, now, False
        self._step, self._stepped, self._batch, self._work_before, self._shown = None, now, 0, 0, 0
        if self._bar is not None:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._task = self._bar.add_task(progress.stage, total=progress.total, count="", text="")

    def _is_due(self, progress: Progress, now: float) -> bool:
        """Return whether a line is due. For people, a stage has a last line only if it had one before."""
        if progress.done == progress.total:
            return self._events or self._printed
        return now - self._last >= (_EVENT_SECONDS if self._events else _PLAIN_SECONDS)
