"""What the examination finds, with software that is broken on purpose."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import tomllib

from texpipe.doctor import folders as folders_module
from texpipe.doctor import models as models_module
from texpipe.doctor import software as software_module
from texpipe.doctor.devices import devices
from texpipe.doctor.examination import examine
from texpipe.doctor.folders import emulators, folders
from texpipe.doctor.models import models
from texpipe.doctor.software import torch_finding
from texpipe.doctor.speed import speed, textures_per_second
from texpipe.errors import DeviceLostError, ModelError
from texpipe.networks.catalogue import ModelFile
from texpipe.networks.foreign_facts import Borders, ForeignFacts
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.system.graphics_cards import Card
from texpipe.texture import Edges
from texpipe.upscale import open_engine as open_engine_module
from texpipe.upscale.device import Device
from texpipe.upscale.engine import Engine


def test_a_torch_that_cannot_be_imported_is_a_problem_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libtorch_cpu.so: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = torch_finding()
    assert found.state == "problem"
    assert "libtorch_cpu.so" in found.found
    assert "force-reinstall" in str(found.remedy)


def test_a_torch_that_crashes_the_interpreter_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("import os; os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert torch_finding().state == "problem"


def test_a_torch_that_hangs_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(software_module, "_TORCH_SECONDS", 1)
    assert "over 1 s" in torch_finding().found


def test_nothing_is_computed_with_a_broken_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = list(examine(tmp_path, 5))
    assert {one.area for one in found} == {"software", "models", "folders", "emulators", "devices"}
    (devices,) = (one for one in found if one.area == "devices")
    assert devices.found == "not examined: torch cannot be used"


def test_a_card_that_is_not_used_is_noted_with_what_to_do() -> None:
    found = {one.name: one for one in devices((), None, [Card("NVIDIA", "NVIDIA GeForce RTX 3060")])}
    assert found["NVIDIA GeForce RTX 3060"].state == "note"
    assert found["NVIDIA GeForce RTX 3060"].remedy
    assert found["processor"].state == "good"
    assert [one.state for one in devices((), None, [])] == ["good", "note"]


def test_a_damaged_model_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(name: str) -> None:
        raise ModelError(f"{name} is damaged", hint="Get it again.")

    monkeypatch.setattr(models_module, "installed", lambda: {"mine": Path("mine.safetensors")})
    monkeypatch.setattr(models_module, "resolve", resolve)
    (found,) = models()
    assert (found.state, found.found, found.remedy) == ("problem", "mine is damaged", "Get it again.")


@pytest.mark.parametrize(
    ("foreign", "measured", "said"),
    [
        (False, None, "borders exact"),
        (True, Borders(1), "borders exact"),
        (True, Borders(8), "borders exact at multiples of 8"),
        (True, Borders(None, 2.5), "borders approximate (2.5 levels)"),
        (True, None, "borders not measured yet"),
    ],
)
def test_a_model_is_shown_with_its_licence_and_its_borders(
    foreign: bool, measured: Borders | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ModelFile("mine", Path("mine.pth"), "ab", "MIT", {"sha256": "ab"}, foreign=foreign)
    facts = measured and ForeignFacts("SPAN", 4, 1000, measured)
    monkeypatch.setattr(models_module, "installed", lambda: {"mine": file.path})
    monkeypatch.setattr(models_module, "resolve", lambda name: file)
    monkeypatch.setattr(models_module, "kept", lambda sha256: facts)
    (found,) = models()
    assert (found.state, found.found) == ("good", f"as its card describes, licence MIT, {said}")


def test_the_nearest_folder_that_exists_is_examined(tmp_path: Path) -> None:
    found = next(folders(tmp_path / "packs" / "oot"))
    assert found.state in ("good", "note")
    assert found.found.startswith(f"{tmp_path}, ")


def test_a_folder_that_cannot_be_written_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(folders_module.tempfile, "TemporaryFile", refuse)
    found = next(folders(tmp_path))
    assert found.state == "problem"
    assert "Permission denied" in found.found


def test_emulators_are_named_with_the_folder_for_packs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert [one.state for one in emulators()] == ["note"]
    (tmp_path / ".config/ppsspp").mkdir(parents=True)
    found = next(emulators())
    assert "PSP/TEXTURES (not there yet" in found.found


def test_the_extras_are_those_of_the_project_and_named_where_all_their_libraries_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    optional = project["project"]["optional-dependencies"]
    declared = {
        extra: {re.split(r"[>=<; ]", line)[0] for line in lines}
        for extra, lines in optional.items()
        if extra not in ("dev", "docs")
    }
    assert {extra: set(libraries) for extra, libraries in software_module.EXTRAS.items()} == declared
    there = {"starlette": "0.45", "uvicorn": "0.30", "onnxruntime": "1.25"}
    monkeypatch.setattr(software_module, "_version", there.get)
    found = next(one for one in software_module.software() if one.name == "extras")
    assert found.found == "studio (starlette 0.45, uvicorn 0.30)"


def test_speed_is_measured_at_least_once() -> None:
    engine = Engine(RRDBNet(num_feat=8, num_block=1, num_grow_ch=4), "cpu", "fp32")
    assert textures_per_second(engine, 0) > 0


class Instant:
    """An engine that repeats texels."""

    scale, channels, overlap, has_dial = 2, 3, 1, False

    def __init__(self, device: Device) -> None:
        self.device = device

    def at(self, detail: float) -> "Instant":
        return self

    def run(self, batch: np.ndarray, edges: Edges) -> np.ndarray:
        return batch.repeat(2, 1).repeat(2, 2)


def test_each_device_is_measured_with_each_shipped_model(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def open_engine(models: list[Path], device: str, precision: str) -> Instant:
        opened.append((models[0].stem, device, precision))
        if device == "webgpu" and models[0].stem == "texpipe-x4-fast":
            raise DeviceLostError("the graphics card stopped computing", hint="Update the graphics driver.")
        return Instant(Device("cpu", "fp32", "AVX2"))

    monkeypatch.setattr(open_engine_module, "open_engine", open_engine)
    card, cpu = Device("webgpu", "fp16", "AMD Radeon RX 6700"), Device("cpu", "fp32", "AVX2")
    found = {one.name: one for one in speed([card, cpu], 0.01)}
    models = ("texpipe-x4", "texpipe-x4-fast", "texpipe-x4-preview")
    assert set(found) == {f"{model} on {device}" for model in models for device in ("webgpu", "cpu")}
    assert sorted(opened) == sorted((m, d.name, d.precision) for m in models for d in (card, cpu))
    broken = found.pop("texpipe-x4-fast on webgpu")
    assert (broken.state, "stopped computing" in broken.found, bool(broken.remedy)) == ("problem", True, True)
    for one in found.values():
        assert one.state == "good"
        assert "textures of 32x32 a second: a game of 5,000 textures takes" in one.found
