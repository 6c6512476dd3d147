"""Colour codes for numbers: rings of cells in black, red, green and blue, in which neighbours always differ.

A game multiplies colours by its light, filters, stretches, repeats and flips textures. Red, green and blue keep
their one channel in any light, between two of them no third one appears, and what counts is the order of the cells,
never their width. A ring read from any cell on, in either direction, is the same code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import UsageError

COLOURS: Final = ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255))
"""The colour of each symbol; whatever has no hue is read as the first."""
MOST_NUMBERS: Final = 100_000
"""Largest number of codes that a book has."""
_ROOM: Final = 1000
"""Rings that there are for each one that is a code: so often a ring read wrongly is seen to be wrong."""


@dataclass(frozen=True)
class CodeBook:
    """The codes of the numbers 1 to `count`; the same book for the same count, always.

    Attributes:
        count: how many numbers, at most `MOST_NUMBERS`.
    """

    count: int

    def __post_init__(self) -> None:
        if not 0 < self.count <= MOST_NUMBERS:
            raise UsageError(
                f"{self.count} textures cannot be told apart: at most {MOST_NUMBERS:,} can",
                hint="Name some of them with --only FILE.",
            )

    @cached_property
    def cells(self) -> int:
        """Number of cells in a ring."""
        cells = 5
        while 3**cells // (2 * cells) < _ROOM * self.count:
            cells += 1
        return cells

    @cached_property
    def rings(self) -> NDArray[np.int64]:
        """The ring of each number, that of 1 first: count x cells symbols, 0 to 3."""
        drawn = self.count
        while True:
            drawn *= 2
            rings = _drawn(drawn, self.cells)
            _, first = np.unique(np.min(list(_readings(rings)), axis=0), return_index=True)
            if len(first) >= self.count:
                return rings[np.sort(first)[: self.count]]

    def numbers(self, readings: NDArray[np.int64]) -> NDArray[np.int64]:
        """Look up what was read.

        Args:
            readings: as `packed` returns them.

        Returns:
            The numbers, 0 where a reading is no code.
        """
        keys, numbers = self._table
        places = np.minimum(np.searchsorted(keys, readings), len(keys) - 1)
        return np.where(keys[places] == readings, numbers[places], 0)

    @cached_property
    def _table(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All readings of all codes in ascending order, and their numbers."""
        keys = np.concatenate(list(_readings(self.rings)))
        order = np.argsort(keys)
        return keys[order], np.tile(np.arange(1, self.count + 1), 2 * self.cells)[order]


def packed(symbols: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return readings as one number each.

    Args:
        symbols: N x cells, 0 to 3; at most 31 cells.
    """
    result = np.zeros(len(symbols), dtype=np.int64)
    for column in symbols.T:
        result = result * len(COLOURS) + column
    return result


def _drawn(count: int, cells: int) -> NDArray[np.int64]:
    """Return some of the rings that there are, scattered over all; of more rings the first are the same.

    Args:
        count: number of rings to draw, of which about a quarter is not returned: their ends do not differ.
        cells: in each.
    """
    draws = hashlib.shake_128(str(cells).encode()).digest(count * cells)
    steps = np.array(bytearray(draws), dtype=np.int64).reshape(count, cells)
    steps[:, 1:] = 1 + steps[:, 1:] % (len(COLOURS) - 1)
    rings = steps.cumsum(axis=1) % len(COLOURS)
    return np.asarray(rings[rings[:, 0] != rings[:, -1]])


def _readings(rings: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield what is read of rings, as `packed` returns it, from every cell on and in both directions."""
    for way in (rings, rings[:, ::-1]):
        for start in range(rings.shape[1]):
            yield packed(np.roll(way, start, axis=1))
