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
from texpipe.cli.needs import FEW
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
    assert f"--model {output / 'mine.safetensors'} --sample {FEW}\n" in done.stderr
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


def write_pairs(folder: Path, count: int = 12) -> tuple[Path, Path]:
    """Pairs whose originals are their textures, repeated; one original is another picture."""
    small, large = folder / "lr", folder / "hr"
    small.mkdir()
    large.mkdir()
    for number in range(count + 1):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), np.uint8)
        other = np.random.default_rng(99).integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(pixels).save(small / f"{number}.png")
        made = (other if number == count else pixels).repeat(4, 0).repeat(4, 1)
        Image.fromarray(made).save(large / f"{number}.png")
    Image.fromarray(pixels).save(small / "alone.png")
    return small, large


def test_pairs_are_trained_on_and_what_does_not_fit_is_named(
    preset: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small, large = write_pairs(tmp_path)
    output = tmp_path / "out"
    done = run("--pairs", small, large, "--preset", preset, "--output", output, "--device", "cpu", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["steps"] == 2
    assert f"1 files in {small} have no partner" in caplog.text
    assert "left out 12.png: another picture" in caplog.text
    events = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    (pairs,) = [one for one in events if one["event"] == "pairs"]
    assert (pairs["usable"], pairs["held_out"], pairs["without_partner"]) == (12, 2, [1, 0])
    assert [one["file"] for one in events if one["event"] == "skipped"] == ["12.png"]


def test_pairs_judge_also_beside_textures_and_a_worse_result_ends_with_code_8(
    textures: Path, preset: Path, tmp_path: Path
) -> None:
    pairs = write_pairs(tmp_path)
    first = run("--textures", textures, "--preset", preset, "--output", tmp_path / "a", "--device", "cpu")
    assert first.exit_code == 0, first.output
    ruinous = tmp_path / "ruin.yaml"
    ruinous.write_text(PRESET.replace("0.001", "10") + "ema: 0\nwarmup: 0\n")
    output = tmp_path / "b"
    done = run("--textures", textures, "--pairs", *pairs, "--preset", ruinous, "--output", output,
               "--base", tmp_path / "a" / "finetuned.safetensors", "--steps", 1, "--device", "cpu")  # fmt: skip
    assert isinstance(done.exception, GuardError)
    assert done.exception.exit_code == 8
    assert (output / "finetuned-rejected.safetensors").is_file()
    card = json.loads((output / "finetuned-rejected.json").read_text())
    assert len(card["sections"]["data"]) == 2
    assert card["sections"]["held_out_metrics"]["pictures"] == 2


def test_without_textures_and_pairs_there_is_nothing_to_train_on(tmp_path: Path) -> None:
    done = run("--output", tmp_path / "out")
    assert done.exit_code == 2
    assert "--textures, --pairs, or both" in done.output


def test_a_sheet_of_pairs_shows_whether_they_belong_together(tmp_path: Path) -> None:
    done = run("--pairs", *write_pairs(tmp_path), "--sheet", tmp_path / "sheet.png")
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width >= 3 * 48


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

    monkeypatch.setattr("texpipe.cli.training_bar.clock", press)
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
