"""Files that hold several textures: what is in them, and how each is read.

A picture in such a file is a source of its own. Its name is a path below the file's name, so it cannot be mistaken
for another file.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from texpipe.errors import PackError
from texpipe.formats import soh
from texpipe.formats.archive import ZipReader
from texpipe.formats.otex import HEADER_BYTES, LOAD_AS_RAW, Otex, is_otex, read_otex
from texpipe.pixelformats import decode
from texpipe.pixels import MAX_PIXELS
from texpipe.texture import EmulatorName, Source, StoredForm, Texture

_MAX_RESOURCE = MAX_PIXELS * 4 + (1 << 16)
_OTEX_HEAD = HEADER_BYTES + 28


@dataclass(frozen=True)
class Member:
    """A texture in a file.

    Attributes:
        name: path below the file's name; empty where the file is one picture.
        member: what the file's reader finds it by.
        emulator: what is known of its name.
        reason: why it cannot be read, or None.
    """

    name: str
    member: str
    emulator: EmulatorName | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Container:
    """How a kind of file is listed and read.

    Attributes:
        members: the textures of a file, in any order. Raises SourceError, PackError or ValueError if it is damaged.
        read: one of them. Raises the same.
    """

    members: Callable[[Path], list[Member]]
    read: Callable[[Source], Texture]


# ---- .o2r archives of Ship of Harkinian


def _resources(file: Path) -> list[Member]:
    """List the textures of an archive; its other resources are none of our business."""
    with ZipReader(file) as archive:
        found = (_resource(archive, number, name) for number, name in enumerate(archive.names()))
        return [one for one in found if one is not None]


def _resource(archive: ZipReader, number: int, name: str) -> Member | None:
    try:
        head = archive.head(name, _OTEX_HEAD)
        if not is_otex(head):
            return None
        found = read_otex(head, whole=False)
    except PackError as error:  # the name may be harmful, so it is not used
        return Member(f"entry {number}", name, reason=error.message)
    except ValueError as error:
        return Member(name, name, reason=str(error))
    return Member(name, name, soh.resource(name, found.texels), _obstacle(found))


def _obstacle(found: Otex) -> str | None:
    if found.flags & LOAD_AS_RAW:
        return "is a replacement already, not a texture of the game"
    if found.texels in ("ci4", "ci8"):
        return "its palette is another resource, and nothing says which: take this texture from an extracted tree"
    return None


def _read_resource(source: Source) -> Texture:
    status = source.file.stat()
    archive = _archive(source.file, (status.st_size, status.st_mtime_ns))
    data = archive.read(str(source.member), _MAX_RESOURCE)
    found = read_otex(data)
    rgba = decode(found.data, found.size, found.texels)
    return Texture(source, rgba, hashlib.sha256(data).hexdigest(), StoredForm("RGBA"))


@functools.lru_cache(maxsize=4)
def _archive(file: Path, _stamp: tuple[int, int]) -> ZipReader:
    """Keep archives open: their list of entries is long. A file that changed is opened anew."""
    return ZipReader(file)


CONTAINERS: Mapping[str, Container] = {".o2r": Container(_resources, _read_resource)}
"""Kinds of files that hold several textures, by suffix in lower case."""
