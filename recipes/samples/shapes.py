"""Drawing with numpy alone, so that every machine draws the same pixels.

A layer is H x W x 4 float, straight alpha, in [0, 1]. Shapes are drawn four times too large and reduced at
the end, which gives them the smooth edges of drawn art.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Colour = tuple[int, int, int]
Point = tuple[float, float]

FINE = 4


def grid(width: int, height: int) -> tuple[Floats, Floats]:
    """Return x and y of every fine pixel's centre, in texels."""
    y, x = np.mgrid[0 : height * FINE, 0 : width * FINE]
    return (x + 0.5) / FINE, (y + 0.5) / FINE


def blank(width: int, height: int) -> Floats:
    """Return an empty fine layer for a picture of that many texels."""
    return np.zeros((height * FINE, width * FINE, 4))


def paint(layer: Floats, where: Mask | Floats, colour: Colour | Floats, strength: float = 1.0) -> Floats:
    """Lay a colour (of 255, or H x W x 3 in [0, 1]) over a layer where the mask or coverage says so."""
    rgb = np.asarray(colour, float) / 255 if isinstance(colour, tuple) else colour
    cover = np.asarray(where, float)[..., None] * strength
    alpha = layer[..., 3:]
    out_alpha = cover + alpha * (1 - cover)
    mixed = rgb * cover + layer[..., :3] * alpha * (1 - cover)
    return np.concatenate([mixed / np.where(out_alpha > 0, out_alpha, 1), out_alpha], axis=-1)


def reduce(layer: Floats, factor: int = FINE) -> Floats:
    """Average blocks of pixels, weighted by alpha."""
    height, width = layer.shape[0] // factor, layer.shape[1] // factor
    weighted = np.concatenate([layer[..., :3] * layer[..., 3:], layer[..., 3:]], axis=-1)
    small = weighted.reshape(height, factor, width, factor, 4).mean(axis=(1, 3))
    alpha = small[..., 3:]
    return np.concatenate([small[..., :3] / np.where(alpha > 0, alpha, 1), alpha], axis=-1)


def disc(x: Floats, y: Floats, centre: Point, radius: float) -> Mask:
    """Everything within `radius` of a point."""
    return np.hypot(x - centre[0], y - centre[1]) <= radius


def polygon(x: Floats, y: Floats, corners: Sequence[Point]) -> Mask:
    """Everything inside a closed polygon (even-odd rule)."""
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def stroke(x: Floats, y: Floats, points: Sequence[Point], width: float) -> Mask:
    """Everything within half a width of a line through the points."""
    near = np.full(x.shape, np.inf)
    for (x0, y0), (x1, y1) in pairwise(points):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        near = np.minimum(near, np.hypot(x - x0 - along * dx, y - y0 - along * dy))
    return near <= width / 2


def noise(width: int, height: int, cells: tuple[int, int], seed: int) -> Floats:
    """Return smooth random values in [0, 1] that repeat on both axes, `cells` bumps across and down."""
    lattice = np.random.default_rng(seed).random((cells[1], cells[0]))
    y, x = np.mgrid[0:height, 0:width]
    fx, fy = (x + 0.5) * cells[0] / width, (y + 0.5) * cells[1] / height
    ix, iy = np.floor(fx).astype(int), np.floor(fy).astype(int)
    tx, ty = smooth(fx - ix), smooth(fy - iy)
    corner = [[lattice[(iy + j) % cells[1], (ix + i) % cells[0]] for i in (0, 1)] for j in (0, 1)]
    top = corner[0][0] * (1 - tx) + corner[0][1] * tx
    bottom = corner[1][0] * (1 - tx) + corner[1][1] * tx
    return top * (1 - ty) + bottom * ty


def clouds(width: int, height: int, cells: tuple[int, int], seed: int, octaves: int = 4) -> Floats:
    """Return noise with finer and finer noise upon it, stretched to [0, 1]; repeats on both axes."""
    total = np.zeros((height, width))
    for octave in range(octaves):
        fine = (cells[0] << octave, cells[1] << octave)
        total += noise(width, height, fine, seed + octave) / 2**octave
    return stretch(total)


def smooth(t: Floats) -> Floats:
    """Return 0 below 0, 1 above 1 and a smooth step between."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def stretch(values: Floats) -> Floats:
    """Scale values to [0, 1]."""
    return (values - values.min()) / (values.max() - values.min())


def ramp(values: Floats, *stops: Colour) -> Floats:
    """Turn values in [0, 1] into colours between evenly spaced stops: H x W x 3 in [0, 1]."""
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(values, places, [stop[i] / 255 for stop in stops]) for i in range(3)], axis=-1)


def opaque(rgb: Floats) -> Floats:
    """Add an alpha of 1."""
    return np.concatenate([rgb, np.ones((*rgb.shape[:2], 1))], axis=-1)


def grey(value: Floats, alpha: Floats) -> Floats:
    """Make a layer of a grey picture and its alpha."""
    return np.stack([value, value, value, alpha], axis=-1)
