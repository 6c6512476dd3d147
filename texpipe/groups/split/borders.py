"""Features by which a texture's neighbours are found: digests and low frequencies of its four borders."""

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
"""Numbers of lines of texels that neighbours may share; the larger ones are better evidence and tried first."""

_MIN_LINES_PER_OVERLAP = 4
"""Smallest ratio of a piece's lines to the lines that it shares; games do not waste more memory than that."""

_FREQUENCIES = 32
_LONG_BORDER, _FREQUENCIES_OF_LONG_BORDER = 200, 64
"""Number of frequencies kept per border: 32, or 64 along a border of more than 200 texels. Higher ones are noise."""

_STEP_VARIANCE_FLOOR = 3.0
"""Variance added to mean square steps, in squared levels: rounding to 5 bits moves texels by up to 4 levels."""

_DECORRELATION = np.array(
    [[0.25, 0.5, 0.25, 0], [0.5, 0, -0.5, 0], [-0.25, 0.5, -0.25, 0], [0, 0, 0, 1]], dtype=np.float32
)
"""Matrix from RGBA to lightness, two colour differences and alpha, which are nearly independent of each other."""


@dataclass(frozen=True, eq=False)
class Border:
    """The two borders of a texture along one axis. Colours are premultiplied: hidden ones have no influence.

    Attributes:
        first, last: K x 4 float32, low frequencies (cosine transform along the border) half a texel beyond it: the
            border line extrapolated by its slope. Columns: lightness, two colour differences, alpha.
        steps: K x 4 float32, mean square step between neighbouring lines inside, per frequency.
        first_shared, last_shared: overlap -> digest of the first and the last `overlap` lines.
        repeats: whether the two outermost lines are equal, at the first and at the last border: then an equal line in
            another texture tells nothing.
        detail: number of colour changes along the first and along the last line.
    """

    first: Floats
    last: Floats
    steps: Floats
    first_shared: dict[int, bytes]
    last_shared: dict[int, bytes]
    repeats: tuple[bool, bool]
    detail: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Piece:
    """A texture that may be a piece of a picture.

    Attributes:
        name: the texture's name.
        size: width and height in texels.
        kind: what all pieces of a picture have in common: folder, game, texel format.
        x, y: its borders; None along an axis of a single texel.
        date: when its file was written, in nanoseconds; None if that is unknown.
    """

    name: str
    size: tuple[int, int]
    kind: Hashable
    x: Border | None
    y: Border | None
    date: int | None = None

    def border(self, axis: Axis) -> Border | None:
        """Return the two borders along an axis."""
        return self.x if axis == "x" else self.y

    def length(self, axis: Axis) -> int:
        """Return the length of its borders across an axis, in texels."""
        return self.size[1] if axis == "x" else self.size[0]

    def extent(self, axis: Axis) -> int:
        """Return its size along an axis, in texels."""
        return self.size[0] if axis == "x" else self.size[1]


@dataclass(frozen=True, eq=False)
class PieceFamily:
    """Textures that could be neighbours along an axis: of one kind, with borders of one length."""

    axis: Axis
    pieces: tuple[Piece, ...]


def families_of(pieces: Iterable[Piece]) -> list[PieceFamily]:
    """Return all families of at least two textures."""
    alike: dict[tuple[Axis, Hashable, int], list[Piece]] = defaultdict(list)
    for piece in pieces:
        for axis in AXES:
            if piece.border(axis) is not None:
                alike[axis, piece.kind, piece.length(axis)].append(piece)
    return [PieceFamily(axis, tuple(some)) for (axis, _, _), some in alike.items() if len(some) > 1]


def piece_of(name: str, rgba: Rgba8, kind: Hashable, date: int | None = None) -> Piece:
    """Return the features of a texture, a few kilobytes.

    Args:
        name: the texture's name.
        rgba: H x W x 4 uint8.
        kind: what all pieces of a picture have in common.
        date: when its file was written, in nanoseconds.
    """
    alpha = rgba[..., 3:].astype(np.uint16)
    shown = np.concatenate([(rgba[..., :3] * alpha + 127) // 255, alpha], axis=2).astype(np.uint8)
    size = (rgba.shape[1], rgba.shape[0])
    return Piece(name, size, kind, _border(np.swapaxes(shown, 0, 1)), _border(shown), date)


def _border(lines: NDArray[np.uint8]) -> Border | None:
    """Return the two borders of N x L x 4 lines."""
    count, length = lines.shape[:2]
    if count < 2:
        return None
    spectra = _cosines(length) @ (lines.astype(np.float32) @ _DECORRELATION.T)
    steps = np.diff(spectra, axis=0)
    overlaps = [overlap for overlap in OVERLAPS if _MIN_LINES_PER_OVERLAP * overlap <= count]
    return Border(
        first=spectra[0] - steps[0] / 2,
        last=spectra[-1] + steps[-1] / 2,
        steps=_by_octave(np.mean(steps * steps, axis=0)) + _STEP_VARIANCE_FLOOR,
        first_shared={overlap: _digest(lines[:overlap]) for overlap in overlaps},
        last_shared={overlap: _digest(lines[count - overlap :]) for overlap in overlaps},
        repeats=(np.array_equal(lines[0], lines[1]), np.array_equal(lines[-1], lines[-2])),
        detail=(_changes(lines[0]), _changes(lines[-1])),
    )


@lru_cache(maxsize=64)
def _cosines(length: int) -> Floats:
    """Return the K lowest frequencies of the orthonormal cosine transform (DCT-II) as a K x L matrix."""
    count = min(length, _FREQUENCIES_OF_LONG_BORDER if length > _LONG_BORDER else _FREQUENCIES)
    waves = np.cos(np.pi * np.arange(count)[:, None] * (np.arange(length) + 0.5) / length)
    waves *= np.sqrt(2 / length)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


def _by_octave(power: Floats) -> Floats:
    """Replace the power of each frequency, K x 4, by the mean of its octave, which few lines estimate better."""
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
