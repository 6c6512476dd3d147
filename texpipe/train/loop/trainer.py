"""The training loop: prepare, train step by step with validations and checkpoints, and judge the result.

A step depends on the state and its number alone, so that a resumed training ends with the same weights, bit for bit, as
an uninterrupted one (on one machine, with one number of threads, limited by --steps).
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from texpipe.errors import Interrupted, ModelError
from texpipe.train.loop.distributed import process_group
from texpipe.train.loop.output import TrainingResult, finish, save_checkpoint
from texpipe.train.loop.preparation import prepare
from texpipe.train.loop.schedule import rate_factor, stage_at
from texpipe.train.loop.state import State, Tools, TrainingJob, TrainingProgress
from texpipe.train.loop.steps import train_step
from texpipe.train.schema import Stage

log = logging.getLogger(__name__)

_EXPLOSION_FACTOR = 10.0
"""Ratio of a loss to its running mean above which it has exploded."""
_MAX_ROLLBACKS = 5
"""Largest number of rollbacks after explosions of the loss."""


def finetune(
    job: TrainingJob,
    progress: Callable[[TrainingProgress], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    phase: Callable[[str], None] = lambda _: None,
    shown: Callable[[Path], None] = lambda _: None,
) -> TrainingResult:
    """Train a generator and write it, its card, checkpoints and log into the output folder.

    Args:
        job: the settings.
        progress: called after every step.
        stopped: asked after every step; True ends the training after a checkpoint.
        phase: called with the name of each part of the work when it begins.
        shown: called with each sheet that a validation wrote.

    Returns:
        The model written, with the held-out scores before and after.

    Raises:
        SourceError: no usable texture.
        UsageError: base, output folder or checkpoint do not fit the job.
        PackError: the output folder cannot be written.
        ModelError: the base cannot be trained, needed weights are not available, or the loss keeps exploding.
        GuardError: the result is not better than its base; both were kept.
        Interrupted: `stopped` said so; a checkpoint was written.
    """
    with process_group() as here:
        torch.manual_seed(job.seed)
        state, tools = prepare(job, here, phase)
        phase("training")
        fit(state, tools, stopped, progress, shown)
        if not here.first:
            return TrainingResult(None, {}, {}, state.step, "")
        phase("judging")
        return finish(state, tools)


def fit(
    state: State,
    tools: Tools,
    stopped: Callable[[], bool],
    progress: Callable[[TrainingProgress], None],
    shown: Callable[[Path], None] = lambda _: None,
) -> None:
    """Train until the end, with validations and checkpoints.

    Raises:
        Interrupted: the user stopped it; a checkpoint was written.
        ModelError: the loss keeps exploding.
    """
    job, good = tools.job, copy.deepcopy(state.state_dict())
    clock = time.monotonic()
    while (done := _fraction_done(state, tools)) < 1:
        stage, stage_done = stage_at(tools.preset.stages, done)
        factor = state.rate_factor * rate_factor(
            tools.preset, state.stage_steps.get(stage.name, 0), stage_done
        )
        facts = train_step(state, tools, stage, factor)
        if exploded(state, stage, facts):
            _roll_back(state, tools, good, facts["loss"])
            continue
        now = time.monotonic()
        state.step, state.seconds, clock = state.step + 1, state.seconds + now - clock, now
        state.stage_steps[stage.name] = state.stage_steps.get(stage.name, 0) + 1
        tools.log.write(state.step, stage.name, state.seconds, facts)
        progress(_progress(state, tools, stage, facts["loss"]))
        last = _fraction_done(state, tools) >= 1
        stop = tools.world.highest(float(stopped())) > 0
        if last or stop or state.step % job.save_every == 0 or state.step % job.validate_every == 0:
            sheet = save_checkpoint(state, tools, validated=last or state.step % job.validate_every == 0)
            if sheet is not None:
                shown(sheet)
            good = copy.deepcopy(state.state_dict())
        if stop and not last:
            raise Interrupted(
                f"stopped after step {state.step}", hint="The same command with --resume continues it."
            )


def _fraction_done(state: State, tools: Tools) -> float:
    """Return the fraction of the training that is done, by steps or by minutes, whichever is larger."""
    by_steps = state.step / tools.job.total_steps
    if tools.job.minutes is None:
        return by_steps
    by_time = state.seconds / (60 * tools.job.minutes)
    return tools.world.highest(by_time if tools.job.steps is None else max(by_steps, by_time))


def exploded(state: State, stage: Stage, facts: dict[str, float]) -> bool:
    """Return whether a loss is NaN or far above its running mean in this stage; if not, update the mean."""
    mean = state.usual_loss.get(stage.name)
    # A critic's score can have any sign and size, so the mean is that of the other losses.
    weights = stage.losses.model_dump(exclude={"adversarial"})
    loss = sum(weight * facts[name] for name, weight in weights.items() if weight)
    if not math.isfinite(facts["loss"]) or (mean is not None and loss > _EXPLOSION_FACTOR * mean):
        return True
    state.usual_loss[stage.name] = loss if mean is None else 0.95 * mean + 0.05 * loss
    return False


def _roll_back(state: State, tools: Tools, good: dict[str, Any], loss: float) -> None:
    """Return to the last good state with half the learning rate.

    Raises:
        ModelError: the loss exploded for the sixth time.
    """
    at, factor, count = state.step, state.rate_factor / 2, state.rollbacks + 1
    if count > _MAX_ROLLBACKS:
        raise ModelError(
            f"the loss exploded {count} times, last at step {at}",
            hint="Lower learning_rate or the adversarial weight in the preset, or choose another base.",
        )
    state.load_state_dict(copy.deepcopy(good))
    state.rate_factor, state.rollbacks = factor, count
    tools.log.log_event("rollback", at=at, to=state.step, loss=loss, rate_factor=factor)
    log.warning("the loss was %s at step %d: back to step %d with half the rate", loss, at, state.step)


def _progress(state: State, tools: Tools, stage: Stage, loss: float) -> TrainingProgress:
    done = _fraction_done(state, tools)
    left = state.seconds * (1 - done) / done
    total = tools.job.total_steps if tools.job.minutes is None else max(state.step, round(state.step / done))
    return TrainingProgress(state.step, total, stage.name, loss, max(0.0, left))
