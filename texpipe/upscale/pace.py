"""How many pictures go to a graphics card at a time: few sizes, short calls, what fits into its memory.

Shaders are made for a kind of shape, and Windows resets a card that does not answer for two seconds. So batches have
one of a few sizes, the last places of which may be filled, and are as large as was measured to take half a second.
"""

from __future__ import annotations

from typing import Final

BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Numbers of pictures that a batch may have."""
TARGET_SECONDS: Final = 0.5
"""Time that a batch should take, in seconds: a quarter of what Windows waits for a graphics card."""
_FIRST_TEXELS: Final = 4096
"""Texels of the first batches, before anything is measured."""
_WASTE: Final = 1 / 4
"""Largest share of a batch that may be filled with copies."""


class Pace:
    """The sizes of batches of one network on one card.

    Args:
        most: largest number of texels of a batch.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._now = min(most, _FIRST_TEXELS)
        self._known: set[tuple[int, ...]] = set()

    @property
    def texels(self) -> int:
        """Texels that a batch may have at present."""
        return self._now

    def batch(self, waiting: int, texels: int) -> tuple[int, int]:
        """Return how many pictures to take and how many to send; those sent beyond are copies.

        Args:
            waiting: number of pictures of one shape, at least 1.
            texels: of each.
        """
        most = max(1, self._now // texels)
        fitting = [size for size in BUCKETS if size <= most]
        above = next((size for size in fitting if size >= waiting), None)
        if above is not None and above - waiting <= _WASTE * above:
            return waiting, above
        taken = max(size for size in fitting if size <= waiting)
        return taken, taken

    def measured(self, shape: tuple[int, ...], seconds: float) -> None:
        """Learn from a batch: the first of a shape waits for its shaders, and small ones say little.

        Args:
            shape: number of pictures, then their height and width.
            seconds: how long it took.
        """
        count, height, width = shape
        texels = count * height * width
        if shape not in self._known:
            self._known.add(shape)
        elif seconds > TARGET_SECONDS or 4 * texels >= self._now:
            fitting = int(texels * TARGET_SECONDS / max(seconds, 1e-6))
            self._now = max(1, min(self._most, fitting, 2 * self._now))

    def too_large(self, texels: int) -> None:
        """Learn that a batch of so many texels needs too much memory: none of more than half of it comes again."""
        self._most = max(1, texels // 2)
        self._now = min(self._now, self._most)
