"""Walls and floors that tile, drawn by rule: bricks, tiles, planks and shingles, with mortar where artists put it.

Artists like to cut along the mortar: it then lies at one border only, or half of it at either, and the texture's own
seam is a large step, as is every line of mortar inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import Rgba8

Floats = NDArray[np.float64]
Style = Literal["bricks", "tiles", "planks", "shingles"]
STYLES: tuple[Style, ...] = get_args(Style)
Mortar = Literal["first", "last", "both", "none", "anywhere"]
MORTARS: tuple[Mortar, ...] = get_args(Mortar)
"""Where the border cuts: before a line of mortar, after it, through it, anywhere; or there is no mortar at all."""

_STEP = 255 / 31


@dataclass(frozen=True)
class Wall:
    """What is drawn: units per axis (y, x), of so many texels each, and lines of mortar of so many texels."""

    style: Style
    mortar: Mortar
    units: tuple[int, int]
    size: tuple[int, int]
    thickness: int

    @property
    def texels(self) -> tuple[int, int]:
        """Height and width."""
        return self.units[0] * self.size[0], self.units[1] * self.size[1]


def draw_wall(random: np.random.Generator, style: Style, mortar: Mortar, side: int) -> Rgba8:
    """Draw a texture that wraps on both axes.

    Args:
        random: decides everything else.
        style: what is built.
        mortar: where the border cuts it.
        side: texels of the texture, a power of two of at least 8.

    Returns:
        side x side x 4 uint8, opaque, 5 bits per channel.
    """
    wall = _wall(random, style, mortar, side)
    height, width = wall.texels
    rows, columns = np.indices((height, width))
    row = rows // wall.size[0]
    shift = (row % 2) * (wall.size[1] // 2) if style in ("bricks", "shingles") else 0 * row
    shifted = (columns + shift) % width
    column = shifted // wall.size[1]
    down, right = rows % wall.size[0], shifted % wall.size[1]
    number = row * wall.units[1] + column
    light = _units(random, wall, number) + _bevel(random, wall, down, right)
    light += _grain(random, (height, width), style)
    picture = light[..., None] + _colours(random, number)
    lines = _mortar(wall, down, right)
    if mortar != "none":
        dark = random.choice([-1, -1, 1]) * random.uniform(25, 70)
        filled = light.mean() + dark + _grain(random, (height, width), style) / 2
        picture = np.where(lines[..., None], filled[..., None] + random.normal(0, 6, 3), picture)
    picture = np.roll(picture, _offset(random, wall), (0, 1))
    levels = levels_of_5_bits(picture + random.uniform(60, 150))
    return np.dstack([levels, np.full((height, width, 1), 255, np.uint8)])


def levels_of_5_bits(colours: Floats) -> NDArray[np.uint8]:
    """Return colours, in levels, as a console stores them."""
    return np.asarray(np.rint(np.clip(np.rint(colours / _STEP), 0, 31) * _STEP), dtype=np.uint8)


def periodic_noise(
    random: np.random.Generator, shape: tuple[int, int], spread: float, *, rough: bool = False
) -> Floats:
    """Make noise that joins itself on both axes, of one spread; `rough` has no coarse waves."""
    spectrum = np.fft.rfft2(random.normal(0, 1, shape))
    down, right = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    if not rough:
        spectrum /= (0.02 + np.hypot(down, right)) ** random.uniform(0.5, 2.0)
    noise = np.fft.irfft2(spectrum, shape)
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-9) * spread)


def _wall(random: np.random.Generator, style: Style, mortar: Mortar, side: int) -> Wall:
    """Choose how many units; rows of bricks and shingles come in pairs, because every other one is shifted."""
    counts = [2**k for k in range(1, 5) if side >> k >= 4]
    long, wide = (int(random.choice(counts)) for _ in range(2))
    units = {
        "bricks": (max(long, wide), min(long, wide)),
        "tiles": (long, long),
        "planks": (1, wide),
        "shingles": (long, wide),
    }[style]
    units = (min(units[0], side // 4), min(units[1], side // 4))
    if style == "planks" and random.random() < 0.4:
        units = (2, units[1])
    thickness = 1 if side // max(units) < 12 or random.random() < 0.7 else 2
    return Wall(style, mortar, units, (side // units[0], side // units[1]), thickness)


def _units(random: np.random.Generator, wall: Wall, number: NDArray[np.int64]) -> Floats:
    count = wall.units[0] * wall.units[1]
    return np.asarray(random.normal(0, random.choice([0, 4, 10]), count)[number])


def _colours(random: np.random.Generator, number: NDArray[np.int64]) -> Floats:
    base = random.normal(0, 18, 3)
    return np.asarray(base + random.normal(0, random.choice([0, 3]), (int(number.max()) + 1, 3))[number])


def _bevel(
    random: np.random.Generator, wall: Wall, down: NDArray[np.int64], right: NDArray[np.int64]
) -> Floats:
    """Light the first texels beside the mortar and shade the last ones, in some walls; shingles fall into shade."""
    light = np.zeros(down.shape)
    if wall.style == "shingles":
        return np.asarray(light + random.uniform(15, 50) * (0.5 - down / wall.size[0]))
    if random.random() < 0.5:
        strength = random.uniform(6, 24)
        light += strength * ((down == wall.thickness) | (right == wall.thickness))
        light -= strength * ((down == wall.size[0] - 1) | (right == wall.size[1] - 1))
    return light


def _grain(random: np.random.Generator, shape: tuple[int, int], style: Style) -> Floats:
    """Make noise that is periodic: fine, coarse, and for planks drawn out along them."""
    spectrum = np.fft.rfft2(random.normal(0, 1, shape))
    down, right = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    if style == "planks":
        down = down * 6
    spectrum /= (0.02 + np.hypot(down, right)) ** random.uniform(0, 1.5)
    noise = np.fft.irfft2(spectrum, shape)
    return np.asarray(noise / max(noise.std(), 1e-9) * random.uniform(2, 14))


def _mortar(wall: Wall, down: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    beside = right < wall.thickness
    if wall.style == "planks" and wall.units[0] == 1:
        return beside
    return np.asarray(beside | (down < wall.thickness))


def _offset(random: np.random.Generator, wall: Wall) -> tuple[int, int]:
    if wall.mortar == "last":
        return -wall.thickness, -wall.thickness
    if wall.mortar == "both":
        return -(wall.thickness // 2 or 1) % wall.size[0], -(wall.thickness // 2) % wall.size[1]
    if wall.mortar == "anywhere":
        return int(random.integers(wall.texels[0])), int(random.integers(wall.texels[1]))
    return 0, 0
