"""Reads a screenshot of a game whose textures show their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from texpipe.probe.codes import CodeBook, packed
from texpipe.texture import Rgba8

_LEAST_CHROMA: Final = 10
"""Difference of the channels below which a pixel has no hue, in levels."""
_SHARES: Final = (0.0, 0.3, 0.6)
"""Chroma below which a pixel has no hue, as parts of the largest one around it: each is tried, for light varies."""
_AROUND: Final = 15
"""Side of the square of pixels that is around a pixel."""
_UNEVEN: Final = 3.5
"""How many times wider than another a cell of the same code may be."""
_TILTS: Final = {0: 3, 90: 3, 45: 8, 135: 8}
"""Directions in which lines are read, in degrees -> number of lines side by side that must say the same.

Lines that cross a texture's border slantwise are misread sooner, so more of them must agree.
"""
_CELL_PIXELS: Final = 24
"""Least number of pixels that must show a number, for each cell of its code; what is read on fewer may be misread."""

Labels = NDArray[np.int32]
"""H x W: the number that a pixel shows, 0 for none."""


@dataclass(frozen=True)
class Seen:
    """What is on a screenshot.

    Attributes:
        shares: number -> its part of all pixels, 0 to 1, the largest first.
        unread: part of the pixels that have the hue of a code and could not be read: too small, or mixed.
    """

    shares: dict[int, float]
    unread: float


def read_screen(shot: Rgba8, book: CodeBook) -> Seen:
    """Return which numbers are on a screenshot.

    Args:
        shot: H x W x 4 uint8.
        book: the codes that were drawn.
    """
    labels = _large_enough(_labels(shot, book), book)
    numbers, counts = np.unique(labels[labels > 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shares = {int(numbers[place]): float(counts[place]) / labels.size for place in order}
    unread = (labels == 0) & (_symbols(shot, _SHARES[0]) > 0)
    return Seen(shares, float(unread.mean()))


def _labels(shot: Rgba8, book: CodeBook) -> Labels:
    """Return which number each pixel shows; where it is read as several, the one that most pixels are read as."""
    reads = [
        _untilted(_lines_read(_tilted(symbols, tilt), book, lines), tilt, symbols.shape)
        for symbols in (_symbols(shot, share) for share in _SHARES)
        for tilt, lines in _TILTS.items()
    ]
    # Lines across a texture's border are misread in one direction, and read in another.
    counts = np.bincount(np.concatenate([one.ravel() for one in reads]))
    counts[0] = 0
    labels = np.zeros(shot.shape[:2], np.int32)
    for one in reads:
        labels = np.where(counts[one] > counts[labels], one, labels)
    return labels


def _large_enough(labels: Labels, book: CodeBook) -> Labels:
    """Leave out numbers that few pixels show, such as those misread across a border."""
    counts = np.bincount(labels.ravel())
    return np.where(counts[labels] >= _CELL_PIXELS * book.cells, labels, 0)


def _symbols(shot: Rgba8, share: float) -> NDArray[np.uint8]:
    """Return the symbol of each pixel, 0 where it has no hue."""
    import cv2

    rgb = shot[..., :3]
    chroma = rgb.max(axis=2) - rgb.min(axis=2)
    around = cv2.dilate(chroma, np.ones((_AROUND, _AROUND), np.uint8))
    has_hue = chroma >= np.maximum(np.float32(_LEAST_CHROMA), around * np.float32(share))
    return np.where(has_hue, rgb.argmax(axis=2) + 1, 0).astype(np.uint8)


def _tilted(symbols: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    if degrees == 0:
        return symbols
    return np.asarray(Image.fromarray(symbols).rotate(degrees, Image.Resampling.NEAREST, expand=True))


def _untilted(labels: Labels, degrees: int, shape: tuple[int, ...]) -> Labels:
    """Return labels of a tilted picture in the upright one of this shape."""
    if degrees == 0:
        return labels
    back = np.asarray(Image.fromarray(labels).rotate(-degrees, Image.Resampling.NEAREST, expand=True))
    top, left = ((have - want) // 2 for have, want in zip(back.shape, shape, strict=True))
    return back[top : top + shape[0], left : left + shape[1]]


def _lines_read(symbols: NDArray[np.uint8], book: CodeBook, lines: int) -> Labels:
    """Read each row from left to right; return what `lines` rows side by side agree on."""
    height, width = symbols.shape
    is_start = np.ones(symbols.shape, bool)
    is_start[:, 1:] = symbols[:, 1:] != symbols[:, :-1]
    starts = np.flatnonzero(is_start)
    labels = np.zeros(symbols.size, np.int32)
    for number, begin, end in _codes(symbols.ravel(), starts, width, book):
        labels[begin:end] = number
    return _agreed(labels.reshape(height, width), lines)


def _codes(
    symbols: NDArray[np.uint8], starts: NDArray[np.int64], width: int, book: CodeBook
) -> Iterator[tuple[int, int, int]]:
    """Yield the codes among runs of one symbol: number, first pixel, pixel behind the last one."""
    cells, count = book.cells, len(starts) - book.cells + 1
    if count <= 0:
        return
    lengths = np.diff(np.append(starts, symbols.size))
    values = symbols[starts].astype(np.int64)
    inner = [lengths[place : place + count] for place in range(1, cells - 1)]
    widest, narrowest = np.maximum.reduce(inner), np.minimum.reduce(inner)
    on_one_line = starts[:count] // width == starts[cells - 1 :] // width
    places = np.flatnonzero(on_one_line & (widest <= _UNEVEN * narrowest))
    numbers = book.numbers(packed(values[places[:, None] + np.arange(cells)]))
    # The first and the last run may go on beyond the texture, in what is beside it.
    for place, number in zip(places[numbers > 0], numbers[numbers > 0], strict=True):
        last = place + cells - 1
        begin = starts[place + 1] - min(lengths[place], widest[place])
        end = starts[last] + min(lengths[last], widest[place])
        yield int(number), int(begin), int(end)


def _agreed(labels: Labels, lines: int) -> Labels:
    """Keep the labels that `lines` rows side by side have at the same place."""
    height = len(labels)
    if height < lines:
        return np.zeros_like(labels)
    first = labels[: height - lines + 1]
    same = first > 0
    for step in range(1, lines):
        same &= labels[step : step + len(first)] == first
    agreed = np.zeros(labels.shape, bool)
    for step in range(lines):
        agreed[step : step + len(first)] |= same
    return np.where(agreed, labels, 0)
