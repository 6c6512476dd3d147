"""Plants: cut out with 1-bit alpha, as billboards or repeating."""

from __future__ import annotations

import numpy as np
from scenery import freedoom, hidden, layer_of, recoloured
from shapes import Floats, blank, grid, paint, polygon, ramp, reduce, stroke


def grass_blades() -> Floats:
    """A tuft of grass: cut out, repeats sideways only."""
    x, y = grid(32, 32)
    layer = blank(32, 32)
    rng = np.random.default_rng(41)
    for root, lean, top, green in zip(*rng.random((4, 46)), strict=True):
        height, at, bend = 12 + 18 * top, root * 32, (lean - 0.5) * 14
        colour = ramp(1 - (y - (32 - height)) / height, (28, 66, 22), (84, 138, 44), (186, 214, 104))
        for shift in (-32, 0, 32):
            foot = at + shift
            corners = [(foot - 1.6, 32.0), (foot + 1.6, 32.0), (foot + bend, 32 - height)]
            layer = paint(layer, polygon(x, y, corners), colour * (0.7 + 0.3 * green))
    return hidden(layer_of(layer), (255, 0, 255))


def _leaf(layer: Floats, x: Floats, y: Floats, at: tuple[float, float], turn: float, shade: float) -> Floats:
    u = (x - at[0]) * np.cos(turn) + (y - at[1]) * np.sin(turn)
    v = (y - at[1]) * np.cos(turn) - (x - at[0]) * np.sin(turn)
    inside = (np.abs(v) < 2.3 * np.sqrt(np.clip(1 - (u / 4.6) ** 2, 0, 1))) & (np.abs(u) < 4.6)
    tone = np.clip(0.5 * shade + 0.5 * (v + 2.3) / 4.6, 0, 1)
    layer = paint(layer, inside, ramp(tone, (24, 60, 24), (66, 122, 40), (156, 196, 78)))
    return paint(layer, inside & (np.abs(v) < 0.3), (40, 84, 30))


def leaves() -> Floats:
    """A tree's foliage: cut out, repeats on both axes."""
    x, y = grid(32, 32)
    layer = blank(32, 32)
    for px, py, turn, shade in np.random.default_rng(43).random((44, 4)):
        for dx in (-32, 0, 32):
            for dy in (-32, 0, 32):
                layer = _leaf(layer, x, y, (px * 32 + dx, py * 32 + dy), turn * 2 * np.pi, shade)
    return layer_of(layer)


def ivy() -> Floats:
    """Ivy hanging from above: cut out, repeats sideways only."""
    x, y = grid(32, 64)
    layer = blank(32, 64)
    rng = np.random.default_rng(47)
    for vine, length in enumerate(22 + 38 * rng.random(6)):
        steps = np.arange(-2 + 3 * rng.random(), length, 3.4)
        sway = [(2.7 + vine * 5.33 + 1.8 * np.sin(t * 0.3 + vine * 2), float(t)) for t in steps]
        layer = paint(layer, stroke(x, y, sway, 1.2), (72, 56, 30))
        for (px, py), turn, shade in zip(sway, rng.random(len(sway)), rng.random(len(sway)), strict=True):
            for dx in (-32, 0, 32):
                layer = _leaf(layer, x, y, (px + dx + 5 * turn - 2.5, py), 0.5 + turn * 2.2, shade)
    return layer_of(layer)


def tree() -> Floats:
    """A tree on a billboard: cut out, does not repeat."""
    return reduce(freedoom("sprite_smita0")[:64], 2)


def stump() -> Floats:
    """A tree stump on a billboard: cut out, does not repeat."""
    return recoloured("sprite_tre1a0", (40, 26, 18), (120, 86, 56), (206, 170, 120), keep=0.4)[:40, :48]
