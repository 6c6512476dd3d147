"""A painted view that is too large for the console's texture memory."""

from __future__ import annotations

import numpy as np
from scenery import layer_of
from shapes import FINE, Floats, clouds, disc, grid, noise, opaque, paint, polygon, ramp, smooth, stretch


def panorama() -> Floats:
    """A painted view, 320 x 60, that the console draws in ten strips of six rows."""
    width, height = 320, 60
    x, y = grid(width, height)
    fine_x = x[0] / width
    layer = opaque(ramp(y / 40, (58, 92, 178), (132, 172, 226), (250, 224, 180), (255, 196, 128)))
    puffs = smooth((clouds(width * FINE, height * FINE, (10, 6), 73) - 0.52) * 4) * (y < 34)
    layer = paint(layer, puffs, (255, 244, 228), 0.8)
    layer = paint(layer, disc(x, y, (236, 27), 7), (255, 250, 214))
    for seed, base, tall, low, high in (
        (79, 36, 18, (96, 108, 156), (150, 156, 190)),
        (83, 42, 12, (56, 92, 88), (110, 142, 106)),
    ):
        ridge = base - tall * clouds(width * FINE, 1, (8, 1), seed, 6)[0]
        layer = paint(layer, y > ridge, ramp((y - ridge) / 22, high, low))
    layer = _castle(layer, x, y)
    lake = 47 + 1.5 * np.sin(fine_x * 21)
    gleam = stretch(noise(width * FINE, height * FINE, (40, 60), 89)) ** 3
    layer = paint(layer, y > lake, ramp((y - 46) / 14, (214, 190, 170), (84, 132, 178), (36, 76, 132)))
    layer = paint(layer, (y > lake) * gleam, (255, 246, 214), 0.7)
    bank = 60 - 9 * clouds(width * FINE, 1, (5, 1), 97, 6)[0]
    return layer_of(paint(layer, y > bank, ramp((y - bank) / 8, (112, 158, 58), (34, 70, 28))))


def _castle(layer: Floats, x: Floats, y: Floats) -> Floats:
    stone, roof = (176, 164, 156), (150, 62, 58)
    for left, right, top in ((96, 104, 18), (104, 132, 30), (112, 122, 12), (132, 139, 22)):
        wall = (x > left) & (x < right) & (y > top) & (y < 46)
        layer = paint(layer, wall, ramp((x - left) / (right - left), (206, 194, 180), stone, (104, 96, 106)))
        if right - left < 12:
            peak = [(left - 1.0, float(top)), (right + 1.0, float(top)), ((left + right) / 2, top - 9.0)]
            layer = paint(layer, polygon(x, y, peak), roof)
            layer = paint(layer, disc(x, y, ((left + right) / 2, top + 6), 1.2), (60, 46, 60))
    return paint(layer, (np.abs(x - 118) < 2.6) & (y > 39) & (y < 46), (58, 42, 40))
