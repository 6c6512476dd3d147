"""Upscaling with late loading: torch and the network are loaded with the first pass, or in the background."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from texpipe.system.memory import resident
from texpipe.texture import Pass, RgbF
from texpipe.upscale.hardware import require_torch

if TYPE_CHECKING:
    from texpipe.upscale.budget import Budget
    from texpipe.upscale.chain import PictureEngine

log = logging.getLogger(__name__)

_USABLE_SHARE = 0.8
"""Share of the memory limit that the program and its batches may take; pictures and malloc's reserves need the rest."""


Upscalers: TypeAlias = "Mapping[tuple[str, ...], LazyUpscaler]"
"""An upscaler for each chain of models, by what plans call it."""


def upscalers_of(
    models: Mapping[tuple[str, ...], Sequence[Path]],
    device: str,
    precision: str,
    cores: int | None = None,
    memory: int | None = None,
) -> Upscalers:
    """Return an upscaler for each chain of models, none of them loaded; arguments as `LazyUpscaler`."""
    return {named: LazyUpscaler(files, device, precision, cores, memory) for named, files in models.items()}


class LazyUpscaler:
    """Upscales passes by one model or a chain of models; see `batching.upscale` for what it takes, yields and raises.

    Args:
        models: the weights: one file, or several that are run one after the other.
        device, precision: as in `device.choose`.
        cores: as in `batching.upscale`.
        memory: memory limit of this process in bytes; None for no limit.
    """

    def __init__(
        self,
        models: Path | Sequence[Path],
        device: str,
        precision: str,
        cores: int | None = None,
        memory: int | None = None,
    ) -> None:
        self._models = (models,) if isinstance(models, Path) else tuple(models)
        self._device, self._precision = device, precision
        self._cores, self._memory = cores, memory
        self._loading: Future[PictureEngine] | None = None
        self._budget: Budget | None = None

    def prepare(self) -> None:
        """Start loading the network in a thread of its own; its errors are raised with the first passes."""
        if self._loading is None:
            pool = ThreadPoolExecutor(1, "load")
            self._loading = pool.submit(self._load)
            pool.shutdown(wait=False)

    def stay_below(self, memory: int) -> None:
        """Change the memory limit of this process, in bytes; what it uses when the first passes come is subtracted."""
        self._memory = memory

    def __call__(self, windows: Iterable[Sequence[Pass]], scale: int) -> Iterator[tuple[int, RgbF]]:
        """Yield the number of a pass and its result, in order of completion; without passes nothing is loaded."""
        waiting = filter(None, windows)
        if not (first := next(waiting, None)):
            return
        engine = self._loaded()
        from texpipe.upscale.batching import upscale

        yield from upscale(chain([first], waiting), engine, scale, cores=self._cores, budget=self._budget)

    def _loaded(self) -> PictureEngine:
        self.prepare()
        assert self._loading is not None
        engine = self._loading.result()
        self._budget = self._budget or self._budget_for(engine)
        return engine

    def _load(self) -> PictureEngine:
        require_torch()
        from texpipe.upscale.open_engine import open_engine

        return open_engine(self._models, self._device, self._precision)

    def _budget_for(self, engine: PictureEngine) -> Budget | None:
        """Return the memory left for batches once weights and textures are known; warn if it is too small."""
        from texpipe.upscale.budget import Budget

        free = engine.device.free_memory()
        if free is None and self._memory is None:
            return None
        if free is None:
            free = int(_USABLE_SHARE * (self._memory or 0)) - resident()
        budget = Budget(free, engine.channels)
        parallelism = budget.parallelism(self._cores or engine.device.workers, engine.device.batch_texels)
        log.info("memory: %d MB for %d workers, batches of %d texels", free >> 20, *parallelism)
        if budget.bytes_for(parallelism) > free:
            log.warning(
                "too little memory: the program and its data leave %d MB for the network, whose smallest batch takes "
                "about %d MB; continuing with that",
                max(0, free) >> 20,
                budget.bytes_for(parallelism) >> 20,
            )
        return budget
