"""Is a file in the place of one of texpipe's damaged, or somebody's work?

It is damaged if it begins as texpipe's files of its suffix do and breaks off, or holds what no program writes. Anything
else is somebody's: pictures and archives of other kinds, and such that texpipe could read if it had no limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from texpipe.errors import PackError, SourceError
from texpipe.formats.archive import ZipReader
from texpipe.formats.gliden64_records import CacheReader
from texpipe.imaging.image_files import MAX_FILE_BYTES, decode
from texpipe.imaging.image_headers import LimitError, UnsupportedError
from texpipe.storage.small_files import open_regular, read_small, refusing
from texpipe.system.memory import TooLargeError

_PICTURES = (".png", ".dds")
_ARCHIVES = (".zip", ".rtz", ".o2r")
_CACHE = (b"\0\0\0\x08", b"\x1f\x8b")
_STARTS = {
    ".png": (b"\x89PNG",),
    ".dds": (b"DDS ",),
    **dict.fromkeys(_ARCHIVES, (b"PK",)),
    ".hts": _CACHE,
    ".htc": _CACHE,
}
"""How texpipe's files begin, by their suffix; files of other suffixes have no damage that shows."""
_HEAD_BYTES = 64
_MAX_ENTRY_BYTES = 1 << 30
"""Largest size of a file in an archive that is read, in bytes."""


def is_damaged(file: Path) -> bool:
    """Return whether a file in the place of one of texpipe's is its remains, as far as there is memory to tell.

    Nobody's work is empty, or begins with zeros as what a power cut leaves.
    """
    try:
        with refusing(file):
            head = _head(file)
            starts = _STARTS.get(file.suffix.lower())
            if starts is None or not head.strip(b"\0"):
                return not head.strip(b"\0")
            return head.startswith(starts) and not all(_opened(file))
    except TooLargeError:
        return False  # it may be somebody's work, which counts more
    except (PackError, SourceError) as error:
        return not _is_of_a_sound_file(error)


def _head(file: Path) -> bytes:
    with open_regular(file) as stream:
        return stream.read(_HEAD_BYTES)


def _is_of_a_sound_file(error: PackError | SourceError) -> bool:
    """Return whether an error says that a reader does not know a file's kind, or has a limit below it."""
    # zipfile raises a RuntimeError for methods of compression that it does not know, and for encrypted files.
    kinds = (UnsupportedError, LimitError, RuntimeError, ModuleNotFoundError)
    return error.__cause__ is None or isinstance(error.__cause__, kinds)


def _opened(file: Path) -> Iterator[bool]:
    suffix = file.suffix.lower()
    if suffix in _PICTURES:
        yield decode(read_small(file, MAX_FILE_BYTES), name=file.name)[0].size > 0
    elif suffix in _ARCHIVES:
        with ZipReader(file) as archive:
            yield bool(archive.names())
            for name in archive.names():  # reading compares the checksum
                archive.read(name, _MAX_ENTRY_BYTES)
    else:
        with CacheReader(file) as cache:
            yield any(True for _ in cache.records())
