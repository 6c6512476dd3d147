"""`texpipe doctor` as a process of its own: a whole computer, one without a Vulkan loader, one with a broken torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import software_gpu


def doctor(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "texpipe", "doctor", str(folder), "--seconds", "0", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200", **environment}
    )
    assert "Traceback" not in done.stderr
    return done


def by_name(done: subprocess.CompletedProcess[str]) -> Mapping[str, Mapping[str, str]]:
    return {one["name"]: one for one in json.loads(done.stdout)}


def test_a_table_for_people_json_and_an_archive(tmp_path: Path) -> None:
    bundle = tmp_path / "bug.zip"
    done = doctor(tmp_path, "--json", "--bundle", str(bundle))
    assert done.returncode == 0, done.stderr
    found = by_name(done)
    assert {"texpipe", "Python", "torch", "processor", "output", "texpipe-x4", "texpipe-x4-fast"} <= set(
        found
    )
    assert found["torch"]["state"] == "good"
    with zipfile.ZipFile(bundle) as archive:
        kept = json.loads(archive.read("doctor.json"))
    assert [one["name"] for one in kept] == list(found)
    assert str(tmp_path) not in json.dumps(kept)


def test_without_a_vulkan_loader_the_remedy_is_named(tmp_path: Path) -> None:
    """The loader that is found first is no library, as if none were installed."""
    software_gpu.require()
    (tmp_path / "libvulkan.so.1").write_text("no library")
    hidden = {**software_gpu.ENVIRONMENT, "LD_LIBRARY_PATH": str(tmp_path)}
    done = doctor(tmp_path, **hidden)
    assert done.returncode == 0, done.stderr
    assert "devices" in done.stderr  # the table
    assert "webgpu: It needs a Vulkan driver. Debian and Ubuntu: sudo apt install libvulkan1" in " ".join(
        done.stderr.split()
    )


@pytest.mark.parametrize(
    "error", ["ImportError('DLL load failed')", "OSError('libtorch_cpu.so: cannot open shared object file')"]
)
def test_a_broken_torch_is_a_problem_with_a_remedy(error: str, tmp_path: Path) -> None:
    (tmp_path / "fake" / "torch").mkdir(parents=True)
    (tmp_path / "fake" / "torch" / "__init__.py").write_text(f"raise {error}")
    (tmp_path / "fake" / "torch" / "version.py").write_text("__version__ = '9.9'")
    path = os.pathsep.join([str(tmp_path / "fake"), os.environ.get("PYTHONPATH", "")])
    done = doctor(tmp_path, "--json", PYTHONPATH=path)
    assert done.returncode == 6, done.stderr
    found = by_name(done)
    assert found["torch"]["state"] == "problem"
    assert error.partition("'")[2].rstrip("')") in found["torch"]["found"]
    for name in ("torch", "devices"):
        assert "pip install --force-reinstall torch" in found[name]["remedy"]
        assert f"{name}: Install it again" in done.stderr


def test_a_run_with_a_broken_torch_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "fake" / "torch").mkdir(parents=True)
    (tmp_path / "fake" / "torch" / "__init__.py").write_text("raise OSError('libtorch_cpu.so is missing')")
    (tmp_path / "fake" / "torch" / "version.py").write_text("__version__ = '9.9'")
    path = os.pathsep.join([str(tmp_path / "fake"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "texpipe", "run", "oot", "--output", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 6, done.stderr
    assert "PyTorch cannot be used: libtorch_cpu.so is missing" in done.stderr
    assert "pip install --force-reinstall torch" in done.stderr


def test_a_device_that_is_not_there_names_what_is(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "texpipe",
        "run",
        "oot",
        "--output",
        str(tmp_path / "out"),
        "--device",
        "xpu",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 6, done.stderr
    assert "xpu is missing: texpipe can use cpu" in done.stderr
    assert not (tmp_path / "out").exists()
