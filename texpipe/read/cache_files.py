"""GLideN64's cache files as sources: each texture under the name that GLideN64 would dump it by."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np

from texpipe.formats import gliden64
from texpipe.formats.gliden64_records import CacheReader, Record
from texpipe.read.container import Container, Member
from texpipe.texture import Source, StoredForm, Texture


def _cached(file: Path) -> list[Member]:
    """List the textures of a cache under the names that GLideN64 would dump them by; of equal names the first."""
    game = gliden64.game_of_cache(file)
    with CacheReader(file) as reader:
        members = (_cached_member(game, record) for record in reader.records())
        return list({member.name: member for member in reversed(list(members))}.values())


def _cached_member(game: str, record: Record) -> Member:
    name = gliden64.record_name(game, record)
    return Member(name, f"{record.key}/{record.offset}", gliden64.parse(name))


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
