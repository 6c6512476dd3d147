"""N64 and PS1 textures and RGBA8, both ways, in plain numpy.

Bytes are laid out as the console holds them in its main memory: rows without padding between them (a row of
an odd number of 4-bit texels ends on a whole byte), N64 values big-endian with the high nibble first, PS1
values little-endian with the low nibble first. `texels` knows what a texel's bits mean; written are its ways
to expand 5 bits, read are those of all tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.texel_codecs import (
    DIRECT,
    INDEXED,
    SEMI_ALPHA,
    Bytes,
    Codes,
    DirectColour,
    direct,
    expand3,
    expand5,
    pack_rgba32,
    psx_alpha_class,
)
from texpipe.texture import Rgba8, TexelFormat

Stp: TypeAlias = Literal["opaque", "semi"]


@dataclass(frozen=True)
class Encoded:
    """A texture as the console holds it: texels, and the palette of an indexed format (2 bytes per entry)."""

    data: bytes
    palette: bytes | None = None


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
    indexed = INDEXED.get(texels)
    if indexed is None:
        own = direct(texels)
        return Encoded(_to_bytes(own.pack(rgba), own.bits, little_endian=own.little_endian))
    entry = direct(indexed.entry)
    if palette is None:
        indices, entries = _own_palette(entry.pack(rgba), rgba[..., 3], 1 << indexed.bits, texels)
        palette = _to_bytes(entries[None], entry.bits, little_endian=entry.little_endian)
    else:
        entries = _entries(palette, entry)
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
    indexed = INDEXED.get(texels)
    if indexed is None:
        own = direct(texels)
        codes = _codes(data, size, own)
    elif palette is None:
        raise ValueError(f"{texels}: an indexed format needs its palette")
    else:
        own = direct(entry or indexed.entry)
        entries = _entries(palette, own)
        table = np.zeros(1 << indexed.bits, np.uint32)
        table[: len(entries)] = entries[: len(table)]
        codes = table[_from_bytes(data, size, indexed.bits, little_endian=indexed.low_nibble_first)]
    rgba = np.stack(own.unpack(codes), axis=-1).astype(np.uint8)
    if own is DIRECT["psx16"] and stp == "opaque":
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
    stored = INDEXED[texels].entry if texels in INDEXED else texels
    stp: Stp = "semi" if stored == "psx16" and (psx_alpha_class(rgba) == 1).any() else "opaque"
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
    if not np.array_equal(as_stored(rgba, texels)[visible], kept[visible]):
        return False
    if texels not in INDEXED:
        return True
    colours = len(np.unique(pack_rgba32(kept)[visible]))
    return colours + int(not visible.all()) <= 1 << INDEXED[texels].bits


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
        alpha = np.array([0, semi, 255], np.uint8)[psx_alpha_class(rgba)]
    return np.where(alpha[..., None] > 0, np.dstack([rgba[..., :3], alpha]), np.uint8(0))


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


def _codes(data: bytes, size: tuple[int, int], own: DirectColour) -> Codes:
    return _from_bytes(data, size, own.bits, little_endian=own.little_endian)


def _entries(palette: bytes, entry: DirectColour) -> Codes:
    """Return the codes of a palette's entries."""
    row: Codes = _codes(palette, (len(palette) // 2, 1), entry)[0]
    return row


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
_3_BIT = _aliases(_THREE, expand3(_THREE), (_THREE << 1 | _THREE >> 2) * 17)
_SAME = _table({})
_HALF = _table({127: SEMI_ALPHA, 143: SEMI_ALPHA})


def as_stored(rgba: Rgba8, texels: TexelFormat) -> Rgba8:
    """Replace other tools' expansions of a level by ours; other values stay as they are.

    Args:
        rgba: H x W x 4 uint8, as some tool dumped it.
        texels: any format but yuv16.
    """
    stored = INDEXED[texels].entry if texels in INDEXED else texels
    colour = {"rgba16": _5_BIT, "psx16": _5_BIT, "ia4": _3_BIT}.get(stored, _SAME)
    alpha = _HALF if stored == "psx16" else _SAME
    return np.dstack([colour[rgba[..., :3]], alpha[rgba[..., 3]]])
