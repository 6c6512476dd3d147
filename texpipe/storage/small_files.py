"""Files of strangers: opened only here, and the boundary that no exception of their readers leaves.

Only regular files are opened, small ones up to a size, and links count only as long as they stay inside of a folder.
Whatever is wrong with a file becomes a `RefusedFileError`, or the error that its reader promises, with the file's name
and the line where there is one.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn, TypeAlias

from texpipe.errors import Location, SourceError, TexpipeError
from texpipe.storage.links import leads_out

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_MAX_DEPTH = 64
"""Largest number of lists and mappings inside each other in a JSON file."""
_MAX_DIGITS = 300
"""Largest number of digits of a number in a JSON file."""

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class RefusedFileError(SourceError):
    """A small file cannot be read, or is not what it should be; `location` is the file and, if known, the line."""


class MissingFileError(RefusedFileError):
    """There is no such file."""


def read_small(file: Path, limit: int, *, inside: Path | None = None, any_link: bool = False) -> bytes:
    """Return the bytes of a small file.

    Args:
        file: a regular file, or a link to one; pipes and devices, which could make a reader wait for ever, are refused.
        limit: largest size in bytes.
        inside: folder that no link on the way to the file may lead out of; None for the file's own folder.
        any_link: links may lead anywhere: for files that the user names.

    Raises:
        MissingFileError: there is no such file.
        RefusedFileError: it is not a regular file, leads elsewhere, is larger or cannot be read.
    """
    try:
        with refusing(file):
            if not any_link:
                _require_own(file, inside)
            with open_regular(file) as stream:
                # `read` allocates what it is asked for, so it is not asked for more than the file has.
                data = stream.read(min(limit, os.fstat(stream.fileno()).st_size) + 1)
    except RefusedFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise MissingFileError("is missing", location=Location(file)) from error.__cause__
        raise
    if len(data) > limit:
        raise RefusedFileError(f"is larger than the limit of {limit:,} bytes", location=Location(file))
    return data


def _require_own(file: Path, inside: Path | None) -> None:
    if inside is None and not file.is_symlink():
        return
    folder = file.parent if inside is None else inside
    if file.is_symlink():
        file.resolve(strict=True)  # what is missing, or leads to itself, has a reason of its own
    if leads_out(file, folder):
        raise RefusedFileError("is a link that leads out of its folder", location=Location(file))


def open_regular(file: Path, *, inside: Path | None = None, any_link: bool = True) -> io.BufferedReader:
    """Open a file for reading, of any size; a pipe or a device is never waited for.

    Args:
        file: a regular file, or a link to one.
        inside: as `read_small`.
        any_link: links may lead anywhere; otherwise not out of `inside`.

    Raises:
        RefusedFileError: it is not a regular file, or leads elsewhere.
        OSError: it is missing, or cannot be opened.
    """
    if not any_link:
        _require_own(file, inside)
    if not stat.S_ISREG(file.stat().st_mode):  # opening a device may already do something
        raise RefusedFileError("is not a regular file", location=Location(file))
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    )
    handle = os.open(file, flags)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)  # the name has been given to something else meanwhile
    raise RefusedFileError("is not a regular file", location=Location(file))


def open_to_append(file: Path) -> IO[bytes]:
    """Open a file of ours to write behind its end, made if it is missing; links are not followed.

    Raises:
        OSError: it is a link or not a regular file, or cannot be written.
    """
    flags = (
        os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    )
    handle = os.open(file, flags | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0), 0o666)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "ab")
    os.close(handle)
    raise OSError(errno.EINVAL, "is not a regular file")


def text_of(data: bytes) -> str:
    """Decode the text of a settings file as editors write it: UTF-8, UTF-16 with its mark, or else Windows-1252."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read_json(file: Path, limit: int, *, inside: Path | None = None, any_link: bool = False) -> Json:
    """Read a small JSON file; arguments and errors as `read_small`, and `parse_json`."""
    return parse_json(read_small(file, limit, inside=inside, any_link=any_link), file)


def parse_json(data: bytes, file: Path) -> Json:
    """Parse JSON text.

    Args:
        data: UTF-8 or UTF-16 text.
        file: where it is from, for messages.

    Raises:
        RefusedFileError: it is not JSON, nested too deeply, or has a number of too many digits.
    """
    text = text_of(data)
    # Few files have so many brackets; only in these it is worth telling them from those inside of strings.
    if text.count("[") + text.count("{") > _MAX_DEPTH:
        _require_shallow(text, file)
    with refusing(file):
        try:
            value: Json = json.loads(text, parse_int=_whole, parse_float=_real, parse_constant=_not_json)
        except json.JSONDecodeError as error:
            place = Location(file, error.lineno, error.colno)
            raise RefusedFileError(f"is not valid JSON: {error.msg}", location=place) from error
    return value


def _require_shallow(text: str, file: Path) -> None:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > _MAX_DEPTH:
            line = text.count("\n", 0, found.start()) + 1
            raise RefusedFileError("is nested too deeply", location=Location(file, line))


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"has a number of {len(digits):,} digits")
    return int(digits)


def _real(digits: str) -> float:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"has a number of {len(digits):,} digits")
    if math.isinf(value := float(digits)):
        raise ValueError(f"has a number that is too large: {digits}")
    return value


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"has {word}, which is not JSON")


@contextmanager
def refusing(
    file: Path, kind: type[TexpipeError] = RefusedFileError, hint: str | None = None
) -> Iterator[None]:
    """Turn whatever goes wrong inside into a refusal of the file: the boundary around code that takes it apart.

    Args:
        file: where the bytes are from, for the message.
        kind: the error that the reader promises.
        hint: what to do about a file that is refused.

    Raises:
        TexpipeError: of this kind, if any exception but another `TexpipeError` or a `MemoryError` was raised inside.
    """
    try:
        yield
    except RefusedFileError as error:
        if issubclass(RefusedFileError, kind):
            raise
        place = error.location or Location(file)
        raise kind(error.message, hint=error.hint or hint, location=place) from error
    except (TexpipeError, MemoryError):
        raise
    except Exception as error:  # strangers' bytes can make a parser raise anything
        raise kind(_reason(error), hint=hint, location=Location(file)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"has no {error}"
    if isinstance(error, OSError | RuntimeError):  # a loop of links is a RuntimeError before Python 3.13
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return f"is damaged: {error}"
