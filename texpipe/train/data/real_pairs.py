"""Real pairs: textures of which somebody made larger ones, matched by name and aligned to the texel."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from texpipe.errors import SourceError
from texpipe.passes.resample import box_reduce, repeat
from texpipe.texture import Edges
from texpipe.train.data.alignment import Aligned, Shift, aligned, on_grey
from texpipe.train.data.collection import MIN_SIDE, Remembered, Skipped, TrainingPicture, bleed, divided
from texpipe.train.data.crops import Crops
from texpipe.train.data.dataset import TexturePair, as_tensor, continued, jitter, sharpness
from texpipe.train.data.dither import Floats
from texpipe.train.data.files import SUFFIXES, PictureFile, picture_files, sources
from texpipe.train.schema import Data

_ATTEMPTS = 8
"""Number of crops that are drawn before one with too little detail is accepted."""
_MIX_STREAM = 2
"""What sets the random numbers that choose between sets apart from those within them."""
_WAYS = 2
"""Pictures with alpha are shown in two ways: with bled borders, as in a run, and on a flat colour."""


@dataclass(frozen=True)
class RealPairs:
    """Pairs that can be trained on.

    Attributes:
        pictures: names of the pairs, and the axes on which they tile.
        skipped: pairs that were left out, and why.
        alone: number of files in either folder without a partner in the other.
        sources: where they come from, for the model card.
        shifted: pairs that were moved onto one grid, and by how much.
    """

    pictures: tuple[TrainingPicture, ...]
    skipped: tuple[Skipped, ...]
    alone: tuple[int, int]
    sources: tuple[str, ...]
    shifted: Mapping[str, Shift]
    _read: Mapping[str, Callable[[], Aligned]] = field(repr=False)
    _kept: Remembered[Aligned] = field(
        default_factory=lambda: Remembered(lambda one: one.lr.nbytes + one.hr.nbytes), repr=False
    )

    def load(self, picture: TrainingPicture) -> Aligned:
        """Return both pictures of a pair; they must not be changed."""
        return self._kept.get(picture.name, self._read[picture.name])

    def split(self, share: float) -> tuple[tuple[TrainingPicture, ...], tuple[TrainingPicture, ...]]:
        """Divide into training and held-out pairs; see `Collection.split`."""
        return divided(self.pictures, share)


def collect_pairs(small: Path, large: Path, scale: int) -> RealPairs:
    """Match the pictures of two folders by their paths without suffix, and align them.

    Args:
        small: folder, or tar shard, of low-resolution textures.
        large: the same with the originals.
        scale: how many times larger originals are; larger ones are reduced to it.

    Raises:
        SourceError: a folder is missing, or there is no usable pair.
    """
    of_small, of_large = (_by_stem(folder) for folder in (small, large))
    both = [(of_small[stem], of_large[stem]) for stem in of_small if stem in of_large]
    alone = len(of_small) - len(both), len(of_large) - len(both)
    pictures: list[TrainingPicture] = []
    skipped: list[Skipped] = []
    shifted: dict[str, Shift] = {}
    digests: dict[str, str] = {}
    for one, other in both:
        try:
            found = _usable(one, other, scale, digests)
        except SourceError as error:
            skipped.append(Skipped(one.name, error.message))
            continue
        pictures.append(TrainingPicture(one.name, found.edges))
        if any(found.shift):
            shifted[one.name] = found.shift
    if not pictures:
        raise _no_pairs(small, large, skipped, len(both))
    names = tuple(f"{source} with its originals" for source in sources(small))
    read = {one.name: partial(_read, one, other, scale) for one, other in both}
    return RealPairs(tuple(pictures), tuple(skipped), alone, names, shifted, read)


def _by_stem(folder: Path) -> dict[str, PictureFile]:
    if not folder.exists():
        raise SourceError(f"there is no folder {folder}", hint="--pairs needs LR_DIR and HR_DIR.")
    found: dict[str, PictureFile] = {}
    for file in picture_files(folder):
        found.setdefault(str(PurePosixPath(file.name).with_suffix("")), file)
    return found


def _usable(one: PictureFile, other: PictureFile, scale: int, digests: dict[str, str]) -> Aligned:
    """Return an aligned pair.

    Raises:
        SourceError: a picture cannot be read or used, the two do not belong together, or an earlier pair is equal.
    """
    found = _read(one, other, scale)
    parts = (repr(found.lr.shape).encode(), found.lr.tobytes(), found.hr.tobytes())
    first = digests.setdefault(hashlib.sha256(b"".join(parts)).hexdigest(), one.name)
    if first != one.name:
        raise SourceError(f"the same pixels as {first}")
    return found


def _read(one: PictureFile, other: PictureFile, scale: int) -> Aligned:
    lr, hr = one.read(), other.read()
    if min(lr.shape[:2]) < MIN_SIDE:
        raise SourceError(f"smaller than {MIN_SIDE} texels")
    if not lr[..., 3].any() or not hr[..., 3].any():
        raise SourceError("invisible")
    return aligned(lr, hr, scale)


def _no_pairs(small: Path, large: Path, skipped: Sequence[Skipped], both: int) -> SourceError:
    if not both:
        return SourceError(
            f"no pairs: {small} and {large} have no file name in common",
            hint=f"Both files of a pair need the same path and name; searched for {', '.join(sorted(SUFFIXES))}.",
        )
    first = skipped[0]
    return SourceError(
        f"none of the {both} pairs of {small} and {large} can be used; first reason: {first.name}: {first.reason}",
        hint="Both files of a pair must show the same picture, in sizes that are a whole multiple of each other.",
    )


class PairCrops(Dataset[tuple[Tensor, Tensor]]):
    """An endless set of crops of real pairs: nothing is degraded, both sides are turned and coloured alike.

    Args:
        pairs: loads them.
        pictures: those to draw from.
        data: crop size and augmentation; patterns, lettering and grey alpha planes are left out.
        scale: how many times larger the originals are.
        seed: determines the set.
    """

    def __init__(
        self, pairs: RealPairs, pictures: Sequence[TrainingPicture], data: Data, scale: int, seed: int
    ) -> None:
        self.pairs = pairs
        self.pictures = pictures
        self.data = data
        self.scale = scale
        self.seed = seed

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return pair `number` as lr 3 x crop x crop and hr 3 x (scale crop) x (scale crop), in [0, 1]."""
        rng = np.random.default_rng((self.seed, number))
        for _ in range(_ATTEMPTS):
            lr, hr = self._crop(rng)
            if sharpness(hr) >= self.data.min_sharpness:
                break
        coloured = int(rng.integers(1 << 32))
        lr, hr = (jitter(one, self.data, np.random.default_rng(coloured)) for one in (lr, hr))
        turn, flip = (int(rng.integers(4)), bool(rng.integers(2))) if self.data.flips else (0, False)
        lr, hr = (np.rot90(one[:, ::-1] if flip else one, turn) for one in (lr, hr))
        return as_tensor(lr), as_tensor(hr)

    def _crop(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw a pair and cut the same part out of both, at any texel where it tiles."""
        picture = self.pictures[int(rng.integers(len(self.pictures)))]
        pair, side = self.pairs.load(picture), self.data.crop
        lr, hr = _shown(pair, rng)
        rolled = [
            int(rng.integers(length)) if mode == "wrap" else 0
            for length, mode in zip(lr.shape[:2], (pair.edges.y, pair.edges.x), strict=True)
        ]
        lr, hr = np.roll(lr, rolled, (0, 1)), np.roll(hr, [self.scale * one for one in rolled], (0, 1))
        lr, hr = continued(lr, pair.edges, side), continued(hr, pair.edges, side * self.scale)
        top, left = (int(rng.integers(length - side + 1)) for length in lr.shape[:2])
        return _cut(lr, top, left, side), _cut(hr, top * self.scale, left * self.scale, side * self.scale)


def _shown(pair: Aligned, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return both pictures without alpha, H x W x 3 in [0, 1]: borders bled as in a run, or on a flat grey."""
    way, grey = int(rng.integers(_WAYS)), float(rng.random())
    if way and (pair.lr[..., 3].min() < 255 or pair.hr[..., 3].min() < 255):
        return on_grey(pair.lr, grey), on_grey(pair.hr, grey)
    return _floats(bleed(pair.lr)), _floats(bleed(pair.hr))


def _floats(image: NDArray[np.uint8]) -> Floats:
    return image.astype(np.float32) / np.float32(255)


def _cut(image: Floats, top: int, left: int, side: int) -> Floats:
    return image[top : top + side, left : left + side]


def held_out_pairs(
    pairs: RealPairs, pictures: Sequence[TrainingPicture], count: int, side: int = 256
) -> tuple[TexturePair, ...]:
    """Return up to `count` pairs to judge by, spread evenly over their names; of large ones the middle, on grey.

    Args:
        pairs: loads them.
        pictures: the held-out ones.
        count: largest number of pairs.
        side: largest height and width, in texels.
    """
    step = max(1, len(pictures) / count)
    chosen = [pictures[int(i * step)] for i in range(min(count, len(pictures)))]
    return tuple(_held_out(one.name, pairs.load(one), side) for one in chosen)


def _held_out(name: str, pair: Aligned, side: int) -> TexturePair:
    scale, edges = len(pair.hr) // len(pair.lr), pair.edges
    (top, height), (left, width) = (
        (max(0, (length - side) // 2), min(length, side)) for length in pair.lr.shape[:2]
    )
    lr = pair.lr[top : top + height, left : left + width]
    hr = pair.hr[top * scale : (top + height) * scale, left * scale : (left + width) * scale]
    x = edges.x if width == pair.lr.shape[1] else "clamp"
    y = edges.y if height == pair.lr.shape[0] else "clamp"
    return TexturePair(name, on_grey(lr), on_grey(hr), Edges(x, y))


def pair_examples(pairs: RealPairs, count: int = 8) -> tuple[list[str], list[list[Floats]]]:
    """Return titles and rows of a sheet that shows whether pairs belong together."""
    step = max(1, len(pairs.pictures) // count)
    rows = []
    for pair in held_out_pairs(pairs, pairs.pictures[::step], count):
        scale = len(pair.hr) // len(pair.lr)
        rows.append([repeat(pair.lr, scale), repeat(box_reduce(pair.hr, scale), scale), pair.hr])
    return ["LR", "HR reduced", "HR"], rows


class MixedCrops(Dataset[tuple[Tensor, Tensor]]):
    """Crops of real pairs among those of degraded textures.

    Args:
        textures: degraded.
        pairs: real ones.
        share: of the crops that are real.
    """

    def __init__(self, textures: Crops, pairs: PairCrops, share: float) -> None:
        self.textures = textures
        self.real = pairs
        self.share = share
        self.pictures = (*textures.pictures, *pairs.pictures)
        self.data, self.seed = textures.data, textures.seed

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return pair `number`, as either set does."""
        is_real = np.random.default_rng((self.seed, number, _MIX_STREAM)).random() < self.share
        return self.real[number] if is_real else self.textures[number]
