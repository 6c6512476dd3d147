"""Console degradations: their options and chances in a preset, and a random choice of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from texpipe.train.data.dither import Dither

Reduction: TypeAlias = Literal["box", "bilinear", "bicubic", "lanczos", "point"]
Palette: TypeAlias = Literal["median_cut", "octree", "k_means"]
StoredPicture: TypeAlias = Literal[
    "rgba32", "rgba16", "ci8", "ci4", "i8", "i4", "ia8", "ia4", "psx16", "psx8", "psx4"
]
Weights: TypeAlias = Mapping[str, float]
Range: TypeAlias = tuple[float, float]
T = TypeVar("T", bound=str)

GREY_FORMATS: frozenset[StoredPicture] = frozenset({"i8", "i4", "ia8", "ia4"})


class Degradation(BaseModel):
    """Chances and strengths of each step of a degradation. The weights of a table need not add up to 1."""

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
    formats: dict[StoredPicture, float] = Field(
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
    fewer_colours_chance: float = Field(
        default=0.0, ge=0, le=1, description="Share of palettes that do not use all their entries."
    )
    fewer_colours: Range = Field(
        default=(16, 256), description="Colours of such a palette, from and to, if it has as many entries."
    )
    palette_noise_chance: float = Field(
        default=0.0, ge=0, le=1, description="Share of palettes with colours beside those of the picture."
    )
    palette_noise_levels: Range = Field(
        default=(1.0, 8.0), description="Sigma of that difference in levels of 255, from and to."
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


@dataclass(frozen=True)
class Choice:
    """One concrete degradation; a strength of 0 skips its step.

    `offset` is the phase of point sampling; `colours` of 0 fill the palette.
    """

    reduction: Reduction
    offset: int
    blur_sigma: float
    sharpen: float
    noise: float
    jpeg_quality: int
    stored: StoredPicture
    palette: Palette
    dither: Dither
    mdec_quality: int = 0
    colours: int = 0
    palette_noise: float = 0.0


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
    # Drawn only if a preset uses it, so that the random numbers of all other presets stay the same.
    quality = round(_strength(rng, options.mdec_chance, options.mdec_quality)) if options.mdec_chance else 0
    if quality:
        return replace(choice, mdec_quality=quality, stored="psx16", dither="none")
    if options.fewer_colours_chance and rng.random() < options.fewer_colours_chance:
        low, high = np.log2(options.fewer_colours)
        choice = replace(choice, colours=round(2 ** rng.uniform(low, high)))
    if options.palette_noise_chance:
        noise = _strength(rng, options.palette_noise_chance, options.palette_noise_levels) / 255
        choice = replace(choice, palette_noise=noise)
    return choice


def _pick(rng: np.random.Generator, weights: Mapping[T, float]) -> T:
    names = list(weights)
    share = np.array([weights[name] for name in names])
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def _strength(rng: np.random.Generator, chance: float, limits: Range) -> float:
    """Draw a strength between the limits, or 0; draws the same number of random values either way."""
    happens, value = rng.random() < chance, rng.uniform(*limits)
    return float(value) if happens else 0.0
