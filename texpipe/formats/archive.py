"""Zip archives: written the same way every time, and read without trusting them.

`.o2r`, `.rtz` and `textures.zip` are zip files. Nothing is ever unpacked to the disk: entries are read one at a
time into memory, each up to a limit.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from texpipe.errors import PackError
from texpipe.storage.atomic import open_atomic
from texpipe.storage.small_files import open_regular
from texpipe.system.limits import limit

_MAX_ENTRIES = limit("MAX_ARCHIVE_ENTRIES", 1 << 18)
"""Largest number of entries of an archive that is read."""
_MAX_ENTRY_NAME = 256
"""Mean length of the entries in an archive's directory that is read, in bytes."""

_ENTRY_BYTES = 30 + 46
"""Bytes of an entry beside its data and its name, which is there twice: in front of the data and in the directory."""
END_BYTES = 22
"""Bytes of a zip file behind its directory."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_LINK = 0o120000
_KIND = 0o170000


class ZipWriter:
    """Adds entries to a zip file that is being written; equal entries give equal bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True)

    def add(self, path: PurePosixPath, data: bytes) -> None:
        """Add one entry, deflated, without a time of its own."""
        entry = zipfile.ZipInfo(str(path), _EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        self._zip.writestr(entry, data)

    @contextmanager
    def opened(self, path: PurePosixPath) -> Iterator[IO[bytes]]:
        """Add one entry whose bytes are written to a stream, for those that memory should not hold."""
        entry = zipfile.ZipInfo(str(path), _EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        with self._zip.open(entry, "w", force_zip64=True) as stream:
            yield stream

    def close(self) -> None:
        """Write the directory of entries."""
        self._zip.close()

    def abandon(self) -> None:
        """Close without finishing: a `ZipFile` would still try to write its directory when it is deleted."""
        self._zip.fp = None


def entry_bytes(path: PurePosixPath, data: bytes) -> int:
    """Return the bytes that an entry takes in an archive as `ZipWriter` writes it."""
    deflated = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = len(deflated.compress(data)) + len(deflated.flush())
    return _ENTRY_BYTES + 2 * len(str(path).encode()) + packed


@contextmanager
def zip_writer(path: Path, *, any_link: bool = False) -> Iterator[ZipWriter]:
    """Open a zip file for writing that takes its name only when everything is in it.

    Args:
        path: the file.
        any_link: as `open_atomic`.

    Raises:
        PackError: the file cannot be written.
    """
    with open_atomic(path, any_link=any_link) as file:
        writer = ZipWriter(file)
        try:
            yield writer
            writer.close()
        except BaseException:
            writer.abandon()
            raise


class ZipReader:
    """The files in a zip archive by name, read with limits; entries that could do harm are refused."""

    def __init__(self, path: Path) -> None:
        """Open an archive.

        Raises:
            PackError: it cannot be read, is not a zip file, or has more than `_MAX_ENTRIES` entries.
        """
        self._name = path.name
        try:
            self._file = _LimitedReads(open_regular(path).detach())
            self._zip = zipfile.ZipFile(self._file)
        except Exception as error:  # a damaged directory can make `zipfile` raise anything
            self.close()
            if isinstance(error, MemoryError):
                raise
            raise PackError(f"{path.name} cannot be read as a zip archive: {error}") from error
        infos = self._zip.infolist()
        if len(infos) > _MAX_ENTRIES:
            self.close()
            raise PackError(
                f"{path.name} has {len(infos):,} entries: more than the limit of {_MAX_ENTRIES:,}"
            )
        self._infos = {info.filename: info for info in infos if not info.filename.endswith("/")}

    def __enter__(self) -> ZipReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        for opened in ("_zip", "_file"):
            if hasattr(self, opened):
                getattr(self, opened).close()

    def names(self) -> list[str]:
        """Return the names of all files in the archive, sorted, harmful ones too."""
        return sorted(self._infos)

    def methods(self) -> dict[str, int]:
        """Return the compression method of each file, as the zip format numbers them."""
        return {name: info.compress_type for name, info in self._infos.items()}

    def offsets(self) -> list[int]:
        """Return where the entries, and the directory behind them, begin in the file."""
        return [*(info.header_offset for info in self._zip.infolist()), self._zip.start_dir]

    def read(self, name: str, limit: int) -> bytes:
        """Return the bytes of a file.

        Args:
            name: one of `names()`.
            limit: largest number of bytes that are read, whatever size the archive claims.

        Raises:
            PackError: the name leads out of a folder, the entry is a link, damaged, encrypted or too large.
        """
        data = self.head(name, limit + 1)
        if len(data) > limit:
            raise PackError(f"{self._name}: {name!r} is larger than the limit of {limit:,} bytes")
        return data

    def head(self, name: str, count: int) -> bytes:
        """Return the first `count` bytes of a file; arguments and errors as `read`."""
        info = self._infos[name]
        if (harm := harm_in(name)) or info.external_attr >> 16 & _KIND == _LINK:
            raise PackError(f"{self._name}: {name!r} {harm or 'is a link'}")
        try:
            with self._zip.open(info) as stream:
                return stream.read(count)
        except MemoryError:
            raise
        except Exception as error:  # each method of compression has errors of its own
            raise PackError(f"{self._name}: {name!r} cannot be read: {error}") from error

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file of the archive for reading from its beginning to its end; errors as `read`."""
        if name not in self._infos:
            raise PackError(f"{self._name}: {name!r} is missing")
        try:
            with self._zip.open(self._infos[name]) as stream:
                yield stream
        except (PackError, MemoryError):
            raise
        except Exception as error:  # each method of compression has errors of its own
            raise PackError(f"{self._name}: {name!r} cannot be read: {error}") from error


class _LimitedReads(io.BufferedReader):
    """A file of which no more is read at once than a sane directory has, whatever size an archive claims for it."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes.

        Raises:
            ValueError: there are more than in a directory of the most entries.
        """
        limit = _MAX_ENTRIES * _MAX_ENTRY_NAME
        if size is not None and size > limit:
            raise ValueError(f"its directory has more than {limit:,} bytes")
        if size is None or size < 0:  # `read` allocates what it is asked for: no more than there is
            size = min(limit, max(0, os.fstat(self.fileno()).st_size - self.tell()))
        return super().read(size)


def harm_in(name: str) -> str | None:
    """Return why a name from an archive or a list must not become a path, or None."""
    parts = name.replace("\\", "/").split("/")
    if not name or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in name:
        return "is not a relative path"
    return "leads out of its folder" if ".." in parts else None
