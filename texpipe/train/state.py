"""What a training is made of: the job, the state that changes, and the tools that do not."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from texpipe.train import generators, losses
from texpipe.train.dataset import Pair, TextureCrops
from texpipe.train.distributed import World
from texpipe.train.generators import Base
from texpipe.train.log import Log
from texpipe.train.metrics import Judge
from texpipe.train.schema import Preset
from texpipe.train.shared_look import SharedLook
from texpipe.train.validation import Validation
from texpipe.upscale.device import Device


@dataclass(frozen=True)
class Job:
    """What the user asked for; `steps` and `minutes` end the training, whichever comes first.

    Attributes:
        textures: folder or tar shard of modern textures.
        output: where everything is written.
        preset: how to train.
        name: of the finished model.
        resume: go on from the newest checkpoint in `output`.
        seed: of crops, degradation and new weights.
        validate_every, save_every: in steps.
        validate_on: held-out textures per validation; the final judgement takes four times as many.
        keep: checkpoints that can be resumed; of older ones only model, metrics and sheet stay.
        device: auto, cpu or cuda.
        perceptual: measure LPIPS and DISTS where their weights can be had.
        freeze_body: train only what comes after the residual blocks.
    """

    textures: Path
    output: Path
    preset: Preset
    name: str = "finetuned"
    steps: int | None = None
    minutes: float | None = None
    resume: bool = False
    seed: int = 0
    validate_every: int = 100
    save_every: int = 50
    validate_on: int = 8
    keep: int = 3
    device: str = "auto"
    perceptual: bool = True
    freeze_body: bool = False

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        return self.steps if self.steps is not None else self.preset.steps


@dataclass(frozen=True)
class Progress:
    """A step forward that a front end may show; `seconds_left` is an estimate."""

    step: int
    total: int
    stage: str
    loss: float
    seconds_left: float


@dataclass
class State:
    """Everything that changes while training; what `state_dict` returns is the checkpoint."""

    generator: nn.Module
    averaged: AveragedModel
    optimiser: torch.optim.Optimizer
    discriminator: nn.Module | None
    discriminator_optimiser: torch.optim.Optimizer | None
    step: int = 0
    seconds: float = 0.0
    rate_factor: float = 1.0
    rollbacks: int = 0
    usual_loss: dict[str, float] = field(default_factory=dict)
    stage_steps: dict[str, int] = field(default_factory=dict)

    def parts(self) -> dict[str, Any]:
        """All that has a state of its own."""
        found = {"generator": self.generator, "averaged": self.averaged, "optimiser": self.optimiser}
        if self.discriminator is not None:
            found |= {
                "discriminator": self.discriminator,
                "discriminator_optimiser": self.discriminator_optimiser,
            }
        return found

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state as plain values and tensors (not copied)."""
        counters: dict[str, Any] = {
            "step": self.step,
            "seconds": self.seconds,
            "rate_factor": self.rate_factor,
        }
        counters |= {"rollbacks": self.rollbacks, "usual_loss": dict(self.usual_loss)}
        counters["stage_steps"] = dict(self.stage_steps)
        return {"counters": counters} | {name: part.state_dict() for name, part in self.parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        for name, value in state["counters"].items():
            setattr(self, name, copy.copy(value))


@dataclass(frozen=True, eq=False)
class Tools:
    """What the steps need and do not change.

    Attributes:
        look: the pass through VGG16 that losses and discriminator share, if any.
        unseen: whether the pairs' textures are not trained on.
    """

    job: Job
    world: World
    device: Device
    crops: TextureCrops
    features: dict[str, losses.Features]
    pairs: tuple[Pair, ...]
    judge: Judge
    base: Base | None
    before: Validation | None
    sources: tuple[str, ...]
    log: Log
    look: SharedLook | None = None
    unseen: bool = True

    @property
    def caveat(self) -> str:
        """What a reader of the held-out figures must know; empty if there is nothing."""
        return "" if self.unseen else "judged on the training texture itself"

    @property
    def preset(self) -> Preset:
        """How to train."""
        return self.job.preset


def channels_last(network: nn.Module, place: torch.device) -> nn.Module:
    """Move a network to a device and store its weights channels last, which convolutions are fastest with."""
    moved: nn.Module = network.to(place).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def new_state(
    network: nn.Module, preset: Preset, place: torch.device, look: SharedLook | None = None
) -> State:
    """Put optimisers, the average and a new discriminator around a generator."""

    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        # A short training must not be dominated by where it began: the decay grows from 0.1 to its value.
        decay = min(preset.ema, (1 + float(count)) / (10 + float(count)))
        return averaged.lerp(current, 1 - decay)

    trainable = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trainable, betas=preset.betas)
    averaged = AveragedModel(network, avg_fn=average)
    if not preset.adversarial_used:
        return State(network, averaged, optimiser, None, None)
    critic = generators.discriminator(preset.adversarial, preset.data.crop * preset.degradation.scale, look)
    critic = channels_last(critic, place)
    rate = preset.adversarial.learning_rate
    return State(
        network, averaged, optimiser, critic, torch.optim.Adam(critic.parameters(), rate, preset.betas)
    )
