"""What is kept of a texture to find its neighbours: digests and low frequencies of the texels at its four borders."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.texture import Rgba8

Floats: TypeAlias = NDArray[np.float32]

Axis: TypeAlias = Literal["x", "y"]
"""The direction in which pieces follow each other: `x` to the right, `y` downwards."""

AXES: tuple[Axis, ...] = ("x", "y")

OVERLAPS = (4, 2, 1)
"""How many lines of texels neighbours may share; more are better evidence and tried first."""

_LEAST_LINES = 4
"""A piece has at least so many times the lines that it shares; games waste no more of their memory."""

_FREQUENCIES = 32
_LONG, _FREQUENCIES_OF_LONG = 200, 64
"""Frequencies kept along a border, and along one longer than `_LONG`: higher ones are noise from line to line."""

_FLOOR = 3.0
"""Added to mean square steps, in squared levels: 5-bit texels move by up to 4 levels without meaning."""

_CHANNELS = np.array(
    [[0.25, 0.5, 0.25, 0], [0.5, 0, -0.5, 0], [-0.25, 0.5, -0.25, 0], [0, 0, 0, 1]], dtype=np.float32
)
"""RGBA to lightness, two colour differences and alpha, which are nearly independent of each other."""


@dataclass(frozen=True, eq=False)
class Border:
    """Both ends of a texture along one axis. Colours are premultiplied, so what is hidden has no influence.

    Attributes:
        first, last: K x 4 float32, the low frequencies (cosine transform along the border) of what lies half a texel
            beyond: the border line continued with its slope; of lightness, two colour differences and alpha.
        steps: K x 4 float32: mean square of the steps between neighbouring lines inside, per frequency.
        first_shared, last_shared: overlap -> digest of so many lines at that end.
        repeats: whether the two lines nearest to the first and to the last border are equal: then an equal line next
            door says nothing.
        detail: how often the colour changes along the first and along the last line.
    """

    first: Floats
    last: Floats
    steps: Floats
    first_shared: dict[int, bytes]
    last_shared: dict[int, bytes]
    repeats: tuple[bool, bool]
    detail: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Tile:
    """A texture that may be a piece of a picture.

    Attributes:
        name: the texture's name.
        size: width and height in texels.
        kind: what all pieces of a picture have in common: folder, game, format of the texels.
        x, y: its borders; None along an axis of a single texel.
        date: when its file was written, in nanoseconds; None if nobody knows.
    """

    name: str
    size: tuple[int, int]
    kind: Hashable
    x: Border | None
    y: Border | None
    date: int | None = None

    def border(self, axis: Axis) -> Border | None:
        """Return both ends along an axis."""
        return self.x if axis == "x" else self.y

    def length(self, axis: Axis) -> int:
        """Return how many texels long its borders across an axis are."""
        return self.size[1] if axis == "x" else self.size[0]

    def extent(self, axis: Axis) -> int:
        """Return how many texels it has along an axis."""
        return self.size[0] if axis == "x" else self.size[1]


@dataclass(frozen=True, eq=False)
class PieceFamily:
    """Textures that could be neighbours along an axis: of one kind, their borders equally long."""

    axis: Axis
    tiles: tuple[Tile, ...]


def families_of(tiles: Iterable[Tile]) -> list[PieceFamily]:
    """Return all families of at least two textures."""
    alike: dict[tuple[Axis, Hashable, int], list[Tile]] = defaultdict(list)
    for tile in tiles:
        for axis in AXES:
            if tile.border(axis) is not None:
                alike[axis, tile.kind, tile.length(axis)].append(tile)
    return [PieceFamily(axis, tuple(some)) for (axis, _, _), some in alike.items() if len(some) > 1]


def tile_of(name: str, rgba: Rgba8, kind: Hashable, date: int | None = None) -> Tile:
    """Keep of a texture what its neighbours are found by, a few kilobytes.

    Args:
        name: the texture's name.
        rgba: H x W x 4 uint8.
        kind: what all pieces of a picture have in common.
        date: when its file was written, in nanoseconds.
    """
    alpha = rgba[..., 3:].astype(np.uint16)
    shown = np.concatenate([(rgba[..., :3] * alpha + 127) // 255, alpha], axis=2).astype(np.uint8)
    size = (rgba.shape[1], rgba.shape[0])
    return Tile(name, size, kind, _border(np.swapaxes(shown, 0, 1)), _border(shown), date)


def _border(lines: NDArray[np.uint8]) -> Border | None:
    """Return both ends of N x L x 4 lines."""
    count, length = lines.shape[:2]
    if count < 2:
        return None
    spectra = _cosines(length) @ (lines.astype(np.float32) @ _CHANNELS.T)
    steps = np.diff(spectra, axis=0)
    overlaps = [overlap for overlap in OVERLAPS if _LEAST_LINES * overlap <= count]
    return Border(
        first=spectra[0] - steps[0] / 2,
        last=spectra[-1] + steps[-1] / 2,
        steps=_by_octave(np.mean(steps * steps, axis=0)) + _FLOOR,
        first_shared={overlap: _digest(lines[:overlap]) for overlap in overlaps},
        last_shared={overlap: _digest(lines[count - overlap :]) for overlap in overlaps},
        repeats=(np.array_equal(lines[0], lines[1]), np.array_equal(lines[-1], lines[-2])),
        detail=(_changes(lines[0]), _changes(lines[-1])),
    )


@lru_cache(maxsize=64)
def _cosines(length: int) -> Floats:
    """Return the K x L matrix of the orthonormal cosine transform (DCT-II), its lowest frequencies."""
    count = min(length, _FREQUENCIES_OF_LONG if length > _LONG else _FREQUENCIES)
    waves = np.cos(np.pi * np.arange(count)[:, None] * (np.arange(length) + 0.5) / length)
    waves *= np.sqrt(2 / length)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


def _by_octave(power: Floats) -> Floats:
    """Replace the power of each frequency, K x 4, by the mean of its octave: few lines make rough estimates."""
    smooth = power.copy()
    start = 1
    while start < len(power):
        smooth[start : 2 * start] = power[start : 2 * start].mean(axis=0)
        start *= 2
    return smooth


def _digest(lines: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(lines).tobytes(), digest_size=12).digest()


def _changes(line: NDArray[np.uint8]) -> int:
    return int(np.any(line[1:] != line[:-1], axis=1).sum())
