"""Pairs whose high resolution a slower model made: a teacher, for training a fast one (distillation).

The teacher costs far more than a step of the fast model, so it sees a pool of crops once; they come again and again,
turned and mirrored. It can also look at textures of which nobody has an original.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from texpipe.storage.atomic import write_atomic
from texpipe.train.data.collection import Collection, bleed
from texpipe.train.data.crops import Crops
from texpipe.train.data.dataset import continued
from texpipe.train.schema import Teacher

Upscaled: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""The teacher: N x H x W x 3 in [0, 1] to N x scale H x scale W x 3 in [0, 1]."""
_Levels: TypeAlias = NDArray[np.uint8]

_TURNS = 8
"""Number of ways to turn and mirror a square."""
_POOL_STREAM = 1
"""What sets the random numbers of the pool apart from those of `TextureCrops` with the same seed."""


class TaughtCrops(Dataset[tuple[Tensor, Tensor]]):
    """An endless set of pairs of crops, drawn in rounds from a pool that a teacher saw.

    Args:
        crops: pairs with an original.
        unlabelled: low-resolution textures without one; None for none.
        teacher: makes the high resolution.
        options: how many crops the pool has and which of them the teacher makes.
        folder: where the pool is kept; one that an earlier run left is continued.
    """

    def __init__(
        self,
        crops: Crops,
        unlabelled: Collection | None,
        teacher: Upscaled,
        options: Teacher,
        folder: Path,
    ) -> None:
        self.crops = crops
        self.pictures, self.data, self.seed = crops.pictures, crops.data, crops.seed
        self.unlabelled = unlabelled
        self.teacher = teacher
        self.options = options
        self.folder = folder
        self._kept: dict[int, tuple[_Levels, _Levels]] = {}

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return pair `number` as lr 3 x crop x crop and hr 3 x (scale crop) x (scale crop), in [0, 1]."""
        rng = np.random.default_rng((self.crops.seed, number))
        turn = int(rng.integers(_TURNS)) if self.crops.data.flips else 0
        lr, hr = self._pair(number % self.options.crops)
        return _tensor(turned(lr, turn)), _tensor(turned(hr, turn))

    def _pair(self, slot: int) -> tuple[_Levels, _Levels]:
        """Return a pair of the pool, which is made where it is wanted for the first time."""
        if slot not in self._kept:
            path = self.folder / f"{slot:06d}.npz"
            if not path.is_file():
                _write(path, *self._made(slot))
            with np.load(path) as stored:
                self._kept[slot] = stored["lr"], stored["hr"]
        return self._kept[slot]

    def _made(self, slot: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng = np.random.default_rng((self.crops.seed, slot, _POOL_STREAM))
        real, taught = rng.random(2)
        if self.unlabelled is not None and real < self.options.unlabelled:
            lr = self._real_crop(self.unlabelled, rng)
            return lr, self.teacher(lr[None])[0]
        small, original = self.crops[slot]
        lr = small.permute(1, 2, 0).contiguous().numpy()
        if taught < self.options.share:
            return lr, self.teacher(lr[None])[0]
        return lr, original.permute(1, 2, 0).numpy()

    def _real_crop(self, textures: Collection, rng: np.random.Generator) -> NDArray[np.float32]:
        """Cut a crop from a texture as it is: what lies under its alpha is bled, nothing is degraded."""
        picture = textures.pictures[int(rng.integers(len(textures.pictures)))]
        side = self.crops.data.crop
        image = continued(bleed(textures.load(picture)), picture.edges, side)
        top, left = (int(rng.integers(length - side + 1)) for length in image.shape[:2])
        return image[top : top + side, left : left + side].astype(np.float32) / np.float32(255)


def turned(image: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Turn and mirror a square picture, H x W x C, in one of eight ways."""
    return np.rot90(image[:, ::-1] if turn >= _TURNS // 2 else image, turn % (_TURNS // 2))


def _write(path: Path, lr: NDArray[np.float32], hr: NDArray[np.float32]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, lr=_levels(lr), hr=_levels(hr))
    # Without waiting for the disk: a pool that a power cut damaged is made again by removing its folder.
    write_atomic(path, buffer.getvalue(), fsync=False)


def _levels(image: NDArray[np.float32]) -> _Levels:
    return (image.clip(0, 1) * 255).round().astype(np.uint8)


def _tensor(image: _Levels) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255
