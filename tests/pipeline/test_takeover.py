"""A run that one device begins and another one ends: told, complete, and each result under the key of its device."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dumps import dump, write_recipe

from texpipe.errors import DeviceLostError
from texpipe.execution.takeover import spoken
from texpipe.imaging.image_files import decode
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.upscale import accelerators, webgpu, webgpu_sessions

TEXTURES = 5


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Exception], None]:
    """Put ONNX Runtime's processor in the place of a card, which raises an error after some batches."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")

    def break_after(batches: int, error: Exception) -> None:
        calls = [0]

        def open_session(model: bytes) -> webgpu_sessions.Run:
            run = webgpu_sessions.run_of(
                lambda: runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
            )

            def counted(planes: np.ndarray) -> np.ndarray:
                calls[0] += planes.shape[2:] != (8, 12)  # the picture that a card is tested with
                if calls[0] > batches:
                    raise error
                return run(planes)

            return counted

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


@pytest.mark.parametrize("error", [DeviceLostError("Device is lost"), MemoryError("out of memory")])
@pytest.mark.parametrize("after", [0, 2])
def test_the_processor_finishes_what_a_lost_card_begins(
    card: Callable[[int, Exception], None],
    error: Exception,
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


def test_another_device_makes_everything_anew_and_says_so(
    card: Callable[[int, Exception], None], tmp_path: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dump(tmp_path / "dump", TEXTURES)
    write_recipe(tmp_path)
    card(10**9, DeviceLostError(""))
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
