"""What batches take of memory, and how many of which size may be in work at a time.

It decides when something is computed and with what company, which no result depends on; never how.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import Final, NamedTuple

from texpipe.upscale.compiled import TAIL_TEXELS

_CHANNELS: Final = 192
"""Of the widest convolution of the networks that the figures below were measured with."""
_BODY_BYTES: Final = 8 << 10
"""For each texel of a batch: the maps of a dense block, padded or in tiles, and the residual stream."""
_TAIL_BYTES: Final = 24 << 10
"""For each texel that the tail enlarges in one go, in maps of 16 times as many."""
_INDEX_BYTES: Final = 96 << 10
"""For each texel of a well-filled batch: the index vectors that are kept for the shapes last met."""
MIN_BATCH_TEXELS: Final = 256
"""Texels of a batch that is not worth making smaller."""


class Parallelism(NamedTuple):
    """Workers, and the texels of their batches."""

    workers: int
    texels: int


@dataclass(frozen=True)
class Budget:
    """What batches may take.

    Attributes:
        limit: bytes for all that are in work together.
        channels: that the network's widest convolution reads.
    """

    limit: int
    channels: int = _CHANNELS

    def bytes_for_batch(self, texels: int) -> int:
        """Return the bytes that a worker needs for a batch of so many input texels."""
        figure = texels * _BODY_BYTES + min(texels, TAIL_TEXELS) * _TAIL_BYTES
        return figure * self.channels // _CHANNELS

    def of(self, share: Parallelism) -> int:
        """Return the bytes that workers need, with the index vectors that they have in common."""
        return share.workers * self.bytes_for_batch(share.texels) + share.texels * _INDEX_BYTES

    def share(self, cores: int, texels: int) -> Parallelism:
        """Return how many workers fit into the limit.

        Fewer than a quarter of the texels make batches slow, so workers go first then; where not one fits
        worker with `MIN_BATCH_TEXELS`, that is what is left.

        Args:
            cores: the most workers.
            texels: of a well-filled batch.
        """
        sizes = [texels >> step for step in range(texels.bit_length()) if texels >> step >= MIN_BATCH_TEXELS]
        shares = [Parallelism(cores, size) for size in sizes[:3]]
        shares += [Parallelism(workers, size) for size in sizes[2:] for workers in range(cores - 1, 0, -1)]
        return next(
            (one for one in shares if self.of(one) <= self.limit),
            Parallelism(1, min(texels, MIN_BATCH_TEXELS)),
        )

    def fits(self, batches: list[int], share: Parallelism) -> bool:
        """Return whether workers can go on with batches of so many texels, whichever of them come together."""
        together = sum(self.bytes_for_batch(texels) for texels in nlargest(share.workers, batches))
        return together + share.texels * _INDEX_BYTES <= self.limit
