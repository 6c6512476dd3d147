"""The records of GLideN64's cache files, old and new, and how to find and read them one at a time.

Source: GLideN64's `src/GLideNHQ/TxCache.cpp`. Everything is little-endian without padding. No size that a file
claims is used before it has been compared with the file's size.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import PackError
from texpipe.formats.gliden64_streams import inflated, uncompressed
from texpipe.imaging.image_files import MAX_PIXELS
from texpipe.storage.small_files import open_regular
from texpipe.system.memory import why_too_large
from texpipe.texture import Rgba8

VERSION = 0x08000000
RECORD = struct.Struct(
    "<IIIHHBHI"
)  # width, height, format, texture format, pixel type, hires, fmt + siz << 8, bytes
U64_PAIR = struct.Struct("<QQ")
COMPRESSED = 0x80000000
GL_RGBA8, GL_RGBA, GL_UNSIGNED_BYTE = 0x8058, 0x1908, 0x1401

_OLD_RECORD = struct.Struct("<IIIHHBI")
_OFFSET_MASK = (1 << 48) - 1
_MAX_SIDE = 32768
_SLACK = 1 << 16
_READ_BYTES, _PACKED_READ_BYTES = 15, 50
"""Memory that it takes to read a texture, per texel, in bytes: of 32 and of 16 bits per texel."""

# GL format, texture format, pixel type -> bits of R, G, B, A in a 16-bit pixel, from the top (the 16 bpp
# option)
_PACKED_PIXELS = {
    (0x8051, 0x1907, 0x8363): (5, 6, 5, 0),
    (0x8056, 0x1908, 0x8033): (4, 4, 4, 4),
    (0x8057, 0x1908, 0x8034): (5, 5, 5, 1),
}


@dataclass(frozen=True, eq=False)
class CacheEntry:
    """A texture of a cache file.

    Attributes:
        key: checksum of the palette << 32 | checksum of the texels; see `gliden64.cache_key`.
        rgba: H x W x 4 uint8, straight alpha.
        fmt, siz: format and size of the texels on the console; None in old files, which do not say.
    """

    key: int
    rgba: Rgba8
    fmt: int | None = None
    siz: int | None = None


@dataclass(frozen=True)
class Record:
    """Where a texture of a cache file is: its key, format and size of texels (None in old files), and its offset."""

    key: int
    fmt: int | None
    siz: int | None
    offset: int


class CacheReader:
    """Reads the textures of a `.hts` or `.htc` file one at a time.

    A compressed `.htc` is unpacked to a temporary file first, since its records can only be found one after the other.
    `config` is the word that says with which options the file was made.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            PackError: it cannot be read, is of another kind, or needs a module that is not installed.
        """
        self._name = path.name
        self._table = path.suffix.lower() == ".hts"
        if path.suffix.lower() not in (".hts", ".htc"):
            raise PackError(f"{path.name} is neither .hts nor .htc")
        with self._refusing(), ExitStack() as opened:
            file = opened.enter_context(open_regular(path))
            self._file = file if self._table else uncompressed(file, opened)
            self._end = self._file.seek(0, io.SEEK_END)
            self._file.seek(0)
            self._new = _starts_with_version(self._file)
            self._start = self._file.tell()
            (self.config,) = struct.unpack("<I", self._file.read(4))
            self._opened = opened.pop_all()

    def __enter__(self) -> CacheReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_opened"):
            self.close()

    def close(self) -> None:
        """Close the file, and remove what was unpacked."""
        self._opened.close()

    def records(self) -> list[Record]:
        """Return where every texture is.

        Raises:
            PackError: the file is unfinished or damaged.
        """
        with self._refusing():
            return list(self._in_table() if self._table else self._in_stream())

    def read(self, record: Record) -> CacheEntry:
        """Read and decode one texture.

        Raises:
            PackError: it is damaged, or needs a module that is not installed.
        """
        with self._refusing():
            return self._read(record)

    def size(self, record: Record) -> tuple[int, int]:
        """Return the width and height that a texture claims, without decoding it.

        Raises:
            PackError: its head cannot be read.
        """
        with self._refusing():
            self._file.seek(record.offset)
            width, height, *_ = self._head()
            return width, height

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn whatever damage makes of the code inside into a PackError."""
        try:
            yield
        except (PackError, MemoryError):
            raise
        except Exception as error:  # strangers' bytes can make a parser raise anything
            raise PackError(f"{self._name} cannot be read as a GLideN64 cache: {error}") from error

    def offsets(self) -> list[int]:
        """Return where the textures of a `.hts` file, and the table behind them, begin in it.

        Raises:
            PackError: the file is unfinished or damaged.
        """
        with self._refusing():
            found = [record.offset for record in self._in_table()]
            self._file.seek(self._start + 4)
            return [*found, *struct.unpack("<q", self._file.read(8))]

    def _in_table(self) -> Iterator[Record]:
        self._file.seek(self._start)
        (place,) = struct.unpack("<4xq", self._file.read(12))
        if place < 12:
            raise ValueError("it ends in the middle of a texture")
        self._file.seek(place)
        (count,) = struct.unpack("<i", self._file.read(4))
        if count * U64_PAIR.size > self._end - place:
            raise ValueError(f"it claims {count:,} textures, and ends before them")
        for _ in range(count):
            key, value = U64_PAIR.unpack(self._file.read(U64_PAIR.size))
            if self._new:
                yield Record(key, value >> 48 & 255, value >> 56, value & _OFFSET_MASK)
            else:
                yield Record(key, None, None, value)

    def _in_stream(self) -> Iterator[Record]:
        at = self._start + 4
        while at < self._end:
            self._file.seek(at)
            (key,) = struct.unpack("<Q", self._file.read(8))
            *_, fmt, siz, length = self._head()
            yield Record(key, fmt, siz, at + 8)
            at = self._file.tell() + length

    def _head(self) -> tuple[int, int, tuple[int, int, int], int | None, int | None, int]:
        """Return width, height, the GL triple, fmt, siz and the number of bytes that follow."""
        layout = RECORD if self._new else _OLD_RECORD
        width, height, form, texture_format, pixel_type, _, *numbers, length = layout.unpack(
            self._file.read(layout.size)
        )
        fmt, siz = (numbers[0] & 255, numbers[0] >> 8) if numbers else (None, None)
        return width, height, (form, texture_format, pixel_type), fmt, siz, length

    def _read(self, record: Record) -> CacheEntry:
        self._file.seek(record.offset)
        width, height, (form, texture_format, pixel_type), fmt, siz, length = self._head()
        if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE and width * height <= MAX_PIXELS):
            raise ValueError(f"a texture claims to be {width} x {height}")
        triple = (form & ~COMPRESSED, texture_format, pixel_type)
        per_texel = _PACKED_READ_BYTES if triple in _PACKED_PIXELS else _READ_BYTES
        if (reason := why_too_large((width, height), per_texel, "decode")) is not None:
            raise PackError(f"{self._name}: {reason}")
        size = width * height * (2 if triple in _PACKED_PIXELS else 4)
        if length > min(size + _SLACK, self._end - self._file.tell()):
            raise ValueError(f"a texture of {width} x {height} claims {length:,} bytes")
        data = self._file.read(length)
        if form & COMPRESSED:
            data = inflated(data, size)
        if len(data) != size:
            raise ValueError(f"a texture of {width} x {height} has {len(data)} bytes")
        return CacheEntry(record.key, _to_rgba8(data, (height, width), triple), fmt, siz)


def _starts_with_version(stream: IO[bytes]) -> bool:
    """Tell new from old files, and move on to the config word."""
    start = stream.read(4)
    new: bool = struct.unpack("<I", start)[0] == VERSION
    if not new:
        stream.seek(0)
    return new


def _to_rgba8(data: bytes, shape: tuple[int, int], triple: tuple[int, int, int]) -> Rgba8:
    if triple == (GL_RGBA8, GL_RGBA, GL_UNSIGNED_BYTE):
        return np.frombuffer(data, np.uint8).reshape(*shape, 4).copy()
    if triple not in _PACKED_PIXELS:
        raise ValueError(
            f"pixels of the GL kind {triple[0]:#x}/{triple[1]:#x}/{triple[2]:#x} are not supported"
        )
    pixels = np.frombuffer(data, "<u2").reshape(shape).astype(np.uint32)
    channels: list[NDArray[Any]] = []
    shift = 16
    for bits in _PACKED_PIXELS[triple]:
        shift -= bits
        top = (1 << bits) - 1
        level = pixels >> shift & top
        channels.append((level * 510 + top) // (2 * top) if bits else np.full(shape, 255, np.uint32))
    return np.stack(channels, axis=-1).astype(np.uint8)
