"""N64 and PS1 texel formats and RGBA8, both ways, in plain numpy.

Bytes are laid out as the console holds them in its main memory: rows without padding between them (a row of
an odd number of 4-bit texels ends on a whole byte), N64 values big-endian with the high nibble first, PS1
values little-endian with the low nibble first.

5-bit channels become `round(c * 255 / 31)`, which is what GLideN64 and DuckStation dump. Hardware and some
tools repeat the high bits instead, and Beetle PSX rounds down; the three differ by one level at a few values.
Reading accepts all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import Rgba8, TexelFormat

Stp: TypeAlias = Literal["opaque", "semi"]
Codes: TypeAlias = NDArray[np.integer[Any]]
Bytes: TypeAlias = NDArray[np.uint8]

SEMI_ALPHA = 128
"""Alpha of a PS1 texel that is drawn semi-transparent. Dumps have 127 (Beetle PSX) or 143 (DuckStation)."""

_STP = 0x8000
_DARKEST_OPAQUE = (
    0x0421  # 0x0000 is a hole and 0x8000 semi-transparent: Beetle PSX stores black as (1, 1, 1) of 31
)


@dataclass(frozen=True)
class Encoded:
    """A texture as the console holds it: texels, and the palette of an indexed format (2 bytes per entry)."""

    data: bytes
    palette: bytes | None = None


@dataclass(frozen=True)
class _Direct:
    """A format without palette: bits of a texel, its byte order, and the ways to and from RGBA8."""

    bits: int
    pack: Callable[[Rgba8], NDArray[Any]]
    unpack: Callable[[Codes], list[NDArray[Any]]]
    little_endian: bool = False


@dataclass(frozen=True)
class _Indexed:
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


def _expand3(levels: NDArray[Any]) -> Bytes:
    wide = np.asarray(levels).astype(np.uint32)
    return ((wide << 5) | (wide << 2) | (wide >> 1)).astype(np.uint8)


def _grey(rgba: Rgba8) -> Bytes:
    """Luma of ITU-R BT.601; a grey pixel keeps its value."""
    return ((rgba[..., :3].astype(np.uint32) @ np.array([299, 587, 114], np.uint32) + 500) // 1000).astype(
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


def _pack_rgba32(rgba: Rgba8) -> Codes:
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
    return [_expand3(codes >> 1)] * 3 + [(codes & 1) * 255]


def _pack_i4(rgba: Rgba8) -> Bytes:
    return _reduce(_grey(rgba), 15)


def _psx_alpha_class(rgba: Rgba8) -> Bytes:
    """0 hole, 1 semi-transparent, 2 opaque: the nearest of the alphas 0, 128 and 255."""
    return (rgba[..., 3] >= 64).astype(np.uint8) + (rgba[..., 3] >= 192)


def psx_alphas(rgba: Rgba8, semi: int | None) -> Rgba8:
    """Leave a picture only the alphas that PS1 emulators tell apart, and no colour under zero alpha.

    Args:
        rgba: H x W x 4 uint8.
        semi: alpha of semi-transparent texels (nearest of 0, 128 and 255), or None where a texel is either
            there or not (alpha 128 and above is).

    Returns:
        H x W x 4 uint8.
    """
    if semi is None:
        alpha = np.where(rgba[..., 3] >= 128, np.uint8(255), np.uint8(0))
    else:
        alpha = np.array([0, semi, 255], np.uint8)[_psx_alpha_class(rgba)]
    return np.where(alpha[..., None] > 0, np.dstack([rgba[..., :3], alpha]), np.uint8(0))


def _pack_psx16(rgba: Rgba8) -> Codes:
    """PSX-SPX, "Texture bitmaps": R, G, B from bit 0 upwards and STP in bit 15; 0x0000 is a hole.

    Opaque black is 0x8000, unless the picture has semi-transparent texels: then bit 15 means those.
    """
    kind = _psx_alpha_class(rgba)
    r, g, b = (reduce5(rgba[..., i]).astype(np.uint32) for i in range(3))
    colour = r | g << 5 | b << 10
    black = _DARKEST_OPAQUE if (kind == 1).any() else _STP
    opaque = np.where(colour == 0, np.uint32(black), colour)
    return np.select([kind == 0, kind == 1], [np.uint32(0), colour | _STP], opaque)


def _unpack_psx16(codes: Codes) -> list[NDArray[Any]]:
    """Bit 15 is read as semi-transparent; `decode` makes those texels opaque when told so."""
    colour = [expand5(codes >> shift & 31) for shift in (0, 5, 10)]
    return [*colour, np.where(codes == 0, 0, np.where(codes & _STP, SEMI_ALPHA, 255))]


_DIRECT: Mapping[TexelFormat, _Direct] = {
    "rgba16": _Direct(16, _pack_rgba16, _unpack_rgba16),
    "rgba32": _Direct(32, _pack_rgba32, _unpack_rgba32),
    "ia16": _Direct(16, _pack_ia16, _unpack_ia16),
    "ia8": _Direct(8, _pack_ia8, _unpack_ia8),
    "ia4": _Direct(4, _pack_ia4, _unpack_ia4),
    "i8": _Direct(8, _grey, lambda codes: [codes] * 4),
    "i4": _Direct(4, _pack_i4, lambda codes: [codes * 17] * 4),
    "psx16": _Direct(16, _pack_psx16, _unpack_psx16, little_endian=True),
}
_INDEXED: Mapping[TexelFormat, _Indexed] = {
    "ci4": _Indexed(4, "rgba16"),
    "ci8": _Indexed(8, "rgba16"),
    "psx4": _Indexed(4, "psx16", low_nibble_first=True),
    "psx8": _Indexed(8, "psx16", low_nibble_first=True),
}


def encode(rgba: Rgba8, texels: TexelFormat, palette: bytes | None = None) -> Encoded:
    """Store a picture as the console does, each pixel as the nearest value of the format.

    Args:
        rgba: H x W x 4 uint8. Formats without colour take its luma; I formats ignore its alpha.
        texels: any format but yuv16.
        palette: for indexed formats, the entries to choose from, in order. Without it the palette is made of
            the picture's own colours in ascending order of their 16-bit codes.

    Returns:
        The texels, with the palette of an indexed format.

    Raises:
        ValueError: the format is yuv16, or the picture has more colours than the palette can hold.
    """
    indexed = _INDEXED.get(texels)
    if indexed is None:
        direct = _direct(texels)
        return Encoded(_to_bytes(direct.pack(rgba), direct.bits, little_endian=direct.little_endian))
    entry = _direct(indexed.entry)
    if palette is None:
        indices, entries = _own_palette(entry.pack(rgba), rgba[..., 3], 1 << indexed.bits, texels)
        palette = _to_bytes(entries[None], entry.bits, little_endian=entry.little_endian)
    else:
        entries = _from_bytes(palette, (len(palette) // 2, 1), entry.bits, little_endian=entry.little_endian)[
            0
        ]
        indices = _nearest(rgba, np.stack(entry.unpack(entries), axis=-1))
    return Encoded(_to_bytes(indices, indexed.bits, little_endian=indexed.low_nibble_first), palette)


def decode(
    data: bytes,
    size: tuple[int, int],
    texels: TexelFormat,
    palette: bytes | None = None,
    *,
    stp: Stp = "opaque",
    entry: TexelFormat | None = None,
) -> Rgba8:
    """Turn texels into RGBA8.

    Args:
        data: the texels; bytes beyond the picture are ignored.
        size: width and height in texels.
        texels: any format but yuv16.
        palette: entries of an indexed format (RGBA5551 or PS1 15 bit); indices beyond it show as a hole.
        stp: what a set bit 15 means in a PS1 format: "opaque", or "semi" as for semi-transparent primitives.
        entry: format of palette entries; N64 palettes may also be "ia16".

    Returns:
        H x W x 4 uint8, straight alpha.

    Raises:
        ValueError: the format is yuv16, data are too short, or an indexed format came without palette.
    """
    indexed = _INDEXED.get(texels)
    if indexed is None:
        direct = _direct(texels)
        codes = _from_bytes(data, size, direct.bits, little_endian=direct.little_endian)
    else:
        if palette is None:
            raise ValueError(f"{texels}: an indexed format needs its palette")
        direct = _direct(entry or indexed.entry)
        entries = _from_bytes(
            palette, (len(palette) // 2, 1), direct.bits, little_endian=direct.little_endian
        )[0]
        table = np.zeros(1 << indexed.bits, np.uint32)
        table[: len(entries)] = entries[: len(table)]
        codes = table[_from_bytes(data, size, indexed.bits, little_endian=indexed.low_nibble_first)]
    rgba = np.stack(direct.unpack(codes), axis=-1).astype(np.uint8)
    if direct is _DIRECT["psx16"] and stp == "opaque":
        rgba[..., 3] = np.where(codes == 0, 0, 255)
    return rgba


def quantise(rgba: Rgba8, texels: TexelFormat) -> Rgba8:
    """Move every pixel to the nearest value of the format; applying it twice changes nothing more.

    Indexed formats move pixels to values a palette entry can have (RGBA5551 or PS1 15 bit), without a limit
    on how many. PS1 formats know three alphas: 0, `SEMI_ALPHA` and 255.

    Args:
        rgba: H x W x 4 uint8, straight alpha.
        texels: any format but yuv16.

    Returns:
        H x W x 4 uint8.

    Raises:
        ValueError: the format is yuv16.
    """
    stored = _INDEXED[texels].entry if texels in _INDEXED else texels
    stp: Stp = "semi" if stored == "psx16" and (_psx_alpha_class(rgba) == 1).any() else "opaque"
    return decode(encode(rgba, stored).data, (rgba.shape[1], rgba.shape[0]), stored, stp=stp)


def fits(rgba: Rgba8, texels: TexelFormat) -> bool:
    """Tell whether a format holds a picture exactly wherever it is visible.

    All ways to expand 5 bits are accepted, 3-bit intensity repeated or by way of 4 bits, and the half alphas
    of the PS1 emulators. Indexed formats must also have enough palette entries; all hidden pixels together
    need one.

    Raises:
        ValueError: the format is yuv16.
    """
    kept = quantise(rgba, texels)
    visible = (rgba[..., 3] > 0) | (kept[..., 3] > 0)
    if not np.array_equal(_as_dumped(rgba, texels)[visible], kept[visible]):
        return False
    if texels not in _INDEXED:
        return True
    colours = len(np.unique(_pack_rgba32(kept)[visible]))
    return colours + int(not visible.all()) <= 1 << _INDEXED[texels].bits


def _direct(texels: TexelFormat) -> _Direct:
    if texels not in _DIRECT:
        raise ValueError(f"{texels}: this texel format cannot be encoded or decoded")
    return _DIRECT[texels]


def _own_palette(codes: Codes, alpha: Bytes, limit: int, texels: TexelFormat) -> tuple[Codes, Codes]:
    """Return H x W indices and the palette's codes; hidden colours are merged when there are too many."""
    entries, indices = np.unique(codes, return_inverse=True)
    if len(entries) > limit:
        entries, indices = np.unique(np.where(alpha < 128, np.uint32(0), codes), return_inverse=True)
    if len(entries) > limit:
        raise ValueError(f"{texels}: {len(entries)} colours do not fit into a palette of {limit}")
    return indices.reshape(codes.shape).astype(np.uint32), entries


def _nearest(rgba: Rgba8, entries: NDArray[Any]) -> Codes:
    """Return the index of the nearest palette entry of each pixel, the first one of equals."""
    difference = rgba[..., None, :].astype(np.int32) - entries.astype(np.int32)
    nearest: Codes = (difference**2).sum(axis=-1).argmin(axis=-1).astype(np.uint32)
    return nearest


def _to_bytes(codes: NDArray[Any], bits: int, *, little_endian: bool) -> bytes:
    if bits == 4:
        pairs = np.pad(codes, ((0, 0), (0, codes.shape[1] % 2))).astype(np.uint8).reshape(len(codes), -1, 2)
        low, high = (0, 1) if little_endian else (1, 0)
        return (pairs[..., high] << 4 | pairs[..., low]).tobytes()
    return codes.astype(f"{'<' if little_endian else '>'}u{bits // 8}").tobytes()


def _from_bytes(data: bytes, size: tuple[int, int], bits: int, *, little_endian: bool) -> Codes:
    width, height = size
    row_bytes = (width * bits + 7) // 8
    if len(data) < row_bytes * height:
        raise ValueError(
            f"{width} x {height} texels of {bits} bits need {row_bytes * height} bytes, not {len(data)}"
        )
    if bits == 4:
        rows = np.frombuffer(data, np.uint8, row_bytes * height).reshape(height, row_bytes)
        nibbles = [rows & 15, rows >> 4] if little_endian else [rows >> 4, rows & 15]
        return np.stack(nibbles, axis=-1).reshape(height, -1)[:, :width].astype(np.uint32)
    order = "<" if little_endian else ">"
    return (
        np.frombuffer(data, f"{order}u{bits // 8}", width * height).reshape(height, width).astype(np.uint32)
    )


def _table(aliases: Mapping[int, int]) -> Bytes:
    """A table of 256 values that leaves all but the aliases as they are."""
    table = np.arange(256, dtype=np.uint8)
    table[list(aliases)] = list(aliases.values())
    return table


def _aliases(levels: NDArray[Any], ours: Bytes, *others: NDArray[Any]) -> Bytes:
    return _table({int(o): int(our) for other in others for o, our in zip(other[levels], ours, strict=True)})


_FIVE = np.arange(32, dtype=np.uint32)
_THREE = np.arange(8, dtype=np.uint32)
_5_BIT = _aliases(_FIVE, expand5(_FIVE), _FIVE << 3 | _FIVE >> 2, _FIVE * 255 // 31)
_3_BIT = _aliases(_THREE, _expand3(_THREE), (_THREE << 1 | _THREE >> 2) * 17)
_SAME = _table({})
_HALF = _table({127: SEMI_ALPHA, 143: SEMI_ALPHA})


def _as_dumped(rgba: Rgba8, texels: TexelFormat) -> Rgba8:
    """Replace other tools' expansions of a level by ours; other values stay as they are."""
    stored = _INDEXED[texels].entry if texels in _INDEXED else texels
    colour = {"rgba16": _5_BIT, "psx16": _5_BIT, "ia4": _3_BIT}.get(stored, _SAME)
    alpha = _HALF if stored == "psx16" else _SAME
    return np.dstack([colour[rgba[..., :3]], alpha[rgba[..., 3]]])
