"""Text for people, which goes to stderr, results for machines, which go to stdout, and exit codes."""

from __future__ import annotations

import json
import logging
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from texpipe import __version__
from texpipe.cli.mistakes import hint_for, in_our_words, with_home
from texpipe.cli.own_files import changed_meanwhile
from texpipe.cli.printable import json_printable, printable
from texpipe.errors import (
    DeviceError,
    ExitCode,
    Interrupted,
    RecipeError,
    SourceError,
    TexpipeError,
    UsageError,
)
from texpipe.system.interrupts import Interruptible, ignore_interrupts

if TYPE_CHECKING:
    import rich.console


_WARNING = click.style("warning: ", fg="yellow")
"""What a warning begins with, whether a command or a part of the library says it."""


class Console:
    """Writes lines for people to stderr, unless it is quiet; above a progress bar that is shown."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet

    def quieter(self, quiet: bool) -> Console:
        """Return this console, silenced together with the log if `quiet`: for the -q of a sub-command."""
        if quiet:
            set_log_level(logging.ERROR)
        return Console(quiet=self.quiet or quiet)

    @property
    def rich(self) -> rich.console.Console:
        """A rich console on stderr, for tables and bars."""
        from rich.console import Console as RichConsole

        return RichConsole(stderr=True, quiet=self.quiet, highlight=False)

    def say(self, line: str = "") -> None:
        """Write one line for people."""
        _SAID.info("%s", printable(line))
        if not self.quiet:
            click.echo(printable(line), file=sys.stderr)

    def warn(self, line: str) -> None:
        """Write one line about a problem that did not stop the command."""
        _SAID.warning("%s", printable(line))
        if not self.quiet:
            click.echo(_WARNING + printable(line), file=sys.stderr)


class _Echo(logging.Handler):
    """Writes to what is stderr now: a progress bar that is shown replaces it, and puts the lines above itself.

    Attributes:
        shown: level from which on lines of texpipe are written; those of other libraries from WARNING on.
    """

    shown = logging.WARNING

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        own = record.name.partition(".")[0] == "texpipe"
        if record.levelno < (self.shown if own else max(self.shown, logging.WARNING)):
            return
        try:
            if own and record.levelno == logging.WARNING and not record.exc_info:
                click.echo(_WARNING + printable(record.getMessage()), file=sys.stderr)
                return
            for line in self.format(record).split("\n") if record.exc_info else [self.format(record)]:
                click.echo(printable(line), file=sys.stderr)
        except Exception:  # as all handlers of the standard library do: a log line never stops a command
            self.handleError(record)


def start_log(level: int, file: Path | None = None) -> None:
    """Send the library's log lines to stderr.

    Args:
        level: from which on lines of texpipe are shown.
        file: also gets all of them, whatever the level, and what people are told, each with its time; it is appended.

    Raises:
        UsageError: the file cannot be written.
    """
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", handlers=[_ECHO])
    if file is not None:
        _write_to(file)
    set_log_level(level)


def set_log_level(level: int) -> None:
    """Show log lines of texpipe from this level on, and those of other libraries from WARNING on."""
    _ECHO.shown = level
    logging.getLogger("texpipe").setLevel(logging.DEBUG if _has_file() else level)
    logging.getLogger().setLevel(max(level, logging.WARNING))


class _LogFile(logging.FileHandler):
    """The file of --log."""


def _has_file() -> bool:
    return any(isinstance(one, _LogFile) for one in _SAID.handlers)


def _write_to(file: Path) -> None:
    try:
        writer = _LogFile(file, "a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(
            f"cannot write the log {file}: {error.strerror or error}", hint="Give another --log FILE."
        ) from error
    writer.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for logger in (logging.getLogger("texpipe"), _SAID):
        logger.addHandler(writer)


_ECHO = _Echo()
# A command without arguments, whose message is its whole help; click 8.1 shows it and ends with code 0.
_NO_ARGUMENTS: tuple[type[click.UsageError], ...] = tuple(
    filter(None, [getattr(click.exceptions, "NoArgsIsHelpError", None)])
)
_SAID = logging.getLogger("texpipe.said")
"""What people are told: it goes to a log file alone, because the terminal has it already."""
_SAID.propagate = False
_SAID.setLevel(logging.INFO)
_SAID.addHandler(logging.NullHandler())  # without it, warnings go to stderr when there is no log file


def print_json(value: Any) -> None:  # noqa: ANN401
    """Write one JSON document for machines to stdout."""
    click.echo(json_printable(json.dumps(value, indent=2, ensure_ascii=False)))


def exit_code_of(command: click.Command, arguments: list[str], *, ends_process: bool = False) -> int:
    """Run a click command and turn its result or exception into text and an exit code.

    Args:
        command: the command line.
        arguments: its words.
        ends_process: nothing comes after it, so a second Ctrl-C may end the process at once.
    """
    interrupts = Interruptible() if ends_process else None
    try:
        with interrupts or nullcontext():
            result = command.main(with_home(arguments), prog_name="texpipe", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt, Interrupted) as stop:
        return _stopped(stop, ends_process)
    except Exception as error:
        if (
            interrupts is not None and interrupts.pressed
        ):  # libraries turn KeyboardInterrupt into errors of their own
            return _stopped(error, ends_process)
        return _code_of_error(error, arguments)
    return result if isinstance(result, int) else ExitCode.OK


def _stopped(stop: BaseException, ends_process: bool) -> int:
    if ends_process:
        ignore_interrupts()
    if isinstance(stop, Interrupted):
        return _explain(stop)
    return _explain(Interrupted("stopped", hint="Finished results are kept: run the same command to go on."))


def _code_of_error(error: Exception, words: Sequence[str] = ()) -> int:
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, _NO_ARGUMENTS):
        error.show()
        return error.exit_code
    if isinstance(error, click.ClickException):
        _explain(in_our_words(error))
        _hint(words)
        return error.exit_code
    if isinstance(error, TexpipeError):
        code = _explain(error)
        if isinstance(error, (UsageError, RecipeError, SourceError)):
            _hint(words)
        return code
    if isinstance(error, MemoryError):
        hint = "Close other programs, or run part by part with --shard. Finished results are kept."
        return _explain(DeviceError("out of memory", hint=hint))
    if isinstance(error, BrokenPipeError):
        return ExitCode.OK
    if (changed := changed_meanwhile(error)) is not None:
        return _explain(changed)
    return _internal(error)  # a bug: the traceback goes to a log file


def _hint(words: Sequence[str]) -> None:
    """Say what helps where the shell cut a path at its spaces."""
    if hint := hint_for(words):
        click.echo(f"  {printable(hint)}", err=True)


def _explain(error: TexpipeError) -> int:
    problems: tuple[TexpipeError, ...] = error.problems if isinstance(error, RecipeError) else (error,)
    # That a command ends because somebody wished it is no error.
    lead = "" if isinstance(error, Interrupted) else click.style("error: ", fg="red")
    with suppress(BrokenPipeError):  # as in `texpipe verify OUTPUT 2>&1 | head -1`: the code says it, too
        for problem in problems:
            _SAID.error("%s", printable(str(problem)))
            click.echo(lead + printable(str(problem)), err=True)
            for line in problem.hint.split("\n") if problem.hint else ():
                click.echo(f"  {printable(line)}", err=True)
    return error.exit_code


def _internal(error: Exception) -> int:
    with tempfile.NamedTemporaryFile("w", prefix="texpipe-", suffix=".log", delete=False) as log:
        log.write(f"texpipe {__version__}, Python {platform.python_version()}, {platform.platform()}\n")
        log.write(" ".join(sys.argv) + "\n\n")
        log.write("".join(traceback.format_exception(error)))
    click.echo(
        click.style("internal error: ", fg="red") + printable(f"{type(error).__name__}: {error}"), err=True
    )
    click.echo(f"  This is a bug in texpipe. Details: {Path(log.name)}", err=True)
    return ExitCode.INTERNAL
