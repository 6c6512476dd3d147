"""The current stage of a training, and its learning rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from texpipe.train.schema import Preset, Stage


def stage_at(stages: Sequence[Stage], done: float) -> tuple[Stage, float]:
    """Return the current stage of a training.

    Args:
        stages: the stages with their shares, in any unit.
        done: fraction of the training that is done, in [0, 1].

    Returns:
        The stage, and the fraction of it that is done, in [0, 1].
    """
    whole, begin = sum(stage.share for stage in stages), 0.0
    for stage in stages[:-1]:
        length = stage.share / whole
        if done < begin + length:
            return stage, (done - begin) / length
        begin += length
    return stages[-1], min(1.0, (done - begin) / (1 - begin))


def rate_factor(preset: Preset, steps: int, done: float) -> float:
    """Return the current factor of the nominal learning rates of generator and discriminator.

    In every stage it warms up from 0 and then falls along half a cosine to `final_rate`: a stage's rate does not depend
    on its position in the training.

    Args:
        preset: its `warmup` and `final_rate` are used.
        steps: number of steps taken in this stage so far.
        done: fraction of this stage that is done, in [0, 1].

    Returns:
        A factor in [0, 1].
    """
    warm = min(1.0, (steps + 1) / preset.warmup) if preset.warmup else 1.0
    return warm * (preset.final_rate + (1 - preset.final_rate) * (1 + math.cos(math.pi * done)) / 2)
