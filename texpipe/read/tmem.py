"""RT64 dumps: 4096 bytes of the console's texture memory and the tile that describes the texture in it.

Source: RT64's `rt64_rdp_tmem.cpp` and `TextureDecoder.hlsli`, as of 2026-02. The tile says what no other dump says: how
the texture goes on beyond its borders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.texel_formats import decode
from texpipe.storage.small_files import parse_json
from texpipe.texture import EdgeMode, Edges, Rgba8, TexelFormat

TMEM_BYTES = 4096
MAX_SIDE = 1024
"""Largest side of a tile, in texels: the most that a load command can name."""

_HALF = TMEM_BYTES // 2
_ODD_ROW = 4
"""Bit of an address that is flipped on odd rows, where the two words of every 8 bytes are swapped."""
_MIRROR, _CLAMP = 1, 2

_TEXELS: Mapping[tuple[int, int], TexelFormat] = {
    (0, 2): "rgba16",
    (0, 3): "rgba32",
    (3, 0): "ia4",
    (3, 1): "ia8",
    (3, 2): "ia16",
    (4, 0): "i4",
    (4, 1): "i8",
}
_INDEXED: Mapping[int, TexelFormat] = {0: "ci4", 1: "ci8"}
_PALETTES: Mapping[str, tuple[TexelFormat | None, int]] = {
    "None": (None, 0),
    "RGBA16": ("rgba16", 0x8000),
    "IA16": ("ia16", 0xC000),
}
_BITS: Mapping[str, int] = {"fmt": 3, "siz": 2, "line": 9, "tmem": 9, "palette": 4}
"""Number of bits that the console has for each number of a tile."""


@dataclass(frozen=True)
class Tile:
    """The tile of a texture.

    Attributes:
        size: width and height in texels.
        texels: format of the texels.
        line: 8-byte words from row to row; tmem: word that the first row begins at; palette: number of 16 entries.
        entry: format of palette entries, of indexed texels.
        edges: what lies beyond the borders.
        fmt, siz: format and size of texels as the console numbers them, whatever a palette makes of them.
        tlut: the console's number of the kind of palette; 0 without one.
    """

    size: tuple[int, int]
    texels: TexelFormat
    line: int
    tmem: int
    palette: int
    entry: TexelFormat | None
    edges: Edges
    fmt: int
    siz: int
    tlut: int


def read_tile(data: bytes) -> Tile:
    """Read a `.tile.json`.

    Raises:
        ValueError: it is damaged, or its texels cannot be decoded.
    """
    try:
        top = cast("dict[str, Any]", parse_json(data, Path(".tile.json")))
        tile = {key: int(value) for key, value in top["tile"].items()}
        size = (int(top["width"]), int(top["height"]))
        entry, tlut = _PALETTES[str(top["tlut"])]
        edges = Edges(
            edge_mode(tile["cms"], tile["masks"], size[0]), edge_mode(tile["cmt"], tile["maskt"], size[1])
        )
    except Exception as error:  # strangers' numbers and words can be anything
        raise ValueError(f"its .tile.json is damaged ({error})") from error
    if not (0 < size[0] <= MAX_SIDE and 0 < size[1] <= MAX_SIDE):
        raise ValueError(f"its .tile.json says {size[0]} x {size[1]} texels")
    fmt, siz, line, start, palette = (_number(tile, key) for key in _BITS)
    texels = _texels(fmt, siz, entry)
    entry = entry if texels in _INDEXED.values() else None
    return Tile(size, texels, line, start, palette, entry, edges, fmt, siz, tlut)


def _number(tile: Mapping[str, int], key: str) -> int:
    number = tile.get(key, -1)
    if not 0 <= number < 1 << _BITS[key]:
        raise ValueError(f"its .tile.json is damaged ({key} is missing or not a number of {_BITS[key]} bits)")
    return number


def _texels(fmt: int, siz: int, entry: TexelFormat | None) -> TexelFormat:
    """With a palette every 4-bit and 8-bit texel is an index, whatever the tile calls it."""
    found = _INDEXED.get(siz) if entry is not None else None
    found = found or _TEXELS.get((fmt, siz))
    if found is None:
        raise ValueError(f"texels of format {fmt} and size {siz} without a palette cannot be decoded")
    return found


def edge_mode(flags: int, mask: int, size: int) -> EdgeMode:
    """Return how an axis goes on beyond the texture's border.

    The console clamps first when told so, then takes the coordinate modulo 2^mask, and flips odd repeats when told
    to mirror. Without a mask it always clamps. A texture that is not a whole number of repeats has something else
    of the texture memory beyond its border; clamp is the nearest to that.

    Args:
        flags: cms or cmt of the tile: bit 0 mirror, bit 1 clamp.
        mask: masks or maskt.
        size: texels along the axis.
    """
    kind: Literal["mirror", "wrap"] = "mirror" if flags & _MIRROR else "wrap"
    if flags & _CLAMP or mask == 0 or size % (1 << min(mask, 15)):
        return "clamp"
    return kind


def decode_tmem(memory: bytes, tile: Tile) -> Rgba8:
    """Decode the texture of a tile.

    Args:
        memory: 4096 bytes of texture memory, as the console sees it.
        tile: from `read_tile`.

    Returns:
        H x W x 4 uint8.

    Raises:
        ValueError: there are not 4096 bytes.
    """
    if len(memory) != TMEM_BYTES:
        raise ValueError(f"has {len(memory)} bytes instead of {TMEM_BYTES}")
    cells = np.frombuffer(memory, np.uint8)
    width, height = tile.size
    if tile.texels == "rgba32":  # red and green lie in the low half, blue and alpha in the high half
        low = _addresses(tile, width * 2, _HALF)
        halves = [cells[half].reshape(height, width, 2) for half in (low, low + _HALF)]
        return decode(np.concatenate(halves, axis=2).tobytes(), tile.size, "rgba32")
    bits = {"ci4": 4, "ia4": 4, "i4": 4, "rgba16": 16, "ia16": 16}.get(tile.texels, 8)
    texels = cells[_addresses(tile, (width * bits + 7) // 8, _HALF if tile.entry else TMEM_BYTES)]
    return decode(texels.tobytes(), tile.size, tile.texels, _palette(cells, tile), entry=tile.entry)


def _addresses(tile: Tile, row_bytes: int, memory: int) -> NDArray[np.intp]:
    """Return H x `row_bytes` addresses; they begin again at 0 where the usable memory ends."""
    y = np.arange(tile.size[1], dtype=np.intp)[:, None]
    straight = (tile.tmem + y * tile.line) * 8 + np.arange(row_bytes, dtype=np.intp)
    return np.asarray((straight ^ (y % 2) * _ODD_ROW) % memory)


def _palette(cells: NDArray[np.uint8], tile: Tile) -> bytes | None:
    """Return the palette's entries: each lies four times in the upper half of the memory."""
    if tile.entry is None:
        return None
    entries = cells[_HALF:].reshape(256, 8)[:, :2]
    first = tile.palette * 16 if tile.texels == "ci4" else 0
    return bytes(entries[first : first + 16 if tile.texels == "ci4" else None].tobytes())
