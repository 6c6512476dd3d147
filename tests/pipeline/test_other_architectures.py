"""Models of other architectures through the whole pipeline, by the real command: borders, safety, and what is said."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from dumps import dump, texture, tree, write_recipe
from safetensors.torch import save_file
from zoo import ZOO, needs_spandrel, weights

from texpipe.imaging.image_files import decode, encode_png
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options

pytestmark = [needs_spandrel(), pytest.mark.usefixtures("one_thread")]

Texpipe = Callable[..., "subprocess.CompletedProcess[str]"]

EDGES = {"wrapped": "wrap", "one axis": "{x: wrap, y: clamp}", "mirrored": "mirror"}


def run(
    folder: Path, model: str, scale: int, pictures: Mapping[str, Sequence[np.ndarray]]
) -> dict[str, np.ndarray]:
    """Upscale textures by the whole pipeline, each for itself, without what comes after the network.

    Args:
        folder: an empty one.
        model: a file.
        scale: of the results.
        pictures: a name in `EDGES` -> textures with such edges.

    Returns:
        The results by that name and the texture's number.
    """
    rules = [f"{{match: {{folder: {edges}}}, edges: {EDGES[edges]}}}" for edges in pictures]
    for edges, some in pictures.items():
        (folder / "dump" / edges).mkdir(parents=True)
        for number, picture in enumerate(some):
            file = folder / "dump" / edges / f"{number}.png"
            file.write_bytes(encode_png(np.ascontiguousarray(picture)))
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        "version: 1\nname: t\ninput: dump\noutput: out\ntargets: [folder]\ncolour: 'off'\nmirrored: 'off'\n"
        f"variants: 'off'\nscale: {scale}\nmodel: {model}\nrules: [{', '.join(rules)}]\n"
    )
    result = run_recipe(load_options(recipe, device="cpu", precision="fp32"))
    return {
        entry.source: decode((result.output / entry.outputs[0].path).read_bytes(), name="a.png")[0].astype(
            int
        )
        for entry in result.manifest.textures
    }


def turned(picture: np.ndarray, edges: str, step: int, scale: int = 1) -> np.ndarray:
    """Return a picture rolled by a step where it wraps, or seen from behind where it is mirrored."""
    if edges == "mirrored":
        return picture[:, ::-1]
    down = step if edges == "wrapped" else 0
    return np.roll(picture, (down * scale, step * scale), (0, 1))


@pytest.mark.parametrize("name", [name for name, kind in ZOO.items() if kind.multiple])
def test_a_rolled_or_flipped_texture_has_the_rolled_or_flipped_result(name: str, tmp_path: Path) -> None:
    """By any number of texels where borders are exact at any size, else by the multiple that they are exact at."""
    save_file(weights(name), tmp_path / "model.safetensors")
    multiple, scale = ZOO[name].multiple or 1, 1 if ZOO[name].scale == 1 else 4
    step = 5 if multiple == 1 else multiple
    one = texture(3, (max(16, 2 * multiple), max(16, multiple)))
    # Mirrored textures are twice as large to the network: of windows of 32 and more those are left out.
    some = [edges for edges in EDGES if edges != "mirrored" or multiple <= 16]
    pictures = {edges: (one, turned(one, edges, step)) for edges in some}
    made = run(tmp_path, str(tmp_path / "model.safetensors"), scale, pictures)
    for edges in some:
        once, found = made[f"{edges}/0.png"], made[f"{edges}/1.png"]
        assert once.std() > 1, edges
        assert np.abs(found - turned(once, edges, step, scale)).max() <= 1, edges  # rounding to 8 bits


@pytest.mark.parametrize("name", ["RealPLKSR", "RealPLKSR, DySample"])
def test_textures_that_share_a_batch_are_what_each_is_alone(name: str, tmp_path: Path) -> None:
    save_file(weights(name), tmp_path / "model.safetensors")
    some = [texture(number, (12, 20)) for number in range(5)]
    together = run(tmp_path / "all", str(tmp_path / "model.safetensors"), 4, dict.fromkeys(EDGES, some))
    for number in (0, 4):
        pictures = {edges: [some[number]] for edges in EDGES}
        alone = run(tmp_path / str(number), str(tmp_path / "model.safetensors"), 4, pictures)
        for edges in EDGES:
            np.testing.assert_array_equal(alone[f"{edges}/0.png"], together[f"{edges}/{number}.png"])
    assert not np.array_equal(together["wrapped/0.png"], together["one axis/0.png"])


@pytest.mark.parametrize("name", ["Compact", "SwinIR"])
def test_the_command_takes_such_a_model_and_ends_the_same_twice(
    name: str, tmp_path: Path, texpipe: Texpipe
) -> None:
    torch.save(weights(name), tmp_path / "model.pth")
    dump(tmp_path / "dump", 5, (16, 8))
    recipe = write_recipe(tmp_path, "model: model.pth\n")
    first = texpipe("run", recipe, "--device", "cpu")
    assert first.returncode == 0, first.stderr
    once = tree(tmp_path / "out")
    again = texpipe("run", recipe, "--device", "cpu")
    assert "5 from earlier runs" in again.stderr
    assert tree(tmp_path / "out") == once
    other = texpipe("run", recipe, "--device", "cpu", "--output", tmp_path / "other")
    assert other.returncode == 0
    assert tree(tmp_path / "other", ("run.json", "journal", "checked", "finished")).keys() == once.keys()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["model"]["name"] == "model"


def test_show_tells_the_architecture_and_the_certificate(tmp_path: Path, texpipe_here: Texpipe) -> None:
    for name, words in (("SPAN", "borders exact"), ("SwinIR", "borders exact at multiples of 8")):
        save_file(weights(name), tmp_path / f"{name}.safetensors", {"licence": "CC-BY-NC-SA-4.0"})
        shown = texpipe_here("models", "show", tmp_path / f"{name}.safetensors")
        assert shown.returncode == 0, shown.stderr
        assert words in shown.stdout + shown.stderr
        assert f"type {name}" in shown.stdout + shown.stderr
        facts = json.loads(texpipe_here("models", "show", tmp_path / f"{name}.safetensors", "--json").stdout)
        assert facts["borders"] == words
        assert facts["architecture"]["type"] == name


def test_a_converted_model_is_the_same_network(tmp_path: Path, texpipe_here: Texpipe) -> None:
    torch.save({"params": weights("SwinIR")}, tmp_path / "model.pth")
    done = texpipe_here("models", "convert", tmp_path / "model.pth", tmp_path / "model.safetensors")
    assert done.returncode == 0, done.stderr
    shown = json.loads(texpipe_here("models", "show", tmp_path / "model.safetensors", "--json").stdout)
    assert shown["architecture"]["type"] == "SwinIR"
    assert shown["notes"]["converted_from"].startswith("model.pth")


def test_a_model_that_is_added_has_a_name(
    tmp_path: Path, texpipe_here: Texpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    torch.save(weights("SPAN"), tmp_path / "2x_Some.pth")
    done = texpipe_here("models", "add", tmp_path / "2x_Some.pth", "--name", "some")
    assert done.returncode == 0, done.stderr
    assert "type SPAN" in done.stdout + done.stderr
    assert "borders exact" in done.stdout + done.stderr
    assert (tmp_path / "data" / "texpipe" / "models" / "some.safetensors").is_file()
    before = tree(tmp_path / "data")
    again = texpipe_here("models", "add", tmp_path / "2x_Some.pth", "--name", "some")
    assert again.returncode == 2
    assert tree(tmp_path / "data") == before
    assert texpipe_here("models", "add", tmp_path / "2x_Some.pth", "--name", "../some").returncode == 2
    dump(tmp_path / "dump", 2, (8, 8))
    ran = texpipe_here("run", write_recipe(tmp_path, "model: some\n"), "--device", "cpu")
    assert ran.returncode == 0, ran.stderr


def test_the_licence_is_told_before_the_download(
    tmp_path: Path, texpipe_here: Texpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    shown = texpipe_here("models", "show", "realesr-animevideov3-x4")
    assert shown.returncode == 0, shown.stderr
    assert "licence BSD-3-Clause" in shown.stdout + shown.stderr
    assert "texpipe models fetch" in shown.stdout + shown.stderr


class _Command:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch trapped",)


COMMANDS = {
    "run": ["run", "recipe.yaml"],
    "run by option": ["run", "plain.yaml", "--model", "trap.pth"],
    "show": ["models", "show", "trap.pth"],
    "add": ["models", "add", "trap.pth"],
    "convert": ["models", "convert", "trap.pth", "out.safetensors"],
    "convert in trust": ["models", "convert", "trap.pth", "out.safetensors", "--trust"],
    "interpolate": ["models", "interpolate", "trap.pth", "trap.pth", "0.5", "-o", "out.safetensors"],
    "export": ["models", "export", "trap.pth", "--onnx", "out.onnx"],
    "compare": ["compare", "plain.yaml", "--model", "trap.pth", "--model", "./trap.pth"],
    "evaluate": ["evaluate", "--textures", "dump", "--model", "trap.pth"],
    "finetune": ["finetune", "--textures", "dump", "--base", "trap.pth", "--output", "tuned"],
}


@pytest.mark.parametrize("name", ["Compact", "SPAN"])
@pytest.mark.parametrize("how", COMMANDS)
def test_a_pth_that_would_run_something_runs_nothing_by_any_path(
    how: str, name: str, tmp_path: Path, texpipe_here: Texpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"params": weights(name), "trap": _Command()}, "trap.pth")
    dump(tmp_path / "dump", 8, (64, 64))
    plain = write_recipe(tmp_path)
    plain.rename(tmp_path / "plain.yaml")
    write_recipe(tmp_path, "model: trap.pth\n")
    done = texpipe_here(*COMMANDS[how])
    assert not Path("trapped").exists()
    assert done.returncode == 4, done.stderr
    assert "could run code" in done.stderr
