"""The way into this room that costs nothing until it is used: torch and the network are loaded with the first pass,
or while something else is done."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.system.memory import resident
from texpipe.texture import Pass, RgbF

if TYPE_CHECKING:
    from texpipe.upscale.budget import Budget
    from texpipe.upscale.engine import Engine

log = logging.getLogger(__name__)

USABLE = 0.8
"""Share of the memory that the program and its batches may take; the rest is for pictures and what malloc keeps."""


class LazyUpscaler:
    """Upscales passes by a model file; see `batching.upscale` for what it takes, yields and raises.

    Args:
        model: the weights.
        device, precision: as `device.choose` takes them.
        cores: as `batching.upscale` takes them.
        memory: bytes that this process should stay below; None for no bound.
    """

    def __init__(
        self, model: Path, device: str, precision: str, cores: int | None = None, memory: int | None = None
    ) -> None:
        self._model, self._device, self._precision = model, device, precision
        self._cores, self._memory = cores, memory
        self._loading: Future[Engine] | None = None
        self._budget: Budget | None = None

    def prepare(self) -> None:
        """Begin to load the network in a thread of its own; what goes wrong there is told with the first passes."""
        if self._loading is None:
            pool = ThreadPoolExecutor(1, "load")
            self._loading = pool.submit(self._load)
            pool.shutdown(wait=False)

    def stay_below(self, memory: int) -> None:
        """Say anew how many bytes this process should stay below; what is in memory with the first passes comes off."""
        self._memory = memory

    def __call__(self, windows: Iterable[Sequence[Pass]], scale: int) -> Iterator[tuple[int, RgbF]]:
        """Yield the number of a pass and its result, in order of completion; without passes nothing is loaded."""
        waiting = filter(None, windows)
        if not (first := next(waiting, None)):
            return
        engine = self._loaded()
        from texpipe.upscale.batching import upscale

        yield from upscale(chain([first], waiting), engine, scale, cores=self._cores, budget=self._budget)

    def _loaded(self) -> Engine:
        self.prepare()
        assert self._loading is not None
        engine = self._loading.result()
        self._budget = self._budget or self._left_for(engine)
        return engine

    def _load(self) -> Engine:
        from texpipe.networks.dial import load
        from texpipe.upscale.engine import Engine

        return Engine(load(self._model), self._device, self._precision)

    def _left_for(self, engine: Engine) -> Budget | None:
        """Return what is left for batches, now that the weights are there and all textures are known; say so if that is
        too little."""
        from texpipe.upscale.budget import Budget

        free = engine.device.free_memory()
        if free is None and self._memory is None:
            return None
        if free is None:
            free = int(USABLE * (self._memory or 0)) - resident()
        budget = Budget(free, engine.channels)
        share = budget.share(self._cores or engine.device.workers, engine.device.batch_texels)
        log.info("memory: %d MB for %d workers, batches of %d texels", free >> 20, *share)
        if budget.of(share) > free:
            log.warning(
                "too little memory: the program and what it knows of the textures leave %d MB for the network, whose "
                "smallest batch takes about %d MB; going on with that",
                max(0, free) >> 20,
                budget.of(share) >> 20,
            )
        return budget
