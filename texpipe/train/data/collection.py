"""Collections of modern textures to train on: decoded, checked, and divided into training and held-out pictures."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import SourceError
from texpipe.texture import Edges, Rgba8
from texpipe.train.data.files import SUFFIXES, picture_files, sources

_T = TypeVar("_T")

_CACHE_BYTES = 1 << 30
"""Largest size of the decoded pictures that are kept in memory, in bytes."""
MIN_SIDE = 8
"""Smallest side of a usable picture, in texels."""
_MIN_HELD_OUT = 8
"""Smallest number of held-out pictures, unless that is more than a fifth of all."""


@dataclass(frozen=True)
class TrainingPicture:
    """A texture to train on: its `name` (path inside the folder) and the axes on which it tiles."""

    name: str
    edges: Edges


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why."""

    name: str
    reason: str


class Remembered(Generic[_T]):
    """Values that are made when they are wanted, and kept in memory up to a gigabyte, the last used longest.

    Args:
        bytes_of: size of a value.
    """

    def __init__(self, bytes_of: Callable[[_T], int]) -> None:
        self._bytes_of = bytes_of
        self._kept: OrderedDict[str, _T] = OrderedDict()
        self._bytes = 0

    def get(self, name: str, make: Callable[[], _T]) -> _T:
        """Return the value of a name, made if it is not kept."""
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        value = self._kept[name] = make()
        self._bytes += self._bytes_of(value)
        while self._bytes > _CACHE_BYTES and len(self._kept) > 1:
            self._bytes -= self._bytes_of(self._kept.popitem(last=False)[1])
        return value


@dataclass
class Collection:
    """All usable pictures in a folder; decoded ones are kept in memory up to a gigabyte.

    `sources` are their origins: "package (licence): count" from the shards' indices, or the folder's name.
    """

    pictures: tuple[TrainingPicture, ...]
    skipped: tuple[Skipped, ...]
    sources: tuple[str, ...]
    _read: dict[str, Callable[[], Rgba8]]
    _kept: Remembered[Rgba8] = field(default_factory=lambda: Remembered(lambda rgba: rgba.nbytes))

    def load(self, picture: TrainingPicture) -> Rgba8:
        """Return the pixels, H x W x 4 uint8 with straight alpha; they must not be changed."""
        return self._kept.get(picture.name, self._read[picture.name])

    def split(self, share: float) -> tuple[tuple[TrainingPicture, ...], tuple[TrainingPicture, ...]]:
        """Divide into training and held-out pictures; see `divided`."""
        return divided(self.pictures, share)


def divided(
    pictures: Sequence[TrainingPicture], share: float
) -> tuple[tuple[TrainingPicture, ...], tuple[TrainingPicture, ...]]:
    """Divide pictures into those to train on and those to hold out, by the hash of their names, lowest first.

    Args:
        pictures: at least one.
        share: share of them to hold out. Of few more are held out: up to 8, at most a fifth, and at least one of two.

    Returns:
        Training and held-out pictures, which are disjoint unless there is only one picture.
    """
    if len(pictures) == 1:
        return tuple(pictures), tuple(pictures)
    ranked = sorted(pictures, key=lambda p: _position(p.name))
    wanted = sum(_position(p.name) < share for p in ranked)
    minimum = max(1, min(_MIN_HELD_OUT, len(ranked) // 5))
    held = set(ranked[: min(max(wanted, minimum), len(ranked) - 1)])
    training = tuple(p for p in pictures if p not in held)
    return training, tuple(p for p in pictures if p in held)


def collect(root: Path, *, distinct: bool = True) -> Collection:
    """Collect the pictures of a folder and its subfolders, or of one tar shard.

    Every file is decoded once. Damaged files, files with fewer than 8 texels per side and files with the same pixels as
    an earlier one are left out and listed.

    Args:
        root: the folder or shard.
        distinct: False keeps files with the same pixels.

    Raises:
        SourceError: the folder is missing, or holds no usable picture.
    """
    if not root.exists():
        raise SourceError(
            f"there is no folder {root}", hint="Give a folder of PNG, JPG, TGA, DDS or WebP files, or a .tar."
        )
    found = Collection((), (), sources(root), {})
    pictures: list[TrainingPicture] = []
    skipped: list[Skipped] = []
    digests: dict[str, str] = {}
    for file in picture_files(root):
        found._read[file.name] = file.read
        try:
            rgba = found.load(TrainingPicture(file.name, Edges()))
        except SourceError as error:
            skipped.append(Skipped(file.name, error.message))
            continue
        if reason := _unusable(file.name, rgba, digests if distinct else {}):
            skipped.append(Skipped(file.name, reason))
            continue
        pictures.append(TrainingPicture(file.name, file.edges or tiling_of(rgba)))
    if not pictures:
        reasons = f"; first reason: {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise SourceError(
            f"no usable texture in {root}{reasons}", hint=f"Searched for {', '.join(sorted(SUFFIXES))}, .tar."
        )
    found.pictures, found.skipped = tuple(pictures), tuple(skipped)
    return found


def tiling_of(rgba: Rgba8) -> Edges:
    """Guess the axes on which a texture tiles: where the step across the border is similar to steps inside."""
    grey = rgba[..., :3].mean(axis=2)
    return Edges(x="wrap" if _continues(grey.T) else "clamp", y="wrap" if _continues(grey) else "clamp")


def bleed(rgba: Rgba8) -> NDArray[np.uint8]:
    """Give every invisible pixel the colour of the nearest visible one; H x W x 4 -> H x W x 3.

    Pixels below half opacity count as invisible: drawing programs leave the background's colour in soft edges.
    """
    import cv2

    visible = rgba[..., 3] >= 128
    if visible.all() or not visible.any():
        return rgba[..., :3]
    _, labels = cv2.distanceTransformWithLabels(
        (~visible).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((labels.max() + 1, 3), np.uint8)
    colours[labels[visible]] = rgba[visible][:, :3]
    return np.where(visible[..., None], rgba[..., :3], colours[labels])


def _unusable(name: str, rgba: Rgba8, digests: dict[str, str]) -> str | None:
    """Return why a picture cannot be used for training, or None; adds the digest of its pixels."""
    if min(rgba.shape[:2]) < MIN_SIDE:
        return f"smaller than {MIN_SIDE} texels"
    if not rgba[..., 3].any():
        return "invisible"
    digest = hashlib.sha256(rgba.tobytes() + bytes(str(rgba.shape), "ascii")).hexdigest()
    first = digests.setdefault(digest, name)
    return f"the same pixels as {first}" if first != name else None


def _continues(grey: NDArray[np.floating]) -> bool:
    """Return whether the last row of a plane continues in the first one."""
    inside = np.abs(np.diff(grey, axis=0)).mean(axis=1)
    return bool(np.abs(grey[0] - grey[-1]).mean() < 1.6 * np.quantile(inside, 0.75))


def _position(name: str) -> float:
    """Map a name to [0, 1) by its hash."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
