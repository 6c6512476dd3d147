"""A network as ONNX graphs, one for each pair of wrapped axes, run in batches that suit a graphics card."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import DeviceLostError
from texpipe.texture import Axes
from texpipe.upscale.pace import Pace
from texpipe.upscale.webgpu_sessions import OpenSession, Run

log = logging.getLogger(__name__)

Upscale: TypeAlias = Callable[[NDArray[np.float32], Axes], NDArray[np.float32]]
"""Upscales N x 3 x H x W in [0, 1] to N x 3 x scale H x scale W, given which axes wrap."""

LEVEL: Final = 1 / 255
_TOLERANCE: Final = {"fp32": 1.0, "fp16": 8.0}
"""Largest difference from the processor in levels, by precision; a driver with a mistake is off by dozens."""


class AxisGraphs:
    """The graphs of one network; each is made when first needed, and compared with the processor then.

    Args:
        graph: makes the graph in which some axes wrap.
        reference: the same network on the processor.
        open_session: makes a graph ready to run.
        test_sides: height and width of the picture that results are compared on, in texels.
        precision: "fp32" or "fp16".
        most: largest number of texels of a batch.
    """

    def __init__(
        self,
        graph: Callable[[Axes], bytes],
        reference: Upscale,
        open_session: OpenSession,
        test_sides: tuple[int, int],
        precision: str,
        most: int,
    ) -> None:
        self._graph, self._reference, self._open_session = graph, reference, open_session
        self._test_sides, self._precision = test_sides, precision
        self._pace = Pace(most)
        self._runs: dict[Axes, Run] = {}

    def __call__(self, planes: NDArray[np.float32], axes: Axes) -> NDArray[np.float32]:
        """Run pictures of one shape in as many batches as they need.

        Raises:
            MemoryError: there is too little memory for a single picture.
            DeviceLostError: the card computes no more, or wrong.
        """
        results, done = [], 0
        texels = planes.shape[2] * planes.shape[3]
        while done < len(planes):
            self._open(axes)
            taken, sent = self._pace.batch(len(planes) - done, texels)
            try:
                results.append(self._timed(axes, planes[done : done + taken], sent)[:taken])
            except MemoryError:
                self._runs.clear()  # buffers that could not be made stay in the sessions' caches and fail again
                if sent == 1:
                    raise
                self._pace.too_large(sent * texels)
                log.info("too little graphics memory for %d pictures at a time", sent)
                continue
            done += taken
        return results[0] if len(results) == 1 else np.concatenate(results)

    def _timed(self, axes: Axes, planes: NDArray[np.float32], sent: int) -> NDArray[np.float32]:
        filled = np.concatenate((planes, np.repeat(planes[-1:], sent - len(planes), axis=0)))
        start = time.perf_counter()
        result = self._runs[axes](np.ascontiguousarray(filled))
        self._pace.measured((sent, *planes.shape[2:]), time.perf_counter() - start)
        if not np.isfinite(result).all():
            raise DeviceLostError(
                f"the graphics card computes no numbers in {self._precision}",
                hint="Use --precision fp32, or --device cpu.",
            )
        return result

    def _open(self, axes: Axes) -> None:
        if axes not in self._runs:
            run = self._open_session(self._graph(axes))
            self._compare(run, axes)
            self._runs[axes] = run

    def _compare(self, run: Run, axes: Axes) -> None:
        """Check that the card computes what the processor does, to rounding."""
        picture = np.random.default_rng(0).random((1, 3, *self._test_sides), dtype=np.float32)
        found, expected = (np.clip(one, 0, 1) for one in (run(picture), self._reference(picture, axes)))
        if found.shape != expected.shape:
            raise DeviceLostError(f"the graph makes {found.shape} of a picture, not {expected.shape}")
        levels = float(np.abs(found - expected).max()) / LEVEL
        if not levels <= _TOLERANCE[self._precision]:
            raise DeviceLostError(
                f"the graphics card computes wrong: {levels:.0f} levels from the processor",
                hint="Update the graphics driver, try --precision fp32, or use --device cpu.",
            )
