"""Small seeded textures that tests share: what real dumps hold, drawn in code."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from texpipe.texture import (
    AlphaClass,
    Axes,
    Clean,
    Colour,
    Consistency,
    Decisions,
    EdgeMode,
    Edges,
    Outline,
    Plan,
    Rgba8,
)

ALPHA_CLASSES: tuple[AlphaClass, ...] = ("opaque", "binary", "ternary", "soft", "mask")
MODES: tuple[EdgeMode, ...] = ("wrap", "mirror", "clamp")


def plan(
    alpha: AlphaClass = "opaque",
    edges: Edges = Edges(),  # noqa: B008
    *,
    scale: int = 4,
    colour: Colour = "match",
    grey: bool = False,
    consistency: Consistency = "loose",
    clean: Clean = "off",
    undecided: Axes = Axes(),  # noqa: B008
    outline: Outline = "smooth",
) -> Plan:
    """A plan with nobody's decisions in it."""
    return Plan(
        "upscale",
        alpha,
        edges,
        scale,
        colour,
        grey,
        Decisions("", "", "", ""),
        consistency=consistency,
        clean=clean,
        undecided=undecided,
        outline=outline,
    )


def opaque(rgb: NDArray[np.generic]) -> Rgba8:
    """H x W x 3, or H x W for grey, in levels, as an opaque texture."""
    levels = np.clip(np.rint(np.asarray(rgb, dtype=np.float64)), 0, 255).astype(np.uint8)
    colours = levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)
    return np.dstack([colours, np.full(levels.shape[:2], 255, np.uint8)])


def grain(size: tuple[int, int], seed: int, *, detail: int = 4) -> Rgba8:
    """A stone-like texture that repeats without a seam on both axes: W x H, random waves that fit in whole."""
    random = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[:height, :width] * (2 * np.pi)
    rgb = np.full((height, width, 3), 120.0)
    for _ in range(12):
        waves = random.integers(-detail, detail + 1, 2)
        wave = np.sin(waves[0] * x / width + waves[1] * y / height + random.uniform(0, 6.3))
        rgb += random.uniform(4, 14, 3) * wave[..., None]
    return opaque(rgb + random.normal(0, 3, rgb.shape))


def bricks(size: tuple[int, int] = (32, 32)) -> Rgba8:
    """A wall with mortar along its top and left border; it wraps on both axes."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    row = y // 8
    mortar = (y % 8 == 0) | ((x + 8 * (row % 2)) % 16 == 0)
    shade = np.random.default_rng(1).normal(0, 6, (height, width))
    rgb = np.where(mortar[..., None], (190, 185, 170), (150, 60, 45)) + shade[..., None]
    return opaque(rgb)


def gradient(size: tuple[int, int]) -> Rgba8:
    """Dark on the left, light on the right."""
    width, height = size
    return opaque(np.tile(np.linspace(20, 230, width), (height, 1)))


def fence(size: tuple[int, int] = (32, 32), *, hidden: int = 0) -> Rgba8:
    """Bars 1 texel thin with a rail across, binary; the RGB of what is not visible is `hidden`."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    visible = (x % 8 == 3) | (y == height // 3)
    rgba = np.full((height, width, 4), hidden, np.uint8)
    rgba[visible, :3] = (160, 130, 90)
    rgba[..., 3] = np.where(visible, 255, 0)
    return rgba


def foliage(size: tuple[int, int] = (32, 32), seed: int = 3) -> Rgba8:
    """Leaves with holes, binary, magenta where nothing is visible."""
    field = grain(size, seed)[..., 1].astype(int)
    rgba = grain(size, seed + 1)
    rgba[..., 0] //= 3
    rgba[field < np.median(field)] = (255, 0, 255, 0)
    return rgba


def disc(side: int = 16) -> Rgba8:
    """A soft spot: alpha falls from 255 in the middle to 0 at the border."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    alpha = np.clip(1.6 - np.hypot(y, x) / (side * 0.28), 0, 1) * 255
    rgba = np.full((side, side, 4), (240, 200, 80, 0), np.uint8)
    rgba[..., 3] = np.rint(alpha)
    return rgba


def glyph(side: int = 16) -> Rgba8:
    """A letter as an N64 intensity texture: R = G = B = A."""
    y, x = np.mgrid[:side, :side]
    stroke = (abs(x - side // 2) == y // 3) | ((y == 2 * side // 3) & (abs(x - side // 2) < 4))
    return np.repeat(np.where(stroke, 255, 0).astype(np.uint8)[..., None], 4, axis=2)


def window(side: int = 16) -> Rgba8:
    """A PS1 window: an opaque frame, half-transparent glass, nothing outside."""
    y, x = np.mgrid[:side, :side]
    ring = np.minimum(np.minimum(x, side - 1 - x), np.minimum(y, side - 1 - y))
    alpha = np.select([ring < 2, ring < 5], [0, 255], 128)
    return np.dstack([opaque(100 + 10 * ring)[..., :3], alpha.astype(np.uint8)])


def with_alpha_of(rgba: Rgba8, alpha_class: AlphaClass) -> Rgba8:
    """The same colours with alpha of a class, made of its own alpha channel."""
    made = rgba.copy()
    alpha = rgba[..., 3]
    if alpha_class == "opaque":
        made[..., 3] = 255
    elif alpha_class == "binary":
        made[..., 3] = np.where(alpha >= 128, 255, 0)
    elif alpha_class == "ternary":
        made[..., 3] = np.select([alpha < 85, alpha < 170], [0, 128], 255)
    elif alpha_class == "mask":
        made[:] = rgba[..., :1]
    return made


@st.composite
def textures(
    draw: st.DrawFn, alpha_class: AlphaClass | None = None, most: int = 33
) -> tuple[Rgba8, AlphaClass]:
    """Random textures of any size and class: noise, or noise in blocks as cut-outs have it."""
    kind = alpha_class or draw(st.sampled_from(ALPHA_CLASSES))
    width, height = draw(st.integers(1, most)), draw(st.integers(1, most))
    block = draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    coarse = random.integers(0, 256, (-(-height // block), -(-width // block), 4), dtype=np.uint8)
    rgba = coarse.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
    return with_alpha_of(rgba, kind), kind


def all_edges() -> st.SearchStrategy[Edges]:
    """Every combination of modes."""
    return st.builds(Edges, st.sampled_from(MODES), st.sampled_from(MODES))
