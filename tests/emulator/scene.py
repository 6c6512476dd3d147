"""The picture that the test program shows: a texture of every format over a checker board."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from textures import bricks, disc, fence, foliage, glyph, grain

from emulator import display_list
from emulator.mupen64plus import SHOT
from emulator.rom import Memory, build
from texpipe.formats.rice_crc import palette_crc, rice_crc
from texpipe.imaging.texel_formats import Encoded, decode, encode
from texpipe.texture import Rgba8, TexelFormat

GAME = "TEXPIPE TEST"
PIXELS_PER_TEXEL = 2
SHOT_PIXELS = SHOT[0] // display_list.SCREEN[0]
"""Pixels of a screenshot to a pixel of the console, along each axis."""
PACK_SCALE = PIXELS_PER_TEXEL * SHOT_PIXELS
"""How large a pack's pictures must be for a pixel of theirs to be a pixel of a screenshot."""

_NUMBERS: dict[TexelFormat, tuple[int, int]] = {
    "rgba16": (0, 2),
    "rgba32": (0, 3),
    "ci4": (2, 0),
    "ci8": (2, 1),
    "ia4": (3, 0),
    "ia8": (3, 1),
    "ia16": (3, 2),
    "i4": (4, 0),
    "i8": (4, 1),
}
_PALETTE_ENTRIES: dict[TexelFormat, int] = {"ci4": 16, "ci8": 256}
_CHECKER = (0x6319, 0x9CE7)  # two greys, RGBA16
_CHECKER_SIDE = 16


@dataclass(frozen=True)
class Drawn:
    """A texture and the rectangle of the screen, of 320 x 240 pixels, that shows it."""

    label: str
    texels: TexelFormat
    picture: Rgba8
    x: int
    y: int
    repeats: int = 1
    """How often the rectangle shows it along each axis."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in texels."""
        return self.picture.shape[1], self.picture.shape[0]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height on the screen."""
        width, height = (side * PIXELS_PER_TEXEL * self.repeats for side in self.size)
        return self.x, self.y, width, height

    @property
    def on_shot(self) -> tuple[slice, slice]:
        """Rows and columns of a screenshot that show it."""
        x, y, width, height = (value * SHOT_PIXELS for value in self.box)
        return slice(y, y + height), slice(x, x + width)

    @cached_property
    def stored(self) -> Encoded:
        """Texels and palette in the cartridge."""
        return encode(self.picture, self.texels)

    @property
    def decoded(self) -> Rgba8:
        """The texture as texpipe reads its texels."""
        return decode(self.stored.data, self.size, self.texels, self.stored.palette)

    @property
    def name(self) -> str:
        """The name of its PNG file: checksums as texpipe computes them."""
        fmt, siz = _NUMBERS[self.texels]
        start = f"{GAME}#{rice_crc(self.stored.data, *self.size, siz):08X}#{fmt}#{siz}"
        if self.stored.palette is None:
            return f"{start}_all.png"
        highest = len(self.stored.palette) // 2 - 1  # the palette has no entry that is not used
        return f"{start}#{palette_crc(self.stored.palette, highest):08X}_ciByRGBA.png"


def _few_colours(picture: Rgba8, count: int) -> Rgba8:
    """Leave as many colours as a palette has room for; what is hidden is one of them."""
    colours = Image.fromarray(picture[..., :3]).quantize(count - 1).convert("RGB")
    return np.where(picture[..., 3:] > 0, np.dstack([np.asarray(colours), picture[..., 3]]), np.uint8(0))


def _faded(picture: Rgba8) -> Rgba8:
    """Alpha from one border to the other."""
    alpha = np.linspace(255, 0, picture.shape[1]).astype(np.uint8)
    return np.dstack([picture[..., :3], np.broadcast_to(alpha, picture.shape[:2])])


def _glow(side: int) -> Rgba8:
    """A soft spot of light, as an intensity texture."""
    return disc(side)[..., 3:].repeat(4, axis=2)


def _sky() -> Rgba8:
    picture = grain((64, 32), 5, detail=2)
    picture[..., 2] = np.maximum(picture[..., 2], 170)
    return picture


SCENE = (
    Drawn("wide", "rgba16", _sky(), 8, 2),
    Drawn("repeated", "rgba16", bricks((16, 16)), 148, 2, repeats=2),
    Drawn("leaves", "rgba16", foliage(), 224, 2),
    Drawn("spot", "rgba32", disc(32), 8, 70),
    Drawn("palette of 256", "ci8", _few_colours(grain((32, 32), 8), 256), 84, 70),
    Drawn("cut-out of 256", "ci8", _few_colours(foliage(seed=6), 256), 160, 70),
    Drawn("palette of 16", "ci4", _few_colours(bricks(), 16), 236, 70),
    Drawn("cut-out of 16", "ci4", fence(), 8, 138),
    Drawn("IA16", "ia16", disc(32), 84, 138),
    Drawn("IA8", "ia8", _faded(grain((32, 32), 9)), 160, 138),
    Drawn("IA4", "ia4", fence((32, 32)), 236, 138),
    Drawn("I8", "i8", _glow(16), 8, 206),
    Drawn("I4", "i4", glyph(16), 84, 206),
    Drawn("flat wall", "rgba16", bricks((16, 8)), 160, 206, repeats=2),
    Drawn("small", "ci4", _few_colours(grain((16, 16), 11), 16), 236, 206),
)


def painted(drawn: Drawn, picture: Rgba8) -> NDArray[np.float64]:
    """Return what a screenshot must show where a texture is drawn.

    Args:
        drawn: the texture.
        picture: what a pack has for it, `PACK_SCALE` times its size.

    Returns:
        H x W x 3 in levels: the picture, repeated as the texture is, over the checker board.
    """
    over = np.tile(picture, (drawn.repeats, drawn.repeats, 1)).astype(np.float64)
    alpha = over[..., 3:] / 255
    return over[..., :3] * alpha + _board_on_shot()[drawn.on_shot] * (1 - alpha)


def _board_on_shot() -> NDArray[np.float64]:
    y, x = np.mgrid[: SHOT[1], : SHOT[0]] // (_CHECKER_SIDE * SHOT_PIXELS)
    greys = decode(struct.pack(">2H", *_CHECKER), (2, 1), "rgba16")[0, :, :3]
    return greys[(x + y) % 2].astype(np.float64)


def cartridge() -> bytes:
    """Return a cartridge image that shows the scene."""
    memory = Memory()
    places = [_place(drawn, memory) for drawn in SCENE]

    def picture(frame_buffer: int) -> list[display_list.Command]:
        commands = display_list.begin(frame_buffer) + _checker_board()
        for drawn, (texels, palette) in zip(SCENE, places, strict=True):
            commands += _draw(drawn, texels, palette)
        return commands + display_list.end()

    return build(GAME, memory, picture)


def _place(drawn: Drawn, memory: Memory) -> tuple[int, int | None]:
    texels, palette = drawn.stored.data, drawn.stored.palette
    if palette is None:
        return memory.put(texels), None
    return memory.put(texels), memory.put(palette.ljust(2 * _PALETTE_ENTRIES[drawn.texels], b"\0"))


def _checker_board() -> list[display_list.Command]:
    width, height = display_list.SCREEN
    commands = []
    for y in range(0, height, _CHECKER_SIDE):
        for x in range(0, width, _CHECKER_SIDE):
            colour = _CHECKER[(x + y) // _CHECKER_SIDE % 2]
            commands += display_list.rectangle(x, y, _CHECKER_SIDE, _CHECKER_SIDE, colour)
    return commands


def _draw(drawn: Drawn, texels: int, palette: int | None) -> list[display_list.Command]:
    commands = display_list.show_texels(palette=palette is not None)
    if palette is not None:
        commands += display_list.load_palette(palette, _PALETTE_ENTRIES[drawn.texels])
    commands += display_list.load_texture(
        texels, drawn.size, *_NUMBERS[drawn.texels], repeats=drawn.repeats > 1
    )
    return commands + display_list.textured_rectangle(*drawn.box, PIXELS_PER_TEXEL)
