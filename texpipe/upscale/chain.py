"""Models one after the other, such as one that removes dither before one that enlarges: an engine made of engines."""

from __future__ import annotations

from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from texpipe.networks.dial import FAITHFUL
from texpipe.texture import Edges
from texpipe.upscale.device import Device


class PictureEngine(Protocol):
    """Upscales batches: `engine.Engine`, `foreign_engine.ForeignEngine`, or several of them in a chain.

    Attributes:
        device: where it runs.
        scale: output texels per input texel and axis.
        channels: what its memory is proportional to; see `budget.Budget`.
        overlap: texels per side by which the tiles of a big picture must overlap.
        has_dial: whether it has an inventive end.
    """

    device: Device
    scale: int
    channels: int
    overlap: int

    @property
    def has_dial(self) -> bool:
        """Whether it has an inventive end."""

    def at(self, detail: float) -> PictureEngine:
        """Return the engine for a place of the dial, 0 to 1."""

    def run(self, batch: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
        """Upscale N x H x W x 3 float32 in [0, 1]; see `engine.Engine.run`."""


class Chain:
    """Engines one after the other; the detail is that of those which have a dial.

    Args:
        engines: at least one, all on one device.
    """

    def __init__(self, engines: tuple[PictureEngine, ...]) -> None:
        self._engines = engines
        self.device = engines[0].device
        self.scale = prod(engine.scale for engine in engines)
        self.overlap = sum(engine.overlap for engine in engines)
        # The later ones see pictures that the earlier ones have enlarged.
        grown = [prod(engine.scale**2 for engine in engines[:place]) for place in range(len(engines))]
        self.channels = max(engine.channels * factor for engine, factor in zip(engines, grown, strict=True))

    @property
    def has_dial(self) -> bool:
        """Whether any of the engines has an inventive end."""
        return any(engine.has_dial for engine in self._engines)

    def at(self, detail: float) -> Chain:
        """Return the chain with its dials at a detail of 0 to 1.

        Raises:
            ModelError: no engine has a dial, and the detail is not 0.
        """
        if detail == FAITHFUL:
            return self
        if not self.has_dial:
            self._engines[0].at(detail)
        return Chain(tuple(engine.at(detail) if engine.has_dial else engine for engine in self._engines))

    def run(self, batch: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
        """Upscale pictures of one shape and one edge mode by each engine in turn; see `engine.Engine.run`."""
        for engine in self._engines:
            batch = engine.run(batch, edges)
        return batch
