"""The training loop: prepare, then step by step draw, learn, watch, keep; at the end judge, then ship or not.

A step is a function of the state and its number alone, so that a training that stopped and went on ends with
the same weights, bit for bit, as one that never stopped (one machine, one number of threads, by --steps).
"""

from __future__ import annotations

import copy
import logging
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from texpipe.errors import GuardError, Interrupted, Location, ModelError, UsageError
from texpipe.train import generators, losses
from texpipe.train.checkpoints import checkpoints, folder_of, leftovers, load_state, prune, save_state
from texpipe.train.collection import collect
from texpipe.train.dataset import TextureCrops
from texpipe.train.distributed import World, world
from texpipe.train.features import Trunk
from texpipe.train.metrics import Judge
from texpipe.train.output import Log, Outcome, write_checkpoint, write_model
from texpipe.train.presets import Preset, Stage, differences, load_preset
from texpipe.train.schedule import rate_factor, stage_at
from texpipe.train.state import Job, Progress, State, Tools, channels_last, new_state
from texpipe.train.validation import held_out, judge_result, upscaler_of, validate
from texpipe.train.weights import from_file, weights
from texpipe.upscale.device import Device, choose

log = logging.getLogger(__name__)

_EXPLODED = 10.0
"""A loss this many times its running mean is an explosion."""
_MOST_ROLLBACKS = 5
_BODY = ("conv_first.", "act_first.", "body.")
"""Where the names of the layers up to the last residual block begin."""


def finetune(job: Job, progress: Callable[[Progress], None] = lambda _: None) -> Outcome:
    """Train a generator and write it, its card, checkpoints and log into the output folder.

    Args:
        job: what to do.
        progress: called after every step.

    Returns:
        The model written, with the held-out figures before and after.

    Raises:
        SourceError: no usable texture.
        ModelError: the base cannot be trained, needed weights cannot be had, or the loss keeps exploding.
        GuardError: the result is not better than its base; both were kept.
        Interrupted: the user stopped it; a checkpoint was written.
    """
    with world() as here:
        torch.manual_seed(job.seed)
        state, tools = prepare(job, here)
        with stop_flag() as stopped:
            fit(state, tools, stopped, progress)
        if not here.first:
            return Outcome(None, {}, {}, state.step, "")
        return finish(state, tools)


def prepare(job: Job, here: World) -> tuple[State, Tools]:
    """Load everything, measure the base, and go back to the newest checkpoint if asked to."""
    preset = job.preset
    device = choose(job.device)
    place = torch.device(device.name, here.local_rank) if device.name == "cuda" else torch.device("cpu")
    base = generators.load(preset.base) if preset.base else None
    network = copy.deepcopy(base.network) if base else generators.new(preset.generator)
    if generators.scale_of(network) != preset.degradation.scale:
        raise UsageError(
            f"the base has scale {generators.scale_of(network)}, the preset {preset.degradation.scale}",
            hint="Choose a base of the preset's scale.",
        )
    network = channels_last(network, place)
    if job.freeze_body:
        freeze_body(network)
    collection = collect(job.textures)
    training, held = collection.split(preset.data.held_out)
    pairs = held_out(collection, held, preset.degradation, job.seed, 4 * job.validate_on)
    crops = TextureCrops(collection, training, preset.data, preset.degradation, job.seed)
    judge = Judge(place, perceptual=job.perceptual)
    before = (
        validate(upscaler_of(base.network.to(place), preset.colour), pairs, judge)
        if base and here.first
        else None
    )
    state = new_state(network, preset, place)
    journal = start_output(job, here, state)
    journal.say(
        "collection", usable=len(collection.pictures), held_out=len(held), skipped=len(collection.skipped)
    )
    for skipped in collection.skipped:
        journal.say("skipped", file=skipped.name, reason=skipped.reason)
    if before:
        journal.say("base", scores=before.scores)
    tools = Tools(
        job,
        here,
        device,
        crops,
        comparisons(preset, place),
        pairs,
        judge,
        base,
        before,
        collection.sources,
        journal,
        unseen=set(training).isdisjoint(held),
    )
    if tools.caveat:
        journal.say("caveat", text=tools.caveat)
    return state, tools


def comparisons(preset: Preset, place: torch.device) -> dict[str, losses.Features]:
    """Load the trunks that the preset's losses look through.

    Raises:
        ModelError: weights cannot be had.
    """
    found: dict[str, losses.Features] = {}
    if any(stage.losses.lpips for stage in preset.stages):
        found["lpips"] = losses.lpips_loss(Trunk("vgg16", _needed("vgg16")).to(place))
    if preset.perceptual_used:
        options = preset.perceptual
        tensors = from_file(options.weights, options.trunk) if options.weights else _needed(options.trunk)
        found["perceptual"] = losses.perceptual(Trunk(options.trunk, tensors).to(place), options)
    return found


def start_output(job: Job, here: World, state: State) -> Log:
    """Open the output folder, which holds no training yet unless this one goes on from its newest checkpoint."""
    kept = checkpoints(job.output)
    if job.resume and not kept:
        raise ModelError(
            f"no checkpoint in {job.output}", hint="Leave out --resume, or name the training's --output."
        )
    if not job.resume and (there := leftovers(job.output, job.name)):
        raise UsageError(
            f"{job.output} holds a training already: {there[0].name}",
            hint="Add --resume to go on with it, or choose another --output.",
        )
    here.wait()
    if job.resume:
        go_on(kept[-1], job, state)
    return Log(job.output, enabled=here.first)


def go_on(folder: Path, job: Job, state: State) -> None:
    """Load a checkpoint into the state of the same training.

    Raises:
        UsageError: the checkpoint is of a training with other settings, which are named.
        ModelError: damaged.
    """
    kept = load_state(folder)
    now = {"seed": job.seed, "freeze_body": job.freeze_body}
    found = [f"{k}: {kept['job'][k]} then, {v} now" for k, v in now.items() if kept.get("job", now)[k] != v]
    found += differences(load_preset(folder / "preset.yaml"), job.preset)
    if found:
        raise UsageError(
            f"{folder} is of a training with other settings: {'; '.join(found)}",
            hint="Give the same options as then, or choose another --output.",
        )
    try:
        state.load_state_dict(kept)
    except (KeyError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"the checkpoint does not fit its preset: {error}", location=Location(folder)
        ) from error


def fit(
    state: State, tools: Tools, stopped: Callable[[], bool], progress: Callable[[Progress], None]
) -> None:
    """Take steps until the end, with validations and checkpoints on the way.

    Raises:
        Interrupted: after a checkpoint.
        ModelError: the loss exploded again and again.
    """
    job, good = tools.job, copy.deepcopy(state.state_dict())
    clock = time.monotonic()
    while (done := fraction_done(state, tools)) < 1:
        stage, stage_done = stage_at(tools.preset.stages, done)
        factor = state.rate_factor * rate_factor(
            tools.preset, state.stage_steps.get(stage.name, 0), stage_done
        )
        facts = train_step(state, tools, stage, factor)
        if exploded(state, stage, facts):
            roll_back(state, tools, good, facts["loss"])
            continue
        now = time.monotonic()
        state.step, state.seconds, clock = state.step + 1, state.seconds + now - clock, now
        state.stage_steps[stage.name] = state.stage_steps.get(stage.name, 0) + 1
        tools.log.write(state.step, stage.name, state.seconds, facts)
        progress(_progress(state, tools, stage, facts["loss"]))
        last = fraction_done(state, tools) >= 1
        stop = tools.world.highest(float(stopped())) > 0
        if last or stop or state.step % job.save_every == 0 or state.step % job.validate_every == 0:
            keep(state, tools, watch=last or state.step % job.validate_every == 0)
            good = copy.deepcopy(state.state_dict())
        if stop and not last:
            raise Interrupted(
                f"stopped after step {state.step}", hint="The same command with --resume goes on."
            )


def train_step(state: State, tools: Tools, stage: Stage, factor: float) -> dict[str, float]:
    """Teach the generator once, and the discriminator as often as the preset says; returns what to log.

    Both learn at their nominal rates times `factor`.
    """
    preset, game = tools.preset, tools.preset.adversarial
    rate = factor * stage.learning_rate
    batches = [batch(state, part, tools) for part in range(preset.data.accumulate)]
    random = torch.Generator().manual_seed(
        tools.job.seed * 1_000_003 + state.step * tools.world.size + tools.world.rank
    )
    state.generator.train()
    if tools.job.freeze_body:
        keep_body_still(state.generator)
    facts: dict[str, float] = {"rate": rate}
    if stage.losses.adversarial and state.discriminator is not None:
        facts["discriminator_rate"] = factor * game.learning_rate
        # The critic goes first; when it takes several steps they are on the same crops.
        for _ in range(game.steps):
            facts["discriminator"] = teach_discriminator(
                state, tools, batches, random, facts["discriminator_rate"]
            )
    state.optimiser.zero_grad(set_to_none=True)
    parts: dict[str, float] = {}
    for lr, hr in batches:
        with autocast(tools.device):
            result = state.generator(lr).float()
            found = reconstruction(state, tools, stage, result, hr)
        weighted = sum(
            (getattr(stage.losses, name) * value for name, value in found.items()), start=torch.zeros(())
        )
        torch.autograd.backward(weighted / len(batches))
        for name, value in {**found, "loss": weighted}.items():
            parts[name] = parts.get(name, 0.0) + float(value.detach()) / len(batches)
    tools.world.average_gradients(state.generator.parameters())
    facts |= dict(zip(parts, tools.world.mean(torch.tensor(list(parts.values()))).tolist(), strict=True))
    facts |= last_gradients(state.generator)
    norm = nn.utils.clip_grad_norm_([p for p in state.generator.parameters() if p.requires_grad], preset.clip)
    facts["gradient_norm"] = float(norm)
    if not math.isfinite(facts["gradient_norm"]):
        facts["loss"] = math.nan
        return facts
    take(state.optimiser, rate)
    state.averaged.update_parameters(state.generator)
    return facts


def reconstruction(state: State, tools: Tools, stage: Stage, result: Tensor, hr: Tensor) -> dict[str, Tensor]:
    """Compute the unweighted losses of a stage for one batch, the adversarial one included."""
    found = losses.reconstruction(stage.losses, result, hr, tools.preset.degradation.scale, tools.features)
    if stage.losses.adversarial and state.discriminator is not None:
        state.discriminator.requires_grad_(False)
        real = state.discriminator(hr) if tools.preset.adversarial.loss == "relativistic" else None
        found["adversarial"] = losses.generator_loss(
            tools.preset.adversarial, state.discriminator(result), real
        )
        state.discriminator.requires_grad_(True)
    return found


def teach_discriminator(
    state: State,
    tools: Tools,
    batches: Sequence[tuple[Tensor, Tensor]],
    random: torch.Generator,
    rate: float,
) -> float:
    """Take one step of the discriminator on these batches at this learning rate; returns its loss."""
    assert state.discriminator is not None
    assert state.discriminator_optimiser is not None
    state.discriminator.train()
    state.discriminator_optimiser.zero_grad(set_to_none=True)
    total = 0.0
    for lr, hr in batches:
        with torch.no_grad(), autocast(tools.device):
            fake = state.generator(lr).float()
        loss = losses.discriminator_loss(
            tools.preset.adversarial, state.discriminator, hr, fake, random
        ) / len(batches)
        torch.autograd.backward(loss)
        total += float(loss.detach())
    tools.world.average_gradients(state.discriminator.parameters())
    nn.utils.clip_grad_norm_(state.discriminator.parameters(), 10 * tools.preset.clip)
    take(state.discriminator_optimiser, rate)
    return total


def take(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Take an optimiser's step at this learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()


def batch(state: State, part: int, tools: Tools) -> tuple[Tensor, Tensor]:
    """Return this process's crops of a step as lr and hr, N x 3 x H x W; the processes share the numbers.

    After a rollback the numbers go on elsewhere: the same crops would explode again.
    """
    size, count = tools.preset.data.batch, tools.preset.data.accumulate
    first = (state.rollbacks << 40) + (
        (state.step * count + part) * tools.world.size + tools.world.rank
    ) * size
    pairs = [tools.crops[first + i] for i in range(size)]
    place = tools.judge.place
    lr, hr = (
        torch.stack(side).to(place, memory_format=torch.channels_last) for side in zip(*pairs, strict=True)
    )
    return lr, hr


def fraction_done(state: State, tools: Tools) -> float:
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
    if not math.isfinite(facts["loss"]) or (usual is not None and fidelity > _EXPLODED * usual):
        return True
    state.usual_loss[stage.name] = fidelity if usual is None else 0.95 * usual + 0.05 * fidelity
    return False


def roll_back(state: State, tools: Tools, good: dict[str, Any], loss: float) -> None:
    """Return to the last good state with half the learning rate.

    Raises:
        ModelError: for the sixth time.
    """
    at, factor, count = state.step, state.rate_factor / 2, state.rollbacks + 1
    if count > _MOST_ROLLBACKS:
        raise ModelError(
            f"the loss exploded {count} times, last at step {at}",
            hint="Lower learning_rate or the adversarial weight in the preset, or choose another base.",
        )
    state.load_state_dict(copy.deepcopy(good))
    state.rate_factor, state.rollbacks = factor, count
    tools.log.say("rollback", at=at, to=state.step, loss=loss, rate_factor=factor)
    log.warning("the loss was %s at step %d: back to step %d with half the rate", loss, at, state.step)


def keep(state: State, tools: Tools, *, watch: bool) -> None:
    """Write a checkpoint, with a validation if `watch`."""
    job = tools.job
    if tools.world.first:
        few = tools.pairs[: job.validate_on]
        network = state.averaged.module
        seen = validate(upscaler_of(network, tools.preset.colour), few, tools.judge) if watch else None
        folder = folder_of(job.output, state.step)
        before = tools.before.first(len(few)) if tools.before else None
        write_checkpoint(folder, network, tools.preset, seen, before, few)
        save_state(folder, state.state_dict() | {"job": {"seed": job.seed, "freeze_body": job.freeze_body}})
        prune(job.output, job.keep)
        if seen:
            tools.log.say("validation", step=state.step, scores=seen.scores)
    tools.world.wait()


def finish(state: State, tools: Tools) -> Outcome:
    """Judge the averaged weights on all held-out pairs and write the model.

    Raises:
        GuardError: it is not better than its base; it lies beside as NAME-rejected.
    """
    # What is written is what is judged: rounding to fp16 is part of the model.
    job, network = tools.job, generators.as_shipped(state.averaged.module)
    after = validate(upscaler_of(network, tools.preset.colour), tools.pairs, tools.judge)
    verdict = judge_result(tools.before.scores, after.scores) if tools.before else None
    reason = verdict.reason if verdict else "new: no base to compare with"
    reason += f"; {tools.caveat}" if tools.caveat else ""
    accepted = verdict is None or verdict.better
    name = job.name if accepted else f"{job.name}-rejected"
    path = write_model(tools, name, network, after, reason, state.step)
    tools.log.say("result", step=state.step, model=path.name, scores=after.scores, verdict=reason)
    if not accepted:
        assert tools.base is not None
        raise GuardError(
            f"the trained model is {reason}; {tools.base.name} stays the better one",
            hint=f"Both were kept; the new one is {path}. Train longer, on more textures or at a lower rate.",
        )
    return Outcome(path, tools.before.scores if tools.before else {}, after.scores, state.step, reason)


def last_gradients(network: nn.Module) -> dict[str, float]:
    """Mean gradient magnitudes of the last two convolutions: near zero means that nothing is learnt."""
    found = {}
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and module.weight.grad is not None:
            found[f"gradient/{name}"] = float(module.weight.grad.abs().mean())
    return dict(list(found.items())[-2:])


def freeze_body(network: nn.Module) -> None:
    """Leave only the layers behind the residual blocks trainable."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(_BODY))


def keep_body_still(network: nn.Module) -> None:
    """Put the frozen layers into evaluation mode, so that batch norm's running figures do not change either."""
    for name, module in network.named_modules():
        if f"{name}.".startswith(_BODY):
            module.eval()


def autocast(device: Device) -> AbstractContextManager[object]:
    """bf16 where the device has it natively; fp16 would need scaled gradients, emulated bf16 is slower."""
    return torch.autocast(device.name, torch.bfloat16) if device.precision == "bf16" else nullcontext()


@contextmanager
def stop_flag() -> Iterator[Callable[[], bool]]:
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


def _progress(state: State, tools: Tools, stage: Stage, loss: float) -> Progress:
    done = fraction_done(state, tools)
    left = state.seconds * (1 - done) / done
    total = tools.job.total_steps if tools.job.minutes is None else max(state.step, round(state.step / done))
    return Progress(state.step, total, stage.name, loss, max(0.0, left))


def _needed(name: str) -> dict[str, Tensor]:
    found = weights(name) if name in {"vgg16", "alexnet"} else None
    if found is None:
        raise ModelError(
            f"the weights of {name} cannot be had here",
            hint="Allow the download, or set the losses lpips and perceptual to 0 in the preset.",
        )
    return found
