"""What a training leaves behind: a log, checkpoint folders with pictures, and a model with its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from torch import nn

from texpipe import __version__
from texpipe.networks.cards import Card, licence_text, write_card
from texpipe.store import write_atomic
from texpipe.train import generators
from texpipe.train.dataset import Pair
from texpipe.train.degrade import Degradation
from texpipe.train.metrics import Scores
from texpipe.train.presets import Preset
from texpipe.train.sheets import save_sheet
from texpipe.train.validation import Validation, columns

if TYPE_CHECKING:
    from texpipe.train.state import Tools


@dataclass(frozen=True)
class Outcome:
    """How a training ended: the model (None in all but the first process), held-out figures, verdict."""

    model: Path | None
    before: Scores
    after: Scores
    steps: int
    verdict: str


class Log:
    """Writes log.jsonl, one object per line, and TensorBoard's events where that is installed.

    Args:
        folder: where; made if missing.
        enabled: False in all processes but the first, which then write nothing.
    """

    def __init__(self, folder: Path, *, enabled: bool = True) -> None:
        self._path = folder / "log.jsonl" if enabled else None
        self._board: Any = None
        if not enabled:
            return
        folder.mkdir(parents=True, exist_ok=True)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._board = SummaryWriter(str(folder / "tensorboard"))

    def write(self, step: int, stage: str, seconds: float, facts: dict[str, float]) -> None:
        """Log one step: its losses, rate and gradients, and the seconds of the training so far."""
        rounded = {name: float(f"{value:.5g}") for name, value in facts.items()}
        self.say("step", step=step, stage=stage, seconds=round(seconds, 2), **rounded)
        if self._board is not None:
            for name, value in facts.items():
                self._board.add_scalar(name, value, step)

    def say(self, event: str, **facts: object) -> None:
        """Log an event."""
        if self._path is None:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, **facts}) + "\n")


def write_checkpoint(
    folder: Path,
    network: nn.Module,
    preset: Preset,
    seen: Validation | None,
    base: Validation | None,
    pairs: Sequence[Pair],
) -> None:
    """Write a checkpoint but for its state: model, preset and, after a validation, figures and sheet."""
    generators.save(folder / "model.safetensors", network, network.state_dict(), {"texpipe": __version__})
    text = yaml.safe_dump(preset.model_dump(mode="json"), sort_keys=False)
    write_atomic(folder / "preset.yaml", text.encode())
    if seen is not None:
        scores = {"base": base.scores if base else None, "now": seen.scores}
        write_atomic(folder / "metrics.json", (json.dumps(scores, indent=2) + "\n").encode())
        save_sheet(folder / "sheet.png", *columns(pairs, base, seen, generators.scale_of(network)))


def write_model(
    tools: Tools, name: str, network: nn.Module, after: Validation, verdict: str, step: int
) -> Path:
    """Write NAME.safetensors (fp16), NAME.json and NAME.md into the output folder; returns the first."""
    path = tools.job.output / f"{name}.safetensors"
    base = tools.base
    notes = {
        "author": "made with texpipe finetune",
        "base": f"{base.name} (sha256 {base.sha256})" if base else "none",
        "licence": (base.licence if base else None) or "unknown",
        "preset": tools.preset.name,
        "scale": str(generators.scale_of(network)),
        "steps": str(step),
        "texpipe": __version__,
    }
    if tools.preset.colour != "off":
        notes["colour"] = f"{tools.preset.colour} (after the network, when it was judged)"
    sha256 = generators.save(path, network, network.state_dict(), notes)
    write_card(path.parent, _card(tools, name, notes, sha256, after, verdict))
    return path


def _good_for(degradation: Degradation) -> str:
    """Say what a model has seen: textures in which formats, dithered or not."""
    stored = ", ".join(name for name, weight in degradation.formats.items() if weight)
    dithered = any(weight for name, weight in degradation.dithers.items() if name != "none")
    ways = "with and without dithering" if dithered and stored != "rgba32" else "without dithering"
    return f"textures stored as {stored}, {ways}, which it was trained on"


def _card(
    tools: Tools, name: str, notes: dict[str, str], sha256: str, after: Validation, verdict: str
) -> Card:
    spdx = notes["licence"]
    data = {f"source_{i}": source for i, source in enumerate(tools.sources, start=1)}
    figures: dict[str, str] = {metric: f"{value:.4f}" for metric, value in after.scores.items()}
    base_scores: Scores = tools.before.scores if tools.before else {}
    before: dict[str, str] = {metric: f"{value:.4f}" for metric, value in base_scores.items()}
    return Card(
        name=name,
        summary=f"Fine-tuned for the textures of N64 and PS1 games with the preset {tools.preset.name}.",
        good_for=(_good_for(tools.preset.degradation),),
        weak_at=("photographs with camera noise or strong JPEG artefacts",),
        licence=spdx,
        notice=f"The base model's licence is {spdx}; whoever trained this must add the textures' own terms.",
        licence_text=licence_text(spdx) if spdx in {"Apache-2.0", "BSD-3-Clause"} else "",
        sha256=sha256,
        sections={
            "training": {**notes, "seed": tools.job.seed, "verdict": verdict},
            "data": data,
            "held_out_metrics": {"pictures": len(tools.pairs), **figures},
            "held_out_metrics_of_the_base": before,
        },
    )
