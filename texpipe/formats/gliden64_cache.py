"""GLideN64's cache files: a whole texture pack in one `.hts` or `.htc`.

Source: GLideN64's `src/GLideNHQ/TxCache.cpp`. Everything is little-endian without padding. Until 2022 the
files had no version and records did not say the texels' format; GLideN64 and this module read those too.
Since July 2026 it compresses with zstd, which builds before that cannot read: written here are plain `.hts`
and zlib `.htc`, which all versions read.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from texpipe.errors import PackError
from texpipe.formats.gliden64_records import (
    GL_RGBA,
    GL_RGBA8,
    GL_UNSIGNED_BYTE,
    RECORD,
    U64_PAIR,
    VERSION,
    CacheEntry,
    CacheReader,
)
from texpipe.storage.atomic import open_atomic

__all__ = ["CONFIGS", "CacheEntry", "read_cache", "write_htc", "write_hts"]

CONFIGS = {".hts": 0x40A20000, ".htc": 0x40820000}
"""What a cache says of the options it was made with, by suffix: Rice names, full alpha, compression, and for `.hts`
storage in a file. These are GLideN64's defaults: if the game's folder of pictures is there and a cache says something
else, GLideN64 makes it anew from the pictures. Each record says whether it is compressed; none is."""
_LEVEL = 1
"""How hard a `.htc` is compressed, 1 (fastest) to 9 (smallest)."""


def write_hts(path: Path, entries: Iterable[CacheEntry]) -> None:
    """Write a pack as `.hts`: pictures on disk, loaded when the game shows them. Nothing is compressed.

    Args:
        path: replaced when the file is complete.
        entries: taken one at a time, so that memory never holds the pack; fmt and siz must be known.

    Raises:
        PackError: the file cannot be written.
    """
    table: list[tuple[int, int]] = []
    with open_atomic(path) as file:
        file.write(struct.pack("<iiq", VERSION, CONFIGS[".hts"], -1))
        for entry in entries:
            fmt, siz = _numbers(entry)
            table.append((entry.key, file.tell() | fmt << 48 | siz << 56))
            file.write(_record(entry, entry.rgba.tobytes()))
        place = file.tell()
        file.write(struct.pack("<i", len(table)))
        file.writelines(U64_PAIR.pack(*pair) for pair in table)
        file.seek(8)
        file.write(struct.pack("<q", place))


def write_htc(path: Path, entries: Iterable[CacheEntry]) -> None:
    """Write a pack as `.htc`: compressed, loaded into memory as a whole when the game starts.

    Args:
        path: replaced when the file is complete.
        entries: taken one at a time, so that memory never holds the pack; fmt and siz must be known.

    Raises:
        PackError: the file cannot be written.
    """
    with (
        open_atomic(path) as file,
        # Plain records load whether txCacheCompression is on or off. Without name and time equal packs are equal bytes.
        gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file, mtime=0) as stream,
    ):
        stream.write(struct.pack("<ii", VERSION, CONFIGS[".htc"]))
        for entry in entries:
            stream.write(struct.pack("<Q", entry.key))
            stream.write(_record(entry, entry.rgba.tobytes()))


def hts_bytes(size: tuple[int, int]) -> int:
    """Return the bytes that a picture of this width and height takes in a `.hts` file, with its place in the list."""
    return RECORD.size + 4 * size[0] * size[1] + U64_PAIR.size


def htc_bytes(entry: CacheEntry) -> int:
    """Return about the bytes that a texture takes in a `.htc` file, which is compressed as a whole."""
    plain = struct.pack("<Q", entry.key) + _record(entry, entry.rgba.tobytes())
    return len(zlib.compress(plain, _LEVEL))


def read_cache(path: Path) -> list[CacheEntry]:
    """Read a `.hts` or `.htc` file, old or new, compressed or not.

    Raises:
        PackError: the file is unfinished, damaged, of another kind, or needs a module that is not installed.
    """
    with CacheReader(path) as reader:
        return [reader.read(one) for one in reader.records()]


def _record(entry: CacheEntry, data: bytes) -> bytes:
    height, width = entry.rgba.shape[:2]
    fmt, siz = _numbers(entry)
    head = (width, height, GL_RGBA8, GL_RGBA, GL_UNSIGNED_BYTE, 1, fmt | siz << 8, len(data))
    return RECORD.pack(*head) + data


def _numbers(entry: CacheEntry) -> tuple[int, int]:
    if entry.fmt is None or entry.siz is None:
        raise PackError(f"texture {entry.key:016X} has no texel format, which the cache must state")
    return entry.fmt, entry.siz
