"""Scenes cut into pieces as consoles cut them."""

from __future__ import annotations

import numpy as np
from textures import grain

from texpipe.texture import Rgba8


def scene(width: int, height: int, seed: int) -> Rgba8:
    """A picture with large and small things in it and never the same line twice: what a background is."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    rgb = np.zeros((height, width, 3))
    for _ in range(24):
        fx, fy = random.normal(0, 0.12, 2)
        wave = np.sin(fx * x + fy * y + random.uniform(0, 6.3) + 2 * np.sin(0.02 * x + random.uniform(0, 6)))
        rgb += random.uniform(4, 16, 3) * wave[..., None]
    rgba = np.full((height, width, 4), 255, np.uint8)
    rgba[..., :3] = np.clip(np.rint((rgb + 120) / 8) * 8, 0, 255)
    return rgba


def cut(picture: Rgba8, size: tuple[int, int], overlap: int, name: str) -> dict[str, Rgba8]:
    """Return the pieces of a picture by names that say where they belong: name-row-column."""
    width, height = size
    tops = range(0, picture.shape[0] - overlap, height - overlap)
    lefts = range(0, picture.shape[1] - overlap, width - overlap)
    return {
        f"{name}-{row}-{column}": picture[top : top + height, left : left + width]
        for row, top in enumerate(tops)
        for column, left in enumerate(lefts)
    }


def others(seed: int, count: int = 40) -> dict[str, Rgba8]:
    random = np.random.default_rng(seed)
    sizes = [(32, 32), (64, 32), (320, 6)]
    return {
        f"other-{number}": grain(sizes[number % 3], int(random.integers(1 << 30)), detail=3)
        for number in range(count)
    }


def planks() -> dict[str, Rgba8]:
    """Strips of standing boards: every one goes on in every other."""
    random = np.random.default_rng(3)
    boards = np.repeat(random.uniform(60, 200, 40), 8)[None, :, None] + random.normal(0, 1, (60, 320, 3))
    rgba = np.full((60, 320, 4), 255, np.uint8)
    rgba[..., :3] = np.rint(boards / 2) * 2
    return cut(rgba, (320, 6), 0, "planks")


SKY = cut(scene(320, 240, 7), (320, 6), 0, "sky")
