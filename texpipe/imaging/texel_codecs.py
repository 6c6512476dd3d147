"""One texel of each N64 and PS1 format: its code, and the way from and to 8 bits per channel.

5-bit channels become `round(c * 255 / 31)`, which is what GLideN64 and DuckStation dump. Hardware and some
tools repeat the high bits instead, and Beetle PSX rounds down; the three differ by one level at a few values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.visible import LUMA_PER_MILLE
from texpipe.texture import Rgba8, TexelFormat

Codes: TypeAlias = NDArray[np.integer[Any]]
Bytes: TypeAlias = NDArray[np.uint8]

SEMI_ALPHA = 128
"""Alpha of a PS1 texel that is drawn semi-transparent. Dumps have 127 (Beetle PSX) or 143 (DuckStation)."""
SEMI_BAND = (100, 160)
"""Smallest and largest alpha that count as semi-transparent, whichever emulator dumped the texel."""

_STP = 0x8000
_DARKEST_OPAQUE = 0x0421
"""Code of the darkest opaque colour, (1, 1, 1) of 31: 0x0000 is a hole and 0x8000 semi-transparent."""


@dataclass(frozen=True)
class DirectColour:
    """A format without palette: bits of a texel, its byte order, and the ways to and from RGBA8."""

    bits: int
    pack: Callable[[Rgba8], NDArray[Any]]
    unpack: Callable[[Codes], list[NDArray[Any]]]
    little_endian: bool = False


@dataclass(frozen=True)
class Indexed:
    """A format with palette: bits of an index, and the format of a palette entry."""

    bits: int
    entry: TexelFormat
    low_nibble_first: bool = False


def expand5(levels: NDArray[Any]) -> Bytes:
    """Turn 5-bit levels (0 to 31) into 8 bits as emulators dump them: `round(c * 255 / 31)`."""
    return ((np.asarray(levels).astype(np.uint32) * 510 + 31) // 62).astype(np.uint8)


def reduce5(values: NDArray[Any]) -> Bytes:
    """Turn 8-bit values into the nearest 5-bit level (0 to 31); undoes every expansion in use."""
    return _reduce(values, 31)


def _reduce(values: NDArray[Any], top: int) -> Bytes:
    return ((np.asarray(values).astype(np.uint32) * (2 * top) + 255) // 510).astype(np.uint8)


def expand3(levels: NDArray[Any]) -> Bytes:
    """Turn 3-bit levels (0 to 7) into 8 bits by repeating their bits."""
    wide = np.asarray(levels).astype(np.uint32)
    return ((wide << 5) | (wide << 2) | (wide >> 1)).astype(np.uint8)


def _grey(rgba: Rgba8) -> Bytes:
    """Luma of ITU-R BT.601; a grey pixel keeps its value."""
    return ((rgba[..., :3].astype(np.uint32) @ np.array(LUMA_PER_MILLE, np.uint32) + 500) // 1000).astype(
        np.uint8
    )


def _channels(rgba: Rgba8) -> list[Codes]:
    return [rgba[..., i].astype(np.uint32) for i in range(4)]


def _pack_rgba16(rgba: Rgba8) -> Codes:
    r, g, b, a = _channels(rgba)
    return (
        reduce5(r).astype(np.uint32) << 11
        | reduce5(g).astype(np.uint32) << 6
        | reduce5(b).astype(np.uint32) << 1
        | a >> 7
    )


def _unpack_rgba16(codes: Codes) -> list[NDArray[Any]]:
    colour = [expand5(codes >> shift & 31) for shift in (11, 6, 1)]
    return [*colour, (codes & 1) * 255]


def pack_rgba32(rgba: Rgba8) -> Codes:
    """Return H x W codes that hold all 32 bits of each pixel."""
    r, g, b, a = _channels(rgba)
    return r << 24 | g << 16 | b << 8 | a


def _unpack_rgba32(codes: Codes) -> list[NDArray[Any]]:
    return [codes >> shift & 255 for shift in (24, 16, 8, 0)]


def _pack_ia16(rgba: Rgba8) -> Codes:
    return _grey(rgba).astype(np.uint32) << 8 | rgba[..., 3]


def _unpack_ia16(codes: Codes) -> list[NDArray[Any]]:
    return [codes >> 8] * 3 + [codes & 255]


def _pack_ia8(rgba: Rgba8) -> Codes:
    return _reduce(_grey(rgba), 15).astype(np.uint32) << 4 | _reduce(rgba[..., 3], 15)


def _unpack_ia8(codes: Codes) -> list[NDArray[Any]]:
    return [(codes >> 4) * 17] * 3 + [(codes & 15) * 17]


def _pack_ia4(rgba: Rgba8) -> Codes:
    return _reduce(_grey(rgba), 7).astype(np.uint32) << 1 | rgba[..., 3] >> 7


def _unpack_ia4(codes: Codes) -> list[NDArray[Any]]:
    return [expand3(codes >> 1)] * 3 + [(codes & 1) * 255]


def _pack_i4(rgba: Rgba8) -> Bytes:
    return _reduce(_grey(rgba), 15)


def psx_alpha_class(rgba: Rgba8) -> Bytes:
    """0 hole, 1 semi-transparent, 2 opaque: the nearest of the alphas 0, 128 and 255."""
    return (rgba[..., 3] >= 64).astype(np.uint8) + (rgba[..., 3] >= 192)


def _pack_psx16(rgba: Rgba8) -> Codes:
    """PSX-SPX, "Texture bitmaps": R, G, B from bit 0 upwards and STP in bit 15; 0x0000 is a hole.

    Opaque black is 0x8000, unless the picture has semi-transparent texels: then bit 15 means those.
    """
    kind = psx_alpha_class(rgba)
    r, g, b = (reduce5(rgba[..., i]).astype(np.uint32) for i in range(3))
    colour = r | g << 5 | b << 10
    black = _DARKEST_OPAQUE if (kind == 1).any() else _STP
    opaque = np.where(colour == 0, np.uint32(black), colour)
    return np.select([kind == 0, kind == 1], [np.uint32(0), colour | _STP], opaque)


def _unpack_psx16(codes: Codes) -> list[NDArray[Any]]:
    """Bit 15 is read as semi-transparent; `texel_formats.decode` can make those texels opaque."""
    colour = [expand5(codes >> shift & 31) for shift in (0, 5, 10)]
    return [*colour, np.where(codes == 0, 0, np.where(codes & _STP, SEMI_ALPHA, 255))]


DIRECT: Mapping[TexelFormat, DirectColour] = {
    "rgba16": DirectColour(16, _pack_rgba16, _unpack_rgba16),
    "rgba32": DirectColour(32, pack_rgba32, _unpack_rgba32),
    "ia16": DirectColour(16, _pack_ia16, _unpack_ia16),
    "ia8": DirectColour(8, _pack_ia8, _unpack_ia8),
    "ia4": DirectColour(4, _pack_ia4, _unpack_ia4),
    "i8": DirectColour(8, _grey, lambda codes: [codes] * 4),
    "i4": DirectColour(4, _pack_i4, lambda codes: [codes * 17] * 4),
    "psx16": DirectColour(16, _pack_psx16, _unpack_psx16, little_endian=True),
}
INDEXED: Mapping[TexelFormat, Indexed] = {
    "ci4": Indexed(4, "rgba16"),
    "ci8": Indexed(8, "rgba16"),
    "psx4": Indexed(4, "psx16", low_nibble_first=True),
    "psx8": Indexed(8, "psx16", low_nibble_first=True),
}


def direct(texels: TexelFormat) -> DirectColour:
    """Return a format without palette.

    Raises:
        ValueError: it cannot be encoded or decoded.
    """
    if texels not in DIRECT:
        raise ValueError(f"{texels}: this texel format cannot be encoded or decoded")
    return DIRECT[texels]
