"""Exceptions that carry an exit code, a place and a remedy. Text for people is made from them in `cli/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


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
        message: one sentence that says what is wrong and names the thing it is wrong with.
        hint: what to do about it, one sentence; shown on its own line.
        location: where it is wrong, when that is a place in a file.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str | None = None, location: Location | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.message}"


class UsageError(TexpipeError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class RecipeError(TexpipeError):
    """One or more mistakes in a recipe; `problems` holds every one of them, in file order."""

    exit_code = 2

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

    exit_code = 3


class ModelError(TexpipeError):
    """A model is missing, unknown, damaged or of the wrong kind."""

    exit_code = 4


class PackError(TexpipeError):
    """The pack cannot be written, or does not agree with its manifest or its emulator's rules."""

    exit_code = 5


class DeviceError(TexpipeError):
    """The device is not there, cannot do the precision asked for, or ran out of memory."""

    exit_code = 6


class GuardError(TexpipeError):
    """A fine-tuned model is not better than the one it started from; both were kept."""

    exit_code = 8


class Interrupted(TexpipeError):
    """The user stopped the run; what was finished is kept."""

    exit_code = 130
