"""From a source to a decoded texture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from texpipe import pixels
from texpipe.errors import Location, PackError, SourceError
from texpipe.read.container import whole_file
from texpipe.read.members import CONTAINERS
from texpipe.read.tmem import TMEM_BYTES, decode_tmem, read_tile
from texpipe.read.tmem_hash import with_hash
from texpipe.texture import Rgba8, Source, StoredForm, Texture

MAX_BYTES = pixels.MAX_PIXELS * 4 + (1 << 20)
"""Largest file that is read: the largest picture that is opened, uncompressed, and its headers."""

_MAX_TILE = 1 << 16


def decode(source: Source) -> Texture:
    """Read and decode one texture.

    Raises:
        SourceError: the file cannot be read or is no whole picture. The message is the reason alone, the
            location is the texture's name.
    """
    reader = _READERS.get(source.file.suffix.lower(), _picture)
    try:
        return reader(source)
    except (ValueError, OSError, PackError) as error:
        raise SourceError(str(error), location=Location(Path(source.name))) from error


def _picture(source: Source) -> Texture:
    data = _bytes_of(source.file, MAX_BYTES, source)
    rgba, stored, warnings = pixels.decode(data, name=source.name)
    if source.alpha_file is not None:
        mask = _bytes_of(source.alpha_file, MAX_BYTES, source)
        rgba, data = _with_alpha(rgba, mask, source.alpha_file.name), data + mask
    return Texture(source, rgba, hashlib.sha256(data).hexdigest(), stored, warnings)


def _with_alpha(rgba: Rgba8, mask: bytes, name: str) -> Rgba8:
    """The alpha of an old `_rgb` and `_a` pair is the red channel of the second (GLideNHQ, TxHiResLoader)."""
    other, _, _ = pixels.decode(mask, name=name)
    if other.shape != rgba.shape:
        size = f"{other.shape[1]} x {other.shape[0]}"
        raise ValueError(f"is {rgba.shape[1]} x {rgba.shape[0]}, but {name}, its alpha, {size}")
    return np.dstack([rgba[..., :3], other[..., 0]])


def _tmem(source: Source) -> Texture:
    """A `.tmem` is nothing without the `.tile.json` beside it, which says the format of the texels too."""
    memory = _bytes_of(source.file, TMEM_BYTES, source)
    described = _bytes_of(source.file.with_suffix(".tile.json"), _MAX_TILE, source)
    tile = read_tile(described)
    rgba = decode_tmem(memory, tile)
    name, warnings = with_hash(source.emulator, memory, tile)
    digest = hashlib.sha256(memory + described).hexdigest()
    return Texture(replace(source, emulator=name), rgba, digest, StoredForm("RGBA"), warnings, tile.edges)


def _bytes_of(file: Path, limit: int, source: Source) -> bytes:
    try:
        return whole_file(file, limit)
    except OSError as error:
        which = "" if file == source.file else f"{file.name} beside it "
        where = Location(Path(source.name))
        raise SourceError(f"{which}cannot be read: {error.strerror or error}", location=where) from error


_READERS: Mapping[str, Callable[[Source], Texture]] = {
    ".tmem": _tmem,
    **{suffix: container.read for suffix, container in CONTAINERS.items()},
}
"""How a file is read, by its suffix; all others are pictures."""
