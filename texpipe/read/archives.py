"""A zip file of a dump as an input: its pictures have the names that they would have if it was unpacked."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path, PurePosixPath

from texpipe.formats import duckstation, parse_name
from texpipe.formats.archive import ZipReader, harm_in
from texpipe.imaging import image_files
from texpipe.read.container import Container, Member
from texpipe.texture import Source, Texture

SUFFIX = ".zip"
"""Suffix of the archives, in lower case."""

PICTURES = frozenset({".png", ".tga", ".bmp", ".dds", ".jpg", ".jpeg", ".webp"})
"""Suffixes of the pictures in them, in lower case."""

_SMALL_FILE_BYTES = 16 << 10
"""Size of a file, in bytes, below which no picture takes much memory: a PNG has at most about 250 texels per byte."""

_NOT_MEANT = ("__MACOSX", ".")
"""How the names of folders and files begin that systems add without being asked."""


def _pictures(file: Path) -> list[Member]:
    with ZipReader(file) as archive:
        names = [name for name in archive.names() if _is_picture(name)]
    return [_member(number, name) for number, name in enumerate(names)]


def _is_picture(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.suffix.lower() in PICTURES and not any(
        part.startswith(_NOT_MEANT) for part in path.parts if part != ".."
    )


def _member(number: int, name: str) -> Member:
    if harm := harm_in(name):  # the name may be harmful, so it is not used
        return Member(f"entry {number}", name, reason=f"its name {harm}")
    plain = name.replace("\\", "/")
    return Member(plain, name, parse_name(plain))


def _read_picture(source: Source) -> Texture:
    data = _bytes_of(source)
    rgba, stored, warnings = image_files.decode(data, name=source.name)
    if not duckstation.has_alpha(source.emulator):
        rgba = image_files.without_alpha(rgba)
    return Texture(source, rgba, hashlib.sha256(data).hexdigest(), stored, warnings)


def _claimed_size(source: Source) -> tuple[int, int] | None:
    data = _bytes_of(source)
    return image_files.size_of(data, source.name) if len(data) >= _SMALL_FILE_BYTES else None


def _bytes_of(source: Source) -> bytes:
    status = source.file.stat()
    archive = _archive(source.file, (status.st_size, status.st_mtime_ns))
    return archive.read(str(source.member), image_files.MAX_FILE_BYTES)


@functools.lru_cache(maxsize=4)
def _archive(file: Path, _stamp: tuple[int, int]) -> ZipReader:
    """Keep archives open: their list of entries is long. A file that changed is opened anew."""
    return ZipReader(file)


ZIP = Container(_pictures, _read_picture, _claimed_size)
