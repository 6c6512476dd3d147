"""Walls, floors and sky: the textures that cover a landscape. Most start from Freedoom's art."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from shapes import (
    FINE,
    Colour,
    Floats,
    blank,
    clouds,
    disc,
    grey,
    grid,
    noise,
    opaque,
    paint,
    ramp,
    reduce,
    smooth,
    stretch,
    stroke,
)
from symbols import letters

FREEDOOM = Path(__file__).parent / "freedoom"


def freedoom(name: str, factor: int = 1) -> Floats:
    """Read one of the Freedoom originals, reduced by an integer factor."""
    with Image.open(FREEDOOM / f"{name}.png") as image:
        return reduce(np.asarray(image.convert("RGBA"), float) / 255, factor)


def light(layer: Floats) -> Floats:
    """Return the brightness of a layer, stretched so that 2 % are black and 2 % white."""
    luma = layer[..., :3] @ np.array([0.299, 0.587, 0.114])
    low, high = np.quantile(luma, [0.02, 0.98])
    return np.clip((luma - low) / (high - low), 0, 1)


def recoloured(name: str, *stops: Colour, factor: int = 1, keep: float = 0.25) -> Floats:
    """Give a Freedoom original the colours of a friendlier world, keeping a share of its own."""
    layer = freedoom(name, factor)
    rgb = ramp(light(layer), *stops) * (1 - keep) + layer[..., :3] * keep
    return np.concatenate([rgb, layer[..., 3:]], axis=-1)


def darkened(layer: Floats, top: float, bottom: float) -> Floats:
    """Shade from top to bottom: a wall that is darker towards the ground no longer repeats upwards."""
    down = np.linspace(top, bottom, len(layer))[:, None, None]
    return np.concatenate([np.clip(layer[..., :3] * down, 0, 1), layer[..., 3:]], axis=-1)


def cobbles() -> Floats:
    """Round grey stones, repeating on both axes."""
    return recoloured("wrapxy_flat5_7", (44, 42, 50), (122, 118, 122), (212, 206, 190), factor=2)


def path_stones() -> Floats:
    """Flat stones in earth, repeating on both axes."""
    return recoloured("wrapxy_rrock04", (60, 40, 26), (140, 108, 70), (206, 180, 128))


def flagstones() -> Floats:
    """A temple's floor, repeating on both axes."""
    return recoloured("wrapxy_flat1_1", (52, 58, 60), (124, 130, 116), (190, 194, 168), factor=2)


def meadow() -> Floats:
    """Short grass, repeating on both axes."""
    grass = light(freedoom("wrapxy_grass1", 2)) * 0.6 + clouds(32, 32, (4, 4), 11) * 0.4
    return opaque(ramp(stretch(grass), (30, 74, 22), (76, 130, 40), (150, 186, 82)))


def floor_boards() -> Floats:
    """A wooden floor, repeating on both axes."""
    return recoloured("wrapxy_floor5_4", (70, 40, 20), (150, 98, 50), (214, 160, 96), factor=2)


def mossy_bricks() -> Floats:
    """An old wall with moss, repeating on both axes."""
    wall = recoloured("wrapxy_slime13", (40, 38, 34), (112, 104, 90), (170, 160, 130), factor=2)
    moss = smooth((clouds(32, 32, (3, 3), 5) - 0.5) * 4)
    return paint(wall, moss, (74, 112, 44), 0.6)


def water(frame: int) -> Floats:
    """A lake's surface, repeating on both axes."""
    return recoloured(
        f"anim_fwater{frame}", (20, 70, 130), (56, 136, 190), (200, 240, 250), factor=2, keep=0.1
    )


def lava() -> Floats:
    """Molten rock, repeating on both axes."""
    return recoloured("anim_lava1", (90, 16, 8), (214, 70, 10), (255, 226, 90), factor=2, keep=0.1)


def carpet() -> Floats:
    """A diamond pattern in grey, repeating on both axes; the game colours it."""
    value = light(freedoom("wrapxy_aqf045", 2))
    return grey(value, value)


def rough_metal() -> Floats:
    """Rough metal in 16 greys, repeating on both axes: a detail texture."""
    value = light(freedoom("i4_metal", 2))
    return grey(value, value)


def roof_tiles() -> Floats:
    """Round roof tiles, repeating on both axes."""
    x, y = grid(32, 32)
    layer = paint(blank(32, 32), np.ones_like(x), (74, 30, 26))
    for row in range(-1, 9):
        for column in range(-1, 6):
            centre = (column * 8 + (4 if row % 2 else 0), row * 4.0)
            shade = 0.8 + 0.2 * (noise(8, 8, (4, 4), 3)[column % 4 + (row % 2), row % 8])
            inside = disc(x, y, centre, 4.6) & (y > centre[1])
            depth = np.clip((y - centre[1]) / 4.6, 0, 1)
            layer = paint(layer, inside, ramp(depth * shade, (110, 42, 32), (196, 86, 56), (232, 140, 92)))
            layer = paint(layer, inside & ~disc(x, y, centre, 4.1), (64, 24, 22))
    return layer_of(layer)


def hidden(layer: Floats, colour: Colour) -> Floats:
    """Give the pixels that nobody sees a colour, as paint programs and tools of the time left them."""
    seen = layer[..., 3:] >= 0.5
    return np.where(seen, layer, [*(c / 255 for c in colour), 0])


def layer_of(fine: Floats) -> Floats:
    """Reduce a fine layer to texels."""
    return reduce(fine, FINE)


def brick_wall() -> Floats:
    """A wall, darker towards the ground: repeats sideways only."""
    wall = recoloured("wrapx_brick7", (96, 52, 36), (176, 116, 76), (226, 180, 130))[:32]
    return darkened(wall, 1.15, 0.45)


def planks() -> Floats:
    """A fence of planks with worn tops: repeats sideways only."""
    wall = recoloured("wrapx_wood8", (56, 34, 18), (142, 98, 56), (212, 168, 108), factor=2)
    return darkened(wall, 1.1, 0.55)


def cliff() -> Floats:
    """A rock face with grass hanging over its edge: repeats sideways only."""
    rock = recoloured("wrapx_stone4", (70, 62, 56), (150, 136, 116), (216, 204, 176))[:32]
    fringe = 5 + 4 * noise(64, 1, (11, 1), 21)[0] + 3 * noise(64, 1, (32, 1), 22)[0]
    depth = fringe[None] - np.arange(32)[:, None]
    blades = ramp(np.clip(depth / 10, 0, 1), (44, 92, 30), (120, 170, 62))
    return paint(
        paint(darkened(rock, 1.1, 0.7), smooth((depth + 3) / 3), (30, 44, 24), 0.6), depth > 0, blades
    )


def sky() -> Floats:
    """A day sky with clouds: repeats sideways only."""
    down = np.linspace(0, 1, 32)[:, None] * np.ones((32, 64))
    blue = opaque(ramp(down, (64, 118, 208), (126, 180, 236), (214, 232, 244)))
    shape = smooth((clouds(64, 32, (4, 3), 31) - 0.45) * 3.5) * (1 - np.abs(down - 0.55))
    return paint(blue, shape, (255, 252, 244))


def iron_bars() -> Floats:
    """A gate of iron bars: cut out, repeats sideways only."""
    return darkened(
        recoloured("cutout_midbars1", (40, 42, 52), (110, 114, 130), (206, 210, 220), factor=2), 1.2, 0.6
    )


def lattice() -> Floats:
    """A wire lattice: cut out, repeats on both axes."""
    x, y = grid(32, 32)
    layer = blank(32, 32)
    for slope in (1, -1):
        across = np.mod(x + slope * y, 16) - 8
        wire = np.abs(across) < 2.1
        layer = paint(layer, wire, ramp((across + 2.1) / 4.2, (120, 78, 34), (226, 182, 96), (84, 52, 26)))
    return hidden(layer_of(layer), (255, 255, 255))


def door_half() -> Floats:
    """The left half of an arched door: the game mirrors it sideways."""
    wood = recoloured("wrapx_wood8", (58, 32, 16), (136, 88, 46), (200, 150, 92), factor=2)
    x, y = grid(32, 64)
    fine = np.repeat(np.repeat(wood, FINE, axis=0), FINE, axis=1)
    for band in (20.0, 50.0):
        iron = ramp((y - band + 3.2) / 6.4, (116, 116, 128), (58, 58, 70))
        fine = paint(fine, np.abs(y - band) < 3.2, iron)
        for rivet in (8.0, 16.0, 24.0):
            fine = paint(fine, disc(x, y, (rivet, band), 1.5), (196, 196, 206))
    fine = paint(fine, disc(x, y, (27, 36), 4.2) & ~disc(x, y, (27, 36), 2.8), (222, 178, 70))
    fine = paint(fine, x > 31.2, (36, 20, 12))
    wall = np.hypot(x - 32, y - 32) * (y < 32)
    stone = ramp(noise(128, 256, (10, 20), 53), (104, 100, 96), (168, 162, 150))
    fine = paint(fine, (wall > 28) | (x < 4), stone)
    return layer_of(
        paint(fine, ((wall > 27) & (wall <= 28.2)) | ((y >= 32) & (np.abs(x - 4) < 0.7)), (44, 40, 40))
    )


def stained_glass() -> Floats:
    """The upper left quarter of a round window: the game mirrors it on both axes."""
    x, y = grid(32, 32)
    away = np.hypot(32 - x, 32 - y)
    angle = np.arctan2(32 - y, 32 - x)
    sector = np.floor(angle / (np.pi / 8)).astype(int)
    glow = 0.75 + 0.25 * noise(128, 128, (16, 16), 59)
    layer = paint(blank(32, 32), np.ones_like(x), (92, 88, 92))
    rings: list[tuple[float, list[Colour]]] = [
        (30, [(210, 48, 52), (240, 180, 50)]),
        (21, [(46, 104, 200), (60, 170, 120)]),
        (11, [(250, 226, 120), (236, 130, 60)]),
    ]
    for radius, colours in rings:
        for turn in range(4):
            part = (away < radius) & (sector == turn)
            layer = paint(layer, part, ramp(glow, (0, 0, 0), colours[turn % 2]))
    lead = np.zeros(x.shape, bool)
    for radius in (30.0, 21.0, 11.0):
        lead |= np.abs(away - radius) < 0.9
    spoke = np.abs(np.sin((angle / (np.pi / 8) - np.round(angle / (np.pi / 8))) * np.pi / 8)) * away < 0.7
    return layer_of(paint(layer, lead | (spoke & (away < 30) & (away > 11)), (30, 28, 34)))


def crate() -> Floats:
    """The side of a wooden crate: does not repeat."""
    wood = recoloured("wrapx_wood8", (84, 54, 24), (168, 120, 62), (224, 182, 110), factor=2)[:32]
    x, y = grid(32, 32)
    fine = np.repeat(np.repeat(wood, FINE, axis=0), FINE, axis=1)
    edge = np.minimum(np.minimum(x, 32 - x), np.minimum(y, 32 - y))
    brace = stroke(x, y, [(4, 28), (28, 4)], 5.5)
    board = paint(fine, brace & ~stroke(x, y, [(4, 28), (28, 4)], 4.2), (50, 30, 14))
    board = paint(board, stroke(x, y, [(4, 28), (28, 4)], 4.2), (150, 104, 54), 0.75)
    board = paint(board, edge < 5.4, (50, 30, 14))
    board = paint(board, edge < 4.6, ramp(noise(128, 128, (24, 24), 61), (128, 84, 40), (196, 148, 84)))
    board = paint(board, edge < 0.6, (60, 36, 18))
    for corner in ((2.6, 2.6), (29.4, 2.6), (2.6, 29.4), (29.4, 29.4)):
        board = paint(board, disc(x, y, corner, 1.1), (226, 214, 190))
    return layer_of(board)


def sign() -> Floats:
    """A wooden sign with a word on it: does not repeat."""
    wood = np.rot90(recoloured("wrapx_wood8", (92, 60, 30), (176, 130, 74), (226, 188, 124), factor=2))
    x, y = grid(64, 32)
    fine = np.repeat(np.repeat(wood[:32, :64], FINE, axis=0), FINE, axis=1)
    edge = np.minimum(np.minimum(x, 64 - x), np.minimum(y, 32 - y))
    fine = paint(fine, edge < 2.4, (84, 50, 24))
    for at, letter in zip((6, 19, 32, 45), "MAZE", strict=True):
        fine = paint(fine, letters(x - at - 0.7, y - 6.7, letter, 13, 20, 3.0), (238, 206, 150), 0.6)
        fine = paint(fine, letters(x - at, y - 6, letter, 13, 20, 2.8), (48, 26, 14))
    return layer_of(fine)


def shore() -> Floats:
    """Earth that fades into the grass below it: soft alpha, repeats sideways only."""
    earth = ramp(clouds(32, 32, (4, 4), 67), (92, 62, 34), (170, 128, 78))
    ragged = np.linspace(-0.15, 1.15, 32)[:, None] + 0.35 * (clouds(32, 32, (4, 4), 71) - 0.5)
    return np.concatenate([earth, (1 - smooth(ragged))[..., None]], axis=-1)
