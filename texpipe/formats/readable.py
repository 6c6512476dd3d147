"""Can a file of a pack be read as what its suffix says? What cannot is damaged; what can and differs was edited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from texpipe.errors import PackError, SourceError
from texpipe.formats.archive import ZipReader
from texpipe.formats.gliden64_records import CacheReader
from texpipe.imaging.image_files import MAX_FILE_BYTES, decode
from texpipe.storage.small_files import read_small, refusing
from texpipe.system.memory import TooLargeError

_PICTURES = (".png", ".dds")
_ARCHIVES = (".zip", ".rtz", ".o2r")
_CACHES = (".hts", ".htc")
_MAX_ENTRY_BYTES = 1 << 30
"""Largest size of a file in an archive that is read, in bytes."""


def is_readable(file: Path) -> bool:
    """Return whether a file is what its suffix says, as far as there is memory to tell; an empty file is not."""
    try:
        if file.stat().st_size == 0:
            return False
        with refusing(file):
            return all(_opened(file))
    except TooLargeError:
        return True  # it may be somebody's work, which counts more
    except (PackError, SourceError, OSError):
        return False


def _opened(file: Path) -> Iterator[bool]:
    suffix = file.suffix.lower()
    if suffix in _PICTURES:
        yield decode(read_small(file, MAX_FILE_BYTES), name=file.name)[0].size > 0
    elif suffix in _ARCHIVES:
        with ZipReader(file) as archive:
            yield bool(archive.names())
            for name in archive.names():  # reading compares the checksum
                archive.read(name, _MAX_ENTRY_BYTES)
    elif suffix in _CACHES:
        with CacheReader(file) as cache:
            yield any(True for _ in cache.records())
