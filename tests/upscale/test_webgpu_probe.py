"""Trying WebGPU in another process: drivers that crash or hang, and what is kept of a finding."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import software_gpu

from texpipe.errors import DeviceError
from texpipe.upscale import webgpu, webgpu_probe
from texpipe.upscale.device import choose
from texpipe.upscale.webgpu_probe import Absent, forget, probed
from texpipe.upscale.webgpu_sessions import Adapter

RADEON = Adapter("AMD Radeon RX 6700", half=True)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "texpipe" / "webgpu.json"


def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Put something else in ONNX Runtime's place, in children alone."""
    (tmp_path / "fake").mkdir(exist_ok=True)
    (tmp_path / "fake" / "onnxruntime.py").write_text(code)
    path = [str(tmp_path / "fake"), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))


def answers(monkeypatch: pytest.MonkeyPatch, *found: Adapter | Absent) -> list[Adapter | Absent]:
    """Let the next trials find this; returns what has not been asked for."""
    left = list(found)
    monkeypatch.setattr(webgpu_probe, "_probed_now", lambda: left.pop(0))
    return left


def test_a_driver_that_crashes_ends_nothing_but_its_own_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_cache: Path
) -> None:
    driver(tmp_path, monkeypatch, "import os; os.abort()")
    found = probed("any")
    assert isinstance(found, Absent)
    assert found.is_broken
    assert "the graphics driver is broken" in found.reason
    assert not empty_cache.exists()


def test_a_driver_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(webgpu_probe, "_SECONDS", 1)
    assert probed("any") == Absent("its first computation takes over 1 s", is_broken=True)


def test_a_device_that_crashes_is_missing_and_the_hint_names_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path, monkeypatch, "import os; os.abort()")
    monkeypatch.setattr(webgpu, "may_exist", lambda: True)
    monkeypatch.setattr(webgpu, "is_installed", lambda: True)
    monkeypatch.setattr(webgpu, "library", lambda: "any")
    webgpu._probed.cache_clear()
    with pytest.raises(DeviceError, match="can use cpu here") as caught:
        choose("webgpu")
    assert caught.value.hint == "Update the graphics driver, or use --device cpu."
    assert choose("auto").name == "cpu"
    webgpu._probed.cache_clear()


def test_what_was_found_is_kept_for_the_same_circumstances(monkeypatch: pytest.MonkeyPatch) -> None:
    left = answers(monkeypatch, RADEON, Adapter("another", half=False))
    assert [probed("1.0"), probed("1.0"), probed("1.1"), probed("1.1")] == [
        RADEON,
        RADEON,
        Adapter("another", half=False),
        Adapter("another", half=False),
    ]
    assert not left
    left.append(RADEON)
    monkeypatch.setenv("VK_ICD_FILENAMES", "other.json")
    assert probed("1.1") == RADEON


def test_what_was_found_is_kept_for_a_day_and_until_it_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, empty_cache: Path
) -> None:
    left = answers(monkeypatch, RADEON, RADEON, RADEON)
    probed("any")
    note = json.loads(empty_cache.read_text())
    empty_cache.write_text(json.dumps({**note, "time": note["time"] - 25 * 3600}))
    probed("any")
    forget()
    probed("any")
    forget()
    forget()  # nothing is there
    assert not left


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"time": "x"}', '{"found_in": 1, "time": 1e999, "adapter": 3}']
)
def test_a_damaged_note_is_none(text: str, monkeypatch: pytest.MonkeyPatch, empty_cache: Path) -> None:
    empty_cache.parent.mkdir(parents=True)
    empty_cache.write_text(text)
    answers(monkeypatch, RADEON)
    assert probed("any") == RADEON


def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    left = answers(monkeypatch, Absent("no card"), RADEON)
    assert probed("any") == Absent("no card")
    assert probed("any") == RADEON
    assert not left


def test_the_software_card_is_found_by_a_child_and_not_taken_unasked() -> None:
    software_gpu.require()
    with software_gpu.present():
        assert webgpu.adapter() == Adapter("software graphics", half=False, software=True)
        assert choose("webgpu").instructions == "software graphics"
        assert choose("auto").name == "cpu"
