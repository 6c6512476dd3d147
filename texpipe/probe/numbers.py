"""Which number a texture has in a pack that shows numbers: a file in the pack's output folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from texpipe.errors import UsageError
from texpipe.probe.codes import CodeBook
from texpipe.storage.atomic import write_atomic
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_json

_SCHEMA: Final = "texpipe.probe/1"
_MAX_FILE: Final = 64 << 20
"""Largest size of the file in bytes."""


@dataclass(frozen=True)
class Numbers:
    """Textures by number.

    Attributes:
        names: of the textures; the first one has the number 1.
    """

    names: tuple[str, ...]

    @cached_property
    def book(self) -> CodeBook:
        """The codes of the numbers."""
        return CodeBook(len(self.names))

    def name(self, number: int) -> str:
        """Return the texture of a number."""
        return self.names[number - 1]


def numbers_file(output: Path) -> Path:
    """Return where the numbers of a pack are written down."""
    return output / "probe.json"


def write_numbers(output: Path, names: Sequence[str]) -> None:
    """Write the numbers of a pack into its output folder.

    Raises:
        PackError: the file cannot be written.
    """
    text = json.dumps({"schema": _SCHEMA, "textures": list(names)}, indent=0)
    write_atomic(numbers_file(output), text.encode())


def read_numbers(output: Path) -> Numbers:
    """Read the numbers of a pack.

    Raises:
        UsageError: the file is missing or damaged.
    """
    file = numbers_file(output)
    try:
        found = read_json(file, _MAX_FILE)
    except MissingFileError as error:
        raise UsageError(
            f"there is no {file}",
            hint="Write the pack first, with `texpipe probe RECIPE`, and play with it.",
        ) from error
    except RefusedFileError as error:
        raise UsageError(f"{file} cannot be read: {error.message}") from error
    names = found.get("textures") if isinstance(found, dict) and found.get("schema") == _SCHEMA else None
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    if not known or known != names:
        raise UsageError(f"{file} is not a list of numbers", hint="Write the pack again.")
    return Numbers(tuple(known))
