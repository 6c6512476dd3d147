"""Whether anything changed in folders, by sizes and times: cheap enough to be asked again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from texpipe.storage.keys import key_of

_SHARE = 20
"""Looks are as rare as that they take at most one part in so many of the time."""


class FolderState:
    """The state of folders as a text, another one after every change.

    Args:
        clock: seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._not_before = 0.0
        self._last: tuple[tuple[Path, ...], str] = ((), "")

    def look(self, folders: Sequence[Path]) -> str:
        """Return the present state of some folders and all that is in them."""
        begun = self._clock()
        state = key_of("folders", *(part for folder in folders for part in _stamps(folder)))
        self._last = tuple(folders), state
        self._not_before = begun + _SHARE * (self._clock() - begun)
        return state

    def glance(self, folders: Sequence[Path]) -> str:
        """Return the state; that of the last look if another one would be too much."""
        asked = tuple(folders)
        if asked == self._last[0] and self._clock() < self._not_before:
            return self._last[1]
        return self.look(asked)


def _stamps(folder: Path) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            try:
                found = os.stat(os.path.join(path, name))  # noqa: PTH116, PTH118 many files
            except OSError:
                continue
            yield f"{path}/{name} {found.st_size} {found.st_mtime_ns}"
