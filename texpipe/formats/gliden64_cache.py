"""GLideN64's cache files: a whole texture pack in one `.hts` or `.htc`.

Source: GLideN64's `src/GLideNHQ/TxCache.cpp`. Everything is little-endian without padding. Until 2022 the
files had no version and records did not say the texels' format; GLideN64 and this module still read those.
Since July 2026 it compresses with zstd, which builds before that cannot read: written here are plain `.hts`
and zlib `.htc`, which all versions read.
"""

from __future__ import annotations

import gzip
import importlib
import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import PackError
from texpipe.formats.files import complete_or_nothing
from texpipe.texture import Rgba8

VERSION = 0x08000000
_HTS_CONFIG = 0x40220000  # Rice names, file storage, full alpha; records as they are
_HTC_CONFIG = 0x40820000  # Rice names, full alpha; compressed

_RECORD = struct.Struct(
    "<IIIHHBHI"
)  # width, height, format, texture format, pixel type, hires, fmt + siz << 8, bytes
_OLD_RECORD = struct.Struct("<IIIHHBI")
_U64_PAIR = struct.Struct("<QQ")
_COMPRESSED = 0x80000000
_GL_RGBA8, _GL_RGBA, _GL_UNSIGNED_BYTE = 0x8058, 0x1908, 0x1401
_OFFSET_MASK = (1 << 48) - 1
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_SIDE = 32768

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


def write_hts(path: Path, entries: Iterable[CacheEntry]) -> None:
    """Write a pack as `.hts`: pictures on disk, loaded when the game shows them. Nothing is compressed.

    Args:
        path: replaced when the file is complete.
        entries: taken one at a time, so that memory never holds the pack; fmt and siz must be known.

    Raises:
        PackError: the file cannot be written.
    """
    table: list[tuple[int, int]] = []
    with complete_or_nothing(path) as file:
        file.write(struct.pack("<iiq", VERSION, _HTS_CONFIG, -1))
        for entry in entries:
            fmt, siz = _numbers(entry)
            table.append((entry.key, file.tell() | fmt << 48 | siz << 56))
            file.write(_record(entry, entry.rgba.tobytes(), 0))
        place = file.tell()
        file.write(struct.pack("<i", len(table)))
        file.writelines(_U64_PAIR.pack(*pair) for pair in table)
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
        complete_or_nothing(path) as file,
        # The records are compressed already. Without name and time equal packs are equal bytes.
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as stream,
    ):
        stream.write(struct.pack("<ii", VERSION, _HTC_CONFIG))
        for entry in entries:
            stream.write(struct.pack("<Q", entry.key))
            stream.write(_record(entry, zlib.compress(entry.rgba.tobytes()), _COMPRESSED))


def read_cache(path: Path) -> list[CacheEntry]:
    """Read a `.hts` or `.htc` file, old or new, compressed or not.

    Raises:
        PackError: the file is unfinished, damaged, of another kind, or needs a module that is not installed.
    """
    read = {".hts": _read_hts, ".htc": _read_htc}.get(path.suffix.lower())
    if read is None:
        raise PackError(f"{path.name} is neither .hts nor .htc")
    try:
        with path.open("rb") as file:
            return list(read(file))
    except (struct.error, zlib.error, EOFError, OSError, ValueError) as error:
        raise PackError(f"{path.name} cannot be read as a GLideN64 cache: {error}") from error


def _record(entry: CacheEntry, data: bytes, flag: int) -> bytes:
    height, width = entry.rgba.shape[:2]
    fmt, siz = _numbers(entry)
    head = (width, height, _GL_RGBA8 | flag, _GL_RGBA, _GL_UNSIGNED_BYTE, 1, fmt | siz << 8, len(data))
    return _RECORD.pack(*head) + data


def _numbers(entry: CacheEntry) -> tuple[int, int]:
    if entry.fmt is None or entry.siz is None:
        raise PackError(f"texture {entry.key:016X} has no texel format, which the cache must state")
    return entry.fmt, entry.siz


def _read_hts(file: IO[bytes]) -> Iterator[CacheEntry]:
    new = _starts_with_version(file)
    (place,) = struct.unpack("<4xq", file.read(12))
    if place < 12:
        raise ValueError("it was not written to its end")
    file.seek(place)
    (count,) = struct.unpack("<i", file.read(4))
    table = [_U64_PAIR.unpack(file.read(_U64_PAIR.size)) for _ in range(count)]
    for key, value in table:
        file.seek(value & _OFFSET_MASK if new else value)
        yield _read_record(file, key, new=new)


def _read_htc(file: IO[bytes]) -> Iterator[CacheEntry]:
    stream = _decompressed(file)
    new = _starts_with_version(stream)
    stream.read(4)
    while key := stream.read(8):
        yield _read_record(stream, struct.unpack("<Q", key)[0], new=new)


def _starts_with_version(stream: IO[bytes]) -> bool:
    """Tell new from old files, and move on to the config word."""
    start = stream.read(4)
    new: bool = struct.unpack("<I", start)[0] == VERSION
    if not new:
        stream.seek(0)
    return new


def _decompressed(file: IO[bytes]) -> IO[bytes]:
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == _GZIP_MAGIC:
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))  # it has read and seek, all that is used here
    if magic == _ZSTD_MAGIC:
        return io.BytesIO(_zstd(file.read()))
    return file


def _read_record(stream: IO[bytes], key: int, *, new: bool) -> CacheEntry:
    layout = _RECORD if new else _OLD_RECORD
    width, height, form, texture_format, pixel_type, _, *numbers, length = layout.unpack(
        stream.read(layout.size)
    )
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise ValueError(f"a texture claims to be {width} x {height}")
    data = stream.read(length)
    triple = (form & ~_COMPRESSED, texture_format, pixel_type)
    depth = 2 if triple in _PACKED_PIXELS else 4
    if form & _COMPRESSED:
        data = _inflated(data, width * height * depth)
    if len(data) != width * height * depth:
        raise ValueError(f"a texture of {width} x {height} has {len(data)} bytes")
    rgba = _to_rgba8(data, (height, width), triple)
    if not numbers:
        return CacheEntry(key, rgba)
    return CacheEntry(key, rgba, fmt=numbers[0] & 255, siz=numbers[0] >> 8)


def _inflated(data: bytes, size: int) -> bytes:
    if data[:4] == _ZSTD_MAGIC:
        return _zstd(data, size)
    return zlib.decompressobj().decompress(data, size)


def _zstd(data: bytes, size: int | None = None) -> bytes:
    """Decompress one zstd frame: with Python 3.14's own module, or with zstandard."""
    try:
        module: Any = importlib.import_module("compression.zstd")
        return bytes(module.decompress(data))
    except ModuleNotFoundError:
        pass
    try:
        module = importlib.import_module("zstandard")
    except ModuleNotFoundError as error:
        raise PackError(
            "this cache file is compressed with zstd, which this Python cannot read",
            hint="python -m pip install zstandard",
        ) from error
    reader = module.ZstdDecompressor().stream_reader(io.BytesIO(data))
    try:
        return bytes(reader.read(-1 if size is None else size))
    except module.ZstdError as error:
        raise ValueError(str(error)) from error


def _to_rgba8(data: bytes, shape: tuple[int, int], triple: tuple[int, int, int]) -> Rgba8:
    if triple == (_GL_RGBA8, _GL_RGBA, _GL_UNSIGNED_BYTE):
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
        channels.append((level * 510 + top) // (2 * top) if bits else np.full(shape, 255))
    return np.stack(channels, axis=-1).astype(np.uint8)
