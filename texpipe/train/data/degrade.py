"""Degrade a modern picture to a small N64 or PS1 texture.

The steps follow a studio of the time: the picture may be softened, is reduced, may be sharpened by hand and have some
scanner noise, and is then stored in one of the console's texel formats, with or without dithering. JPEG, half of the
usual training degradation, is only used if a preset asks for it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from texpipe.imaging import texel_formats
from texpipe.passes.resample import crop, extend
from texpipe.texture import Edges, TexelFormat
from texpipe.train.data.degradation import Choice, Degradation, Palette, Reduction, StoredPicture, draw
from texpipe.train.data.dither import Floats, to_levels, to_palette

_PALETTES: Mapping[StoredPicture, tuple[int, TexelFormat]] = {
    "ci8": (256, "rgba16"),
    "ci4": (16, "rgba16"),
    "psx8": (256, "psx16"),
    "psx4": (16, "psx16"),
}
_FILTERS: Mapping[Reduction, Image.Resampling] = {
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_MARGIN = 8
"""Texels beyond the border that can influence the result: 3 by Lanczos, 2 by blur, 3 by sharpening."""


def degrade(
    hr: NDArray[np.floating], rng: np.random.Generator, options: Degradation, edges: Edges | None = None
) -> Floats:
    """Degrade a picture at random; the same generator state gives the same result.

    Args:
        hr: H x W x 3 or H x W x 4 (straight alpha) in [0, 1]; H and W multiples of `options.scale`.
        rng: draws the degradation and its noise.
        options: chances and strengths of the steps.
        edges: what lies beyond the border; clamped by default.

    Returns:
        h x w x C float32 in [0, 1], every pixel exactly as the texel format holds it.
    """
    rgb = hr[..., :3]
    grey = bool((rgb == rgb[..., :1]).all())
    return apply(hr, draw(rng, options, grey=grey), rng, options.scale, edges)


def apply(
    hr: NDArray[np.floating], choice: Choice, rng: np.random.Generator, scale: int, edges: Edges | None = None
) -> Floats:
    """Carry out one degradation; arguments and result as in `degrade`."""
    edges = edges or Edges()
    image = hr.astype(np.float32)
    if image.shape[2] == 4:
        image = np.concatenate([image[..., :3] * image[..., 3:], image[..., 3:]], axis=2)
    image = extend(image, edges, _MARGIN * scale)
    if choice.blur_sigma:
        image = _blur(image, choice.blur_sigma)
    image = reduce(image, choice, scale)
    if choice.sharpen:
        image = image + choice.sharpen * (image - _blur(image, 1.0))
    image = crop(image, _MARGIN).clip(0, 1)
    colour, alpha = _straight(image)
    if choice.noise:
        colour = (colour + choice.noise * rng.standard_normal(colour.shape, np.float32)).clip(0, 1)
    if choice.jpeg_quality:
        colour = _jpeg(colour, choice.jpeg_quality)
    if choice.mdec_quality:
        # MDEC decodes 8x8 DCT blocks with halved chroma to 15 bit: JPEG 4:2:0, stored as psx16, comes close.
        colour = _jpeg(colour, choice.mdec_quality)
    return store(colour, alpha, choice, rng)


def reduce(image: Floats, choice: Choice, scale: int) -> Floats:
    """Reduce an H x W x C picture by `scale` with the chosen filter; Lanczos may leave [0, 1]."""
    if choice.reduction == "point":
        return image[choice.offset :: scale, choice.offset :: scale]
    size = (image.shape[1] // scale, image.shape[0] // scale)
    planes = [Image.fromarray(np.ascontiguousarray(image[..., c])) for c in range(image.shape[2])]
    return np.stack([np.asarray(p.resize(size, _FILTERS[choice.reduction])) for p in planes], axis=2)


def store(colour: Floats, alpha: Floats | None, choice: Choice, rng: np.random.Generator) -> Floats:
    """Round a picture to the chosen texel format.

    Args:
        colour: H x W x 3 in [0, 1].
        alpha: H x W x 1 in [0, 1], or None.
        choice: texel format, dither, and how a palette is chosen.
        rng: draws the noise of palettes.

    Returns:
        H x W x 3, or H x W x 4 with alpha.
    """
    if choice.stored in _PALETTES:
        count, entry = _PALETTES[choice.stored]
        count = min(choice.colours or count, count)
        palette = _palette(colour, count, entry, choice.palette)
        if choice.palette_noise:
            noise = choice.palette_noise * rng.standard_normal(palette.shape, np.float32)
            palette = np.unique(
                to_levels((palette + noise).clip(0, 1)[None], _levels(entry)[0], "none")[0], axis=0
            )
        shown = to_palette(colour, palette, choice.dither)
    else:
        entry = choice.stored
        levels, _ = _levels(entry)
        shown = to_levels(colour, levels, choice.dither if len(levels) < 256 else "none")
    if alpha is None:
        return shown
    return np.concatenate([shown, to_levels(alpha, _levels(entry)[1], "none")], axis=2)


@cache
def _levels(texels: TexelFormat) -> tuple[Floats, Floats]:
    """Return the values that colour and alpha can take in a texel format, taken from texpipe's own codec."""
    ramp = np.arange(256, dtype=np.uint8)
    colour = np.stack([ramp, ramp, ramp, np.full_like(ramp, 255)], axis=1)[None]
    alpha = np.stack([np.full_like(ramp, 128)] * 3 + [ramp], axis=1)[None]
    seen = texel_formats.quantise(colour, texels)[..., 0], texel_formats.quantise(alpha, texels)[..., 3]
    return _fractions(np.unique(seen[0])), _fractions(np.unique(seen[1]))


def _palette(colour: Floats, count: int, entry: TexelFormat, way: Palette) -> Floats:
    """Choose up to `count` colours for a picture and round them to the format of the palette's entries."""
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
    """Split a premultiplied picture into straight colour and alpha; without alpha return it unchanged."""
    if image.shape[2] == 3:
        return image, None
    alpha = image[..., 3:]
    return (image[..., :3] / np.maximum(alpha, 1 / 255)).clip(0, 1), alpha
