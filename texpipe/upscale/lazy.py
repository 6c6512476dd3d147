"""The way into this room that costs nothing until it is used: torch and the network are loaded with the first pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.texture import Pass, RgbF

if TYPE_CHECKING:
    from texpipe.upscale.engine import Engine


class LazyUpscaler:
    """Upscales passes by a model file; see `batching.upscale` for what it takes, yields and raises.

    Args:
        model: the weights.
        device, precision: as `device.choose` takes them.
        cores: as `batching.upscale` takes them.
    """

    def __init__(self, model: Path, device: str, precision: str, cores: int | None = None) -> None:
        self._model, self._device, self._precision, self._cores = model, device, precision, cores
        self._engine: Engine | None = None

    def __call__(self, passes: Sequence[Pass], scale: int) -> Iterator[tuple[int, RgbF]]:
        """Yield the number of a pass and its result, in order of completion."""
        from texpipe.networks.checkpoint import load
        from texpipe.upscale.batching import upscale
        from texpipe.upscale.engine import Engine

        if self._engine is None:
            self._engine = Engine(load(self._model).network, self._device, self._precision)
        return upscale(passes, self._engine, scale, cores=self._cores)
