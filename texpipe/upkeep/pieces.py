"""Container files cut at their entries, so that an update need not bring those that did not change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from texpipe.errors import PackError
from texpipe.formats.archive import ZipReader
from texpipe.formats.gliden64_records import CacheReader

_ZIPS = (".rtz", ".o2r", ".zip")
_CACHE = ".hts"
"""Not `.htc`: its entries are compressed as one stream."""


def pieces_of(file: Path) -> Iterator[tuple[int, int]]:
    """Yield start and length of every piece of a file, in order and without gaps; other files are one piece."""
    size = file.stat().st_size
    cuts = sorted({0, *(cut for cut in _cuts(file) if 0 < cut < size)})
    for start, end in zip(cuts, (*cuts[1:], size), strict=True):
        yield start, end - start


def _cuts(file: Path) -> list[int]:
    """Return where entries begin; a container that cannot be read is carried whole."""
    with suppress(PackError):
        if file.suffix.lower() in _ZIPS:
            with ZipReader(file) as archive:
                return archive.offsets()
        if file.suffix.lower() == _CACHE:
            with CacheReader(file) as cache:
                return cache.offsets()
    return []
