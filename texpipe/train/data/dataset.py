"""Pairs of crops in low and high resolution, made on the fly.

Pair number n depends on the seed and n alone: a resumed training sees the same pairs as an uninterrupted one, and
several processes divide the numbers among them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from texpipe.imaging.visible import LUMA
from texpipe.passes.resample import repeat
from texpipe.texture import Edges, Rgba8
from texpipe.train.data.collection import Collection, TrainingPicture, bleed
from texpipe.train.data.degradation import Degradation
from texpipe.train.data.degrade import degrade
from texpipe.train.data.dither import Floats
from texpipe.train.data.drawn import with_lettering, with_pattern
from texpipe.train.schema import Data

Pixel = TypeVar("Pixel", np.float32, np.uint8)

_WORKING_SIDE = 256
"""Longest side of a picture that a console stored four times smaller, in pixels."""
_ATTEMPTS = 8
"""Number of crops that are drawn before one with too little detail is accepted."""


@dataclass(frozen=True, eq=False)
class TexturePair:
    """A low-resolution texture, h x w x 3, and its original, `scale` times as large, both in [0, 1]."""

    name: str
    lr: Floats
    hr: Floats
    edges: Edges


class TextureCrops(Dataset[tuple[Tensor, Tensor]]):
    """An endless set of pairs of crops.

    Args:
        collection: loads the pictures.
        pictures: the pictures to draw from.
        data: crop size and augmentation.
        degradation: the console's degradation.
        seed: determines the set.
    """

    def __init__(
        self,
        collection: Collection,
        pictures: Sequence[TrainingPicture],
        data: Data,
        degradation: Degradation,
        seed: int,
    ) -> None:
        self.collection = collection
        self.pictures = pictures
        self.data = data
        self.degradation = degradation
        self.seed = seed

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return pair `number` as lr 3 x crop x crop and hr 3 x (scale crop) x (scale crop), in [0, 1]."""
        rng = np.random.default_rng((self.seed, number))
        for _ in range(_ATTEMPTS):
            hr, edges = self._picture(rng)
            top, left = self._place(hr, rng)
            side = self.data.crop * self.degradation.scale
            crop = hr[top : top + side, left : left + side]
            if sharpness(crop) >= self.data.min_sharpness:
                break
        lr = self._degrade(hr, edges, rng, top, left)
        return as_tensor(lr), as_tensor(crop)

    def _picture(self, rng: np.random.Generator) -> tuple[Floats, Edges]:
        """Draw a picture, at least as large as a crop, with all augmentation but the degradation."""
        picture = self.pictures[int(rng.integers(len(self.pictures)))]
        rgba = self.collection.load(picture)
        image = _colours(rgba, rng, self.data.alpha_chance)
        image, edges = working_size(image, picture.edges, rng)
        image, edges = fit(image, edges, self.data.crop * self.degradation.scale, self.degradation.scale)
        image = _roll(image, edges, rng)
        if self.data.flips:
            image, edges = _turn(image, edges, rng)
        shown = jitter(image.astype(np.float32) / np.float32(255), self.data, rng)
        return decorated(shown, self.data, rng, self.degradation.scale), edges

    def _place(self, hr: Floats, rng: np.random.Generator) -> tuple[int, int]:
        """Draw the corner of a crop on the grid of low-resolution texels."""
        scale, crop = self.degradation.scale, self.data.crop
        rows, columns = hr.shape[0] // scale - crop, hr.shape[1] // scale - crop
        return scale * int(rng.integers(rows + 1)), scale * int(rng.integers(columns + 1))

    def _degrade(self, hr: Floats, edges: Edges, rng: np.random.Generator, top: int, left: int) -> Floats:
        """Degrade the whole texture, because a console's palette belongs to the whole, and cut out the crop."""
        scale, crop = self.degradation.scale, self.data.crop
        lr = degrade(hr, rng, self.degradation, edges)
        return lr[top // scale : top // scale + crop, left // scale : left // scale + crop]


def held_out_pair(
    collection: Collection, picture: TrainingPicture, degradation: Degradation, seed: int, side: int
) -> TexturePair:
    """Degrade one whole picture (its middle, if larger than `side` texels) by its name and the seed alone."""
    scale = degradation.scale
    image, edges = bleed(collection.load(picture)), picture.edges
    if image.shape[0] > side:
        top = (image.shape[0] - side) // 2
        image, edges = image[top : top + side], Edges(edges.x, "clamp")
    if image.shape[1] > side:
        left = (image.shape[1] - side) // 2
        image, edges = image[:, left : left + side], Edges("clamp", edges.y)
    image, edges = fit(image, edges, scale, scale)
    hr = image.astype(np.float32) / np.float32(255)
    digest = int.from_bytes(hashlib.sha256(picture.name.encode()).digest()[:8], "big")
    return TexturePair(
        picture.name, degrade(hr, np.random.default_rng((seed, digest)), degradation, edges), hr, edges
    )


def degradation_examples(
    collection: Collection, degradation: Degradation, seed: int, count: int = 8
) -> tuple[list[str], list[list[Floats]]]:
    """Return titles and rows of a sheet: some textures with four degraded versions each."""
    step = max(1, len(collection.pictures) // count)
    rows: list[list[Floats]] = []
    for picture in collection.pictures[::step][:count]:
        pairs = [held_out_pair(collection, picture, degradation, seed + i, _WORKING_SIDE) for i in range(4)]
        rows.append([pairs[0].hr, *(repeat(pair.lr, degradation.scale) for pair in pairs)])
    return ["HR", "LR 1", "LR 2", "LR 3", "LR 4"], rows


def sharpness(image: Floats) -> float:
    """Return the RMS of the luma's Laplacian of an H x W x 3 picture in [0, 1]: 0 if flat, small if blurred."""
    luma = image @ LUMA
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]
    return float(np.sqrt(np.mean(laplacian**2)))


def jitter(image: Floats, data: Data, rng: np.random.Generator) -> Floats:
    """Change brightness and saturation, darken or make grey with the chances of `data`; H x W x 3 in [0, 1]."""
    change, grey, dark = rng.random(3)
    brightness, saturation, darkness = (
        rng.uniform(*data.brightness),
        rng.uniform(*data.saturation),
        rng.uniform(0.3, 0.8),
    )
    luma = (image @ LUMA)[..., None]
    if grey < data.grey_chance:
        image = luma.repeat(3, axis=2)
    elif change < data.jitter_chance and (image != image[..., :1]).any():
        image = np.asarray(luma + saturation * (image - luma), np.float32)
    if change < data.jitter_chance:
        image = np.asarray(image * brightness, np.float32)
    if dark < data.darken_chance:
        image = np.asarray(image * darkness, np.float32)
    return image.clip(0, 1)


def decorated(image: Floats, data: Data, rng: np.random.Generator, scale: int) -> Floats:
    """Draw patterns and lettering over a picture, H x W x 3 in [0, 1], as often as `data` says."""
    # Nothing is drawn from the generator where nothing is asked for: other trainings see what they always saw.
    if data.pattern_chance and rng.random() < data.pattern_chance:
        image = with_pattern(image, rng, scale)
    if data.lettering_chance and rng.random() < data.lettering_chance:
        image = with_lettering(image, rng, scale)
    return image


def working_size(
    image: NDArray[np.uint8], edges: Edges, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Edges]:
    """Bring a large picture to a size that consoles stored four times smaller.

    A 64x64 texture may show a whole wall, so half of the large pictures are reduced as a whole, which keeps their
    tiling; from the others a window is cut, which keeps their detail.
    """
    import cv2

    height, width = image.shape[:2]
    if max(height, width) <= 2 * _WORKING_SIDE:
        return image, edges
    if rng.random() < 0.5:
        factor = _WORKING_SIDE * rng.uniform(1, 2) / max(height, width)
        size = [max(8, round(side * factor / 4) * 4) for side in (width, height)]
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), edges
    top = int(rng.integers(max(height - _WORKING_SIDE, 0) + 1))
    left = int(rng.integers(max(width - _WORKING_SIDE, 0) + 1))
    return image[top : top + _WORKING_SIDE, left : left + _WORKING_SIDE], Edges()


def fit(image: NDArray[np.uint8], edges: Edges, side: int, multiple: int) -> tuple[NDArray[np.uint8], Edges]:
    """Trim both sides to a multiple, and continue a picture that is smaller than `side`.

    Args:
        image: H x W x 3.
        edges: axes that wrap are continued by repeating, others by mirroring.
        side: smallest height and width of the result, a multiple of `multiple`.
        multiple: divisor of the result's height and width; H and W are at least as large.

    Returns:
        The picture and its edges, which wrap only where the whole period was kept.
    """
    height, width = (length // multiple * multiple for length in image.shape[:2])
    x = edges.x if width == image.shape[1] else "clamp"
    y = edges.y if height == image.shape[0] else "clamp"
    image = continued(image[:height, :width], Edges(x, y), side)
    return image, Edges("clamp" if width < side else x, "clamp" if height < side else y)


def continued(image: NDArray[Pixel], edges: Edges, side: int) -> NDArray[Pixel]:
    """Continue a picture beyond its right and lower border where it is smaller than `side`.

    Args:
        image: H x W x C.
        edges: axes that wrap are continued by repeating, others by mirroring.
        side: smallest height and width of the result.
    """
    rows, columns = (max(0, side - length) for length in image.shape[:2])
    image = np.pad(image, ((0, rows), (0, 0), (0, 0)), "wrap" if edges.y == "wrap" else "symmetric")
    return np.pad(image, ((0, 0), (0, columns), (0, 0)), "wrap" if edges.x == "wrap" else "symmetric")


def _colours(rgba: Rgba8, rng: np.random.Generator, alpha_chance: float) -> NDArray[np.uint8]:
    """Return the colours, bled under alpha, or with a small chance the alpha plane as a grey picture."""
    alpha = rgba[..., 3:]
    if rng.random() < alpha_chance and alpha.min() < alpha.max():
        return np.repeat(alpha, 3, axis=2)
    return bleed(rgba)


def _roll(image: NDArray[np.uint8], edges: Edges, rng: np.random.Generator) -> NDArray[np.uint8]:
    down, right = int(rng.integers(image.shape[0])), int(rng.integers(image.shape[1]))
    return np.roll(image, (down if edges.y == "wrap" else 0, right if edges.x == "wrap" else 0), (0, 1))


def _turn(
    image: NDArray[np.uint8], edges: Edges, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Edges]:
    quarters, flip = int(rng.integers(4)), bool(rng.integers(2))
    image = np.rot90(image[:, ::-1] if flip else image, quarters)
    return image, Edges(edges.y, edges.x) if quarters % 2 else edges


def as_tensor(image: Floats) -> Tensor:
    """Return H x W x 3 as 3 x H x W."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
