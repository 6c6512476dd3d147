"""Files that hold several textures: what is in them, and how each is read.

A picture in such a file is a source of its own. Its name is a path below the file's name, so it cannot be mistaken
for another file.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from texpipe.formats import gliden64
from texpipe.formats.gliden64_records import CacheReader, Record
from texpipe.limits import limit
from texpipe.pixelformats import Stp
from texpipe.read.container import Container, Member, whole_file
from texpipe.read.o2r import O2R
from texpipe.read.tim import Tim, decode_tim, find_tims
from texpipe.read.uploads import as_uploaded
from texpipe.texture import EmulatorName, Source, StoredForm, Texture

_MAX_TIM = limit("MAX_TIM_BYTES", 1 << 28)


# ---- PS1 .TIM pictures


def _pictures(file: Path) -> list[Member]:
    """List every picture with every palette; the number of the picture and of the palette make its name."""
    tims = find_tims(whole_file(file, _MAX_TIM))
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
    data = whole_file(source.file, _MAX_TIM)
    stp: Stp = "semi" if meaning == ["semi"] else "opaque"
    tim = find_tims(data)[int(number)]
    rgba = decode_tim(data, tim, int(palette), stp)
    name = _tim_emulator(tim, int(number), int(palette))
    known = replace(source, emulator=as_uploaded(name, data, tim, int(palette), semi=stp == "semi"))
    return Texture(known, rgba, hashlib.sha256(data).hexdigest(), StoredForm("RGBA"))


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
    ".o2r": O2R,
    ".tim": Container(_pictures, _read_picture),
    ".hts": Container(_cached, _read_cached),
    ".htc": Container(_cached, _read_cached),
}
"""Kinds of files that hold several textures, by suffix in lower case."""
