"""The real command, begun on a graphics card in software and stopped, and finished by the processor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import software_gpu
from dumps import GAME, texture, tree, write_recipe

from texpipe.imaging.image_files import encode_png
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options

SIZES = ((8, 8), (8, 16), (16, 8))
"""Shapes of the textures: the card makes shaders for each, so that there is time to stop it."""


def run(folder: Path, model: Path, device: str) -> list[str]:
    asked = ["run", folder / "recipe.yaml", "--model", model, "--device", device, "--precision", "fp32"]
    return [sys.executable, "-m", "texpipe", *map(str, asked)]


def done(command: list[str], **environment: str) -> str:
    """Run a command to its end, and return what it says to people."""
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, **environment}
    )
    assert ended.returncode == 0, ended.stderr
    return " ".join(ended.stderr.split())


@pytest.mark.skipif(sys.platform == "win32", reason="stops it by a signal")
def test_a_run_begun_on_one_device_and_finished_on_another_is_told_and_kept_apart(
    tmp_path: Path, tiny_model: Path
) -> None:
    software_gpu.require()
    (tmp_path / "dump").mkdir()
    for number, size in enumerate(SIZES):
        name = f"{GAME}#{0x1000 + number:08X}#0#2_all.png"
        (tmp_path / "dump" / name).write_bytes(encode_png(texture(number, size)))
    write_recipe(tmp_path)
    store = tmp_path / "out" / ".store"

    environment = {**os.environ, **software_gpu.IN_CHILDREN}
    log = tmp_path / "log"
    with log.open("w") as stream:
        begun = subprocess.Popen(run(tmp_path, tiny_model, "webgpu"), stderr=stream, env=environment)
    until = time.monotonic() + 240
    while begun.poll() is None and not list(store.glob("??/*.json")) and time.monotonic() < until:
        time.sleep(0.02)
    begun.send_signal(signal.SIGKILL)
    assert begun.wait() == -signal.SIGKILL, log.read_text()
    assert log.read_text().startswith("Computing on software graphics by WebGPU, fp32, as asked")
    by_card = {file.name for file in store.glob("??/*.json")}
    assert 1 <= len(by_card) < len(SIZES)

    said = done(run(tmp_path, tiny_model, "cpu"))
    assert "fp32, as asked" in said
    assert "was begun by software graphics by WebGPU, fp32 and goes on by the CPU, fp32" in said
    assert f"{len(SIZES)} pictures computed, 0 from earlier runs" in said
    assert json.loads((tmp_path / "out" / "run.json").read_text())["engine"].startswith("cpu ")
    kept = {file.name for file in store.glob("??/*.json")}
    assert len(kept - by_card) == len(SIZES)  # no result of the card was taken for one of the processor
    assert by_card <= kept

    undisturbed = load_options(
        tmp_path / "recipe.yaml",
        None,
        tmp_path / "undisturbed",
        str(tiny_model),
        device="cpu",
        precision="fp32",
    )
    run_recipe(undisturbed)
    for part in ("gliden64", "manifest.json"):
        expected = tree(tmp_path / "undisturbed" / part) or (tmp_path / "undisturbed" / part).read_bytes()
        assert (tree(tmp_path / "out" / part) or (tmp_path / "out" / part).read_bytes()) == expected
