"""Folders written whole or not at all: made beside their place, then exchanged for what is there in one step."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from texpipe.errors import PackError
from texpipe.storage.atomic import part_of, sync_disk
from texpipe.storage.links import target_of

_AT_FDCWD, _EXCHANGE = -100, 2
"""Of Linux's renameat2: paths are relative to the working folder; both names are exchanged."""
_OLD = ".old"
"""Ends the name of a folder that is being replaced, where a system cannot exchange two names in one step."""


@contextlib.contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """Make a folder that takes its name only when everything is in it.

    On Linux a folder that is there and the new one exchange their names in one step. Elsewhere it takes two, and what a
    stop between them left is put back by `put_back`.

    Args:
        final: replaced with all that is in it when the block ends without an error. A link stays, and the folder is
            replaced that it leads to.

    Yields:
        A new empty folder beside it.

    Raises:
        PackError: the folder cannot be made or replaced; the old one is as it was.
    """
    put_back(final)
    try:
        place = target_of(final)
        part = part_of(place)
        try:
            part.mkdir(parents=True)
            yield part
            sync_disk()
            _take_place(part, place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        hint = "Check that the disk has room, and that no other program has a file of it open."
        raise PackError(f"cannot write {final}: {error.strerror or error}", hint=hint) from error


def put_back(final: Path) -> None:
    """Give a folder its name back that a stopped exchange took from it, and remove what was to replace it.

    Args:
        final: the folder, or a container file that is replaced as `open_atomic` does it; or a link to either.
    """
    for place in _places(final):
        name = re.escape(place.name)
        for path in sorted(_beside(place)):
            if re.fullmatch(rf"\.{name}\.\d+-[0-9a-f]+\.part{_OLD}", path.name):
                if os.path.lexists(place):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.rename(place)
        for path in _beside(place):
            if re.fullmatch(rf"\.{name}\.\d+-[0-9a-f]+\.part", path.name) and not _is_alive(path):
                _remove(path)


def _places(final: Path) -> list[Path]:
    """Return a path, and what it leads to if it is a link."""
    with contextlib.suppress(OSError):
        return list(dict.fromkeys((final, target_of(final))))
    return [final]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        path.unlink()


def _beside(final: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [one for one in final.absolute().parent.iterdir() if one.name.startswith(f".{final.name}.")]
    return []


def _is_alive(part: Path) -> bool:
    """Return whether the process that makes a part still runs; on Windows that is not asked, and it counts as alive."""
    number = int(part.name.rsplit(".", 2)[1].split("-")[0])
    if sys.platform == "win32" or number == os.getpid():
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _take_place(part: Path, final: Path) -> None:
    if not os.path.lexists(final):
        part.rename(final)
        return
    if _exchanged(part, final):
        return
    old = part.with_name(part.name + _OLD)
    final.rename(old)
    try:
        part.rename(final)
    except BaseException:
        old.rename(final)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Let two folders exchange their names in one step; return False where the system or the disk cannot do that."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    names = (os.fsencode(one), os.fsencode(other))
    return bool(renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE) == 0)
