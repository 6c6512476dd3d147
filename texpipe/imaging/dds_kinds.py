"""Kinds of DDS files: which Pillow reads, which become one of those without a loss, and the names of the others.

Source of the numbers: Microsoft's DDS programming guide and its enumeration DXGI_FORMAT.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_FLAGS, _FOUR, _DXGI = 80, 84, 128
"""Offsets of the pixel format's flags and four letters, and of the DXGI format where the letters are DX10."""
_DX10_HEADER = 148
_FOURCC, _RGB, _LUMINANCE, _PALETTE, _ALPHA = 0x4, 0x40, 0x20000, 0x20, 0x2

_READ = frozenset({27, 28, 29, 70, 71, 73, 74, 76, 77, 79, 80, 82, 83, 84, 95, 96, 97, 98, 99})
"""DXGI formats that Pillow reads: R8G8B8A8 and BC1 to BC7."""
_SAME_BYTES: Mapping[int, int] = {72: 71, 75: 74, 78: 77}
"""DXGI formats of sRGB -> those of the same bytes; emulators and texpipe take texels as they are."""
_BLUE_FIRST: Mapping[int, bool] = {87: True, 90: True, 91: True, 88: False, 92: False, 93: False}
"""DXGI formats of 8 bits per channel that begin with blue, and whether their fourth byte is alpha."""
_RGBA8 = 28
_FOUR_READ = frozenset({b"DXT1", b"DXT3", b"DXT5", b"BC4U", b"ATI1", b"BC5S", b"BC5U", b"ATI2", b"DX10"})
_NAMES: Mapping[int, str] = {
    2: "R32G32B32A32_FLOAT",
    6: "R32G32B32_FLOAT",
    10: "R16G16B16A16_FLOAT",
    11: "R16G16B16A16_UNORM",
    16: "R32G32_FLOAT",
    24: "R10G10B10A2_UNORM",
    26: "R11G11B10_FLOAT",
    31: "R8G8B8A8_SNORM",
    34: "R16G16_FLOAT",
    35: "R16G16_UNORM",
    41: "R32_FLOAT",
    49: "R8G8_UNORM",
    51: "R8G8_SNORM",
    54: "R16_FLOAT",
    56: "R16_UNORM",
    61: "R8_UNORM",
    63: "R8_SNORM",
    65: "A8_UNORM",
    67: "R9G9B9E5_SHAREDEXP",
    81: "BC4_SNORM",
    85: "B5G6R5_UNORM",
    86: "B5G5R5A1_UNORM",
    115: "B4G4R4A4_UNORM",
}
_FOUR_NAMES: Mapping[bytes, str] = {
    b"DXT2": "DXT2, colours multiplied by alpha",
    b"DXT4": "DXT4, colours multiplied by alpha",
    b"RXGB": "RXGB, a normal map",
}


def as_pillow_reads(data: bytes) -> tuple[bytes, str | None]:
    """Return a DDS file in a kind that Pillow reads, and the name of its kind if there is none.

    Args:
        data: the file's bytes, at least its header.

    Raises:
        struct.error: the header is cut short.
    """
    flags = struct.unpack_from("<I", data, _FLAGS)[0]
    if not flags & _FOURCC:
        known = flags & (_RGB | _LUMINANCE | _PALETTE)
        return data, None if known else "alpha alone" if flags & _ALPHA else f"pixel format {flags:#x}"
    four = data[_FOUR : _FOUR + 4]
    if four not in _FOUR_READ:
        return data, _FOUR_NAMES.get(four, four.decode("ascii", "replace"))
    if four != b"DX10":
        return data, None
    dxgi = struct.unpack_from("<I", data, _DXGI)[0]
    if dxgi in _BLUE_FIRST:
        return _red_first(data, alpha=_BLUE_FIRST[dxgi]), None
    if dxgi in _SAME_BYTES or dxgi in _READ:
        return _with_format(data, _SAME_BYTES.get(dxgi, dxgi)), None
    return data, _NAMES.get(dxgi, f"DXGI format {dxgi}")


def _with_format(data: bytes, dxgi: int) -> bytes:
    return data[:_DXGI] + struct.pack("<I", dxgi) + data[_DXGI + 4 :]


def _red_first(data: bytes, *, alpha: bool) -> bytes:
    """Swap red and blue; a fourth byte that is not alpha may be anything and becomes opaque."""
    texels = bytearray(data[_DX10_HEADER:])
    texels[0::4], texels[2::4] = (
        texels[2::4].ljust(len(texels[0::4]), b"\0"),
        texels[0::4][: len(texels[2::4])],
    )
    if not alpha:
        texels[3::4] = b"\xff" * len(texels[3::4])
    return _with_format(data[:_DX10_HEADER], _RGBA8) + bytes(texels)
