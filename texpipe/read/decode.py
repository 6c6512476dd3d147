"""From a source to a decoded texture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from texpipe.errors import Location, SourceError
from texpipe.formats import duckstation
from texpipe.imaging import image_files
from texpipe.read.container import Container
from texpipe.read.container_kinds import INPUTS
from texpipe.read.tmem import TMEM_BYTES, decode_tmem, read_tile
from texpipe.read.tmem_hash import with_hash
from texpipe.storage.small_files import RefusedFileError, read_small
from texpipe.system.memory import TooLargeError, why_too_large
from texpipe.texture import Rgba8, Source, StoredForm, Texture

T = TypeVar("T")

MAX_BYTES = image_files.MAX_FILE_BYTES
"""Size in bytes of the largest file that is read."""
_MAX_TILE = 1 << 16
_DECODE_BYTES = 50
"""Memory that it takes to decode a picture in a container, per texel, in bytes; docs/limits.md has the measures."""


@dataclass(frozen=True)
class Opened:
    """A source whose bytes are in memory.

    Attributes:
        source: where they are from.
        sha256: hex digest of the bytes, as the manifest shows it.
        lengths: how many bytes each of its files has, where there are several: one digest is of all of them.
    """

    source: Source
    sha256: str
    lengths: tuple[int, ...]
    _decode: Callable[[], Texture]
    _size: Callable[[], tuple[int, int] | None] = lambda: None

    def claimed_size(self) -> tuple[int, int] | None:
        """Return the width and height that a picture file claims, without decoding it; None where that is not known."""
        return self._size()

    def texture(self) -> Texture:
        """Decode them.

        Raises:
            SourceError: as `decode`.
        """
        return _explained(self._decode, self.source)


def open_source(source: Source, memory: int | None = None) -> Opened:
    """Read the bytes of a texture, so that a caller can tell by their digest whether it knows them before decoding.

    Args:
        source: where they are.
        memory: bytes that this process should stay below: a picture in a container, which is decoded at once, is
            refused if it takes more. By default a share of what is free.

    Raises:
        SourceError: as `decode`.
    """
    suffix = source.file.suffix.lower()
    if (container := INPUTS.get(suffix)) is not None:
        return _explained(lambda: _member(container, source, memory), source)
    return _explained(lambda: (_tmem if suffix == ".tmem" else _picture)(source), source)


def decode(source: Source) -> Texture:
    """Read and decode one texture.

    Raises:
        SourceError: the file cannot be read or is not a whole picture. The message is the reason alone, the
            location is the texture's name.
    """
    return open_source(source).texture()


def _explained(step: Callable[[], T], source: Source) -> T:
    try:
        return step()
    except (SourceError, MemoryError):
        raise
    except Exception as error:  # strangers' bytes can make a parser raise anything
        raise SourceError(str(error), location=Location(Path(source.name))) from error


def _picture(source: Source) -> Opened:
    data = _bytes_of(source.file, MAX_BYTES, source)
    mask = b"" if source.alpha_file is None else _bytes_of(source.alpha_file, MAX_BYTES, source)
    opened = _opened(source, partial(_decode_picture, source, data, mask), data, mask)
    return replace(opened, _size=partial(image_files.size_of, data, source.name))


def _decode_picture(source: Source, data: bytes, mask: bytes, sha256: str) -> Texture:
    rgba, stored, warnings = image_files.decode(data, name=source.name)
    if source.alpha_file is not None:
        rgba = _with_alpha(rgba, mask, source.alpha_file.name)
    if not duckstation.has_alpha(source.emulator):
        rgba = image_files.without_alpha(rgba)
    return Texture(source, rgba, sha256, stored, warnings)


def _opened(source: Source, decode: Callable[[str], Texture], *parts: bytes) -> Opened:
    digest = hashlib.sha256()
    for part in parts:  # not joined: the largest has hundreds of megabytes
        digest.update(part)
    sha256 = digest.hexdigest()
    return Opened(source, sha256, tuple(map(len, parts)), partial(decode, sha256))


def _with_alpha(rgba: Rgba8, mask: bytes, name: str) -> Rgba8:
    """The alpha of an old `_rgb` and `_a` pair is the red channel of the second (GLideNHQ, TxHiResLoader)."""
    other, _, _ = image_files.decode(mask, name=name)
    if other.shape != rgba.shape:
        size = f"{other.shape[1]} x {other.shape[0]}"
        raise ValueError(f"is {rgba.shape[1]} x {rgba.shape[0]}, but {name}, its alpha, {size}")
    return np.dstack([rgba[..., :3], other[..., 0]])


def _tmem(source: Source) -> Opened:
    """Read a `.tmem` together with the `.tile.json` beside it, which has the size and format of its texels."""
    memory = _bytes_of(source.file, TMEM_BYTES, source)
    described = _bytes_of(source.file.with_suffix(".tile.json"), _MAX_TILE, source, beside=True)
    return _opened(source, partial(_decode_tmem, source, memory, described), memory, described)


def _decode_tmem(source: Source, memory: bytes, described: bytes, sha256: str) -> Texture:
    tile = read_tile(described)
    rgba = decode_tmem(memory, tile)
    name, warnings = with_hash(source.emulator, memory, tile)
    return Texture(replace(source, emulator=name), rgba, sha256, StoredForm("RGBA"), warnings, tile.edges)


def _member(container: Container, source: Source, memory: int | None) -> Opened:
    """A picture in a container has no bytes of its own, so it is decoded at once, if there is memory for it."""
    width, height = container.size(source) or (0, 0)
    reason = why_too_large((width, height), _DECODE_BYTES, "decode", memory)
    if (
        reason is not None and width * height <= image_files.MAX_PIXELS
    ):  # the reader refuses more for its size
        raise TooLargeError(reason, location=Location(Path(source.name)))
    texture = container.read(source)
    return Opened(source, texture.sha256, (), lambda: texture, lambda: texture.size)


def _bytes_of(file: Path, limit: int, source: Source, *, beside: bool = False) -> bytes:
    """Read a file of a texture; the scan has seen where links to pictures lead, but not those to files beside them."""
    try:
        return read_small(file, limit, inside=source.root if source.below else None, any_link=not beside)
    except RefusedFileError as error:
        which = "" if file == source.file else f"{file.name} beside it "
        raise SourceError(f"{which}{error.message}", location=Location(Path(source.name))) from error
