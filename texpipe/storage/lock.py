"""One run at a time on one folder."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

from texpipe.errors import PackError
from texpipe.storage.layout import OutputLayout

log = logging.getLogger(__name__)

_OURS = re.compile(rb"(?:[0-9]{1,10}\n?)?")
"""What is in a lock file: the number of the process that holds it; on a full disk only its beginning."""

_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})
"""What systems answer when another process has the lock."""


class Lock:
    """Holds a folder for one run at a time: `with Lock(folder): ...`.

    The operating system holds the lock and drops it with the process: a killed run never leaves a stale one.
    The file `FOLDER/.lock` stays behind, empty. Shared locks exclude only the others, not each other (on Windows,
    which knows none, they exclude nothing). Some cluster file systems cannot lock at all; there a warning is logged
    and the run goes on: files are written whole, so at worst one of two runs stops the other.

    Raises:
        PackError: on entering, when another run holds the folder, or it cannot be written to.
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self.path = OutputLayout(folder).lock
        self._shared = shared
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Lock:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = open(self.path, "ab+", buffering=0, opener=_without_links)
        except OSError as error:
            raise PackError(
                f"cannot write {self.path}: {error.strerror or error}",
                hint="Check that the folder may be written to, or give another --output.",
            ) from error
        if not try_lock(file, shared=self._shared):
            raise self._held_by_another(file)
        self._file = file
        self._say(f"{os.getpid()}\n".encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._say(b"")
            self._file.close()
            self._file = None

    def _say(self, holder: bytes) -> None:
        """Write who holds the lock, except into somebody else's file: a courtesy, which a full disk may refuse."""
        if self._file is not None and not self._shared:
            with contextlib.suppress(OSError):
                self._file.seek(0)
                if not _OURS.fullmatch(self._file.read(20)):
                    return
                self._file.truncate(0)
                self._file.write(holder)

    def _held_by_another(self, file: IO[bytes]) -> PackError:
        with file:
            file.seek(0)
            holder = file.read(20).decode("ascii", "replace").strip()
        return PackError(
            f"another run is writing to {self.path.parent}" + (f" (process {holder})" if holder else ""),
            hint="Wait for it to end, or give this run another --output.",
        )


def _without_links(path: str, flags: int) -> int:
    """Open a file unless it is a link: a stranger's output folder must not make us write elsewhere."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def try_lock(file: IO[bytes], *, shared: bool = False) -> bool:
    """Lock the file for this process; return False when another has it."""
    try:
        if sys.platform == "win32":
            if shared:
                return True
            import msvcrt

            # Far behind the text, because a locked byte of a Windows file cannot be read by others.
            file.seek(1 << 20)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        log.warning(
            "%s cannot be locked (%s): see to it that only one run writes to this folder",
            file.name,
            error.strerror or error,
        )
    return True
