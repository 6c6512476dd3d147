"""What the test program asks the graphics chip to draw: F3DEX2 display lists of RDP commands.

A command is two 32-bit words, the first of which begins with its number. Coordinates on the screen and in
textures have two fractional bits, steps from texel to texel ten.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeAlias

Command: TypeAlias = "tuple[int, int]"

SCREEN = (320, 240)

# Cycle types, and what else the upper word of the modes holds here.
_ONE_CYCLE, _FILL = 0 << 20, 3 << 20
_BILINEAR = 2 << 12
_NO_YUV = 6 << 9  # without it the texture filter converts from YUV
_PALETTE_RGBA16 = 2 << 14
# Blend with what is there, by alpha: c = in * a + memory * (1 - a), memory is read, coverage is full.
_BY_ALPHA = 1 << 22 | 1 << 20 | 1 << 14 | 1 << 9 | 1 << 6

_LOADING_TILE = 7
_PALETTE_MEMORY = 0x100  # in 8-byte words: the upper half of texture memory
_CLAMP = 2
_BITS_16, _BITS_32 = 2, 3


def serialise(commands: Sequence[Command]) -> bytes:
    return b"".join(struct.pack(">II", *command) for command in commands)


def begin(frame_buffer: int) -> list[Command]:
    """Draw to a 16-bit frame buffer of the size of the screen."""
    width, height = SCREEN
    return [
        _pipe_sync(),
        (0xFF << 24 | 0 << 21 | _BITS_16 << 19 | width - 1, frame_buffer),
        (0xED << 24, width * 4 << 12 | height * 4),
    ]


def end() -> list[Command]:
    """Wait for the picture to be complete."""
    return [_pipe_sync(), (0xE9 << 24, 0), (0xDF << 24, 0)]


def rectangle(x: int, y: int, width: int, height: int, rgba16: int) -> list[Command]:
    """Fill whole pixels with one colour."""
    right, bottom = (x + width - 1) * 4, (y + height - 1) * 4  # in this mode the last pixel is included
    return [
        _pipe_sync(),
        _modes(_FILL, 0),
        (0xF7 << 24, rgba16 << 16 | rgba16),
        (0xF6 << 24 | right << 12 | bottom, x * 4 << 12 | y * 4),
    ]


def show_texels(*, palette: bool) -> list[Command]:
    """From now on draw colour and alpha of the texture, blended by alpha."""
    upper = _ONE_CYCLE | _BILINEAR | _NO_YUV | (_PALETTE_RGBA16 if palette else 0)
    return [_pipe_sync(), _modes(upper, _BY_ALPHA), _texel_alone(), (0xD7 << 24 | 2, 0xFFFFFFFF)]


def load_palette(address: int, entries: int) -> list[Command]:
    return [
        (0xFD << 24 | _BITS_16 << 19, address),
        (0xE8 << 24, 0),
        (0xF5 << 24 | _PALETTE_MEMORY, _LOADING_TILE << 24),
        (0xE6 << 24, 0),
        (0xF0 << 24, _LOADING_TILE << 24 | (entries - 1) << 14),
        _pipe_sync(),
    ]


def load_texture(address: int, size: tuple[int, int], fmt: int, siz: int, *, repeats: bool) -> list[Command]:
    """Load a texture whose rows are whole 8-byte words.

    Args:
        address: of the texels.
        size: width and height in texels; powers of two if it repeats.
        fmt: 0 RGBA, 2 palette, 3 IA, 4 I.
        siz: 0, 1, 2, 3 for 4, 8, 16, 32 bits per texel.
        repeats: the texture repeats in both directions, or else its border is drawn on.
    """
    width, height = size
    row_bytes = (width << siz) >> 1
    loaded_as = max(siz, _BITS_16)
    units = row_bytes * height >> (2 if loaded_as == _BITS_32 else 1)
    words_to_row = -(-2048 * 8 // row_bytes)  # how much of a row a word is, in 1/2048, rounded up
    # A 32-bit texel lies half in each half of texture memory: its rows count as if texels had 16 bits.
    row_words = row_bytes // (16 if siz == _BITS_32 else 8)
    edges = _edges(size, repeats=repeats)
    return [
        (0xFD << 24 | fmt << 21 | loaded_as << 19, address),
        (0xF5 << 24 | fmt << 21 | loaded_as << 19, _LOADING_TILE << 24 | edges),
        (0xE6 << 24, 0),
        (0xF3 << 24, _LOADING_TILE << 24 | (units - 1) << 12 | words_to_row),
        _pipe_sync(),
        (0xF5 << 24 | fmt << 21 | siz << 19 | row_words << 9, edges),
        (0xF2 << 24, (width - 1) * 4 << 12 | (height - 1) * 4),
    ]


def textured_rectangle(x: int, y: int, width: int, height: int, pixels_per_texel: int) -> list[Command]:
    """Draw the texture from its upper left corner on."""
    step = 1024 // pixels_per_texel
    return [
        (0xE4 << 24 | (x + width) * 4 << 12 | (y + height) * 4, x * 4 << 12 | y * 4),
        (0xE1 << 24, 0),
        (0xF1 << 24, step << 16 | step),
    ]


def _edges(size: tuple[int, int], *, repeats: bool) -> int:
    mask_x, mask_y = ((side.bit_length() - 1) if repeats else 0 for side in size)
    mode = 0 if repeats else _CLAMP
    return mode << 18 | mask_y << 14 | mode << 8 | mask_x << 4


def _pipe_sync() -> Command:
    return (0xE7 << 24, 0)


def _modes(upper: int, lower: int) -> Command:
    return (0xEF << 24 | upper, lower)


def _texel_alone() -> Command:
    """The colour combiner, (a - b) * c + d in both cycles: nothing but the texel as d."""
    zero, zero_c, zero_d, texel = 15, 31, 7, 1
    upper = zero << 20 | zero_c << 15 | zero_d << 12 | zero_d << 9 | zero << 5 | zero_c
    lower = zero << 28 | zero << 24 | zero_d << 21 | zero_d << 18
    lower |= texel << 15 | zero_d << 12 | texel << 9 | texel << 6 | zero_d << 3 | texel
    return (0xFC << 24 | upper, lower)
