"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from texpipe.errors import PackError
from texpipe.storage.links import target_of

_LONGEST_STEM = 200


def write_atomic(path: Path, data: bytes, *, fsync: bool = True, any_link: bool = False) -> None:
    """Write a file so that whoever looks sees the old one or the whole new one, whatever happens in between.

    Args:
        path: the file; missing folders are made.
        data: its new content.
        fsync, any_link: as `open_atomic`.

    Raises:
        PackError: the folder or file cannot be written; the old file is as it was.
    """
    with open_atomic(path, fsync=fsync, any_link=any_link) as file:
        file.write(data)


@contextlib.contextmanager
def open_atomic(path: Path, *, fsync: bool = True, any_link: bool = False) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name only when everything is in it.

    The bytes go to `.NAME.PID-TOKEN.part` in the same folder, are flushed to the disk and renamed.

    Args:
        path: replaced when the block ends without an error; missing folders are made.
        fsync: wait until bytes and name are on the disk. Without it a power cut may leave an empty file under
            the final name: only for files whose reader notices that, such as the store's, or with `sync_disk`.
        any_link: a link stays, and what it leads to is replaced, wherever it lies: for files that the user names.
            Otherwise it is the link that is replaced.

    Raises:
        PackError: the folder or file cannot be written; the old file is as it was.
    """
    if any_link:
        path = _behind_link(path)
    part = part_of(path)
    # First, and by itself: on the way there may be a link that leads anywhere, and nothing is to be opened behind it.
    _make_folder(path)
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            if fsync:
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:  # Ctrl-C, too, leaves nothing behind
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise
    if fsync:
        _sync_folder(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Write a file whole, and only if nothing has its name: what somebody else puts there meanwhile stays, too.

    Args:
        path: the file; missing folders are made.
        data: its content. It is on the disk after `sync_disk`.

    Raises:
        FileExistsError: something has its name; it is as it was.
        PackError: the folder or file cannot be written.
    """
    part = part_of(path)
    _make_folder(path)
    if os.path.lexists(path):
        raise FileExistsError(path)
    try:
        part.write_bytes(data)
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:  # a disk without hard links, such as a memory card
            if os.path.lexists(path):
                raise FileExistsError(path) from None
            part.rename(path)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _behind_link(path: Path) -> Path:
    try:
        return target_of(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _make_folder(path: Path) -> None:
    """Make the folder of a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> PackError:
    return PackError(
        f"cannot write {path}: {error.strerror or error}",
        hint="Check that the disk has room, that the folder may be written to and that no other program "
        "has the file open; then run again.",
    )


def sync_disk() -> None:
    """Wait until everything written so far is on the disk, where the system can be asked for that at once.

    For many small files this takes a hundredth of the time of one fsync each.
    """
    if hasattr(os, "sync"):
        os.sync()


def _sync_folder(folder: Path) -> None:
    """Put a renamed file's new name on the disk; where a folder cannot be flushed, the system looks after that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def part_of(path: Path) -> Path:
    """Return a temporary name beside a file, one that `remove_stale_parts` knows.

    A name too long to be prolonged is replaced by its digest.
    """
    stem = path.name
    if len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = hashlib.sha256(os.fsencode(stem)).hexdigest()
    # Machines that share a disk may give their processes the same number.
    return path.with_name(f".{stem}.{os.getpid()}-{secrets.token_hex(4)}.part")
