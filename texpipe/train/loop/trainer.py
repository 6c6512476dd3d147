"""The training loop: prepare, then step by step learn, watch, keep; at the end judge, then ship or not.

A step is a function of the state and its number alone, so that a training that stopped and went on ends with
the same weights, bit for bit, as one that never stopped (one machine, one number of threads, by --steps).
"""

from __future__ import annotations

import copy
import logging
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
"""A loss this many times its running mean is an explosion."""
_MAX_ROLLBACKS = 5


def finetune(
    job: TrainingJob, progress: Callable[[TrainingProgress], None] = lambda _: None
) -> TrainingResult:
    """Train a generator and write it, its card, checkpoints and log into the output folder.

    Args:
        job: what to do.
        progress: called after every step.

    Returns:
        The model written, with the held-out figures before and after.

    Raises:
        SourceError: no usable texture.
        UsageError: base, output folder or checkpoint do not fit the job.
        PackError: the output folder cannot be written.
        ModelError: the base cannot be trained, needed weights cannot be had, or the loss keeps exploding.
        GuardError: the result is not better than its base; both were kept.
        Interrupted: the user stopped it; a checkpoint was written.
    """
    with process_group() as here:
        torch.manual_seed(job.seed)
        state, tools = prepare(job, here)
        with _stop_flag() as stopped:
            fit(state, tools, stopped, progress)
        if not here.first:
            return TrainingResult(None, {}, {}, state.step, "")
        return finish(state, tools)


def fit(
    state: State, tools: Tools, stopped: Callable[[], bool], progress: Callable[[TrainingProgress], None]
) -> None:
    """Take steps until the end, with validations and checkpoints on the way.

    Raises:
        Interrupted: after a checkpoint.
        ModelError: the loss exploded again and again.
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
            save_checkpoint(state, tools, watch=last or state.step % job.validate_every == 0)
            good = copy.deepcopy(state.state_dict())
        if stop and not last:
            raise Interrupted(
                f"stopped after step {state.step}", hint="The same command with --resume goes on."
            )


def _fraction_done(state: State, tools: Tools) -> float:
    """Return how much of the training is done, by steps or by minutes, whichever is further."""
    by_steps = state.step / tools.job.total_steps
    if tools.job.minutes is None:
        return by_steps
    by_time = state.seconds / (60 * tools.job.minutes)
    return tools.world.highest(by_time if tools.job.steps is None else max(by_steps, by_time))


def exploded(state: State, stage: Stage, facts: dict[str, float]) -> bool:
    """Whether a loss is not a number or far above what it used to be in this stage; remembers it if not."""
    usual = state.usual_loss.get(stage.name)
    # A critic's score has any sign and size, so only the other losses have a usual value to exceed.
    weights = stage.losses.model_dump(exclude={"adversarial"})
    fidelity = sum(weight * facts[name] for name, weight in weights.items() if weight)
    if not math.isfinite(facts["loss"]) or (usual is not None and fidelity > _EXPLOSION_FACTOR * usual):
        return True
    state.usual_loss[stage.name] = fidelity if usual is None else 0.95 * usual + 0.05 * fidelity
    return False


def _roll_back(state: State, tools: Tools, good: dict[str, Any], loss: float) -> None:
    """Return to the last good state with half the learning rate.

    Raises:
        ModelError: for the sixth time.
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


@contextmanager
def _stop_flag() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a flag, so that no step is left half done; a second one ends at once."""
    asked: list[int] = []

    def remember(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    try:
        previous = signal.signal(signal.SIGINT, remember)
    except ValueError:  # not the main thread, which alone may handle signals
        yield lambda: False
        return
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, previous)


def _progress(state: State, tools: Tools, stage: Stage, loss: float) -> TrainingProgress:
    done = _fraction_done(state, tools)
    left = state.seconds * (1 - done) / done
    total = tools.job.total_steps if tools.job.minutes is None else max(state.step, round(state.step / done))
    return TrainingProgress(state.step, total, stage.name, loss, max(0.0, left))
