"""A run that one device begins and another one ends: told, complete, and each result under the key of its device."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dumps import GAME, dump, texture, write_recipe

from texpipe.cli import texpipe
from texpipe.cli.console import exit_code_of
from texpipe.imaging.image_files import decode, encode_png
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.upscale import accelerators, webgpu, webgpu_sessions
from texpipe.upscale.backend import spoken

TEXTURES = 5


LOST = (
    "[ONNXRuntimeError] : 1 : FAIL : buffer_manager.cc:641 Download map_async_result.status was false. Failed to "
    "download data from buffer. wgpu::MapAsyncStatus value: 4, message: [Device] is lost.\n"
)
HUNG = (
    "ID3D12Device::GetDeviceRemovedReason failed with DXGI_ERROR_DEVICE_HUNG (0x887A0006)\n - While handling"
)
NO_MEMORY = (
    "WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.\n - While"
)
WRONG = "WebGPU validation failed. [Buffer (unlabeled)] usage doesn't include BufferUsage::Storage.\n - While calling"
"""Errors in ONNX Runtime's own words, see `test_webgpu_sessions`."""


class Card:
    """ONNX Runtime's processor in the place of a card, which fails after some batches."""

    def __init__(self, session: Any, broken: Callable[[np.ndarray], str | None]) -> None:
        self._session, self._broken = session, broken
        self.get_inputs = session.get_inputs

    def run(self, names: object, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        error = self._broken(inputs["input"])
        if error is not None:
            raise RuntimeError(error)
        found: list[np.ndarray] = self._session.run(names, inputs)
        return found


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], None]:
    """Put a card here, which gives an error after some batches."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")

    def break_after(batches: int, error: str) -> None:
        calls = [0]

        def broken(planes: np.ndarray) -> str | None:
            calls[0] += planes.shape[2:] != (8, 12)  # the picture that a card is tested with
            return error if calls[0] > batches else None

        def open_session(model: bytes) -> webgpu_sessions.Run:
            providers = ["CPUExecutionProvider"]
            return webgpu_sessions.run_of(
                lambda: Card(runtime.InferenceSession(model, providers=providers), broken)
            )

        monkeypatch.setattr(webgpu_sessions, "open_session", open_session)

    monkeypatch.setattr(webgpu, "may_exist", lambda: True)
    monkeypatch.setattr(webgpu, "_probed", lambda: webgpu_sessions.Adapter("AMD Radeon RX 6700", half=False))
    gpu = replace(accelerators.accelerator("webgpu"), may_exist=lambda: True)
    monkeypatch.setattr(accelerators, "ACCELERATORS", (gpu,))
    return break_after


def make(folder: Path, model: Path, device: str) -> dict[str, np.ndarray]:
    options = load_options(folder / "recipe.yaml", None, None, str(model), device=device, precision="fp32")
    result = run_recipe(options)
    assert result.manifest.summary.written == TEXTURES
    files = sorted((folder / "out" / "gliden64").rglob("*.png"))
    return {file.name: decode(file.read_bytes(), name=file.name)[0].astype(int) for file in files}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LOST, "the graphics card stopped computing: [Device] is lost"),
        (HUNG, "the graphics card did not answer in time and was reset"),
        (NO_MEMORY, "out of memory on webgpu"),
        (WRONG, "WebGPU failed: WebGPU validation failed"),
    ],
    ids=["lost", "too slow", "too little memory", "refused"],
)
@pytest.mark.parametrize("after", [0, 2])
def test_the_processor_finishes_what_a_lost_card_begins(
    card: Callable[[int, str], None],
    error: str,
    said: str,
    after: int,
    tmp_path: Path,
    tiny_model: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dump(tmp_path / "dump", TEXTURES)
    write_recipe(tmp_path)
    card(after, error)
    found = make(tmp_path, tiny_model, "webgpu")
    (line,) = [
        one.message
        for one in caplog.records
        if one.levelno == logging.WARNING and "kept apart" in one.message
    ]
    assert line.startswith(said)
    assert "AMD Radeon RX 6700 by WebGPU, fp32" in line
    assert "the CPU, fp32" in line
    info = json.loads((tmp_path / "out" / "run.json").read_text())
    assert info["begun_by"].startswith("webgpu")
    assert info["engine"].startswith("cpu")
    assert "GPU" in json.loads((tmp_path / "out" / "manifest.json").read_text())["varies"]
    caplog.clear()
    plain = make(tmp_path, tiny_model, "cpu")
    assert plain.keys() == found.keys()
    assert max(np.abs(plain[name] - found[name]).max() for name in plain) <= 1


@pytest.mark.parametrize("after", [0, 10])
def test_the_closing_words_say_what_computed_what(
    card: Callable[[int, str], None],
    after: int,
    tmp_path: Path,
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ten batches of one texture each are computed before the card is lost; the last of them may be lost with it."""
    (tmp_path / "dump").mkdir()
    for number in range(12):
        name = f"{GAME}#{0x1000 + number:08X}#0#2_all.png"
        (tmp_path / "dump" / name).write_bytes(encode_png(texture(number, (8, 8 + number))))
    recipe = write_recipe(tmp_path)
    card(after, LOST)
    asked = ["run", recipe, "--model", tiny_model, "--device", "webgpu", "--precision", "fp32", "--json"]
    assert exit_code_of(texpipe, [*map(str, asked)]) == 0
    out, lines = capsys.readouterr()
    first, *others = lines.splitlines()
    assert first == "Computing on AMD Radeon RX 6700 by WebGPU, fp32, as asked, with tiny.safetensors"
    made = json.loads(out[out.rindex('{\n  "output"') :])["computed_by"]
    assert list(made) == ["AMD Radeon RX 6700 by WebGPU, fp32", "the CPU, fp32"]
    by_card, by_cpu = made.values()
    assert (by_card > 0) == (after > 0)
    assert by_card + by_cpu == 12
    assert first not in others
    assert (
        f"AMD Radeon RX 6700 by WebGPU, fp32, computed {by_card} of them and stopped; the CPU, fp32, computed the "
        f"other {by_cpu}" in lines.replace("\n", " ").replace("  ", " ")
    )
    assert "12 pictures computed, 0 from earlier runs" in lines.replace("\n", " ")


def test_another_device_makes_everything_anew_and_says_so(
    card: Callable[[int, str], None], tmp_path: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dump(tmp_path / "dump", TEXTURES)
    write_recipe(tmp_path)
    card(10**9, "")
    make(tmp_path, tiny_model, "webgpu")
    assert "begun by" not in caplog.text
    make(tmp_path, tiny_model, "cpu")
    assert "begun by AMD Radeon RX 6700 by WebGPU, fp32 and goes on by the CPU, fp32" in caplog.text
    caplog.clear()
    make(tmp_path, tiny_model, "webgpu")  # its results are still there: nothing is made again
    assert "begun by" not in caplog.text


def test_devices_are_named_as_people_say_it() -> None:
    assert spoken("cpu AVX2 fp32 winograd-2 torch 2.13.0") == "the CPU, fp32"
    assert (
        spoken("cuda NVIDIA GeForce RTX 3060 bf16 direct-2 torch 2.13")
        == "NVIDIA GeForce RTX 3060 by cuda, bf16"
    )
    assert spoken("webgpu Apple M2 fp16 graph-1 onnxruntime 1.32 webgpu 0.4") == "Apple M2 by WebGPU, fp16"
