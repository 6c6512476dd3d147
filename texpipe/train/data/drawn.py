"""Patterns and lettering drawn over textures, so that training sees what few photographs of walls have.

Consoles' textures are full of meshes, grates, weaves, checks, signs and labels whose bars are one or two texels wide. A
network that never saw them takes them for dither and wipes them out. Drawn at full resolution, with edges on the grid
of small texels or beside it, they teach the difference: a pattern of large contrast is a thing, not dither.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from texpipe.train.data.dither import Floats

Motif: TypeAlias = Literal["checker", "bars", "grid", "mesh", "weave", "dots"]
MOTIFS: tuple[Motif, ...] = ("checker", "bars", "grid", "mesh", "weave", "dots")
_PERIODS = (2, 2, 2, 3, 4, 4, 5, 6, 8)
"""Periods of patterns in small texels; the shortest, which dither has too, most often."""
_CONTRAST = (0.15, 0.8)
"""Contrast of a pattern, from and to, as a part of the whole range: more than dither has."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!?.:-+%&"
_LETTER_HEIGHTS = (6, 18)
"""Height of a line of lettering in small texels, from and to."""


def with_pattern(image: Floats, rng: np.random.Generator, scale: int) -> Floats:
    """Lay a pattern over a picture, over all of it or a rectangle.

    Args:
        image: H x W x 3 in [0, 1].
        rng: draws motif, period, contrast, colour and place.
        scale: pixels per small texel.

    Returns:
        A new picture; patterns over all of it go on where H and W are multiples of their period.
    """
    height, width = image.shape[:2]
    cover = motif(str(rng.choice(MOTIFS)), (height, width), int(rng.choice(_PERIODS)) * scale, rng)  # type: ignore[arg-type]
    top, left, bottom, right = _place(height, width, scale, rng)
    inside = np.zeros((height, width), np.float32)
    inside[top:bottom, left:right] = 1
    contrast = np.float32(rng.uniform(*_CONTRAST))
    if rng.random() < 0.5:
        # The texture's own colours, lighter and darker.
        changed = image + contrast * (cover[..., None] - np.float32(0.5))
        return np.where(inside[..., None] > 0, changed, image).clip(0, 1).astype(np.float32)
    colour = rng.uniform(0, 1, 3).astype(np.float32)
    share = (cover * inside * (contrast + np.float32(0.2)))[..., None]
    return (image * (1 - share) + colour * share).astype(np.float32)


def motif(name: Motif, shape: tuple[int, int], period: int, rng: np.random.Generator) -> Floats:
    """Draw a pattern of 0 and 1, H x W.

    Args:
        name: which one.
        shape: H and W in pixels.
        period: in pixels, at least 2.
        rng: draws the phase and which way bars run.
    """
    offset = rng.integers(period, size=2) if rng.random() < 0.5 else np.zeros(2, np.int64)
    y, x = ((np.arange(size) + shift) % period for size, shift in zip(shape, offset, strict=True))
    half, thin = period // 2, max(1, period // 4)
    if name == "checker":
        found = (y[:, None] < half) ^ (x < half)
    elif name == "bars":
        found = (
            np.broadcast_to(y[:, None] < half, shape)
            if rng.random() < 0.5
            else np.broadcast_to(x < half, shape)
        )
    elif name == "grid":
        found = (y[:, None] < thin) | (x < thin)
    elif name == "mesh":
        slant, other = (y[:, None] + x) % period, (y[:, None] - x) % period
        found = (slant < thin) | (other < thin)
    elif name == "weave":
        over = (np.arange(shape[0])[:, None] // period + np.arange(shape[1]) // period) % 2 == 0
        found = np.where(over, y[:, None] < half, x < half)
    else:
        middle = (period - 1) / 2
        found = (y[:, None] - middle) ** 2 + (x - middle) ** 2 <= (0.35 * period) ** 2
    return np.asarray(found, np.float32)


def with_lettering(image: Floats, rng: np.random.Generator, scale: int) -> Floats:
    """Write a few letters over a picture, now and then with an outline or on a plate, smooth as a designer's are.

    Args:
        image: H x W x 3 in [0, 1].
        rng: draws text, size, colours and place.
        scale: pixels per small texel.
    """
    height, width = image.shape[:2]
    size = int(rng.uniform(*_LETTER_HEIGHTS) * scale)
    canvas = Image.fromarray((image * 255).round().astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    ink, edge = _contrasting(rng)
    text = "".join(rng.choice(list(_LETTERS), int(rng.integers(1, 7))))
    place = (
        int(rng.integers(-size // 4, max(1, width - size))),
        int(rng.integers(-size // 4, max(1, height - size))),
    )
    outline = int(rng.integers(scale // 2, scale + 1)) if rng.random() < 0.4 else 0
    font = _font(size)
    if rng.random() < 0.3:
        left, top, right, bottom = draw.textbbox(place, text, font=font)
        draw.rectangle((left - scale, top - scale, right + scale, bottom + scale), fill=edge)
    draw.text(place, text, fill=ink, font=font, stroke_width=outline, stroke_fill=edge)
    return np.asarray(canvas, np.float32) / np.float32(255)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, which needs no file beside Pillow."""
    return ImageFont.load_default(size)


def _contrasting(rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Draw two colours, one at least a third of the range lighter than the other, in any order."""
    dark = rng.integers(0, 110, 3)
    light: NDArray[np.int64] = rng.integers(150, 256, 3)
    if rng.random() < 0.3:
        dark, light = np.full(3, dark[0]), np.full(3, light[0])
    pair = tuple(int(v) for v in light), tuple(int(v) for v in dark)
    return pair if rng.random() < 0.6 else (pair[1], pair[0])


def _place(height: int, width: int, scale: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Draw top, left, bottom and right of a rectangle on the grid of small texels; half of the time of all."""
    if rng.random() < 0.5:
        return 0, 0, height, width
    rows, columns = (np.sort(rng.integers(0, size // scale + 1, 2)) * scale for size in (height, width))
    return int(rows[0]), int(columns[0]), int(rows[1]), int(columns[1])
