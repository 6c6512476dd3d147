"""Memory of batches: how many workers of which batch size fit into a limit.

This decides when a batch is computed and which passes share it, which changes no result.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import Final, NamedTuple

from texpipe.upscale.compiled import TAIL_TEXELS

_CHANNELS: Final = 192
"""Input channels of the widest convolution of the networks that the following figures were measured with."""
_BODY_BYTES: Final = 8 << 10
"""Memory per texel of a batch, in bytes: the maps of a dense block, padded or in tiles, and the residual stream."""
_TAIL_BYTES: Final = 24 << 10
"""Memory per texel that the tail upsamples at once, in bytes: its maps have 16 times as many texels."""
_INDEX_BYTES: Final = 96 << 10
"""Memory per texel of a full batch, in bytes: the index vectors cached for recent shapes."""
MIN_BATCH_TEXELS: Final = 256
"""Smallest size of a full batch, in texels."""


class Parallelism(NamedTuple):
    """Number of workers, and the texels of a full batch."""

    workers: int
    texels: int


@dataclass(frozen=True)
class Budget:
    """Memory that batches may take.

    Attributes:
        limit: bytes for all batches that are computed at a time.
        channels: input channels of the network's widest convolution.
    """

    limit: int
    channels: int = _CHANNELS

    def bytes_for_batch(self, texels: int) -> int:
        """Return the bytes that a worker needs for a batch of `texels` input texels."""
        figure = texels * _BODY_BYTES + min(texels, TAIL_TEXELS) * _TAIL_BYTES
        return figure * self.channels // _CHANNELS

    def bytes_for(self, parallelism: Parallelism) -> int:
        """Return the bytes that all workers need, with the index vectors that they share."""
        workers, texels = parallelism
        return workers * self.bytes_for_batch(texels) + texels * _INDEX_BYTES

    def parallelism(self, cores: int, texels: int) -> Parallelism:
        """Return the workers and the batch size that fit into the limit.

        Batches shrink to a quarter first; smaller ones are slow, so then workers are taken away. If nothing fits, it
        is one worker with `MIN_BATCH_TEXELS`.

        Args:
            cores: largest number of workers.
            texels: size of a full batch.
        """
        sizes = [texels >> step for step in range(texels.bit_length()) if texels >> step >= MIN_BATCH_TEXELS]
        options = [Parallelism(cores, size) for size in sizes[:3]]
        options += [Parallelism(workers, size) for size in sizes[2:] for workers in range(cores - 1, 0, -1)]
        smallest = Parallelism(1, min(texels, MIN_BATCH_TEXELS))
        return next((option for option in options if self.bytes_for(option) <= self.limit), smallest)

    def fits(self, batches: list[int], parallelism: Parallelism) -> bool:
        """Return whether the workers can compute batches of these texels, whichever of them run at a time."""
        together = sum(self.bytes_for_batch(texels) for texels in nlargest(parallelism.workers, batches))
        return together + parallelism.texels * _INDEX_BYTES <= self.limit
