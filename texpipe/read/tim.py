"""PS1 `.TIM` pictures: 4, 8, 16 and 24 bits per texel, several palettes, several pictures in one file.

Source of the layout: PSX-SPX, "CDROM File Video Texture Image TIM". Tools often write wrong section sizes, so widths
and heights are believed instead, as far as there are bytes for them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from texpipe.imaging.image_files import MAX_PIXELS
from texpipe.imaging.texel_formats import Stp, decode
from texpipe.texture import Rgba8, TexelFormat

_MAX_PICTURES = 4096
"""Largest number of pictures that are read from one file."""

_MAGIC = b"\x10\0\0\0"
_SECTION = struct.Struct("<IHHHH")  # size, x, y, width in 16-bit units, height
_HAS_PALETTE = 8
_STEP = 4
_ENTRIES = {0: 16, 1: 256}
_MODES = {0: 0, 1: 1, 2: 2, 3: 3, 5: 1}
"""Kinds of texels as 4, 8, 16 and 24 bits; 5 is seen for 8 bits. 4, mixed kinds, cannot be decoded."""
_TEXELS: Mapping[int, TexelFormat] = {0: "psx4", 1: "psx8", 2: "psx16"}


@dataclass(frozen=True)
class Section:
    """Pixels or palettes: place in video memory, 16-bit units in a row, rows, and where in the file."""

    x: int
    y: int
    width: int
    height: int
    start: int

    @property
    def end(self) -> int:
        """Offset behind the data."""
        return self.start + self.width * self.height * 2


@dataclass(frozen=True)
class Tim:
    """A picture in a file.

    Attributes:
        offset: where it begins.
        mode: 0, 1, 2, 3 for 4, 8, 16, 24 bits per texel.
        pixels: its texels.
        palettes: offset and number of entries of each palette; empty for texels that need none.
    """

    offset: int
    mode: int
    pixels: Section
    palettes: tuple[tuple[int, int], ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in texels."""
        units = self.pixels.width
        return {0: units * 4, 1: units * 2, 2: units, 3: units * 2 // 3}[self.mode], self.pixels.height

    @property
    def bits(self) -> int:
        """Bits of a texel."""
        return 24 if self.mode == 3 else 4 << self.mode

    @property
    def texels(self) -> TexelFormat | None:
        """Format of the texels; None for 24 bits, which no texture of a game has."""
        return _TEXELS.get(self.mode)


def find_tims(data: bytes) -> list[Tim]:
    """Find the pictures of a file: the first begins at its start, others at any multiple of 4 bytes.

    Args:
        data: the file's bytes.

    Returns:
        At least one picture, at most `_MAX_PICTURES`.

    Raises:
        ValueError: the file does not begin with a TIM picture that can be decoded.
    """
    first = _tim_at(data, 0)
    return [first, *_further(data, first.pixels.end)]


def _further(data: bytes, at: int) -> Iterator[Tim]:
    for _ in range(_MAX_PICTURES - 1):
        while (at := data.find(_MAGIC, at)) >= 0:
            try:
                if at % _STEP:
                    raise ValueError("is not where a picture can begin")
                found = _tim_at(data, at)
            except ValueError:
                at += 1
            else:
                break
        if at < 0:
            return
        yield found
        at = found.pixels.end


def _tim_at(data: bytes, offset: int) -> Tim:
    if data[offset : offset + 4] != _MAGIC or len(data) < offset + 8:
        raise ValueError("is not a TIM picture")
    flags = struct.unpack_from("<I", data, offset + 4)[0]
    mode = _MODES.get(flags & 7)
    if mode is None or flags & ~15:
        raise ValueError(f"has texels of the kind {flags:#x}, which cannot be decoded")
    at = offset + 8
    palettes: tuple[tuple[int, int], ...] = ()
    if flags & _HAS_PALETTE:
        colours = _section_at(data, at, "palette")
        palettes = _palettes(colours, _ENTRIES[mode]) if mode in _ENTRIES else ()
        at = colours.end
    found = Tim(offset, mode, _section_at(data, at, "pixels"), palettes)
    if mode in _ENTRIES and not palettes:
        raise ValueError("has no palette: its colours are in another file")
    if found.size[0] < 1 or found.size[0] * found.size[1] > MAX_PIXELS:
        raise ValueError(f"claims {found.size[0]} x {found.size[1]} texels")
    return found


def _section_at(data: bytes, at: int, what: str) -> Section:
    if len(data) < at + _SECTION.size:
        raise ValueError(f"is truncated: its {what} are missing")
    _, x, y, width, height = _SECTION.unpack_from(data, at)
    found = Section(x, y, width, height, at + _SECTION.size)
    if not width or not height:
        raise ValueError(f"has no {what} ({width} x {height})")
    if found.end > len(data):
        raise ValueError(f"claims {what} of {width} x {height}, but ends before them")
    return found


def _palettes(colours: Section, entries: int) -> tuple[tuple[int, int], ...]:
    """Palettes lie one in a row, or several where a row holds a whole number of them."""
    whole = colours.width % entries == 0
    length = entries if whole else colours.width
    in_row = colours.width // length
    return tuple(
        (colours.start + 2 * (row * colours.width + column * length), length)
        for row in range(colours.height)
        for column in range(in_row)
    )


def decode_tim(data: bytes, tim: Tim, palette: int, stp: Stp) -> Rgba8:
    """Decode a picture with one of its palettes.

    Args:
        data: the file's bytes.
        tim: from `find_tims`.
        palette: number of the palette; ignored by texels that need none.
        stp: what bit 15 of a colour means; see `pixelformats.decode`.

    Returns:
        H x W x 4 uint8.
    """
    texels = data[tim.pixels.start : tim.pixels.end]
    if tim.texels is None:
        return _true_colour(texels, tim)
    colours = None
    if tim.palettes:
        start, length = tim.palettes[palette]
        colours = data[start : start + 2 * length]
    return decode(texels, tim.size, tim.texels, colours, stp=stp)


def _true_colour(texels: bytes, tim: Tim) -> Rgba8:
    """Rows of R, G, B bytes are filled up to 16-bit units."""
    width, height = tim.size
    rows = np.frombuffer(texels, np.uint8).reshape(height, -1)[:, : width * 3].reshape(height, width, 3)
    return np.dstack([rows, np.full((height, width), 255, np.uint8)])
