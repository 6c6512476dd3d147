"""A training with a teacher: from the command line's words to a pool of crops that a resumed training finds again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from texpipe.cli import texpipe
from texpipe.cli.console import exit_code_of
from texpipe.errors import Interrupted, UsageError
from texpipe.networks import checkpoint
from texpipe.networks.compact import Compact, CompactArchitecture
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.train import generators
from texpipe.train.loop.state import TrainingJob
from texpipe.train.loop.trainer import finetune
from texpipe.train.schema import Preset

pytestmark = pytest.mark.usefixtures("one_thread")


def save_noise(folder: Path, count: int, side: int) -> Path:
    folder.mkdir()
    for i in range(count):
        pixels = np.random.default_rng(i).integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"noise{i}.png")
    return folder


@pytest.fixture
def textures(tmp_path: Path) -> Path:
    return save_noise(tmp_path / "textures", 6, 32)


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    return save_noise(tmp_path / "dump", 2, 12)


def teacher(folder: Path, scale: int = 4) -> Path:
    torch.manual_seed(5)
    path = folder / f"teacher{scale}.safetensors"
    checkpoint.save_safetensors(path, RRDBNet(3, 3, scale, 4, 1, 2).state_dict(), {})
    return path


def preset(model: Path | None, **options: object) -> Preset:
    return Preset.model_validate(
        {
            "name": "pupil",
            "generator": {"architecture": "compact", "blocks": 1, "features": 4},
            "data": {"crop": 8, "batch": 2, "held_out": 0.3},
            "teacher": {"model": model and str(model), "crops": 3, "share": 1, "unlabelled": 0.5} | options,
            "stages": [{"name": "all", "share": 1, "learning_rate": 1e-3, "losses": {"l1": 1.0}}],
            "warmup": 0,
        }
    )


def job(textures: Path, output: Path, chosen: Preset, **changes: object) -> TrainingJob:
    settings: dict[str, object] = {"steps": 4, "save_every": 2, "validate_every": 4, "validate_on": 1}
    settings |= {"perceptual": False, "device": "cpu", "preset": chosen} | changes
    return TrainingJob(textures=textures, output=output, **settings)


def result(model: Path) -> dict[str, torch.Tensor]:
    return generators.load(str(model)).network.state_dict()


def test_what_the_teacher_makes_is_what_is_learnt(textures: Path, dump: Path, tmp_path: Path) -> None:
    outcomes = [
        finetune(job(textures, tmp_path / str(i), preset(model), unlabelled=dump if model else None))
        for i, model in enumerate((None, teacher(tmp_path)))
    ]
    alone, taught = (result(outcome.model) for outcome in outcomes)
    assert any(not torch.equal(alone[name], taught[name]) for name in alone)
    assert not list((tmp_path / "0").glob("teacher/*"))
    assert len(list((tmp_path / "1").glob("teacher/*/*.npz"))) == 3
    network = generators.load(str(outcomes[1].model)).network
    assert isinstance(network, Compact)
    assert network.architecture == CompactArchitecture(num_feat=4, num_conv=1)
    assert checkpoint.load(outcomes[1].model).metadata["architecture"] == "Compact"


def test_a_resumed_training_equals_an_uninterrupted_one(textures: Path, dump: Path, tmp_path: Path) -> None:
    chosen, seen = preset(teacher(tmp_path)), []
    whole = finetune(job(textures, tmp_path / "whole", chosen, unlabelled=dump))
    parts = job(textures, tmp_path / "parts", chosen, unlabelled=dump)
    with pytest.raises(Interrupted):
        finetune(parts, seen.append, lambda: len(seen) == 2)
    again = finetune(job(textures, tmp_path / "parts", chosen, unlabelled=dump, resume=True))
    assert whole.model is not None
    assert again.model is not None
    assert whole.model.read_bytes() == again.model.read_bytes()


def test_other_settings_have_a_pool_of_their_own(textures: Path, dump: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    for number, chosen in enumerate((preset(teacher(tmp_path)), preset(teacher(tmp_path), share=0.5)), 1):
        # Interrupted before its first checkpoint, a training leaves nothing but the pool.
        with pytest.raises(KeyboardInterrupt):
            finetune(job(textures, output, chosen, unlabelled=dump), _interrupt)
        assert len(list((output / "teacher").iterdir())) == number


def _interrupt(_: object) -> None:
    raise KeyboardInterrupt


def test_a_teacher_of_another_scale_is_refused(textures: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the teacher has scale 2, the preset 4"):
        finetune(job(textures, tmp_path / "out", preset(teacher(tmp_path, scale=2))))


def test_the_command_line_names_the_teacher(
    textures: Path, dump: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump(preset(None).model_dump(mode="json")))
    command = ["finetune", "--textures", textures, "--preset", plan, "--unlabelled", dump, "--device", "cpu"]
    command += ["--steps", 1, "--output", tmp_path / "out", "--quiet"]
    assert exit_code_of(texpipe, list(map(str, command))) == 2
    assert "--teacher" in capsys.readouterr().err
    command += ["--teacher", teacher(tmp_path)]
    assert exit_code_of(texpipe, list(map(str, command))) == 0
    assert len(list((tmp_path / "out" / "teacher").glob("*/*.npz"))) == 2
