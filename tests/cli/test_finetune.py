"""`texpipe finetune`, from the command line."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from texpipe.cli.console import Console
from texpipe.cli.finetune import finetune
from texpipe.errors import GuardError, Interrupted, RecipeError, SourceError

pytestmark = pytest.mark.usefixtures("one_thread", "no_downloads")

PRESET = """
name: tiny
generator: {architecture: rrdbnet, blocks: 1, features: 4, growth: 2}
data: {crop: 8, batch: 1}
stages: [{name: all, share: 1, learning_rate: 0.001, losses: {l1: 1}}]
steps: 2
"""


@pytest.fixture
def textures(tmp_path: Path) -> Path:
    folder = tmp_path / "textures"
    folder.mkdir()
    for i in range(2):
        pixels = np.random.default_rng(i).integers(0, 256, (48, 48, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"t{i}.png")
    return folder


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(PRESET)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(finetune, [str(argument) for argument in arguments], obj=Console())


def test_a_short_training_ends_with_a_model_and_can_be_resumed(
    textures: Path, preset: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    done = run("--textures", textures, "--preset", preset, "--output", output, "--name", "mine", "--json",
               "--device", "cpu")  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["steps"], report["model"]) == (2, str(output / "mine.safetensors"))
    assert report["after"]["psnr_y"] > 0
    assert "wrote" in done.stderr
    phases = [line.removesuffix(" ...") for line in done.stderr.splitlines() if line.endswith(" ...")]
    assert [name for name in phases if "fetching" not in name] == [
        "collecting textures",
        "preparing",
        "training",
        "judging",
    ]
    assert "training: " in done.stderr, "each with its time"
    assert str(output / "step-000002" / "sheet.png") in done.stderr
    assert f"--model {output / 'mine.safetensors'}" in done.stderr
    resumed = run("--textures", textures, "--preset", preset, "--output", output, "--steps", 3, "--resume",
                  "--device", "cpu")  # fmt: skip
    assert resumed.exit_code == 0, resumed.output
    assert (output / "step-000003").is_dir()


def test_a_result_worse_than_its_base_ends_with_code_8(textures: Path, preset: Path, tmp_path: Path) -> None:
    run("--textures", textures, "--preset", preset, "--output", tmp_path / "a", "--device", "cpu")
    ruinous = tmp_path / "ruin.yaml"
    ruinous.write_text(PRESET.replace("0.001", "10") + "ema: 0\nwarmup: 0\n")
    base = tmp_path / "a" / "finetuned.safetensors"
    done = run(
        "--textures", textures, "--preset", ruinous, "--base", base, "--output", tmp_path / "b", "--steps", 1
    )
    assert isinstance(done.exception, GuardError)
    assert done.exception.exit_code == 8
    assert done.exception.hint


def test_a_sheet_alone_starts_no_training(textures: Path, tmp_path: Path) -> None:
    done = run("--textures", textures, "--sheet", tmp_path / "sheet.png")
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width > 5 * 256
    assert not (tmp_path / "build").exists()


def test_an_unknown_preset_and_a_missing_folder_are_refused(textures: Path, tmp_path: Path) -> None:
    assert isinstance(run("--textures", textures, "--preset", "nonsense").exception, RecipeError)
    missing = run("--textures", tmp_path / "nowhere", "--preset", "srresnet", "--output", tmp_path / "o")
    assert isinstance(missing.exception, SourceError)


def test_options_replace_values_of_the_preset(textures: Path, preset: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = run("--textures", textures, "--preset", preset, "--output", output, "--crop", 4, "--batch", 2,
               "--steps", 1, "--device", "cpu")  # fmt: skip
    assert done.exit_code == 0, done.output
    kept = (output / "step-000001" / "preset.yaml").read_text()
    assert "crop: 4" in kept
    assert "batch: 2" in kept


def test_ctrl_c_ends_a_training_after_the_step_with_a_checkpoint(
    textures: Path,
    preset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def press(seconds: float) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return ""

    monkeypatch.setattr("texpipe.cli.finetune.clock", press)
    output = tmp_path / "out"
    done = run(
        "--textures", textures, "--preset", preset, "--output", output, "--steps", 3, "--device", "cpu"
    )
    assert isinstance(done.exception, Interrupted)
    assert (output / "step-000001").is_dir()
    assert not (output / "step-000002").exists()
    assert "press Ctrl-C again to stop at once" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_preview_shows_the_newest_sheet_and_is_opened_once(
    textures: Path, preset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("texpipe.cli.phases.click.launch", opened.append)
    output = tmp_path / "out"
    done = run("--textures", textures, "--preset", preset, "--output", output, "--validate-every", 1, "--preview",
               "--device", "cpu")  # fmt: skip
    assert done.exit_code == 0, done.output
    page = output / "preview.html"
    assert opened == [page.resolve().as_uri()]
    assert 'src="step-000002/sheet.png"' in page.read_text("utf-8")
    assert (output / "step-000002" / "sheet.png").is_file()
