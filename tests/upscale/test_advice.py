"""What is said about the device that computes, and about a graphics card that does not."""

import pytest

from texpipe.system.graphics_cards import Card
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
    assert found == ("NVIDIA GeForce RTX 3060 by cuda, bf16", None)


def test_a_processor_says_why_it_computes() -> None:
    assert advice(CPU, "auto", []) == ("CPU, 8 cores, fp32: no graphics card was found", None)
    assert advice(CPU, "cpu", [GEFORCE]) == ("CPU, 8 cores, fp32, as asked", None)


def test_a_card_that_this_torch_was_not_built_for_is_a_warning_with_what_to_do() -> None:
    found = advice(CPU, "auto", [GEFORCE])
    assert "cannot use NVIDIA GeForce RTX 3060" in found.line
    assert found.warning is not None
    assert "2.13.0+cpu was built without CUDA" in found.warning
    assert "https://pytorch.org" in found.warning


def test_a_card_whose_driver_does_not_work_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    built(monkeypatch, "13.0")
    assert "driver" in str(advice(CPU, "auto", [GEFORCE]).warning)


def test_a_gpu_by_webgpu_is_named() -> None:
    found = advice(Device("webgpu", "fp16", "AMD Radeon RX 6700"), "auto", [])
    assert found == ("AMD Radeon RX 6700 by WebGPU, fp16", None)


@pytest.mark.parametrize("system", ["win32", "linux"])
def test_webgpu_is_advised_for_any_card(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.webgpu, "is_installed", lambda: False)
    for card in (GEFORCE, Card("AMD", "AMD Radeon RX 6700"), Card("Intel", "Intel Arc")):
        assert 'pip install "texpipe[gpu]"' in remedy_for(card, system)


def test_no_build_is_advised_where_there_is_none() -> None:
    radeon = Card("AMD", "AMD Radeon RX 6700")
    assert "pytorch.org" not in remedy_for(radeon, "win32")
    assert "ROCm" in str(remedy_for(radeon, "linux"))
    assert advice(CPU, "auto", [Card("Intel", "Intel Arc")]).warning is not None
