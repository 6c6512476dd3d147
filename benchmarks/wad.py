"""Pictures of a WAD file, the archive of a 1993 game and of the free games that took over its format.

Described in the "Unofficial Doom Specs" by Matthew Fell, sections 3 (directory), 5 (pictures and floors) and 8 (walls).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import Rgba8

Indices = NDArray[np.int16]
"""H x W indices of the palette; -1 where nothing is drawn."""

_FLAT = 64
_WALL_LISTS = ("TEXTURE1", "TEXTURE2")


class Wad:
    """The lumps of a file by name, the first of each.

    Args:
        file: an IWAD or PWAD.
    """

    def __init__(self, file: Path) -> None:
        self._bytes = file.read_bytes()
        _, count, at = struct.unpack_from("<4sii", self._bytes)
        rows = (struct.unpack_from("<ii8s", self._bytes, at + 16 * k) for k in range(count))
        self._rows = [(_text(name), start, length) for start, length, name in rows]
        self._first = {name: (start, length) for name, start, length in reversed(self._rows)}
        self._palette = np.frombuffer(self._lump("PLAYPAL")[:768], np.uint8).reshape(256, 3)

    def pictures(self) -> dict[str, Rgba8]:
        """Return every picture, "flats/NAME" for floors, "walls/NAME", "sprites/NAME" and "ui/NAME" for the others."""
        found = {f"flats/{name.lower()}": self._rgba(one) for name, one in self._flats()}
        found |= {f"sprites/{_file_name(name)}": self._rgba(one) for name, one in self._sprites()}
        found |= {f"walls/{_file_name(name)}": self._rgba(one) for name, one in self._walls()}
        for name, start, length in self._rows:
            if (
                f"ui/{name.lower()}" not in found
                and (one := _picture(self._bytes[start : start + length])) is not None
            ):
                found[f"ui/{_file_name(name)}"] = self._rgba(one)
        return found

    def _lump(self, name: str) -> bytes:
        start, length = self._first[name]
        return self._bytes[start : start + length]

    def _between(self, first: tuple[str, ...], last: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        names = [name for name, _, _ in self._rows]
        begin = min(names.index(name) for name in first if name in names)
        end = max(len(names) - 1 - names[::-1].index(name) for name in last if name in names)
        for name, start, length in self._rows[begin + 1 : end]:
            yield name, self._bytes[start : start + length]

    def _flats(self) -> Iterator[tuple[str, Indices]]:
        for name, data in self._between(("F_START", "FF_START"), ("F_END", "FF_END")):
            if len(data) == _FLAT * _FLAT:
                yield name, np.frombuffer(data, np.uint8).reshape(_FLAT, _FLAT).astype(np.int16)

    def _sprites(self) -> Iterator[tuple[str, Indices]]:
        for name, data in self._between(("S_START", "SS_START"), ("S_END", "SS_END")):
            if (picture := _picture(data)) is not None:
                yield name, picture

    def _walls(self) -> Iterator[tuple[str, Indices]]:
        """Compose walls of their patches."""
        names = self._lump("PNAMES")
        patches = [
            _text(names[4 + 8 * k : 12 + 8 * k]).upper() for k in range(struct.unpack_from("<i", names)[0])
        ]
        for data in (self._lump(name) for name in _WALL_LISTS if name in self._first):
            for at in struct.unpack_from(f"<{struct.unpack_from('<i', data)[0]}i", data, 4):
                width, height = struct.unpack_from("<hh", data, at + 12)
                wall = np.full((height, width), -1, np.int16)
                for k in range(struct.unpack_from("<h", data, at + 20)[0]):
                    x, y, number = struct.unpack_from("<hhh", data, at + 22 + 10 * k)
                    if (
                        patches[number] in self._first
                        and (one := _picture(self._lump(patches[number]))) is not None
                    ):
                        _paste(wall, one, x, y)
                yield _text(data[at : at + 8]), wall

    def _rgba(self, picture: Indices) -> Rgba8:
        rgba = np.zeros((*picture.shape, 4), np.uint8)
        drawn = picture >= 0
        rgba[drawn, :3] = self._palette[picture[drawn]]
        rgba[drawn, 3] = 255
        return rgba


def _text(name: bytes) -> str:
    return name.split(b"\0")[0].decode("latin-1")


def _file_name(name: str) -> str:
    return name.lower().replace("\\", "_bs")


def _picture(data: bytes) -> Indices | None:
    """Read columns of posts, or return None for what is no picture."""
    if len(data) < 16:
        return None
    width, height = struct.unpack_from("<hh", data)
    if not (0 < width <= 2048 and 0 < height <= 1024) or len(data) < 8 + 4 * width:
        return None
    picture = np.full((height, width), -1, np.int16)
    try:
        for x, at in enumerate(struct.unpack_from(f"<{width}i", data, 8)):
            while data[at] != 255:
                top, length = data[at], data[at + 1]
                post = np.frombuffer(data[at + 3 : at + 3 + length], np.uint8)
                picture[top : top + length, x] = post[: max(0, height - top)]
                at += length + 4
    except (IndexError, ValueError):
        return None
    return picture


def _paste(wall: Indices, patch: Indices, x: int, y: int) -> None:
    top, left = max(0, y), max(0, x)
    part = patch[top - y : wall.shape[0] - y, left - x : wall.shape[1] - x]
    place = wall[top : top + part.shape[0], left : left + part.shape[1]]
    place[part >= 0] = part[part >= 0]
