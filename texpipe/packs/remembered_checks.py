"""Files of packs that kept all rules when they were last checked: a run checks only what may have changed since.

`OUTPUT/.store/checked` has 16 bytes for each file: a digest of its path, size, time and inode, of the bytes that it had
and of what is asked of it. Whatever differs in one of these, and whatever is damaged, is checked again.
`texpipe verify` always checks everything.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from contextlib import suppress
from pathlib import Path

from texpipe import __version__
from texpipe.errors import PackError
from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import canonical_json
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import leads_out
from texpipe.storage.small_files import RefusedFileError, read_small

log = logging.getLogger(__name__)

_BYTES = 16
_MAX_BYTES = 1 << 28
"""Size of the largest file that is read."""


class RememberedChecks:
    """What earlier runs that wrote to a folder have checked, and what this one does.

    Args:
        output: the run's output folder.
    """

    def __init__(self, output: Path) -> None:
        self._output, self._file = output, OutputLayout(output).checked
        self._before = self._read()
        self._kept: set[bytes] = set()
        self._lock = threading.Lock()

    def mark(self, path: str, *asked: object) -> bytes | None:
        """Return what stands for a file as it is now; None if there is no such file.

        Args:
            path: of the file, below the output folder.
            asked: JSON-able, whatever the check depends on.
        """
        try:
            state = (self._output / path).stat()
        except OSError:
            return None
        about = [__version__, path, state.st_size, state.st_mtime_ns, state.st_ino, *asked]
        return hashlib.blake2b(canonical_json(about), digest_size=_BYTES).digest()

    def knows(self, mark: bytes | None) -> bool:
        """Return whether the file kept all rules in an earlier run."""
        if mark not in self._before:
            return False
        self.add(mark)
        return True

    def add(self, mark: bytes | None) -> None:
        """Remember a file that keeps all rules. Its mark was taken before it was read."""
        if mark is not None:
            with self._lock:
                self._kept.add(mark)

    def keep(self) -> None:
        """Write what is known for the next run; if that fails, it checks everything again."""
        if self._kept != self._before:
            try:
                write_atomic(self._file, b"".join(sorted(self._kept)), fsync=False)
            except PackError as error:
                log.warning("%s: the next run checks every file again", error.message)

    def _read(self) -> frozenset[bytes]:
        if leads_out(self._file, self._output):
            return frozenset()
        with suppress(RefusedFileError):
            data = read_small(self._file, _MAX_BYTES)
            return frozenset(data[at : at + _BYTES] for at in range(0, len(data), _BYTES))
        return frozenset()
