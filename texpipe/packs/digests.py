"""Digests of files that are asked for several times in a run: a file that was left alone is read once."""

from __future__ import annotations

import time
from pathlib import Path

from texpipe.formats.portable_names import file_digest

_SETTLED_SECONDS = 3.0
"""Age of a file in seconds from which on a change of it would show in its times, even on a disk with coarse clocks."""


class FileDigests:
    """Hex sha256 of files, remembered as long as size, times and number of a file stay the same."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, ...], str]] = {}

    def of(self, file: Path) -> str | None:
        """Return the digest of a file's bytes, or None if there is no such file.

        Raises:
            PackError: the file cannot be read.
        """
        before = _state(file)
        known = self._known.get(file)
        if before is not None and known is not None and known[0] == before:
            return known[1]
        digest = file_digest(file)
        if digest is not None and before is not None and _is_settled(before) and _state(file) == before:
            self._known[file] = (before, digest)
        else:
            self._known.pop(file, None)
        return digest


def _state(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _is_settled(state: tuple[int, ...]) -> bool:
    """Return whether a file was changed long enough ago: one that is still written may change within a tick."""
    return time.time() - max(state[:2]) / 1e9 > _SETTLED_SECONDS
