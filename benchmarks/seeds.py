"""Training methods from SRResNet to ESRGAN (SRGAN with MSE and VGG, SRWGAN-GP) on the same textures.

Every network starts from random weights and gets the same seed, crops, degradation and steps; held-out
textures are then upscaled by all of them.

    python benchmarks/seeds.py --textures DIR --held-out DIR --steps 1600 --output build/seeds
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from texpipe.passes.resample import repeat
from texpipe.train.data.degradation import Degradation
from texpipe.train.evaluation.evaluate import Evaluation, degraded, evaluate
from texpipe.train.evaluation.sheets import save_sheet
from texpipe.train.loop.state import TrainingJob
from texpipe.train.loop.trainer import finetune
from texpipe.train.presets import load_preset
from texpipe.train.schema import Preset

SEEDS = {
    "ResNet": "srresnet",
    "SRGAN-MSE": "srgan-mse",
    "SRGAN": "srgan",
    "SRWGAN-GP": "srwgan-gp",
    "ESRGAN": "esrgan",
}
METRICS = ("psnr_y", "ssim_y", "lpips_alex", "dists")
# The papers' 1e-4 is meant for 1e5 to 1e6 steps; a short training from random weights needs a larger one to
# leave the grey start. One rate for every method's pixel-loss stage keeps the comparison fair.
FIRST_STAGE_RATE = 4e-4


def budgeted(preset: Preset, crop: int, batch: int) -> Preset:
    """Give a preset the common crops, degradation and a generator that a CPU can train from nothing."""
    settings = preset.model_dump()
    settings["base"] = None
    settings["degradation"] = Degradation().model_dump()
    settings["data"] |= {"crop": crop, "batch": batch}
    settings["adversarial"] |= {"features": 32, "dense": min(256, preset.adversarial.dense), "steps": 1}
    settings["ema"], settings["warmup"] = 0.99, 10
    # The published weights stay; only the stages become equal parts of a short training.
    first, *others = [stage | {"share": 1} for stage in settings["stages"]]
    settings["stages"] = [first | {"learning_rate": FIRST_STAGE_RATE}, *others]
    if preset.generator.architecture == "rrdbnet":
        settings["generator"] |= {"blocks": 3}
    return Preset.model_validate(settings)


def train_all(textures: Path, output: Path, steps: int, crop: int, batch: int) -> dict[str, Path]:
    """Train every method, or take what an earlier run finished."""
    models: dict[str, Path] = {}
    for title, name in SEEDS.items():
        model = output / name / f"{title}.safetensors"
        if not model.is_file():
            print(f"{title}: {steps} steps", file=sys.stderr)
            preset = budgeted(load_preset(name), crop, batch)
            folder = output / name
            job = TrainingJob(
                textures, folder, preset, name=title, steps=steps, validate_every=steps, validate_on=2
            )
            finetune(job)
        models[title] = model
    return models


def table(evaluation: Evaluation) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| | " + " | ".join(METRICS) + " |", "| --- |" + " --- |" * len(METRICS)]
    for measured in evaluation.measured:
        cells = [f"{measured.scores[m]:.3f}" if m in measured.scores else "-" for m in METRICS]
        lines.append(f"| {measured.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def save_rows(path: Path, evaluation: Evaluation, *, side: int = 64) -> None:
    """Write the sheet of an evaluation, each picture's top left `side` x `side` pixels at 200 %."""
    rows = [[repeat(np.ascontiguousarray(one[:side, :side]), 2) for one in row] for row in evaluation.rows]
    save_sheet(path, evaluation.titles, rows, side=2 * side)


def main() -> None:
    """Train, measure, and write table, figures and sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--textures", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("build/seeds"))
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--crop", type=int, default=24)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--limit", type=int, default=24)
    parser.add_argument("--show", type=Path, help="textures for the sheet (default: the held-out ones)")
    chosen = parser.parse_args()
    models = train_all(chosen.textures, chosen.output, chosen.steps, chosen.crop, chosen.batch)
    weights = [str(path) for path in models.values()]
    held_out = degraded(chosen.held_out, Degradation(), seed=0, limit=chosen.limit)
    evaluation = evaluate(held_out, weights, seed=0)
    (chosen.output / "seeds.json").write_text(json.dumps(evaluation.as_json(), indent=2) + "\n")
    shown = (
        evaluate(degraded(chosen.show, Degradation(), seed=0), weights, seed=0) if chosen.show else evaluation
    )
    save_rows(chosen.output / "seeds.png", shown)
    print(table(evaluation))


if __name__ == "__main__":
    main()
