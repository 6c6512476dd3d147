"""The parts of a training: the job, the state that changes, and the tools that do not."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from texpipe.train import generators
from texpipe.train.data.crops import Crops
from texpipe.train.data.dataset import TexturePair
from texpipe.train.evaluation.metrics import Judge, Metric, Scores
from texpipe.train.evaluation.validation import LOOKS, Validation
from texpipe.train.generators import Base
from texpipe.train.loop.distributed import ProcessGroup
from texpipe.train.loop.log import Log
from texpipe.train.losses import terms
from texpipe.train.losses.shared_look import SharedLook
from texpipe.train.schema import Preset
from texpipe.upscale.device import Device


@dataclass(frozen=True)
class TrainingJob:
    """The user's settings for a training; `steps` and `minutes` end it, whichever comes first.

    Attributes:
        textures: folder or tar shard of modern textures; None to train on `pairs` alone.
        output: the output folder.
        preset: the training preset.
        name: name of the finished model.
        resume: continue from the newest checkpoint in `output`.
        seed: seed of crops, degradation and new weights.
        validate_every, save_every: intervals in steps.
        validate_on: number of held-out textures per validation; the final judgement takes four times as many.
        keep: number of checkpoints that can be resumed; older ones keep only model, metrics and sheet.
        device: as `upscale.device.choose` takes it.
        perceptual: measure LPIPS and DISTS if their weights are available.
        freeze_body: train only what comes after the residual blocks.
        unlabelled: folder or tar shard of low-resolution textures without originals, for a preset with a teacher.
        pairs: folders or tar shards of low-resolution textures and of their originals. Where there are any, held-out
            pairs judge the result.
        judges: metrics of which one must tell that the result is better than its base.
    """

    textures: Path | None
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
    unlabelled: Path | None = None
    pairs: tuple[Path, Path] | None = None
    judges: tuple[Metric, ...] = LOOKS

    @property
    def total_steps(self) -> int:
        """Number of steps of the whole training."""
        return self.steps if self.steps is not None else self.preset.steps


@dataclass(frozen=True)
class TrainingProgress:
    """Progress after a step, for display; `seconds_left` is an estimate."""

    step: int
    total: int
    stage: str
    loss: float
    seconds_left: float


@dataclass
class State:
    """Everything that changes while training; a checkpoint holds the result of `state_dict`."""

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
        """Return the parts with a state of their own by name."""
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
        """Restore a state."""
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        for name, value in state["counters"].items():
            setattr(self, name, copy.copy(value))


@dataclass(frozen=True, eq=False)
class Tools:
    """Everything that the steps use and do not change.

    Attributes:
        look: the pass through VGG16 that losses and discriminator share, or None.
        unseen: the held-out textures are not trained on.
        originals: figures of the held-out originals themselves, where somebody made them.
    """

    job: TrainingJob
    world: ProcessGroup
    device: Device
    crops: Crops
    features: dict[str, terms.Features]
    pairs: tuple[TexturePair, ...]
    judge: Judge
    base: Base | None
    before: Validation | None
    sources: tuple[str, ...]
    log: Log
    look: SharedLook | None = None
    unseen: bool = True
    originals: tuple[Scores, ...] = ()

    @property
    def caveat(self) -> str:
        """A reservation about the held-out scores; empty without one."""
        return "" if self.unseen else "judged on the training texture itself"

    @property
    def preset(self) -> Preset:
        """The training preset."""
        return self.job.preset


def channels_last(network: nn.Module, place: torch.device) -> nn.Module:
    """Move a network to a device and store its weights channels last, the fastest layout for convolutions."""
    moved: nn.Module = network.to(place).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def new_state(
    network: nn.Module, preset: Preset, place: torch.device, look: SharedLook | None = None
) -> State:
    """Return the initial state: a generator with optimisers, averaged weights and a new discriminator."""

    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        # The initial weights must not dominate a short training: the decay grows from 0.1 to its value.
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
