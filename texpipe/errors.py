"""Exceptions with an exit code, a place and a remedy. `cli/` turns them into text for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import ClassVar


class ExitCode(IntEnum):
    """How a command of texpipe ended, for scripts; `docs/errors.md` says what to do about each code."""

    OK = 0
    """Everything that was asked for was done."""
    USAGE = 2
    """The command line or the recipe has a mistake."""
    SOURCE = 3
    """The input cannot be read; with `--strict` also: a texture failed."""
    MODEL = 4
    """A model is missing, unknown or damaged."""
    PACK = 5
    """The pack cannot be written, or breaks a rule of its manifest or emulator."""
    DEVICE = 6
    """The device is missing, cannot do what was asked, or ran out of memory."""
    SOME_FAILED = 7
    """Some textures failed; the pack of the others was written."""
    NOT_BETTER = 8
    """The fine-tuned model is not better than its base; both were kept."""
    INTERNAL = 70
    """A bug in texpipe; the message names a log file."""
    INTERRUPTED = 130
    """The user stopped the command; finished results are kept."""


@dataclass(frozen=True)
class Location:
    """A place in a text file; `line` and `column` count from 1."""

    file: Path
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [str(self.file)]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)


class TexpipeError(Exception):
    """Something the user can act on.

    Args:
        message: one sentence that says what is wrong and names the file, texture or option concerned.
        hint: one sentence that says what to do about it; shown on its own line.
        location: the place in a file where it is wrong, if there is one.

    Attributes:
        exit_code: what the command line ends with when this error reaches it.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str | None = None, location: Location | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.message}"


class UsageError(TexpipeError):
    """The options of a command or a run do not go together, or one of them has an impossible value."""

    exit_code = ExitCode.USAGE


class RecipeError(TexpipeError):
    """One or more mistakes in a recipe; `problems` holds all of them, in file order."""

    exit_code = ExitCode.USAGE

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        location: Location | None = None,
        problems: tuple[RecipeError, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, location=location)
        self.problems = problems or (self,)


class SourceError(TexpipeError):
    """An input folder, file or picture cannot be read."""

    exit_code = ExitCode.SOURCE


class ModelError(TexpipeError):
    """A model is missing, unknown, damaged or of the wrong kind."""

    exit_code = ExitCode.MODEL


class PackError(TexpipeError):
    """The pack cannot be written, or breaks a rule of its manifest or emulator."""

    exit_code = ExitCode.PACK


class DeviceError(TexpipeError):
    """The device is missing, cannot compute with the precision asked for, or ran out of memory."""

    exit_code = ExitCode.DEVICE


class DeviceLostError(DeviceError):
    """The device stopped computing midway, or computes wrong; what it made before is kept."""


class GuardError(TexpipeError):
    """A fine-tuned model is not better than the model that it started from; both were kept."""

    exit_code = ExitCode.NOT_BETTER


class Interrupted(TexpipeError):
    """The user stopped the command; finished results are kept."""

    exit_code = ExitCode.INTERRUPTED
