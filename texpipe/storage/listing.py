"""What lies in folders, by size, times and number of each file: whether something changed, without reading it.

A time says nothing of a change within one tick of a disk's clock. So of files that were changed just before they were
listed the bytes count, too, as they do in git's index.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTLED_SECONDS = 3.0
"""Age of a file in seconds from which on a change of it would show in its times, even on a disk with coarse clocks."""
_BLOCK = 1 << 20

Descend = Callable[[os.DirEntry[str]], bool | None]
"""Whether the files of a folder count; None where its name does not, either. Links to folders are not followed."""


@dataclass(frozen=True)
class Listing:
    """Files as they were listed.

    Attributes:
        digest: hex digest of their paths, sizes, times and numbers.
        unsettled: path -> hex digest of the bytes, of files that were changed shortly before.
    """

    digest: str
    unsettled: Mapping[str, str]

    @staticmethod
    def of_json(kept: Any) -> Listing:  # noqa: ANN401
        """Return what `asdict` made of a listing."""
        return Listing(kept["digest"], kept["unsettled"])

    def still_holds(self, now: Listing) -> bool:
        """Return whether nothing changed since; of files that were unsettled then the bytes are read.

        Args:
            now: a later listing of the same places.
        """
        return self.digest == now.digest and all(
            (now.unsettled.get(path) or digest_of(path)) == digest for path, digest in self.unsettled.items()
        )


def listing(paths: Iterable[str], *, descend: Descend = lambda _: True) -> Listing:
    """List files and whole folders; what cannot be listed or is missing counts as such.

    Args:
        paths: files and folders, absolute.
        descend: asked about each folder below.
    """
    settled = time.time_ns() - int(SETTLED_SECONDS * 1e9)
    lines: list[str] = []
    unsettled: dict[str, str] = {}
    for path, said, changed in _below(paths, descend):
        lines.append(f"{path}\0{said}")
        if changed > settled and (digest := digest_of(path)) is not None:
            unsettled[path] = digest
    text = "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return Listing(hashlib.blake2b(text, digest_size=32).hexdigest(), unsettled)


def digest_of(path: str) -> str | None:
    """Return a hex digest of a regular file's bytes; None if they cannot be read."""
    digest = hashlib.blake2b(digest_size=32)
    try:
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe is never waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))


def _below(paths: Iterable[str], descend: Descend) -> Iterator[tuple[str, str, int]]:
    """Yield each path, what is to be compared of it, and when it was changed, in nanoseconds."""
    folders: list[str] = []
    for path in paths:
        if Path(path).is_dir():
            folders.append(path)
        else:
            yield (path, *_file(path))
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except OSError as error:
            yield folder, f"cannot be listed: {error.errno}", 0
            continue
        yield folder, "folder", 0
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                enter = descend(entry)
                if enter:
                    folders.append(entry.path)
                elif enter is not None:
                    yield entry.path, "folder that is not entered", 0
            elif entry.is_symlink():
                yield (entry.path, *_link(entry.path))
            else:
                yield (entry.path, *_file(entry.path, entry))


def _file(path: str, entry: os.DirEntry[str] | None = None) -> tuple[str, int]:
    try:
        # What Windows lists of a file may be older than the file.
        found = Path(path).stat() if entry is None or os.name == "nt" else entry.stat()
    except OSError:
        return "missing", 0
    times = found.st_mtime_ns, found.st_ctime_ns
    return f"{found.st_mode} {found.st_size} {times[0]} {times[1]} {found.st_ino}", max(times)


def _link(path: str) -> tuple[str, int]:
    """A link is another one if it leads elsewhere, and if what it leads to changes."""
    try:
        leads_to = str(Path(path).readlink())
    except OSError:
        leads_to = ""
    said, changed = ("folder", 0) if Path(path).is_dir() else _file(path)
    return f"{leads_to}\0{said}", changed
