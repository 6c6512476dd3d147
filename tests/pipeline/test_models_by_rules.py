"""One run with several models: named by rules and presets, in chains, killed and finished, and said in the manifest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from dumps import dump, tree, write_recipe
from safetensors.torch import save_file
from zoo import needs_spandrel, weights

from texpipe.errors import ModelError
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.licence_terms import strictest
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.options import RunOptions
from texpipe.output.result import RunResult
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options

pytestmark = pytest.mark.usefixtures("one_thread")

Texpipe = Callable[..., "subprocess.CompletedProcess[str]"]

RULES = """model: esrgan.safetensors
models: {small: compact.safetensors, fast: {model: [span.pth]}}
rules:
  - {match: {name: "*#0000100[0-3]#*"}, model: small}
  - {match: {name: "*#0000100[4-7]#*"}, model: fast}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve textures, and a model of each architecture: four textures for each."""
    dump(tmp_path / "dump", 12, (16, 16))
    save_model(tmp_path / "esrgan.safetensors", 7)
    save_file(weights_of_compact(), tmp_path / "compact.safetensors", {"licence": "BSD-3-Clause"})
    return tmp_path


def save_model(path: Path, seed: int, scale: int = 4, licence: str = "MIT") -> None:
    torch.manual_seed(seed)
    network = RRDBNet(num_feat=8, num_block=1, num_grow_ch=4, scale=scale)
    save_safetensors(path, network.state_dict(), {"licence": licence})


def weights_of_compact(seed: int = 1) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    shapes = {"0": (8, 3, 3, 3), "1": (8,), "2": (8, 8, 3, 3), "3": (8,), "4": (48, 8, 3, 3)}
    state = {f"body.{number}.weight": 0.1 * torch.randn(shape) for number, shape in shapes.items()}
    return state | {f"body.{n}.bias": torch.zeros(shapes[n][0]) for n in ("0", "2", "4")}


def options(recipe: Path, output: Path | None = None, **more: object) -> RunOptions:
    return load_options(recipe, output=output, device="cpu", precision="fp32", **more)  # type: ignore[arg-type]


def run(recipe: Path, output: Path | None = None, **more: object) -> RunResult:
    return run_recipe(options(recipe, output, **more))


def made_by(result: RunResult) -> dict[str, str]:
    """Return the digest of each texture's file."""
    return {entry.source: entry.outputs[0].sha256 for entry in result.manifest.textures}


@needs_spandrel()
def test_a_killed_run_of_three_models_ends_in_the_same_bytes(folder: Path) -> None:
    """One of them is texpipe-x4 as it is shipped; one model is done when the run is killed."""
    recipe = three_architectures(folder)
    whole = folder / "whole"
    assert run(recipe, whole).computed == 12
    kept = kill(recipe, folder / "out" / ".store", 5)
    finished = run(recipe)
    assert finished.cached >= kept >= 5
    assert finished.computed + finished.cached == 12
    assert tree(folder / "out") == tree(whole)


@needs_spandrel()
def test_another_model_for_one_rule_computes_that_rules_textures_alone(folder: Path) -> None:
    recipe = three_architectures(folder)
    first = made_by(run(recipe))
    save_file(weights_of_compact(2), folder / "other.safetensors")
    recipe.write_text(recipe.read_text().replace("small: compact", "small: other"))
    again = run(recipe)
    assert (again.computed, again.cached) == (4, 8)
    changed = {name for name, digest in made_by(again).items() if first[name] != digest}
    assert changed == {name for name in first if any(f"#0000100{n}#" in name for n in range(4))}
    three_architectures(folder)
    assert run(recipe).computed == 0  # the store has both


def three_architectures(folder: Path) -> Path:
    """Write a recipe of a Compact, a SPAN, and texpipe-x4 for the rest."""
    torch.save(weights("SPAN"), folder / "span.pth")
    rules = RULES.replace("[span.pth]", "span.pth").replace("esrgan.safetensors", "texpipe-x4")
    return write_recipe(folder, f"{rules}scale: 2\n")


def kill(recipe: Path, store: Path, least: int) -> int:
    """Run a recipe until its store has some results, kill it, and return how many there are."""
    command = [sys.executable, "-m", "texpipe", "run", str(recipe), "--device", "cpu", "--precision", "fp32"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ) as process:
        until = time.monotonic() + 200
        while process.poll() is None and len(results(store)) < least and time.monotonic() < until:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    return len(results(store))


def results(store: Path) -> list[Path]:
    """Return the whole results in a store: what is noted of one is written after its picture."""
    return list(store.rglob("[0-9a-f][0-9a-f]/*.json"))


def test_a_result_depends_on_the_weights_and_not_on_who_named_them(folder: Path) -> None:
    """The recipe's model, a rule's, or the command line's: one result, computed once."""
    plain = write_recipe(folder, "model: compact.safetensors\n")
    first = run(plain)
    by_rule = write_recipe(
        folder, "model: esrgan.safetensors\nrules: [{match: {}, model: compact.safetensors}]\n"
    )
    second = run(by_rule)
    assert second.computed == 0
    assert made_by(second) == made_by(first)
    by_option = run(write_recipe(folder, ""), model=str(folder / "compact.safetensors"))
    assert by_option.computed == 0


def test_a_chain_is_one_model_after_the_other(folder: Path) -> None:
    save_model(folder / "clean.safetensors", 3, scale=1)
    alone = made_by(run(write_recipe(folder, "model: compact.safetensors\n")))
    chained = run(write_recipe(folder, "model: [clean.safetensors, compact.safetensors]\n"))
    assert chained.computed == 12
    assert chained.manifest.model.name == "compact"
    assert [one.name for one in chained.manifest.models] == ["clean", "compact"]
    assert all(made_by(chained)[name] != digest for name, digest in alone.items())


def test_duplicates_under_rules_of_different_models_are_no_duplicates(folder: Path) -> None:
    names = sorted(path.name for path in (folder / "dump").iterdir())
    (folder / "dump" / names[1]).write_bytes((folder / "dump" / names[0]).read_bytes())
    recipe = write_recipe(
        folder,
        f"model: esrgan.safetensors\nrules: [{{match: {{name: '{names[1]}'}}, model: compact.safetensors}}]\n",
    )
    result = run(recipe)
    made = made_by(result)
    assert made[names[0]] != made[names[1]]
    assert result.manifest.summary.duplicates == 0


def test_the_manifest_names_all_models_and_the_strictest_licence(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_file(weights_of_compact(), folder / "compact.safetensors", {"licence": "CC-BY-NC-SA-4.0"})
    recipe = write_recipe(folder, RULES.replace("fast: {model: [span.pth]}", "fast: esrgan.safetensors"))
    result = run(recipe)
    assert "compact, CC-BY-NC-SA-4.0, forbids commercial use" in caplog.text
    written = json.loads((folder / "out" / "manifest.json").read_text())
    assert [one["name"] for one in written["models"]] == ["esrgan", "compact"]
    assert written["model"] == written["models"][0]
    assert written["licence"] == "CC-BY-NC-SA-4.0"
    assert result.computed == 12


def test_a_run_of_one_model_says_nothing_of_several(folder: Path) -> None:
    run(write_recipe(folder, "model: esrgan.safetensors\n"))
    written = json.loads((folder / "out" / "manifest.json").read_text())
    assert "models" not in written
    assert list(written["model"]) == ["name", "sha256", "licence"]


def test_strictness_of_licences() -> None:
    assert strictest(["MIT", "CC0-1.0"]) == "MIT"
    assert strictest(["MIT", "CC-BY-SA-4.0", "Apache-2.0"]) == "CC-BY-SA-4.0"
    assert strictest(["GPL-3.0", "CC-BY-NC-SA-4.0"]) == "CC-BY-NC-SA-4.0"
    assert strictest(["CC-BY-NC-SA-4.0", None]) is None
    assert strictest([]) is None


def test_a_missing_model_of_a_rule_is_an_error_before_the_run(folder: Path) -> None:
    recipe = write_recipe(folder, "model: esrgan.safetensors\nrules: [{match: {}, model: letters-x4}]\n")
    with pytest.raises(ModelError, match="no model is called letters-x4"):
        run(recipe)
    assert not (folder / "out").exists()


def test_detail_is_for_rules_whose_model_has_a_dial(folder: Path) -> None:
    recipe = write_recipe(
        folder, "model: esrgan.safetensors\nrules: [{match: {}, model: compact.safetensors, detail: 0.5}]\n"
    )
    with pytest.raises(ModelError, match="the model compact has no dial"):
        run(recipe)
