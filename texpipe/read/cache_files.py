"""GLideN64's cache files as sources: each texture under the name that GLideN64 would dump it by."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

import numpy as np

from texpipe.formats import gliden64
from texpipe.formats.gliden64_records import CacheReader, Record
from texpipe.read.container import Container, Member
from texpipe.texture import Source, StoredForm, Texture


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
    rgba = _opened(source).read(_record(source)).rgba
    digest = hashlib.sha256(np.ascontiguousarray(rgba).tobytes()).hexdigest()
    return Texture(source, rgba, digest, StoredForm("RGBA"))


def _claimed_size(source: Source) -> tuple[int, int]:
    return _opened(source).size(_record(source))


def _record(source: Source) -> Record:
    key, offset = map(int, str(source.member).split("/"))
    return Record(key, None, None, offset)


def _opened(source: Source) -> CacheReader:
    status = source.file.stat()
    return _cache(source.file, (status.st_size, status.st_mtime_ns))


@functools.lru_cache(maxsize=2)
def _cache(file: Path, _stamp: tuple[int, int]) -> CacheReader:
    """Keep cache files open: compressed ones had to be unpacked."""
    return CacheReader(file)


CACHE = Container(_cached, _read_cached, _claimed_size)
