"""What a console does to a texture: a modern picture goes in, a small N64 or PS1 texture comes out.

Order, as in a studio of the time: the artist's picture is softened or not, reduced, sharpened by hand,
carries some scanner noise, and is then stored in one of the console's texel formats, with or without
dithering. JPEG, half of the usual training degradation, plays no part unless a preset asks for it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

from texpipe import pixelformats
from texpipe.texture import EdgeMode, Edges, TexelFormat
from texpipe.train.dither import Dither, Floats, to_levels, to_palette

Reduction: TypeAlias = Literal["box", "bilinear", "bicubic", "lanczos", "point"]
Palette: TypeAlias = Literal["median_cut", "octree", "k_means"]
Stored: TypeAlias = Literal[
    "rgba32", "rgba16", "ci8", "ci4", "i8", "i4", "ia8", "ia4", "psx16", "psx8", "psx4"
]
Weights: TypeAlias = Mapping[str, float]
Range: TypeAlias = tuple[float, float]
T = TypeVar("T", bound=str)

GREY_FORMATS: frozenset[Stored] = frozenset({"i8", "i4", "ia8", "ia4"})
_PALETTES: dict[str, tuple[int, TexelFormat]] = {
    "ci8": (256, "rgba16"),
    "ci4": (16, "rgba16"),
    "psx8": (256, "psx16"),
    "psx4": (16, "psx16"),
}
_FILTERS = {
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_PAD_MODES: dict[EdgeMode, Literal["wrap", "symmetric", "edge"]] = {
    "wrap": "wrap",
    "mirror": "symmetric",
    "clamp": "edge",
}
# Small pixels beyond the border that can reach the result: 3 by Lanczos, 2 by blur, 3 by sharpening.
_MARGIN = 8


class Degradation(BaseModel):
    """How often each thing happens. Weights of a table need not add up to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: int = Field(default=4, ge=1, le=8, description="Reduction factor per axis.")
    reductions: dict[Reduction, float] = Field(
        default={"box": 4, "bilinear": 1, "bicubic": 2, "lanczos": 1, "point": 1},
        description="Weights of the reduction filters, widened by the scale; box is the mean of the area.",
    )
    blur_chance: float = Field(
        default=0.15, ge=0, le=1, description="Share of pictures blurred before the reduction."
    )
    blur_sigma: Range = Field(
        default=(0.5, 2.0), description="Gaussian sigma in pixels of the large picture, from and to."
    )
    sharpen_chance: float = Field(
        default=0.25, ge=0, le=1, description="Share sharpened (unsharp mask) after the reduction."
    )
    sharpen_amount: Range = Field(
        default=(0.1, 0.6), description="Strength of the unsharp mask, from and to."
    )
    noise_chance: float = Field(
        default=0.15, ge=0, le=1, description="Share that gets Gaussian noise after the reduction."
    )
    noise_levels: Range = Field(
        default=(0.5, 4.0), description="Sigma of the noise in levels of 255, from and to."
    )
    jpeg_chance: float = Field(
        default=0.0, ge=0, le=1, description="Share coded as JPEG: only for backgrounds and movies."
    )
    jpeg_quality: Range = Field(default=(60, 95), description="JPEG quality, from and to.")
    mdec_chance: float = Field(
        default=0.0, ge=0, le=1, description="Share coded as by the PS1's movie decoder, in 15 bit."
    )
    mdec_quality: Range = Field(
        default=(25, 60), description="JPEG quality that stands for MDEC's, from and to."
    )
    formats: dict[Stored, float] = Field(
        default={
            **{"rgba16": 5, "ci8": 4, "ci4": 3, "psx16": 1, "psx8": 1, "psx4": 1, "rgba32": 1},
            **{"i8": 2, "i4": 2, "ia8": 2, "ia4": 1},
        },
        description="Weights of the texel formats; those without colour are drawn for grey pictures only.",
    )
    palettes: dict[Palette, float] = Field(
        default={"median_cut": 2, "octree": 1, "k_means": 2},
        description="Weights of the ways to choose a palette.",
    )
    dithers: dict[Dither, float] = Field(
        default={"none": 5, "bayer": 1, "psx": 1, "floyd_steinberg": 3},
        description="Weights of the dither patterns.",
    )

    @model_validator(mode="after")
    def _something_to_draw(self) -> Degradation:
        for name in ("reductions", "formats", "palettes", "dithers"):
            table: Weights = getattr(self, name)
            if any(weight < 0 for weight in table.values()) or sum(table.values()) <= 0:
                raise ValueError(f"{name}: weights must not be negative and one must be above 0")
        if not set(self.formats) - GREY_FORMATS:
            raise ValueError("formats: at least one format with colour is needed")
        return self


BICUBIC = Degradation(
    reductions={"bicubic": 1},
    blur_chance=0,
    sharpen_chance=0,
    noise_chance=0,
    formats={"rgba32": 1},
    dithers={"none": 1},
)
"""The super-resolution papers' degradation: a bicubic reduction and nothing else."""


@dataclass(frozen=True)
class Choice:
    """One concrete degradation; a strength of 0 leaves its step out. `offset` is point sampling's phase."""

    reduction: Reduction
    offset: int
    blur_sigma: float
    sharpen: float
    noise: float
    jpeg_quality: int
    stored: Stored
    palette: Palette
    dither: Dither
    mdec_quality: int = 0


def degrade(
    hr: NDArray[np.floating], rng: np.random.Generator, options: Degradation, edges: Edges | None = None
) -> Floats:
    """Make the console's version of a picture; the same generator state gives the same result.

    Args:
        hr: H x W x 3 or H x W x 4 (straight alpha) in [0, 1]; H and W multiples of `options.scale`.
        rng: draws the degradation and its noise.
        options: how often each thing happens.
        edges: what lies beyond the border; clamped if not given.

    Returns:
        h x w x C float32 in [0, 1], every pixel exactly as the texel format holds it.
    """
    rgb = hr[..., :3]
    grey = bool((rgb == rgb[..., :1]).all())
    return apply(hr, draw(rng, options, grey=grey), rng, options.scale, edges)


def draw(rng: np.random.Generator, options: Degradation, *, grey: bool) -> Choice:
    """Draw one degradation; formats without colour are drawn for grey pictures only."""
    formats = {name: weight for name, weight in options.formats.items() if grey or name not in GREY_FORMATS}
    choice = Choice(
        reduction=_pick(rng, options.reductions),
        offset=int(rng.integers((options.scale - 1) // 2, options.scale // 2 + 1)),
        blur_sigma=_strength(rng, options.blur_chance, options.blur_sigma),
        sharpen=_strength(rng, options.sharpen_chance, options.sharpen_amount),
        noise=_strength(rng, options.noise_chance, options.noise_levels) / 255,
        jpeg_quality=round(_strength(rng, options.jpeg_chance, options.jpeg_quality)),
        stored=_pick(rng, formats),
        palette=_pick(rng, options.palettes),
        dither=_pick(rng, options.dithers),
    )
    # Drawn only where asked for, so that all other trainings see what they always saw.
    quality = round(_strength(rng, options.mdec_chance, options.mdec_quality)) if options.mdec_chance else 0
    return replace(choice, mdec_quality=quality, stored="psx16", dither="none") if quality else choice


def apply(
    hr: NDArray[np.floating], choice: Choice, rng: np.random.Generator, scale: int, edges: Edges | None = None
) -> Floats:
    """Carry out one degradation; arguments and result as in `degrade`."""
    edges = edges or Edges()
    image = hr.astype(np.float32)
    if image.shape[2] == 4:
        image = np.concatenate([image[..., :3] * image[..., 3:], image[..., 3:]], axis=2)
    image = _pad(image, _MARGIN * scale, edges)
    if choice.blur_sigma:
        image = _blur(image, choice.blur_sigma)
    image = reduce(image, choice, scale)
    if choice.sharpen:
        image = image + choice.sharpen * (image - _blur(image, 1.0))
    image = image[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN].clip(0, 1)
    colour, alpha = _straight(image)
    if choice.noise:
        colour = (colour + choice.noise * rng.standard_normal(colour.shape, np.float32)).clip(0, 1)
    if choice.jpeg_quality:
        colour = _jpeg(colour, choice.jpeg_quality)
    if choice.mdec_quality:
        # MDEC decodes 8x8 DCT blocks with halved chroma to 15 bit: JPEG 4:2:0, stored as psx16, comes close.
        colour = _jpeg(colour, choice.mdec_quality)
    return store(colour, alpha, choice)


def reduce(image: Floats, choice: Choice, scale: int) -> Floats:
    """Reduce an H x W x C picture by `scale` with the chosen filter; results of Lanczos may leave [0, 1]."""
    if choice.reduction == "point":
        return image[choice.offset :: scale, choice.offset :: scale]
    size = (image.shape[1] // scale, image.shape[0] // scale)
    planes = [Image.fromarray(np.ascontiguousarray(image[..., c])) for c in range(image.shape[2])]
    return np.stack([np.asarray(p.resize(size, _FILTERS[choice.reduction])) for p in planes], axis=2)


def store(colour: Floats, alpha: Floats | None, choice: Choice) -> Floats:
    """Keep only what the chosen texel format can hold.

    Args:
        colour: H x W x 3 in [0, 1].
        alpha: H x W x 1 in [0, 1], or None.
        choice: texel format, dither, and how a palette is chosen.

    Returns:
        H x W x 3, or H x W x 4 if there is an alpha.
    """
    if choice.stored in _PALETTES:
        count, entry = _PALETTES[choice.stored]
        shown = to_palette(colour, _palette(colour, count, entry, choice.palette), choice.dither)
    else:
        entry = "rgba32" if choice.stored == "rgba32" else choice.stored
        levels, _ = _levels(entry)
        shown = to_levels(colour, levels, choice.dither if len(levels) < 256 else "none")
    if alpha is None:
        return shown
    return np.concatenate([shown, to_levels(alpha, _levels(entry)[1], "none")], axis=2)


@cache
def _levels(texels: TexelFormat) -> tuple[Floats, Floats]:
    """The values that colour and alpha can take in a texel format, read off the project's own codec."""
    ramp = np.arange(256, dtype=np.uint8)
    colour = np.stack([ramp, ramp, ramp, np.full_like(ramp, 255)], axis=1)[None]
    alpha = np.stack([np.full_like(ramp, 128)] * 3 + [ramp], axis=1)[None]
    seen = pixelformats.quantise(colour, texels)[..., 0], pixelformats.quantise(alpha, texels)[..., 3]
    return _fractions(np.unique(seen[0])), _fractions(np.unique(seen[1]))


def _palette(colour: Floats, count: int, entry: TexelFormat, way: Palette) -> Floats:
    """Choose up to `count` colours for a picture and store them as the console stores palette entries."""
    if way == "k_means":
        found = _k_means(colour, count)
    else:
        method = Image.Quantize.MEDIANCUT if way == "median_cut" else Image.Quantize.FASTOCTREE
        picture = Image.fromarray((colour * 255).round().astype(np.uint8))
        flat = picture.quantize(count, method, dither=Image.Dither.NONE).getpalette() or [0, 0, 0]
        found = _fractions(np.array(flat).reshape(-1, 3)[:count])
    levels, _ = _levels(entry)
    return np.unique(to_levels(found[None], levels, "none")[0], axis=0)


def _k_means(colour: Floats, count: int) -> Floats:
    """Cluster the colours of a picture, starting from evenly spaced ranks of brightness."""
    pixels = colour.reshape(-1, 3)
    order = pixels.sum(axis=1).argsort()
    centres: Floats = pixels[order[np.linspace(0, len(order) - 1, min(count, len(order))).astype(int)]]
    for _ in range(4):
        distance = (centres * centres).sum(axis=1) - 2 * pixels @ centres.T
        nearest = distance.argmin(axis=1)
        weight = np.bincount(nearest, minlength=len(centres))
        sums = np.stack([np.bincount(nearest, pixels[:, c], len(centres)) for c in range(3)], axis=1)
        means = sums / np.maximum(weight, 1)[:, None]
        centres = np.asarray(np.where(weight[:, None] > 0, means, centres), np.float32)
    return centres


def _fractions(levels: NDArray[np.integer]) -> Floats:
    """Turn levels of 0 to 255 into [0, 1]."""
    return np.asarray(levels / 255, np.float32)


def _pad(image: Floats, margin: int, edges: Edges) -> Floats:
    rows: Floats = np.pad(image, ((margin, margin), (0, 0), (0, 0)), _PAD_MODES[edges.y])
    both: Floats = np.pad(rows, ((0, 0), (margin, margin), (0, 0)), _PAD_MODES[edges.x])
    return both


def _blur(image: Floats, sigma: float) -> Floats:
    import cv2

    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32).reshape(image.shape)


def _jpeg(colour: Floats, quality: int) -> Floats:
    buffer = io.BytesIO()
    Image.fromarray((colour * 255).round().astype(np.uint8)).save(
        buffer, "JPEG", quality=quality, subsampling="4:2:0"
    )
    return _fractions(np.asarray(Image.open(buffer)))


def _straight(image: Floats) -> tuple[Floats, Floats | None]:
    """Split a premultiplied picture into straight colour and alpha; without alpha there is nothing to do."""
    if image.shape[2] == 3:
        return image, None
    alpha = image[..., 3:]
    return (image[..., :3] / np.maximum(alpha, 1 / 255)).clip(0, 1), alpha


def _pick(rng: np.random.Generator, weights: Mapping[T, float]) -> T:
    names = list(weights)
    share = np.array([weights[name] for name in names])
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def _strength(rng: np.random.Generator, chance: float, limits: Range) -> float:
    """Draw a strength between the limits, or 0; draws the same number of random values either way."""
    happens, value = rng.random() < chance, rng.uniform(*limits)
    return float(value) if happens else 0.0
