"""Files that arrived, until they are whole: an emulator may still be writing them."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from texpipe.live.folder_watch import Stamp

SETTLE_SECONDS = 0.06
"""Time that a file must keep its size and time of change before it is read, in seconds."""
_OLD_SECONDS = 2.0
"""Age from which a file is read at once, in seconds: nobody is writing it any more."""
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.2, 5.0
"""Time until a file that cannot be read is read again, in seconds: at first, and at most; it doubles."""
PATIENCE_SECONDS = 20.0
"""Time that a file which cannot be read must be unchanged before it is given up, in seconds."""


@dataclass
class _Arrival:
    stamp: Stamp
    steady_since: float
    tries: int = 0


class Arrivals:
    """Files on their way in, newest first.

    Args:
        stamp: returns a file's stamp, None if it is gone.
        clock: seconds, monotonic.
        wall: seconds since the epoch, as times of change are.
    """

    def __init__(
        self,
        stamp: Callable[[Path], Stamp | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._stamp, self._clock, self._wall = stamp or stamp_of, clock, wall
        self._young: dict[Path, _Arrival] = {}
        self._old: list[tuple[int, Path]] = []
        self._waiting: set[Path] = set()
        self._taken: dict[Path, _Arrival | None] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._waiting)

    def add(self, paths: Iterable[Path]) -> None:
        """Take notice of files that are new or changed."""
        for path in paths:
            stamp = self._stamp(path)
            if stamp is None:
                continue
            if path not in self._young and self._wall() - stamp[1] / 1e9 > _OLD_SECONDS:
                if path not in self._waiting:
                    self._waiting.add(path)
                    heapq.heappush(self._old, (-stamp[1], path))
                continue
            self._waiting.discard(path)
            known = self._young.get(path)
            if known is None or known.stamp != stamp:
                self._young[path] = _Arrival(stamp, self._clock())

    def forget_old(self, paths: Iterable[Path]) -> None:
        """Take no more notice of files that somebody else has seen to, but for those that changed just now."""
        self._waiting.difference_update(paths)

    def take(self, most: int) -> list[Path]:
        """Return files that seem whole, the newest first, and forget them.

        Args:
            most: how many.
        """
        now, ready = self._clock(), []
        for path, one in list(self._young.items()):
            if now < one.steady_since:
                continue
            stamp = self._stamp(path)
            if stamp is None:
                del self._young[path]
            elif stamp != one.stamp:
                self._young[path] = _Arrival(stamp, now)
            elif now - one.steady_since >= SETTLE_SECONDS and stamp[0] > 0:
                ready.append((stamp[1], path))
            elif now - one.steady_since >= PATIENCE_SECONDS:  # empty, and nobody fills it
                del self._young[path]
        taken = [path for _, path in sorted(ready, reverse=True)[:most]]
        while self._old and len(taken) < most:
            _, path = heapq.heappop(self._old)
            if path in self._waiting:
                self._waiting.discard(path)
                taken.append(path)
        self._taken = {path: self._young.pop(path, None) for path in taken}
        return taken

    def again(self, path: Path) -> bool:
        """Let a file that was taken last and could not be read come again later; return False if it is given up."""
        stamp = self._stamp(path)
        if stamp is None or path in self._young:
            return True
        before = self._taken.get(path)
        tries = 0 if before is None or before.stamp != stamp else before.tries + 1
        if tries and self._wall() - stamp[1] / 1e9 > PATIENCE_SECONDS:
            return False
        delay = min(_LAST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2**tries)
        self._young[path] = _Arrival(stamp, self._clock() + delay - SETTLE_SECONDS, tries)
        return True

    def seconds_to_next(self) -> float | None:
        """Return how long to wait before `take` may have something, None for ever."""
        if self._waiting:
            return 0.0
        if not self._young:
            return None
        now = self._clock()
        return max(0.0, min(one.steady_since for one in self._young.values()) + SETTLE_SECONDS - now)


def stamp_of(path: Path) -> Stamp | None:
    """Return the size and the time of change of a file; None if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
