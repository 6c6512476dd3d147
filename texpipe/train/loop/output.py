"""Output of a training: checkpoint folders with sheets, and at the end the judged model with its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from torch import nn

from texpipe import __version__
from texpipe.errors import GuardError
from texpipe.networks.cards import Card, licence_text, write_card
from texpipe.storage.atomic import write_atomic
from texpipe.train import generators
from texpipe.train.data.dataset import TexturePair
from texpipe.train.data.degradation import Degradation
from texpipe.train.evaluation.metrics import Scores
from texpipe.train.evaluation.sheets import save_sheet
from texpipe.train.evaluation.validation import Validation, columns, judge_result, upscaler_of, validate
from texpipe.train.loop.checkpoints import folder_of, prune, save_state
from texpipe.train.loop.state import State, Tools
from texpipe.train.schema import Preset

SHEET = "sheet.png"
"""Name of the sheet in a checkpoint's folder: LR, bicubic, base, now, HR."""


@dataclass(frozen=True)
class TrainingResult:
    """Result of a training: the model (None in all but the first process), held-out scores, verdict."""

    model: Path | None
    before: Scores
    after: Scores
    steps: int
    verdict: str


def save_checkpoint(state: State, tools: Tools, *, validated: bool) -> Path | None:
    """Write a checkpoint, with a validation if `validated`; return its sheet, which the first process writes."""
    sheet = None
    job = tools.job
    if tools.world.first:
        pairs = tools.pairs[: job.validate_on]
        network = state.averaged.module
        now = validate(upscaler_of(network, tools.preset.colour), pairs, tools.judge) if validated else None
        folder = folder_of(job.output, state.step)
        before = tools.before.first(len(pairs)) if tools.before else None
        _write_checkpoint(folder, network, tools.preset, now, before, pairs)
        save_state(folder, state.state_dict() | {"job": {"seed": job.seed, "freeze_body": job.freeze_body}})
        prune(job.output, job.keep)
        if now:
            tools.log.log_event("validation", step=state.step, scores=now.scores)
            sheet = folder / SHEET
    tools.world.wait()
    return sheet


def _write_checkpoint(
    folder: Path,
    network: nn.Module,
    preset: Preset,
    now: Validation | None,
    base: Validation | None,
    pairs: Sequence[TexturePair],
) -> None:
    """Write a checkpoint except for its state: model, preset and, after a validation, scores and sheet."""
    generators.save(folder / "model.safetensors", network, network.state_dict(), {"texpipe": __version__})
    text = yaml.safe_dump(preset.model_dump(mode="json"), sort_keys=False)
    write_atomic(folder / "preset.yaml", text.encode())
    if now is not None:
        scores = {"base": base.scores if base else None, "now": now.scores}
        write_atomic(folder / "metrics.json", (json.dumps(scores, indent=2) + "\n").encode())
        save_sheet(folder / SHEET, *columns(pairs, base, now, generators.scale_of(network)))


def finish(state: State, tools: Tools) -> TrainingResult:
    """Judge the averaged weights on all held-out pairs and write the model.

    Raises:
        GuardError: the model is not better than its base; it was written as NAME-rejected.
    """
    # The model is judged as it is written: rounded to fp16.
    job, network = tools.job, generators.as_shipped(state.averaged.module)
    after = validate(upscaler_of(network, tools.preset.colour), tools.pairs, tools.judge)
    faster = tools.preset.keep_blocks is not None
    verdict = None
    if tools.before:
        verdict = judge_result(
            tools.before.each, after.each, faster=faster, originals=tools.originals, judges=job.judges
        )
    reason = verdict.reason if verdict else "new: no base to compare with"
    reason += f"; {tools.caveat}" if tools.caveat else ""
    accepted = verdict is None or verdict.better
    name = job.name if accepted else f"{job.name}-rejected"
    path = _write_model(tools, name, network, after, reason, state.step)
    tools.log.log_event("result", step=state.step, model=path.name, scores=after.scores, verdict=reason)
    if not accepted:
        assert tools.base is not None
        raise GuardError(
            f"the trained model is {reason}; {tools.base.name} remains the better one",
            hint=f"Both were kept; the new one is {path}. Train longer, on more textures or at a lower rate.",
        )
    return TrainingResult(path, tools.before.scores if tools.before else {}, after.scores, state.step, reason)


def _write_model(
    tools: Tools, name: str, network: nn.Module, after: Validation, verdict: str, step: int
) -> Path:
    """Write NAME.safetensors (fp16), NAME.json and NAME.md into the output folder; return the first."""
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
    """Describe the textures that a model was trained on: their formats and dithering."""
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
