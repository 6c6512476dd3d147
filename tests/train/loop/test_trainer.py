"""The trainer, on a net of a few hundred weights and pictures of 32x32."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pages import REPOSITORY
from PIL import Image

from texpipe.errors import GuardError, Interrupted, ModelError, PackError, SourceError, UsageError
from texpipe.networks import checkpoint
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.texture import Edges
from texpipe.train import generators
from texpipe.train.loop import preparation
from texpipe.train.loop.checkpoints import STATE, load_state
from texpipe.train.loop.state import TrainingJob, TrainingProgress, new_state
from texpipe.train.loop.steps import keep_body_in_eval_mode
from texpipe.train.loop.trainer import exploded, finetune
from texpipe.train.losses import terms
from texpipe.train.presets import load_preset, preset_names
from texpipe.train.schema import Generator, Preset, Stage

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"architecture": "rrdbnet", "blocks": 1, "features": 4, "growth": 2}
CHECKPOINT = {STATE, "model.safetensors", "preset.yaml"}
VALIDATED = CHECKPOINT | {"metrics.json", "sheet.png"}


ROUNDING = 1e-4
"""What bf16, where the processor has it, may change in weights that moved by a thousandth per step."""


@pytest.fixture
def textures(tmp_path: Path) -> Path:
    folder = tmp_path / "textures"
    folder.mkdir()
    for i in range(6):
        save_noise(folder / f"noise{i}.png", seed=i)
    return folder


def save_noise(path: Path, seed: int, size: tuple[int, int] = (32, 32)) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)


def preset(**changes: object) -> Preset:
    plain = {
        "name": "tiny",
        "generator": TINY,
        "data": {"crop": 8, "batch": 2, "held_out": 0.3},
        "stages": [{"name": "all", "share": 1, "learning_rate": 1e-3, "losses": {"l1": 1.0}}],
        "warmup": 0,
    }
    return Preset.model_validate(plain | changes)


def job(textures: Path, output: Path, **changes: object) -> TrainingJob:
    settings: dict[str, object] = {"preset": preset(), "steps": 6, "save_every": 3, "validate_every": 6}
    settings |= {"validate_on": 1, "perceptual": False, "device": "cpu"} | changes
    return TrainingJob(textures=textures, output=output, **settings)


def base_model(folder: Path) -> Path:
    torch.manual_seed(1)
    path = folder / "base.safetensors"
    checkpoint.save_safetensors(path, RRDBNet(3, 3, 4, 4, 1, 2).state_dict(), {})
    return path


def weights_of(output: Path, step: int) -> dict[str, torch.Tensor]:
    return load_state(output / f"step-{step:06d}")["generator"]


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def events(output: Path, kind: str) -> list[dict]:
    lines = (output / "log.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def test_six_steps_write_exactly_the_documented_files(textures: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    seen = []
    outcome = finetune(job(textures, output), seen.append)
    top = {path.name for path in output.iterdir() if path.name != "tensorboard"}
    model = {"finetuned.safetensors", "finetuned.json", "finetuned.md"}
    assert top == {"log.jsonl", "step-000003", "step-000006"} | model
    assert {path.name for path in (output / "step-000003").iterdir()} == CHECKPOINT
    assert {path.name for path in (output / "step-000006").iterdir()} == VALIDATED
    assert [p.step for p in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[-1].seconds_left == 0
    assert outcome.model == output / "finetuned.safetensors"
    steps = events(output, "step")
    assert [event["step"] for event in steps] == [1, 2, 3, 4, 5, 6]
    assert {"loss", "l1", "rate", "gradient/conv_last", "gradient/conv_hr"} <= steps[0].keys()


def test_the_result_is_a_model_that_run_takes(textures: Path, tmp_path: Path) -> None:
    outcome = finetune(job(textures, tmp_path / "out"))
    assert outcome.model is not None
    loaded = checkpoint.load(outcome.model)
    assert loaded.metadata["preset"] == "tiny"
    assert loaded.network.architecture.scale == 4
    card = json.loads(outcome.model.with_suffix(".json").read_text())
    assert card["sha256"] == loaded.sha256
    assert float(card["sections"]["held_out_metrics"]["psnr_y"]) == pytest.approx(
        outcome.after["psnr_y"], abs=1e-3
    )


@pytest.mark.parametrize("adversarial", [False, True])
def test_resumed_training_equals_uninterrupted_bit_for_bit(
    textures: Path, tmp_path: Path, adversarial: bool
) -> None:
    changes: dict[str, object] = {}
    if adversarial:
        mixed = {"l1": 1.0, "adversarial": 0.1}
        changes["stages"] = [{"name": "gan", "share": 1, "learning_rate": 1e-3, "losses": mixed}]
        changes["adversarial"] = {"loss": "bce", "discriminator": "strided", "features": 4, "dense": 4}
    settings = {"preset": preset(**changes), "steps": 4, "save_every": 2, "validate_every": 2}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    finetune(job(textures, whole, **settings))

    steps: list[int] = []

    def note(progress: TrainingProgress) -> None:
        steps.append(progress.step)

    with pytest.raises(Interrupted, match="step 2"):
        finetune(job(textures, parts, **settings), note, lambda: 2 in steps)
    assert not (parts / "finetuned.safetensors").exists()
    finetune(job(textures, parts, **settings, resume=True))
    assert same(weights_of(whole, 4), weights_of(parts, 4))
    assert (whole / "finetuned.safetensors").read_bytes() == (parts / "finetuned.safetensors").read_bytes()
    assert not same(weights_of(whole, 2), weights_of(whole, 4))


def test_two_processes_equal_one_with_twice_the_batch(textures: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    script = REPOSITORY / "tests" / "distributed_training.py"
    finetune(
        job(
            textures, one, preset=preset(data={"crop": 8, "batch": 2, "held_out": 0.3}), steps=3, save_every=3
        )
    )
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        str(script),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [*command, str(textures), str(two)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for name, weight in weights_of(one, 3).items():
        torch.testing.assert_close(weights_of(two, 3)[name], weight, atol=ROUNDING, rtol=1e-4)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_runs_two_steps(
    name: str, textures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random_ones = {"dists": {"alpha": torch.ones(1475), "beta": torch.ones(1475)}}
    # Random features instead of fetched ones.
    monkeypatch.setattr(preparation, "needed_weights", random_ones.get)
    chosen = load_preset(name).model_dump()
    chosen["base"] = None
    if chosen["teacher"]["model"]:
        chosen["teacher"]["model"] = str(base_model(tmp_path))
    chosen["generator"] |= {"blocks": 1, "features": 4, "growth": 2}
    chosen["data"] |= {"crop": 8, "batch": 2}
    chosen["adversarial"] |= {"features": 4, "dense": 4}
    chosen["stages"] = [stage | {"share": 1} for stage in chosen["stages"]]
    output = tmp_path / "out"
    finetune(job(textures, output, preset=Preset.model_validate(chosen), steps=2))
    assert [event["stage"] for event in events(output, "step")] == (
        [stage["name"] for stage in chosen["stages"]] * (3 - len(chosen["stages"]))
    )
    assert generators.scale_of(generators.load(str(output / "finetuned.safetensors")).network) == 4


def test_the_guard_keeps_a_base_that_is_better(textures: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    ruinous = preset(
        base=str(base_model(tmp_path)),
        stages=[{"name": "ruin", "share": 1, "learning_rate": 10.0, "losses": {"mse": 1.0}}],
        ema=0,
    )
    with pytest.raises(GuardError, match="not better") as caught:
        finetune(job(textures, output, preset=ruinous, steps=1))
    assert caught.value.exit_code == 8
    assert (output / "finetuned-rejected.safetensors").is_file()
    assert not (output / "finetuned.safetensors").exists()


def test_the_guard_lets_a_better_model_through(textures: Path, tmp_path: Path) -> None:
    base = str(base_model(tmp_path))
    outcome = finetune(job(textures, tmp_path / "out", preset=preset(base=base), steps=20))
    assert outcome.after["l1"] < outcome.before["l1"]
    assert outcome.verdict.startswith("better")


def test_a_faster_model_keeps_so_many_blocks_of_its_base(textures: Path, tmp_path: Path) -> None:
    whole = dict(TINY, blocks=3)
    base = finetune(job(textures, tmp_path / "base", preset=preset(generator=whole), steps=1)).model
    wanted, output = preset(base=str(base), keep_blocks=2), tmp_path / "out"
    job_of_two = job(textures, output, preset=wanted, steps=2, save_every=1)
    outcome = finetune(job_of_two)
    assert outcome.verdict.startswith(("better", "faster and not worse"))
    assert generators.load(str(outcome.model)).network.architecture.num_block == 2
    # Going on chooses the same blocks.
    for folder in (output / "step-000002", *output.glob("finetuned.*")):
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    again = finetune(replace(job_of_two, resume=True))
    assert again.after == outcome.after


def test_an_exploding_loss_rolls_back_with_half_the_rate(
    textures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, calls = terms.reconstruction, []

    def poisoned(*arguments):
        calls.append(1)
        found = honest(*arguments)
        return {name: value * float("nan") for name, value in found.items()} if len(calls) == 5 else found

    monkeypatch.setattr(terms, "reconstruction", poisoned)
    output = tmp_path / "out"
    finetune(job(textures, output))
    (rollback,) = events(output, "rollback")
    assert (rollback["at"], rollback["to"], rollback["rate_factor"]) == (4, 3, 0.5)
    assert load_state(output / "step-000006")["counters"]["rate_factor"] == 0.5
    assert all(torch.isfinite(weight).all() for weight in weights_of(output, 6).values())


def test_every_stage_has_its_nominal_rates(textures: Path, tmp_path: Path) -> None:
    stages = [
        {"name": "psnr", "share": 1, "learning_rate": 1e-3, "losses": {"l1": 1.0}},
        {"name": "gan", "share": 1, "learning_rate": 5e-5, "losses": {"l1": 1.0, "adversarial": 0.1}},
    ]
    game = {"loss": "bce", "discriminator": "strided", "features": 4, "dense": 4, "learning_rate": 2e-4}
    chosen = preset(stages=stages, adversarial=game, warmup=2, final_rate=0.1)
    finetune(job(textures, tmp_path / "out", preset=chosen, steps=8))
    steps = events(tmp_path / "out", "step")
    # Half of it while warming up, then along the cosine over this stage's four steps: 0, 1/4, 1/2, 3/4.
    factors = [0.5, 0.868198, 0.55, 0.231802]
    assert [s["rate"] for s in steps[:4]] == pytest.approx([1e-3 * f for f in factors], rel=1e-3)
    assert [s["rate"] for s in steps[4:]] == pytest.approx([5e-5 * f for f in factors], rel=1e-3)
    assert [s["discriminator_rate"] for s in steps[4:]] == pytest.approx(
        [2e-4 * f for f in factors], rel=1e-3
    )
    assert "discriminator_rate" not in steps[3]


def test_a_loss_that_keeps_exploding_ends_the_training(
    textures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        terms, "reconstruction", lambda _, result, *rest: {"l1": result.mean() * float("inf")}
    )
    with pytest.raises(ModelError, match="exploded 6 times"):
        finetune(job(textures, tmp_path / "out"))


def test_a_frozen_body_does_not_change(textures: Path, tmp_path: Path) -> None:
    base = base_model(tmp_path)
    finetune(job(textures, tmp_path / "out", preset=preset(base=str(base)), steps=8, freeze_body=True))
    before, after = checkpoint.load(base).network.state_dict(), weights_of(tmp_path / "out", 8)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(name.startswith(("conv_first", "body.")) for name in changed)


def test_accumulated_gradients_equal_a_larger_batch(textures: Path, tmp_path: Path) -> None:
    small = {"crop": 8, "batch": 1, "accumulate": 2, "held_out": 0.3}
    finetune(job(textures, tmp_path / "a", preset=preset(data=small), steps=2))
    finetune(
        job(textures, tmp_path / "b", preset=preset(data=small | {"batch": 2, "accumulate": 1}), steps=2)
    )
    for name, weight in weights_of(tmp_path / "a", 2).items():
        torch.testing.assert_close(weights_of(tmp_path / "b", 2)[name], weight, atol=ROUNDING, rtol=1e-4)


def test_minutes_end_a_training(textures: Path, tmp_path: Path) -> None:
    outcome = finetune(job(textures, tmp_path / "out", steps=None, minutes=0.005))
    assert 1 <= outcome.steps < preset().steps


def test_an_output_folder_is_not_overwritten_by_mistake(textures: Path, tmp_path: Path) -> None:
    finetune(job(textures, tmp_path / "out", steps=1))
    with pytest.raises(UsageError, match="holds a training"):
        finetune(job(textures, tmp_path / "out", steps=1))
    with pytest.raises(ModelError, match="no checkpoint"):
        finetune(job(textures, tmp_path / "elsewhere", resume=True))
    with pytest.raises(UsageError, match="holds a training"):  # said before anything is loaded
        finetune(job(tmp_path / "nowhere", tmp_path / "out", steps=1))


def test_what_cannot_be_written_is_said_before_the_first_step(textures: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("something else")
    with pytest.raises(PackError, match="cannot write"):
        finetune(job(textures, tmp_path / "file", steps=1))
    with pytest.raises(UsageError, match="is not a file name"):
        finetune(job(textures, tmp_path / "out", steps=1, name="a/b"))


def test_folders_without_a_state_are_not_deleted(textures: Path, tmp_path: Path) -> None:
    finetune(job(textures, tmp_path / "out", steps=1))
    (tmp_path / "out" / "step-000001" / STATE).unlink()
    with pytest.raises(UsageError, match="holds a training"):
        finetune(job(textures, tmp_path / "out", steps=1))
    assert (tmp_path / "out" / "step-000001" / "model.safetensors").is_file()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "finetuned.safetensors").write_bytes(b"somebody's")
    with pytest.raises(UsageError, match=r"finetuned\.safetensors"):
        finetune(job(textures, tmp_path / "models", steps=1))


def test_a_training_goes_on_only_with_its_own_settings(textures: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    finetune(job(textures, output, steps=1))
    stages = [{"name": "all", "share": 1, "learning_rate": 1e-3, "losses": {"mse": 1.0}}]
    with pytest.raises(UsageError, match="stages"):
        finetune(job(textures, output, preset=preset(stages=stages), resume=True))
    with pytest.raises(UsageError, match=r"generator: .'blocks': 1. before, .'blocks': 2. now"):
        finetune(job(textures, output, preset=preset(generator=TINY | {"blocks": 2}), resume=True))
    with pytest.raises(UsageError, match="seed: 0 before, 5 now"):
        finetune(job(textures, output, seed=5, resume=True))
    assert finetune(job(textures, output, steps=2, resume=True)).steps == 2


def test_an_adversarial_stage_notices_an_explosion() -> None:
    stage = Stage(name="gan", share=1, losses={"l1": 2.0, "adversarial": 0.1})
    state = new_state(RRDBNet(3, 3, 4, 4, 1, 2), preset(), torch.device("cpu"))
    assert not exploded(state, stage, {"l1": 0.1, "adversarial": -500.0, "loss": -49.8})
    assert not exploded(state, stage, {"l1": 0.1, "adversarial": 9000.0, "loss": 900.2})
    assert exploded(state, stage, {"l1": 1.1, "adversarial": -50.0, "loss": -2.8})


def test_what_is_judged_is_what_is_written(tmp_path: Path) -> None:
    network = RRDBNet(3, 3, 4, 4, 1, 2)
    generators.save(tmp_path / "a.safetensors", network, network.state_dict(), {})
    loaded = checkpoint.load(tmp_path / "a.safetensors").network
    assert same(loaded.state_dict(), generators.as_shipped(network).state_dict())
    assert not same(loaded.state_dict(), network.state_dict())


def test_frozen_batch_norm_keeps_its_figures() -> None:
    network = generators.new(Generator(architecture="srresnet", blocks=1, features=4))
    network.train()
    keep_body_in_eval_mode(network)
    before = network.body[0].norm1.running_mean.clone()
    network(torch.rand(2, 3, 8, 8))
    assert torch.equal(network.body[0].norm1.running_mean, before)
    assert network.norm_body.training


@pytest.mark.parametrize("size", [(1, 3), (4, 9), (6, 2)])
def test_reflecting_networks_take_the_smallest_textures(size: tuple[int, int]) -> None:
    network = generators.new(Generator(architecture="srresnet", blocks=1, features=4, padding="reflect"))
    result = generators.upscale(network.eval(), np.zeros((*size, 3), np.float32), Edges())
    assert result.shape == (4 * size[0], 4 * size[1], 3)


def test_old_states_are_pruned_and_their_models_stay(textures: Path, tmp_path: Path) -> None:
    finetune(job(textures, tmp_path / "out", save_every=2, keep=2))
    states = sorted(path.parent.name for path in (tmp_path / "out").glob("step-*/state.pt"))
    assert states == ["step-000004", "step-000006"]
    assert (tmp_path / "out" / "step-000002" / "model.safetensors").is_file()


def test_a_poisoned_file_is_reported_and_left_out(textures: Path, tmp_path: Path) -> None:
    (textures / "poisoned.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    finetune(job(textures, tmp_path / "out", steps=1))
    (skipped,) = events(tmp_path / "out", "skipped")
    assert skipped["file"] == "poisoned.png"


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no usable texture"):
        finetune(job(tmp_path / "empty", tmp_path / "out"))


def test_one_texture_smaller_than_the_crop_is_enough(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    save_noise(folder / "small.png", 0, size=(12, 20))
    outcome = finetune(job(folder, tmp_path / "out", steps=1))
    assert outcome.model is not None
    assert events(tmp_path / "out", "caveat")[0]["text"] == "judged on the training texture itself"
    assert "judged on the training texture itself" in outcome.verdict
    assert "judged on the training texture itself" in outcome.model.with_suffix(".md").read_text()
