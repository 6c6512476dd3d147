"""What the examination finds, with software that is broken on purpose."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from texpipe.doctor import folders as folders_module
from texpipe.doctor import models as models_module
from texpipe.doctor import software as software_module
from texpipe.doctor.devices import devices
from texpipe.doctor.examination import examine
from texpipe.doctor.folders import emulators, folders
from texpipe.doctor.models import models
from texpipe.doctor.software import torch_finding
from texpipe.doctor.speed import textures_per_second
from texpipe.errors import ModelError
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.system.graphics_cards import Card
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
    areas = {finding.area for finding in examine(tmp_path, 5)}
    assert areas == {"software", "models", "folders", "emulators"}


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


def test_speed_is_measured_at_least_once() -> None:
    engine = Engine(RRDBNet(num_feat=8, num_block=1, num_grow_ch=4), "cpu", "fp32")
    assert textures_per_second(engine, 0) > 0


@pytest.mark.slow
def test_the_command_shows_a_table_and_ends_well(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "texpipe", "doctor", str(tmp_path), "--seconds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"})
    assert done.returncode == 0, done.stderr
    assert "processor" in done.stderr
    assert "Traceback" not in done.stderr
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "torch.py").write_text("raise ImportError('broken on purpose')")
    path = os.pathsep.join([str(tmp_path / "fake"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 6
    assert "broken on purpose" in done.stderr
    assert "Traceback" not in done.stderr
