"""One training step: draw crops, train the discriminator if there is one, then train the generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from texpipe.train.loop.state import State, Tools
from texpipe.train.losses import terms
from texpipe.train.schema import Stage
from texpipe.upscale.device import Device

_BODY_PREFIXES = ("conv_first.", "act_first.", "body.")
"""Prefixes of the names of all layers up to the last residual block."""


def train_step(state: State, tools: Tools, stage: Stage, factor: float) -> dict[str, float]:
    """Train the generator for one step, and the discriminator for as many as the preset says.

    Both use their nominal learning rates times `factor`. A gradient that is not finite does not change the generator;
    the loss is then NaN.

    Args:
        state: changed, except for its counters.
        tools: the tools of the training.
        stage: the current stage, with its losses and learning rate.
        factor: current factor of the nominal learning rates.

    Returns:
        Values to log: learning rates, the unweighted losses, their weighted sum as `loss`, and gradients.
    """
    batches = [batch(state, part, tools) for part in range(tools.preset.data.accumulate)]
    facts = {"rate": factor * stage.learning_rate}
    state.generator.train()
    if tools.job.freeze_body:
        keep_body_in_eval_mode(state.generator)
    found, fakes = _backpropagate(state, tools, stage, batches)
    facts |= found
    if stage.losses.adversarial and state.discriminator is not None:
        reals = [hr for _, hr in batches]
        rate = factor * tools.preset.adversarial.learning_rate
        facts |= train_discriminator(state, tools, reals, fakes, rate)
    if tools.look is not None:
        tools.look.forget()
    facts |= _last_gradients(state.generator)
    trained = [p for p in state.generator.parameters() if p.requires_grad]
    facts["gradient_norm"] = float(nn.utils.clip_grad_norm_(trained, tools.preset.clip))
    if not math.isfinite(facts["gradient_norm"]):
        return facts | {"loss": math.nan}
    step_optimiser(state.optimiser, facts["rate"])
    state.averaged.update_parameters(state.generator)
    return facts


def train_discriminator(
    state: State, tools: Tools, reals: Sequence[Tensor], fakes: Sequence[Tensor], rate: float
) -> dict[str, float]:
    """Train the discriminator for the preset's number of steps, all on the same pictures; return values to log.

    The generator has just been judged by these: making others would cost a third of a step.
    """
    random = torch.Generator().manual_seed(
        tools.job.seed * 1_000_003 + state.step * tools.world.size + tools.world.rank
    )
    steps = tools.preset.adversarial.steps
    found = [_discriminator_step(state, tools, reals, fakes, random, rate) for _ in range(steps)]
    return {"discriminator_rate": rate, "discriminator": found[-1]}


def _backpropagate(
    state: State, tools: Tools, stage: Stage, batches: Sequence[tuple[Tensor, Tensor]]
) -> tuple[dict[str, float], list[Tensor]]:
    """Compute the generator's gradients, averaged over the batches of all processes.

    Returns:
        The losses, averaged likewise, and the generator's pictures of each batch.
    """
    state.optimiser.zero_grad(set_to_none=True)
    parts: dict[str, float] = {}
    results: list[Tensor] = []
    for lr, hr in batches:
        with _autocast(tools.device):
            result = state.generator(lr).float()
            found = _all_losses(state, tools, stage, lr, result, hr)
        results.append(result.detach())
        weighted = sum(
            (getattr(stage.losses, name) * value for name, value in found.items()), start=torch.zeros(())
        )
        torch.autograd.backward(weighted / len(batches))
        for name, value in {**found, "loss": weighted}.items():
            parts[name] = parts.get(name, 0.0) + float(value.detach()) / len(batches)
    tools.world.average_gradients(state.generator.parameters())
    means = tools.world.mean(torch.tensor(list(parts.values()))).tolist()
    return dict(zip(parts, means, strict=True)), results


def batch(state: State, part: int, tools: Tools) -> tuple[Tensor, Tensor]:
    """Return this process's crops of a step as lr and hr, N x 3 x H x W; the processes divide the numbers.

    After a rollback other numbers are used, because the same crops would make the loss explode again.
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


def _discriminator_step(
    state: State,
    tools: Tools,
    reals: Sequence[Tensor],
    fakes: Sequence[Tensor],
    random: torch.Generator,
    rate: float,
) -> float:
    """Take one step of the discriminator on these pictures at this learning rate; return its loss."""
    assert state.discriminator is not None
    assert state.discriminator_optimiser is not None
    state.discriminator.train()
    state.discriminator_optimiser.zero_grad(set_to_none=True)
    total = 0.0
    # A gradient penalty is the derivative of a derivative, for which bf16 is too coarse.
    precise = tools.preset.adversarial.loss == "wasserstein"
    for real, fake in zip(reals, fakes, strict=True):
        with nullcontext() if precise else _autocast(tools.device):
            loss = terms.discriminator_loss(tools.preset.adversarial, state.discriminator, real, fake, random)
        torch.autograd.backward(loss / len(reals))
        total += float(loss.detach()) / len(reals)
    tools.world.average_gradients(state.discriminator.parameters())
    nn.utils.clip_grad_norm_(state.discriminator.parameters(), 10 * tools.preset.clip)
    step_optimiser(state.discriminator_optimiser, rate)
    return total


def _all_losses(
    state: State, tools: Tools, stage: Stage, lr: Tensor, result: Tensor, hr: Tensor
) -> dict[str, Tensor]:
    """Compute the unweighted losses of a stage for one batch."""
    found = terms.reconstruction(stage.losses, result, hr, tools.preset.degradation.scale, tools.features)
    if stage.losses.artefacts:
        with torch.no_grad():
            averaged = state.averaged(lr).float()
        found["artefacts"] = terms.artefacts(result, averaged, hr)
    if stage.losses.adversarial and state.discriminator is not None:
        state.discriminator.requires_grad_(False)
        real = state.discriminator(hr) if tools.preset.adversarial.loss == "relativistic" else None
        found["adversarial"] = terms.generator_loss(
            tools.preset.adversarial, state.discriminator(result), real
        )
        state.discriminator.requires_grad_(True)
    return found


def step_optimiser(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Take an optimiser's step at this learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()


def _last_gradients(network: nn.Module) -> dict[str, float]:
    """Return the mean gradient magnitudes of the last two convolutions: near zero, the network learns nothing."""
    found = {}
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and module.weight.grad is not None:
            found[f"gradient/{name}"] = float(module.weight.grad.abs().mean())
    return dict(list(found.items())[-2:])


def freeze_body(network: nn.Module) -> None:
    """Leave only the layers after the residual blocks trainable."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(_BODY_PREFIXES))


def keep_body_in_eval_mode(network: nn.Module) -> None:
    """Put the frozen layers into evaluation mode, so that batch norm's running statistics do not change either."""
    for name, module in network.named_modules():
        if f"{name}.".startswith(_BODY_PREFIXES):
            module.eval()


def _autocast(device: Device) -> AbstractContextManager[object]:
    """Return bf16 autocast where it is native; fp16 would need scaled gradients, and emulated bf16 is slower."""
    return torch.autocast(device.name, torch.bfloat16) if device.precision == "bf16" else nullcontext()
