"""How many texels an engine upscales in a second, measured in a moment."""

from __future__ import annotations

import time

import numpy as np

from texpipe.texture import Edges, Pass
from texpipe.upscale.batching import upscale
from texpipe.upscale.chain import PictureEngine


def texels_per_second(engine: PictureEngine, side: int, seconds: float, at_once: int) -> float:
    """Upscale textures of noise for a while, after a first one that is not counted.

    Args:
        engine: the device and the model.
        side: of the textures, in texels.
        seconds: time to measure; at least one round is measured, however long it takes.
        at_once: number of textures in a round, between two looks at the clock.
    """
    noise = np.random.default_rng(0).random((side, side, 3), dtype=np.float32)
    window = [Pass(noise, Edges("wrap", "wrap")) for _ in range(at_once)]
    list(upscale([window[:1]], engine, engine.scale))
    start, done = time.perf_counter(), 0
    while not done or time.perf_counter() - start < seconds:
        done += len(list(upscale([window], engine, engine.scale)))
    return done * side * side / (time.perf_counter() - start)
