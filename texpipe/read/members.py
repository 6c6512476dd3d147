"""Files that hold several textures: what is in them, and how each is read.

A picture in such a file is a source of its own. Its name is a path below the file's name, so it cannot be mistaken
for another file.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from texpipe.errors import PackError
from texpipe.formats import gliden64, soh
from texpipe.formats.archive import ZipReader
from texpipe.formats.gliden64_records import CacheReader, Record
from texpipe.formats.otex import HEADER_BYTES, LOAD_AS_RAW, Otex, is_otex, read_otex
from texpipe.pixelformats import Stp, decode
from texpipe.pixels import MAX_PIXELS
from texpipe.read.tim import Tim, decode_tim, find_tims
from texpipe.read.uploads import as_uploaded
from texpipe.texture import EmulatorName, Source, StoredForm, Texture

_MAX_RESOURCE = MAX_PIXELS * 4 + (1 << 16)
_MAX_TIM = 1 << 28
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


# ---- PS1 .TIM pictures


def _pictures(file: Path) -> list[Member]:
    """List every picture with every palette; the number of the picture and of the palette make its name."""
    tims = find_tims(_tim_bytes(file))
    return [
        Member(_tim_name(tims, number, palette), f"{number}/{palette}", _tim_emulator(tim, number, palette))
        for number, tim in enumerate(tims)
        for palette in range(len(tim.palettes) or 1)
    ]


def _tim_name(tims: Sequence[Tim], number: int, palette: int) -> str:
    parts = [f"tim{number:02}"] if len(tims) > 1 else []
    parts += [f"clut{palette:02}"] if len(tims[number].palettes) > 1 else []
    return "-".join(parts)


def _tim_emulator(tim: Tim, number: int, palette: int) -> EmulatorName:
    place = (("x", tim.pixels.x), ("y", tim.pixels.y))
    return EmulatorName("tim", texels=tim.texels, fields=(("tim", number), ("clut", palette), *place))


def _read_picture(source: Source) -> Texture:
    number, palette, *meaning = str(source.member).split("/")
    data = _tim_bytes(source.file)
    stp: Stp = "semi" if meaning == ["semi"] else "opaque"
    tim = find_tims(data)[int(number)]
    rgba = decode_tim(data, tim, int(palette), stp)
    name = _tim_emulator(tim, int(number), int(palette))
    known = replace(source, emulator=as_uploaded(name, data, tim, int(palette), semi=stp == "semi"))
    return Texture(known, rgba, hashlib.sha256(data).hexdigest(), StoredForm("RGBA"))


def _tim_bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        data = stream.read(_MAX_TIM + 1)
    if len(data) > _MAX_TIM:
        raise ValueError(f"is larger than the limit of {_MAX_TIM:,} bytes")
    return data


# ---- GLideN64's cache files


def _cached(file: Path) -> list[Member]:
    """List the textures of a cache under the names that GLideN64 would dump them by; of equal names the first."""
    game = re.sub(r"_HIRESTEXTURES$", "", file.stem)
    with CacheReader(file) as reader:
        members = (_cached_member(game, record) for record in reader.records())
        return list({member.name: member for member in reversed(list(members))}.values())


def _cached_member(game: str, record: Record) -> Member:
    where = f"{record.key}/{record.offset}"
    if record.fmt is None or record.siz is None:  # files from before 2022 do not say the format
        return Member(f"{record.key:016X}", where)
    crc, palette = record.key & 0xFFFFFFFF, record.key >> 32
    tail = f"#{palette:08X}_ciByRGBA.png" if palette else "_all.png"
    name = f"{game}#{crc:08X}#{record.fmt:X}#{record.siz:X}{tail}"
    return Member(name, where, gliden64.parse(name))


def _read_cached(source: Source) -> Texture:
    key, offset = map(int, str(source.member).split("/"))
    status = source.file.stat()
    rgba = (
        _cache(source.file, (status.st_size, status.st_mtime_ns)).read(Record(key, None, None, offset)).rgba
    )
    digest = hashlib.sha256(np.ascontiguousarray(rgba).tobytes()).hexdigest()
    return Texture(source, rgba, digest, StoredForm("RGBA"))


@functools.lru_cache(maxsize=2)
def _cache(file: Path, _stamp: tuple[int, int]) -> CacheReader:
    """Keep cache files open: compressed ones had to be unpacked."""
    return CacheReader(file)


CONTAINERS: Mapping[str, Container] = {
    ".o2r": Container(_resources, _read_resource),
    ".tim": Container(_pictures, _read_picture),
    ".hts": Container(_cached, _read_cached),
    ".htc": Container(_cached, _read_cached),
}
"""Kinds of files that hold several textures, by suffix in lower case."""
