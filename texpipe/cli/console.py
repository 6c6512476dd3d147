"""Where text for people and exit codes are made: everything here goes to stderr, results for machines to stdout."""

from __future__ import annotations

import json
import logging
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from texpipe import __version__
from texpipe.errors import Interrupted, RecipeError, TexpipeError
from texpipe.texture import Progress

if TYPE_CHECKING:
    import rich.console
    import rich.progress

PLAIN_SECONDS = 10.0
"""Without a terminal a progress line is written this often."""


class Console:
    """Speaks to people on stderr, unless asked to be quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet

    def quieter(self, quiet: bool) -> Console:
        """Return this console, silenced with the log if `quiet`: for the sub-commands' own -q."""
        if quiet:
            set_log_level(logging.ERROR)
        return Console(quiet=self.quiet or quiet)

    @property
    def rich(self) -> rich.console.Console:
        """The rich console behind it, for tables."""
        from rich.console import Console as RichConsole

        return RichConsole(stderr=True, quiet=self.quiet, highlight=False)

    def say(self, line: str = "") -> None:
        """Write one line for people."""
        if not self.quiet:
            click.echo(line, err=True)

    def warn(self, line: str) -> None:
        """Write one line about a problem that did not stop the work."""
        if not self.quiet:
            click.echo(click.style("warning: ", fg="yellow") + line, err=True)


class _Echo(logging.Handler):
    """Writes to whatever stderr is at the moment: a progress bar replaces it while it is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            click.echo(self.format(record), err=True)
        except Exception:  # as every handler of the standard library: a log line never stops the work
            self.handleError(record)


def start_log(level: int) -> None:
    """Send what the library logs to stderr."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", handlers=[_Echo()])
    set_log_level(level)


def set_log_level(level: int) -> None:
    """Show log lines of texpipe from this level on, and those of other libraries from WARNING on."""
    logging.getLogger("texpipe").setLevel(level)
    logging.getLogger().setLevel(max(level, logging.WARNING))


class ProgressBar:
    """Shows `Progress` values: a bar with textures/s and time left on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._quiet = console.quiet
        self._live = not console.quiet and sys.stderr.isatty()
        self._room = ""
        self._started = self._last = 0.0
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> ProgressBar:
        if self._live:
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn())
            rate = (
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[extra]}"),
            )
            self._bar = Progress(*columns, *rate, console=RichConsole(stderr=True), transient=True)
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
        if progress.room != self._room:
            self._room, self._started, self._last = progress.room, now, now
            self._task = None
        if self._bar is not None:
            self._draw(progress, now)
        elif now - self._last >= PLAIN_SECONDS:
            self._last = now
            click.echo(
                f"{progress.room}: {progress.done}/{progress.total}{self._details(progress, now)}", err=True
            )

    def _details(self, progress: Progress, now: float) -> str:
        rate = progress.done / max(now - self._started, 1e-6)
        left = (progress.total - progress.done) / rate if rate > 0 else 0.0
        return f", {rate:.1f} textures/s, {left:.0f} s left{_extra(progress)}"

    def _draw(self, progress: Progress, now: float) -> None:
        assert self._bar is not None
        rate = f"{progress.done / max(now - self._started, 1e-6):.1f} textures/s"
        if self._task is None:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._task = self._bar.add_task(progress.room, total=progress.total, rate="", extra="")
        self._bar.update(
            self._task, completed=progress.done, total=progress.total, rate=rate, extra=_extra(progress)
        )


def _extra(progress: Progress) -> str:
    cached = f", {progress.cached} from the store" if progress.cached else ""
    return cached + (f", {progress.failed} failed" if progress.failed else "")


def print_json(value: Any) -> None:  # noqa: ANN401
    """Write one JSON document for machines to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def exit_code_of(command: click.Command, arguments: list[str]) -> int:
    """Run a click command and turn whatever comes out of it into text and an exit code of the contract."""
    try:
        result = command.main(arguments, prog_name="texpipe", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _explain(
            Interrupted("stopped", hint="What was finished is kept: run the same command to go on.")
        )
    except TexpipeError as error:
        return _explain(error)
    except BrokenPipeError:
        return 0
    except Exception as error:  # every unforeseen error becomes a log file and one line
        return _internal(error)
    return result if isinstance(result, int) else 0


def _explain(error: TexpipeError) -> int:
    problems: tuple[TexpipeError, ...] = error.problems if isinstance(error, RecipeError) else (error,)
    for problem in problems:
        click.echo(click.style("error: ", fg="red") + str(problem), err=True)
        if problem.hint:
            click.echo(f"  {problem.hint}", err=True)
    return error.exit_code


def _internal(error: Exception) -> int:
    with tempfile.NamedTemporaryFile("w", prefix="texpipe-", suffix=".log", delete=False) as log:
        log.write(f"texpipe {__version__}, Python {platform.python_version()}, {platform.platform()}\n")
        log.write(" ".join(sys.argv) + "\n\n")
        log.write("".join(traceback.format_exception(error)))
    click.echo(click.style("internal error: ", fg="red") + f"{type(error).__name__}: {error}", err=True)
    click.echo(f"  This is a bug in texpipe. Details: {Path(log.name)}", err=True)
    return TexpipeError.exit_code
