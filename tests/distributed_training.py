"""What each process of the two-process test runs; not a test itself."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from texpipe.train.loop.state import TrainingJob
from texpipe.train.loop.trainer import finetune
from texpipe.train.schema import Preset

torch.set_num_threads(1)
preset = Preset.model_validate(
    {
        "name": "tiny",
        "generator": {"architecture": "rrdbnet", "blocks": 1, "features": 4, "growth": 2},
        "data": {"crop": 8, "batch": 1, "held_out": 0.3},
        "stages": [{"name": "all", "share": 1, "learning_rate": 1e-3, "losses": {"l1": 1.0}}],
        "warmup": 0,
    }
)
textures, output = map(Path, sys.argv[1:])
finetune(
    TrainingJob(
        textures,
        output,
        preset,
        steps=3,
        save_every=3,
        validate_every=6,
        validate_on=1,
        perceptual=False,
        device="cpu",
    )
)
