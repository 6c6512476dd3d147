"""Icons, glyphs and effects: what a game draws over its landscape."""

from __future__ import annotations

import numpy as np
from shapes import (
    Colour,
    Floats,
    Mask,
    Point,
    blank,
    clouds,
    disc,
    grey,
    grid,
    noise,
    opaque,
    paint,
    polygon,
    ramp,
    reduce,
    smooth,
    stretch,
    stroke,
)

# Strokes of letters in a unit box, y downwards.
_LETTERS: dict[str, list[list[Point]]] = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.22, 0.62), (0.78, 0.62)]],
    "E": [[(1, 0), (0, 0), (0, 1), (1, 1)], [(0, 0.48), (0.8, 0.48)]],
    "M": [[(0, 1), (0.08, 0), (0.5, 0.65), (0.92, 0), (1, 1)]],
    "S": [
        [(1, 0.14), (0.7, 0), (0.25, 0), (0, 0.24), (0.25, 0.47)],
        [(0.25, 0.47), (0.75, 0.53), (1, 0.76), (0.75, 1), (0.3, 1), (0, 0.86)],
    ],
    "Z": [[(0, 0), (1, 0), (0, 1), (1, 1)]],
    "4": [[(0.72, 1), (0.72, 0), (0, 0.68), (1, 0.68)]],
    "7": [[(0, 0), (1, 0), (0.35, 1)]],
    "?": [[(0, 0.2), (0.25, 0), (0.75, 0), (1, 0.22), (0.5, 0.52), (0.5, 0.72)], [(0.5, 0.97), (0.5, 1)]],
}


def letters(x: Floats, y: Floats, letter: str, width: float, height: float, pen: float) -> Mask:
    """Return the strokes of a letter whose box starts at (0, 0)."""
    inside = np.zeros(x.shape, bool)
    for line in _LETTERS[letter]:
        points = [(pen / 2 + u * (width - 2 * pen), pen / 2 + v * (height - pen)) for u, v in line]
        inside |= stroke(x, y, points, pen)
    return inside


def glyph(letter: str) -> Floats:
    """A letter of the message font, 16 x 16, as intensity."""
    x, y = grid(16, 16)
    shape = reduce(paint(blank(16, 16), letters(x - 2.4, y - 1.6, letter, 13.2, 12.8, 2.2), (255, 255, 255)))
    return grey(shape[..., 3], shape[..., 3])


def digit(letter: str) -> Floats:
    """A digit of the counter, 8 x 16: white with a dark rim."""
    x, y = grid(8, 16)
    layer = paint(blank(8, 16), letters(x - 0.2, y - 1.0, letter, 9.6, 14, 3.4), (0, 0, 0), 0.8)
    return reduce(paint(layer, letters(x - 1.1, y - 2.1, letter, 7.6, 11.8, 1.5), (255, 255, 255)))


def heart(filled: float) -> Floats:
    """A heart of the life bar, 16 x 16, filled from the left up to a share."""
    x, y = grid(16, 16)
    shape = disc(x, y, (4.6, 5.3), 4.1) | disc(x, y, (11.4, 5.3), 4.1)
    shape |= polygon(x, y, [(0.9, 7.0), (8, 4.5), (15.1, 7.0), (8, 15.2)])
    inner = disc(x, y, (4.7, 5.4), 2.9) | disc(x, y, (11.3, 5.4), 2.9)
    inner |= polygon(x, y, [(2.3, 7.0), (8, 4.5), (13.7, 7.0), (8, 13.3)])
    layer = paint(blank(16, 16), shape, (48, 6, 14))
    layer = paint(layer, inner, (104, 70, 78), 0.8)
    layer = paint(layer, inner & (x < filled * 16), ramp(y / 14, (255, 96, 96), (226, 24, 44), (150, 8, 30)))
    return reduce(paint(layer, disc(x, y, (4.3, 4.4), 1.2) & (x < filled * 16), (255, 220, 214)))


def gem() -> Floats:
    """A cut gem of six sides, 16 x 16, in five greys that two palettes colour."""
    x, y = grid(16, 16)
    outer = [(8.0, 0.6), (13.0, 4.0), (13.0, 12.0), (8.0, 15.4), (3.0, 12.0), (3.0, 4.0)]
    inner = [(8.0, 3.8), (10.4, 5.6), (10.4, 10.4), (8.0, 12.2), (5.6, 10.4), (5.6, 5.6)]
    layer = paint(blank(16, 16), polygon(x, y, outer), (0, 0, 0))
    tones = (200, 120, 70, 90, 160, 255)
    for i, tone in enumerate(tones):
        facet = [_inset(outer[i]), _inset(outer[(i + 1) % 6]), inner[(i + 1) % 6], inner[i]]
        layer = paint(layer, polygon(x, y, facet), (tone, tone, tone))
    layer = paint(layer, polygon(x, y, inner), (175, 175, 175))
    fine = reduce(paint(layer, polygon(x, y, [(5.6, 5.6), (8, 3.8), (8, 7), (5.6, 9)]), (235, 235, 235)))
    return np.concatenate([fine[..., :3], np.round(fine[..., 3:])], axis=-1)


def _inset(point: Point) -> Point:
    return 8 + (point[0] - 8) * 0.86, 8 + (point[1] - 8) * 0.9


def button(letter: str, dark: Colour, bright: Colour) -> Floats:
    """A round button with a letter, 32 x 32, with a soft shadow."""
    x, y = grid(32, 32)
    shadow = smooth((16.5 - np.hypot(x - 17, y - 17.5)) / 4)
    layer = paint(blank(32, 32), shadow, (0, 0, 0), 0.55)
    layer = paint(layer, disc(x, y, (15.5, 15), 13.6), (22, 22, 40))
    facing = np.clip((30 - x - y) / 34 + 0.4, 0, 1)
    layer = paint(layer, disc(x, y, (15.5, 15), 12.6), ramp(facing, dark, bright))
    layer = paint(layer, disc(x, y, (15.5, 15), 10.4), ramp(1 - facing, dark, bright), 0.55)
    return reduce(paint(layer, letters(x - 10.2, y - 7.6, letter, 13.6, 15, 2.8), (255, 255, 255)))


def bomb() -> Floats:
    """A bomb with a burning fuse, 32 x 32."""
    x, y = grid(32, 32)
    layer = paint(blank(32, 32), disc(x, y, (14, 19), 11.4), (10, 10, 20))
    lit = np.clip(1 - np.hypot(x - 10, y - 14) / 16, 0, 1)
    layer = paint(layer, disc(x, y, (14, 19), 10.4), ramp(lit, (16, 18, 40), (52, 60, 110), (190, 204, 240)))
    layer = paint(layer, polygon(x, y, [(17, 7), (22, 10), (20, 13.5), (15, 10)]), (120, 116, 128))
    layer = paint(layer, stroke(x, y, [(19.5, 8.5), (22.5, 5), (26, 6)], 1.8), (222, 196, 140))
    spark = smooth(1 - np.hypot(x - 26.5, y - 6) / 5.5)
    return reduce(paint(layer, spark, ramp(spark, (255, 70, 20), (255, 190, 60), (255, 255, 230))))


def sword() -> Floats:
    """A sword, 32 x 32, drawn from lower left to upper right."""
    x, y = grid(32, 32)
    along, across = (x - y + 32) / 2, (x + y - 32) / 2
    blade = [(10.5, 18.5), (25.5, 3.0), (29.5, 2.5), (29.0, 6.5), (13.5, 21.5)]
    rim = [(9.5, 18.0), (25, 2), (30.5, 1.5), (30, 7), (14, 22.5)]
    layer = paint(blank(32, 32), polygon(x, y, rim), (24, 28, 54))
    layer = paint(layer, polygon(x, y, blade), ramp(along / 32, (150, 170, 200), (240, 248, 255)))
    layer = paint(layer, polygon(x, y, blade) & (across > 0), (134, 150, 186))
    layer = paint(layer, stroke(x, y, [(2.8, 29.2), (11, 21)], 4.4), (26, 20, 50))
    layer = paint(layer, stroke(x, y, [(3.2, 28.8), (11, 21)], 2.8), (92, 70, 168))
    layer = paint(layer, stroke(x, y, [(7, 16.5), (15.5, 25)], 4.2), (60, 40, 10))
    layer = paint(layer, stroke(x, y, [(7.2, 16.7), (15.3, 24.8)], 2.6), (232, 190, 74))
    return reduce(paint(layer, disc(x, y, (3.6, 28.4), 2.2), (232, 190, 74)))


def bottle() -> Floats:
    """A potion in a glass bottle, 32 x 32; the glass is half transparent."""
    x, y = grid(32, 32)
    body = disc(x, y, (16, 20.5), 10) | ((np.abs(x - 16) < 3.4) & (y > 5) & (y < 14))
    core = disc(x, y, (16, 20.5), 8.6) | ((np.abs(x - 16) < 2.2) & (y > 5) & (y < 14))
    layer = paint(blank(32, 32), body, (190, 220, 240), 0.85)
    layer = paint(layer, core, (214, 236, 248), 0.3)
    potion = core & (y > 17 + 0.6 * np.sin(x))
    layer = paint(layer, potion, ramp((y - 16) / 14, (255, 90, 120), (170, 16, 60)))
    layer = paint(layer, (np.abs(x - 16) < 4.4) & (y > 2.5) & (y < 6.5), (150, 104, 60))
    return reduce(paint(layer, stroke(x, y, [(10.8, 18), (12.6, 14.8)], 1.7), (255, 255, 255)))


def arrow() -> Floats:
    """The arrow of a button, 8 x 8, in hard greys with 1-bit alpha."""
    x, y = grid(8, 8)
    layer = paint(blank(8, 8), polygon(x, y, [(0.2, 6.9), (4, 0.3), (7.8, 6.9)]), (36, 36, 36))
    return reduce(paint(layer, polygon(x, y, [(1.8, 6.0), (4, 2.0), (6.2, 6.0)]), (255, 255, 255)))


def map_marker() -> Floats:
    """A map's marker, 8 x 8, in hard greys with 1-bit alpha."""
    x, y = grid(8, 8)
    layer = paint(blank(8, 8), disc(x, y, (4, 4), 3.6), (73, 73, 73))
    return reduce(paint(layer, disc(x, y, (4, 4), 2.2), (255, 255, 255)))


def crosshair() -> Floats:
    """An aiming mark, 16 x 16."""
    x, y = grid(16, 16)
    away = np.hypot(x - 8, y - 8)
    arms = ((np.abs(x - 8) < 0.8) | (np.abs(y - 8) < 0.8)) & (away > 2.4) & (away < 7.6)
    halo = ((np.abs(x - 8) < 1.6) | (np.abs(y - 8) < 1.6)) & (away > 1.8) & (away < 8)
    ring = np.abs(away - 5) < 0.7
    layer = paint(blank(16, 16), halo | (np.abs(away - 5) < 1.4), (0, 0, 0), 0.6)
    return reduce(paint(layer, arms | ring, (255, 255, 255)))


def smoke(frame: int) -> Floats:
    """A puff of smoke that grows and thins out, 32 x 32."""
    y, x = np.mgrid[0:32, 0:32] + 0.5
    billow = clouds(32, 32, (4, 4), 101 + 7 * frame)
    radius = 9 + 2.2 * frame
    body = smooth((radius - np.hypot(x - 16, y - 16) + 6 * (billow - 0.5)) / (5 + frame))
    shade = np.clip(0.55 + 0.35 * billow + (16 - y) / 60, 0, 1)
    return grey(shade, body * (0.95 - 0.22 * frame) * (0.6 + 0.4 * billow))


def glow(size: int) -> Floats:
    """A round light that fades out, as intensity."""
    y, x = np.mgrid[0:size, 0:size] + 0.5
    value = smooth(1 - np.hypot(x - size / 2, y - size / 2) / (size / 2)) ** 1.5
    return grey(value, value)


def glow_quarter(size: int) -> Floats:
    """The upper left quarter of a ring of light: the game mirrors it on both axes."""
    y, x = np.mgrid[0:size, 0:size] + 0.5
    away = np.hypot(size - x, size - y) / size
    value = np.clip(smooth(1 - away) * 0.8 + smooth(1 - np.abs(away - 0.72) / 0.16) * 0.7, 0, 1)
    return grey(value, value)


def lens_ring() -> Floats:
    """A ring of a lens flare, as intensity, 32 x 32."""
    y, x = np.mgrid[0:32, 0:32] + 0.5
    away = np.hypot(x - 16, y - 16)
    value = np.clip(smooth(1 - np.abs(away - 12) / 3) * 0.9 + smooth(1 - away / 13) * 0.25, 0, 1)
    return grey(value, value)


def lens_star() -> Floats:
    """A star of a lens flare, as intensity, 32 x 32."""
    y, x = np.mgrid[0:32, 0:32] - 15.5
    away = np.hypot(x, y)
    straight = np.minimum(np.abs(x), np.abs(y))
    diagonal = np.abs(np.abs(x) - np.abs(y))
    beams = np.exp(-straight / 0.8) + 0.6 * np.exp(-diagonal / 0.8)
    core = np.exp(-away / 2.6) * 1.4
    value = np.clip(core + beams * smooth(1 - away / 16), 0, 1) * smooth((16 - away) / 3)
    return grey(value, value)


def shadow() -> Floats:
    """The blob of shadow under a character: black, soft alpha, 32 x 32."""
    y, x = np.mgrid[0:32, 0:32] + 0.5
    return grey(np.zeros((32, 32)), 0.75 * smooth((15.5 - np.hypot(x - 16, y - 16)) / 9))


def flame() -> Floats:
    """A torch's flame, 32 x 32: brightness and alpha of their own."""
    y, x = np.mgrid[0:32, 0:32] + 0.5
    wave = (clouds(32, 32, (4, 3), 131) - 0.5) * 9
    half = 10.5 * smooth((y - 1) / 22) * np.sqrt(np.clip((32.5 - y) / 9, 0, 1))
    inside = half - np.abs(x - 16 + wave * (32 - y) / 32)
    return grey(np.clip(0.35 + inside / 9, 0, 1), smooth(inside / 4))


def magic_circle() -> Floats:
    """The upper left quarter of a magic circle: soft alpha, the game mirrors it on both axes."""
    x, y = grid(32, 32)
    away = np.hypot(32 - x, 32 - y)
    lines = (np.abs(away - 29.5) < 1.0) | (np.abs(away - 24.5) < 0.7) | (np.abs(away - 10) < 0.8)
    for corner in (
        ((32, 7.5), (10.8, 44.2)),
        ((32, 56.5), (10.8, 19.8)),
        ((7.5, 32), (44.2, 10.8)),
        ((56.5, 32), (19.8, 10.8)),
    ):
        lines |= stroke(x, y, list(corner), 1.4) & (away < 24.5)
    layer = reduce(paint(blank(32, 32), lines, (255, 255, 255)))
    soft = 0.35 * smooth(1 - np.hypot(*(31.5 - np.mgrid[0:32, 0:32])) / 31)
    return grey(np.full((32, 32), 1.0), np.clip(layer[..., 3] + soft, 0, 1))


def ripples(surface: Floats) -> Floats:
    """Light on water: white, with the pattern in alpha only; repeats on both axes."""
    return grey(np.ones(surface.shape), stretch(surface) ** 1.5)


def foam() -> Floats:
    """The line of foam on a beach, 64 x 16: soft alpha, repeats sideways only."""
    line = 6 + 5 * (noise(64, 1, (5, 1), 137)[0] - 0.5)
    depth = np.arange(16)[:, None] - line[None]
    wash = smooth(depth / 5) * smooth((14 - np.arange(16))[:, None] / 6)
    body = smooth(1 - np.abs(depth) / 3.2) + 0.6 * wash
    bubbles = 0.55 + 0.45 * clouds(64, 16, (16, 4), 139, 2)
    return grey(0.75 + 0.25 * bubbles, np.clip(body * bubbles, 0, 1))


def waterfall() -> Floats:
    """Falling water, 32 x 64: soft alpha in long streaks, repeats on both axes."""
    streaks = stretch(noise(32, 64, (16, 2), 149) + 0.5 * noise(32, 64, (32, 4), 151))
    return grey(0.6 + 0.4 * streaks, 0.35 + 0.65 * smooth(streaks))


def cloud_layer() -> Floats:
    """Drifting clouds, 32 x 32, as intensity; repeats on both axes."""
    value = smooth((clouds(32, 32, (3, 3), 157) - 0.3) * 1.6)
    return grey(value, value)


def sand() -> Floats:
    """Sand, 32 x 32, as intensity in 16 steps: a detail texture that repeats on both axes."""
    value = 0.35 + 0.6 * stretch(noise(32, 32, (32, 32), 163) + noise(32, 32, (8, 16), 167))
    return grey(value, value)


def flat(width: int, height: int, colour: Colour) -> Floats:
    """One colour."""
    return opaque(np.broadcast_to(np.array(colour) / 255, (height, width, 3)).copy())


def colour_ramp(width: int, *stops: Colour) -> Floats:
    """A row of colours, one texel high."""
    return opaque(ramp(np.linspace(0, 1, width)[None], *stops))


def fade(width: int) -> Floats:
    """A row that goes from clear to white, one texel high."""
    value = np.linspace(0, 1, width)[None]
    return grey(value, value)
