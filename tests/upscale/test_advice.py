"""What is said about the device that computes, and about a graphics card that does not."""

import pytest

from texpipe.system.graphics_cards import Card, Maker
from texpipe.upscale import advice as module
from texpipe.upscale import hardware
from texpipe.upscale.advice import advice, remedy_for
from texpipe.upscale.device import Device
from texpipe.upscale.hardware import TorchBuild

CPU = Device("cpu", "fp32", "AVX2")
GEFORCE = Card("NVIDIA", "NVIDIA GeForce RTX 3060")


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "available_cores", lambda: 8)
    built(monkeypatch, None)


def built(monkeypatch: pytest.MonkeyPatch, toolkit: str | None) -> None:
    monkeypatch.setattr(hardware, "torch_build", lambda: TorchBuild("2.13.0+cpu", toolkit))


def test_a_gpu_is_named_with_its_precision() -> None:
    found = advice(Device("cuda", "bf16", "NVIDIA GeForce RTX 3060"), "auto", [GEFORCE])
    assert found == ("NVIDIA GeForce RTX 3060 by cuda, bf16: the first graphics card that works", None)


def test_a_processor_says_why_it_computes() -> None:
    assert advice(CPU, "auto", []) == ("CPU, 8 cores, fp32: no graphics card was found", None)
    assert advice(CPU, "cpu", [GEFORCE]) == ("CPU, 8 cores, fp32, as asked", None)


LINES = {
    ("NVIDIA", "linux"): "python -m pip install --force-reinstall torch",
    ("NVIDIA", "win32"): 'python -m pip install "texpipe[gpu]"',
    ("AMD", "linux"): 'python -m pip install "texpipe[gpu]"',
    ("AMD", "win32"): 'python -m pip install "texpipe[gpu]"',
    ("Intel", "linux"): 'python -m pip install "texpipe[gpu]"',
    ("Intel", "win32"): 'python -m pip install "texpipe[gpu]"',
}


@pytest.mark.parametrize(("maker", "system"), LINES, ids=str)
def test_a_card_that_this_torch_was_not_built_for_is_a_warning_with_one_line_to_type(
    maker: Maker, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.webgpu, "is_installed", lambda: False)
    monkeypatch.setattr(module.sys, "platform", system)
    card = Card(maker, f"{maker} Card 9000")
    found = advice(CPU, "auto", [card])
    assert f"cannot use {maker} Card 9000" in found.line
    assert "`texpipe doctor` says more" in found.line
    said = remedy_for(card, system)
    assert said.count("pip install") == 1
    assert LINES[maker, system] in said
    if (maker, system) != ("AMD", "win32"):
        assert "2.13.0+cpu was built without" in said


def test_the_warning_is_the_remedy() -> None:
    assert advice(CPU, "auto", [GEFORCE]).warning == remedy_for(GEFORCE)


def test_an_extra_that_is_installed_and_does_not_work_is_told_by_its_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module.webgpu, "is_installed", lambda: True)
    monkeypatch.setattr(module.webgpu, "may_exist", lambda: False)
    assert "libvulkan1" in remedy_for(Card("AMD", "AMD Radeon RX 6700"), "linux")


def test_a_card_whose_driver_does_not_work_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    built(monkeypatch, "13.0")
    assert "driver" in str(advice(CPU, "auto", [GEFORCE]).warning)


def test_a_gpu_by_webgpu_is_named() -> None:
    found = advice(Device("webgpu", "fp16", "AMD Radeon RX 6700"), "webgpu", [])
    assert found == ("AMD Radeon RX 6700 by WebGPU, fp16, as asked", None)


def test_no_build_is_advised_where_there_is_none() -> None:
    radeon = Card("AMD", "AMD Radeon RX 6700")
    assert "pytorch.org" not in remedy_for(radeon, "win32")
    assert "ROCm" in str(remedy_for(radeon, "linux"))
    assert advice(CPU, "auto", [Card("Intel", "Intel Arc")]).warning is not None
