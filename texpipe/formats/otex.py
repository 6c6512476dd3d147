"""OTEX: a texture as a resource of libultraship, the engine of Ship of Harkinian and 2Ship2Harkinian.

Source of the layout: libultraship's `ResourceLoader.cpp` and `TextureFactory.cpp`, as of 2026-08.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from texpipe.texture import Rgba8, TexelFormat

HEADER_BYTES = 64
MAX_SIDE = 65535
"""Largest side of a texture, in texels: the engine keeps sides in 16 bits."""

LOAD_AS_RAW = 1

_MAGIC = 0x4F544558
_ID = 0xDEADBEEFDEADBEEF
_TYPES: Mapping[int, TexelFormat] = {
    1: "rgba32",
    2: "rgba16",
    3: "ci4",
    4: "ci8",
    5: "i4",
    6: "i8",
    7: "ia4",
    8: "ia8",
    9: "ia16",
}
_NUMBERS: Mapping[TexelFormat, int] = {texels: number for number, texels in _TYPES.items()}
BITS: Mapping[TexelFormat, int] = {
    "rgba32": 32,
    "rgba16": 16,
    "ia16": 16,
    "ci8": 8,
    "i8": 8,
    "ia8": 8,
    "ci4": 4,
    "i4": 4,
    "ia4": 4,
}
"""Bits of a texel of each format on the console."""
_PALETTED: tuple[TexelFormat, ...] = ("ci4", "ci8")


@dataclass(frozen=True)
class Otex:
    """A texture resource.

    Attributes:
        texels: format on the console; of a replacement, what the engine is told the format was.
        size: width and height in pixels.
        data: texels as the console holds them, or RGBA8 if `flags` say so.
        flags: `LOAD_AS_RAW` in replacements; 0 in version 0.
        scale: HByteScale and VPixelScale: bytes of a row and rows, over those of the original.
    """

    texels: TexelFormat
    size: tuple[int, int]
    data: bytes
    flags: int = 0
    scale: tuple[float, float] = (1.0, 1.0)


def texels_of_type(number: int) -> TexelFormat | None:
    """Return the format that a type number of the engine stands for."""
    return _TYPES.get(number)


def is_otex(head: bytes) -> bool:
    """Tell whether the first bytes of an entry are those of a texture resource."""
    return (
        len(head) >= 8 and head[0] in (0, 1) and struct.unpack_from(_order(head) + "I", head, 4)[0] == _MAGIC
    )


def read_otex(data: bytes, *, whole: bool = True) -> Otex:
    """Read a texture resource of version 0 or 1.

    Args:
        data: its bytes.
        whole: False if these are only its first bytes, at least up to its texels.

    Raises:
        ValueError: it is another resource, damaged, or of an unknown type.
    """
    if len(data) < HEADER_BYTES or not is_otex(data):
        raise ValueError("is not a texture resource (OTEX)")
    order = _order(data)
    version = struct.unpack_from(order + "I", data, 8)[0]
    if version not in (0, 1):
        raise ValueError(f"is a texture resource of version {version}; known are 0 and 1")
    body = struct.Struct(order + ("IIII" if version == 0 else "IIIIffI"))
    if len(data) < HEADER_BYTES + body.size:
        raise ValueError("is truncated")
    kind, width, height, *rest, length = body.unpack_from(data, HEADER_BYTES)
    start = HEADER_BYTES + body.size
    if kind not in _TYPES:
        raise ValueError(f"has the unknown texture type {kind}")
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ValueError(f"claims {width} x {height} pixels")
    if whole and len(data) - start < length:
        raise ValueError(f"claims {length:,} bytes of texels and has {len(data) - start:,}")
    flags, horizontal, vertical = rest or (0, 1.0, 1.0)
    return Otex(_TYPES[kind], (width, height), data[start : start + length], flags, (horizontal, vertical))


def write_replacement(rgba: Rgba8, texels: TexelFormat, source_size: tuple[int, int]) -> bytes:
    """Write a replacement: version 1, RGBA8, with the scales by which the engine finds its way in it.

    With an indexed type the engine would look for a palette, so those become rgba32.

    Args:
        rgba: H x W x 4 uint8.
        texels: format of the original.
        source_size: width and height of the original.
    """
    height, width = rgba.shape[:2]
    kind: TexelFormat = "rgba32" if texels in _PALETTED else texels
    header = struct.pack("<BBHIIQ", 0, 1, 0, _MAGIC, 1, _ID).ljust(HEADER_BYTES, b"\0")
    scale = scale_of((width, height), texels, source_size)
    pixels = np.ascontiguousarray(rgba).tobytes()
    return (
        header
        + struct.pack("<IIIIffI", _NUMBERS[kind], width, height, LOAD_AS_RAW, *scale, len(pixels))
        + pixels
    )


def scale_of(size: tuple[int, int], texels: TexelFormat, source_size: tuple[int, int]) -> tuple[float, float]:
    """Return HByteScale and VPixelScale: bytes of a row of RGBA8 over those of the original, and rows over rows."""
    return size[0] / source_size[0] * 32 / BITS[texels], size[1] / source_size[1]


def _order(data: bytes) -> str:
    return "<" if data[0] == 0 else ">"
