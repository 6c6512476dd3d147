"""In which texel format the console held a texture: from its name, else the smallest that holds the pixels exactly."""

from __future__ import annotations

from texpipe.imaging.texel_formats import fits
from texpipe.imaging.visible import distinct_colours
from texpipe.texture import TexelFormat, Texture

_N64: tuple[TexelFormat, ...] = ("i4", "ia4", "ci4", "i8", "ia8", "ci8", "rgba16", "ia16", "rgba32")
_PSX: tuple[TexelFormat, ...] = ("psx4", "psx8", "psx16")
"""Both from few to many bits per texel."""

_FIRST = 1 << 12
"""Number of colours that are tried before all of them."""

_PSX_SCHEMES = ("duckstation", "beetle_psx", "tim")


def texel_format(texture: Texture) -> tuple[TexelFormat | None, str]:
    """Tell the texel format of a texture.

    Args:
        texture: decoded, with the parsed name if any grammar knew it.

    Returns:
        The format, or None if no format of the console holds the pixels exactly, and one line of evidence.
    """
    emulator = texture.source.emulator
    if emulator is not None and emulator.texels is not None:
        return emulator.texels, "the file name says so"
    candidates = _PSX if emulator is not None and emulator.scheme in _PSX_SCHEMES else _N64
    # Whether a format holds a picture depends on which colours are in it, not on how often and where.
    colours = distinct_colours(texture.rgba)[None]
    for texels in candidates:
        # What does not hold some of the colours does not hold all; for the PS1, one decides how others are read.
        if (texels in _PSX or fits(colours[:, :_FIRST], texels)) and fits(colours, texels):
            return texels, "the smallest format that holds every visible texel exactly"
    return None, "no format of the console holds the pixels exactly"
