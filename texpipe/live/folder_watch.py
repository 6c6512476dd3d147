"""Which files of some folders are new or changed: by the system's events, and by looking for what those leave out.

Network drives send no events, full queues lose some, and of a new folder they may come too late. So folders are looked
at again and again, too, but never for more than a small share of the time.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeAlias

from texpipe.manifest.output_folder import is_output_folder
from texpipe.read.container_kinds import CONTAINERS
from texpipe.read.scan import PICTURES

_QUICK = (1.0, 100)
"""Between two looks at which folders changed: the least seconds, and how many times the time that one look takes."""
_WHOLE = (5.0, 300)
"""The same between two looks at every file."""
_DEBOUNCE_MS, _STEP_MS = 60, 30
"""How long events are gathered, and how long the queue must be empty before, in milliseconds."""
_SUFFIXES = frozenset({*PICTURES, *CONTAINERS})

Listen: TypeAlias = Callable[[Path, "queue.SimpleQueue[str]", threading.Event], None]
"""Tells a queue the paths of new and changed files below a folder until the event is set."""

Stamp: TypeAlias = tuple[int, int]
"""Size in bytes and time of change in nanoseconds of a file."""


class Changes(Protocol):
    """Tells which files are new or changed."""

    def wait(self, seconds: float) -> set[Path]:
        """Return files that are new or changed since the last call; wait for the first one, but not for ever.

        Args:
            seconds: longest time to wait.
        """
        ...

    @property
    def count(self) -> int:
        """How many files there are."""
        ...

    @property
    def missing(self) -> tuple[Path, ...]:
        """The watched folders that are not there."""
        ...


class FolderWatch:
    """Watches folders with everything below them.

    Args:
        roots: the folders; they may be missing, and come and go.
        exclude: a folder below them that is not watched: where runs write to.
        events: where events come from, see `system_events`; None to look for changes only.
        clock: seconds.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        exclude: Path | None = None,
        events: Listen | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exclude = None if exclude is None else exclude.resolve()
        self._trees = [_Tree(root, self._exclude) for root in roots]
        self._listeners = [_Listener(root, events) for root in roots]
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._clock = clock
        self._next_quick = self._next_whole = clock()

    @property
    def count(self) -> int:
        """How many files there are."""
        return sum(len(tree.stamps) for tree in self._trees)

    @property
    def missing(self) -> tuple[Path, ...]:
        """The watched folders that are not there."""
        return tuple(tree.root for tree in self._trees if tree.identity is None)

    def wait(self, seconds: float) -> set[Path]:
        """Return files that are new or changed since the last call, at the first call all of them."""
        found = self._looked()
        left = 0.0 if found else min(seconds, max(0.0, self._next_quick - self._clock()))
        with suppress(queue.Empty):
            found |= self._told(self._queue.get(timeout=left) if left else self._queue.get_nowait())
            while True:
                found |= self._told(self._queue.get_nowait())
        return found | self._looked()

    def close(self) -> None:
        """Stop listening to events."""
        for listener in self._listeners:
            listener.stop()

    def _looked(self) -> set[Path]:
        now = self._clock()
        if now >= self._next_whole:
            found = self._look(_Tree.whole)
            self._next_whole = self._after(now, _WHOLE)
            # New names are as cheap to find as before, however long this took.
            self._next_quick = self._after(self._clock(), _QUICK)
        elif now >= self._next_quick:
            found = self._look(_Tree.quick)
            self._next_quick = self._after(now, _QUICK)
        else:
            return set()
        return found

    def _look(self, how: Callable[[_Tree], set[str]]) -> set[Path]:
        found: set[str] = set()
        for tree, listener in zip(self._trees, self._listeners, strict=True):
            is_new = tree.appeared()
            if is_new or tree.identity is None:
                listener.stop()
            if is_new:  # listen first: what arrives while the folder is listed is told then
                listener.start(self._queue)
            found |= _Tree.whole(tree) if is_new else how(tree)
        return set(map(Path, found))

    def _after(self, began: float, pace: tuple[float, int]) -> float:
        """Return when to look again after a look that began then."""
        now = self._clock()
        return now + max(pace[0], pace[1] * (now - began))

    def _told(self, name: str) -> set[Path]:
        tree = next((one for one in self._trees if one.holds(name)), None)
        return {Path(name)} if tree is not None and tree.took(name) else set()


class _Tree:
    """What is known of one folder."""

    def __init__(self, root: Path, exclude: Path | None) -> None:
        self.root = root
        self.identity: tuple[int, int] | None = None
        self.stamps: dict[str, Stamp] = {}
        self._folders: dict[str, int] = {}
        self._exclude = exclude

    def appeared(self) -> bool:
        """Look whether the folder is there; return whether it is another one than before."""
        before, self.identity = self.identity, _identity(self.root)
        if self.identity is None:
            self.stamps, self._folders = {}, {}
        return self.identity is not None and self.identity != before

    def whole(self) -> set[str]:
        """Look at every file; return those that are new or changed."""
        stamps: dict[str, Stamp] = {}
        folders: dict[str, int] = {}
        for files in self._walk(str(self.root), folders):
            for entry in files:
                with suppress(OSError):
                    found = entry.stat()
                    stamps[entry.path] = (found.st_size, found.st_mtime_ns)
        changed = {name for name, stamp in stamps.items() if self.stamps.get(name) != stamp}
        self.stamps, self._folders = stamps, folders
        return changed

    def quick(self) -> set[str]:
        """Look at folders whose list of names changed; return files with new names."""
        found: set[str] = set()
        for folder, changed in list(self._folders.items()):
            if changed == _changed(folder):
                continue
            self._folders.pop(folder)
            for files in self._walk(folder, self._folders):
                found |= {
                    name
                    for name in (entry.path for entry in files)
                    if name not in self.stamps and self.took(name)
                }
        return found

    def holds(self, name: str) -> bool:
        """Return whether a path lies below the folder."""
        return Path(name).is_relative_to(self.root)

    def took(self, name: str) -> bool:
        """Look at one file; return whether it is a texture's and new or changed."""
        parts = Path(name).relative_to(self.root).parts
        if not _is_texture(name) or any(part.startswith(".") for part in parts) or self._is_left_out(name):
            return False
        try:
            found = Path(name).stat()
        except OSError:
            self.stamps.pop(name, None)
            return False
        stamp = found.st_size, found.st_mtime_ns
        is_new = self.stamps.get(name) != stamp
        self.stamps[name] = stamp
        return is_new

    def _is_left_out(self, name: str) -> bool:
        """Tell whether a path lies in a folder of another run or of this one; the root alone is always looked at."""
        above = list(Path(name).parents)
        inside = above[: above.index(self.root)]
        return any(
            one == self._exclude or (str(one) not in self._folders and is_output_folder(one))
            for one in inside
        )

    def _walk(self, folder: str, folders: dict[str, int]) -> Iterator[list[os.DirEntry[str]]]:
        """Yield the textures' files of each folder that is not known yet; tell `folders` when its names changed."""
        waiting = [folder]
        while waiting:
            one = waiting.pop()
            is_root = one == str(self.root)
            if one in folders or (
                not is_root and (Path(one).resolve() == self._exclude or is_output_folder(Path(one)))
            ):
                continue
            changed = _changed(one)
            try:
                with os.scandir(one) as listing:
                    entries = [entry for entry in listing if not entry.name.startswith(".")]
            except OSError:
                continue
            folders[one] = changed
            waiting += [entry.path for entry in entries if _is_folder(entry)]
            yield [entry for entry in entries if _is_texture(entry.name)]


class _Listener:
    """Lets a thread listen to the events of one folder."""

    def __init__(self, root: Path, events: Listen | None) -> None:
        self._root, self._events = root, events
        self._stop = threading.Event()

    def start(self, told: queue.SimpleQueue[str]) -> None:
        if self._events is not None:
            self._stop = threading.Event()
            arguments = (self._root, told, self._stop)
            threading.Thread(target=self._events, args=arguments, name="watch", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()


def system_events() -> Listen | None:
    """Return what tells a queue the paths of new and changed files below a folder; None if watchfiles is missing."""
    try:
        from watchfiles import Change, watch
    except ImportError:
        return None

    def listen(root: Path, told: queue.SimpleQueue[str], stop: threading.Event) -> None:
        real = root.resolve()
        # A folder that is gone, or too many of them: looking finds the rest.
        with suppress(OSError, RuntimeError, ValueError):
            for changes in watch(
                real,
                watch_filter=None,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                stop_event=stop,
                rust_timeout=1000,
            ):
                for change, name in changes:
                    if change != Change.deleted:
                        told.put(str(root / Path(name).relative_to(real)))

    return listen


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if folder.is_dir() else None


def _changed(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return -1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):
        return entry.is_dir(follow_symlinks=False)
    return False


def _is_texture(name: str) -> bool:
    return f".{name.rpartition('.')[2].lower()}" in _SUFFIXES
