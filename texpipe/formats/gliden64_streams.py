"""How GLideN64's cache files are compressed: gzip or zlib, and since July 2026 zstd.

Source: GLideN64's `src/GLideNHQ/TxCache.cpp`.
"""

from __future__ import annotations

import gzip
import importlib
import io
import tempfile
import zlib
from contextlib import ExitStack
from typing import IO, Any, cast

from texpipe.errors import PackError
from texpipe.system.limits import limit

_MAX_STREAM = limit("MAX_CACHE_BYTES", 1 << 34)
"""Largest uncompressed `.htc` that is read, in bytes."""
_MAX_RATIO, _SMALL_STREAM = 256, 1 << 26
"""Largest ratio of an uncompressed `.htc` to its file, and the number of bytes up to which any ratio will do."""

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_MAGIC = b"\x1f\x8b"
_BLOCK = 1 << 20


def uncompressed(file: IO[bytes], opened: ExitStack) -> IO[bytes]:
    """Return a `.htc` file as a stream of records that can be searched.

    Args:
        file: open at its start.
        opened: gets the temporary file that compressed records are unpacked to.

    Raises:
        ValueError, OSError, EOFError: the file is damaged, or larger than `_MAX_STREAM`.
        PackError: it needs a module that is not installed.
    """
    magic = file.read(4)
    size = file.seek(0, io.SEEK_END)
    limit = min(_MAX_STREAM, max(_SMALL_STREAM, size * _MAX_RATIO))
    file.seek(0)
    if magic[:2] == _GZIP_MAGIC:
        return _unpacked(cast(IO[bytes], gzip.GzipFile(fileobj=file)), limit, opened)
    if magic == _ZSTD_MAGIC:
        return _unpacked(_zstd_stream(file), limit, opened)
    return file


def _unpacked(stream: IO[bytes], limit: int, opened: ExitStack) -> IO[bytes]:
    """Unpack to a temporary file, which goes away when it is closed."""
    unpacked = opened.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # the caller closes
    while block := stream.read(_BLOCK):
        unpacked.write(block)
        if unpacked.tell() > limit:
            raise ValueError(f"it is larger than the limit of {limit:,} bytes")
    return cast(IO[bytes], unpacked)


def inflated(data: bytes, size: int) -> bytes:
    """Return up to `size` bytes of a compressed record; raises as `uncompressed`, or `zlib.error`."""
    if data[:4] == _ZSTD_MAGIC:
        return _zstd_stream(io.BytesIO(data)).read(size)
    return zlib.decompressobj().decompress(data, size)


def _zstd_stream(file: IO[bytes]) -> IO[bytes]:
    """Open a zstd frame for reading: with Python 3.14's own module, or with zstandard."""
    try:
        own: Any = importlib.import_module("compression.zstd")
        return cast(IO[bytes], own.ZstdFile(file))
    except ModuleNotFoundError:
        pass
    try:
        module: Any = importlib.import_module("zstandard")
    except ModuleNotFoundError as error:
        raise PackError(
            "this cache file is compressed with zstd, which this Python cannot read",
            hint="python -m pip install 'texpipe[zstd]'",
        ) from error
    return cast(IO[bytes], _ZstdErrors(module, file))


class _ZstdErrors:
    """A zstandard stream whose errors are `ValueError`s, like those of every other damage."""

    def __init__(self, module: Any, file: IO[bytes]) -> None:  # noqa: ANN401
        self._error: type[Exception] = module.ZstdError
        self._stream = module.ZstdDecompressor().stream_reader(file)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        try:
            return bytes(self._stream.read(size))
        except self._error as error:
            raise ValueError(str(error)) from error
