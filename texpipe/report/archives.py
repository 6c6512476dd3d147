"""Results inside files that hold many: GLideN64's caches, Ship of Harkinian's and RT64's archives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from texpipe.errors import PackError
from texpipe.formats import gliden64, rt64, soh
from texpipe.formats.archive import ZipReader
from texpipe.formats.gliden64_records import CacheReader, Record
from texpipe.formats.otex import read_otex
from texpipe.imaging import image_files
from texpipe.manifest.schema import Entry
from texpipe.storage.small_files import parse_json, refusing
from texpipe.texture import EmulatorName, Rgba8, Source

_MAX_LIST_BYTES = 1 << 26
"""Largest size of an archive's list of hashes, in bytes."""


def result_inside(entry: Entry, path: Path) -> Rgba8:
    """Decode the result of a texture, H x W x 4 uint8, from a file that holds many.

    Args:
        entry: a texture whose output is this file.
        path: its suffix is one of `ARCHIVES`.

    Raises:
        PackError, SourceError, ValueError, OSError: the file is damaged, or does not hold the texture.
    """
    return ARCHIVES[path.suffix](_named(entry), path)


def _named(entry: Entry) -> Source:
    """Return the texture under its name in the pack; its file is not read."""
    if entry.id is None:
        raise PackError(f"the manifest does not hold the emulator's name of {entry.source!r}")
    game = entry.id.get("game")
    own = ("scheme", "game", "texels")
    fields = tuple((key, value) for key, value in entry.id.items() if value is not None and key not in own)
    emulator = EmulatorName(str(entry.id["scheme"]), None if game is None else str(game), fields=fields)
    return Source(entry.source, Path(entry.source), emulator)


def _in_cache(source: Source, path: Path) -> Rgba8:
    assert source.emulator is not None, "_named gives every texture a name"
    reader, records = _cache(path, path.stat().st_mtime_ns)
    key = gliden64.cache_key(source.emulator)
    if key not in records:
        raise PackError(f"{path.name} does not hold it")
    return reader.read(records[key]).rgba


def _in_o2r(source: Source, path: Path) -> Rgba8:
    made = read_otex(_entry(path, str(soh.output_path(source))))
    width, height = made.size
    return np.frombuffer(made.data, np.uint8).reshape(height, width, 4)


def _in_rtz(source: Source, path: Path) -> Rgba8:
    assert source.emulator is not None, "_named gives every texture a name"
    listed = _listed(path, path.stat().st_mtime_ns)
    name = next((listed[one] for one in _hashes_of(source.emulator) if one in listed), None)
    if name is None:
        raise PackError(f"{path.name} does not list it")
    return image_files.decode(_entry(path, name), name=name)[0]


def _hashes_of(name: EmulatorName) -> list[str]:
    """Return the names under which a `rt64.json` may list a texture: its hashes, or GLideN64's name for it."""
    fields = dict(name.fields)
    rice = [fields[key] for key in ("crc", "fmt", "siz", "palette") if key in fields]
    hashes = [value.lower() for value in fields.values() if isinstance(value, str)]
    return [*hashes, "#".join(f"{one:x}" if isinstance(one, int) else one.lower() for one in rice)]


def _entry(path: Path, name: str) -> bytes:
    archive = _archive(path, path.stat().st_mtime_ns)
    if name not in archive.names():
        raise PackError(f"{path.name} does not hold {name}")
    return archive.read(name, image_files.MAX_FILE_BYTES)


@functools.lru_cache(maxsize=1)
def _cache(path: Path, _changed: int) -> tuple[CacheReader, Mapping[int, Record]]:
    """Keep a cache open: it may hold more pictures than there is memory for, so they are read one at a time."""
    reader = CacheReader(path)
    return reader, {one.key: one for one in reader.records()}


@functools.lru_cache(maxsize=1)
def _archive(path: Path, _changed: int) -> ZipReader:
    return ZipReader(path)


@functools.lru_cache(maxsize=1)
def _listed(path: Path, changed: int) -> Mapping[str, str]:
    """Return hash or name of a texture -> its picture's name in the archive."""
    with refusing(path, PackError):
        top = cast(
            "dict[str, Any]", parse_json(_archive(path, changed).read(rt64.LIST, _MAX_LIST_BYTES), path)
        )
        return {
            str(name): str(one["path"]) for one in top["textures"] for name in one["hashes"].values() if name
        }


ARCHIVES: Mapping[str, Callable[[Source, Path], Rgba8]] = {
    ".hts": _in_cache,
    ".htc": _in_cache,
    ".o2r": _in_o2r,
    ".rtz": _in_rtz,
}
"""Readers of files that hold many results, by suffix."""
