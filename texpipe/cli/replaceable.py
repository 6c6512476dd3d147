"""Files that a command was told to write: one that is there and not texpipe's own is replaced only with `--force`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import click

from texpipe.errors import UsageError
from texpipe.imaging.image_files import SIGNATURE
from texpipe.storage.small_files import RefusedFileError, open_regular, refusing

F = TypeVar("F", bound=Callable[..., object])

_HEAD_BYTES = 1 << 10
"""Bytes at the start of a file in which it says that texpipe made it."""

PICTURES = (SIGNATURE,)
"""What sheets and clips begin with."""
EVALUATIONS = (b'{\n  "pictures": ',)
"""What the figures of an evaluation begin with."""


def force_option(function: F) -> F:
    """Add --force."""
    return click.option("--force", is_flag=True, help="Replace files that exist and are not texpipe's own.")(
        function
    )


def require_replaceable(path: Path, force: bool, marks: tuple[bytes, ...] = ()) -> None:
    """Check, before anything is computed, that a command may write a file.

    Args:
        path: the file.
        force: replace whatever it is.
        marks: bytes that are near the start of such files of texpipe's; it replaces those without being asked.

    Raises:
        UsageError: the file exists, and may be somebody's work; or it is a folder.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="Give the name of a file.")
    if force or not path.exists() or _has_mark(path, marks):
        return
    raise UsageError(f"{path} already exists", hint="Give another name, or --force to replace it.")


def _has_mark(path: Path, marks: tuple[bytes, ...]) -> bool:
    with suppress(RefusedFileError), refusing(path), open_regular(path) as file:
        head = file.read(_HEAD_BYTES)
        return any(mark in head for mark in marks)
    return False
