"""torch's kinds of graphics devices, with fakes in torch's place."""

from types import SimpleNamespace

import pytest
import torch

from texpipe.errors import DeviceError
from texpipe.upscale import accelerators, device, hardware
from texpipe.upscale.accelerators import ACCELERATORS, accelerator
from texpipe.upscale.backend import identity
from texpipe.upscale.hardware import TorchBuild
from texpipe.upscale.transfer import HostTransfer, PlainTransfer, transfer_to


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "torch_build", lambda: TorchBuild("2.13.0", None))
    monkeypatch.setattr(accelerators.platform, "machine", lambda: "x86_64")


def intel(monkeypatch: pytest.MonkeyPatch, *, available: bool = True) -> list[str]:
    """Put a fake in the place of `torch.xpu`, and return what is asked of it."""
    asked: list[str] = []
    fake = SimpleNamespace(
        is_available=lambda: available,
        get_device_name=lambda: "Intel Arc A770",
        mem_get_info=lambda: (8 << 30, 16 << 30),
        empty_cache=lambda: asked.append("empty"),
    )
    monkeypatch.setattr(hardware, "torch_build", lambda: TorchBuild("2.13.0+xpu", None, "2025.2"))
    monkeypatch.setattr(torch, "xpu", fake)
    return asked


def apple(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerators.sys, "platform", "darwin")
    monkeypatch.setattr(accelerators.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "get_name", lambda: "Apple M2", raising=False)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 10 << 30)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 2 << 30)


def test_intel_is_taken_where_its_build_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = intel(monkeypatch)
    chosen = device.choose()
    assert (chosen.name, chosen.precision, chosen.instructions) == ("xpu", "bf16", "Intel Arc A770")
    assert chosen.workers == 1
    assert chosen.free_memory() == int(0.8 * (8 << 30))
    chosen.release_cached_memory()
    assert asked == ["empty"]
    assert identity().startswith("xpu Intel Arc A770 bf16 direct-2 torch")


def test_apple_is_taken_on_its_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    apple(monkeypatch)
    chosen = device.choose()
    assert (chosen.name, chosen.precision, chosen.instructions) == ("mps", "fp16", "Apple M2")
    assert chosen.free_memory() == int(0.8 * (8 << 30))


def test_what_runs_out_of_memory_on_apple_is_recognised() -> None:
    error = RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)")
    assert device.is_out_of_memory(error)
    assert not device.is_out_of_memory(RuntimeError("shape mismatch"))


def test_a_device_that_is_not_there_says_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    intel(monkeypatch)
    with pytest.raises(DeviceError, match="texpipe can use cpu, xpu here") as caught:
        device.choose("mps")
    assert "built without mps" in str(caught.value.hint)
    intel(monkeypatch, available=False)
    with pytest.raises(DeviceError, match="texpipe can use cpu here") as caught:
        device.choose("xpu")
    assert "driver" in str(caught.value.hint)


def test_nothing_is_asked_of_torch_where_its_build_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerators, "_torch_of", lambda name: pytest.fail(f"imported torch for {name}"))
    assert device.choose().name == "cpu"


def test_every_kind_has_a_transfer_of_its_own() -> None:
    assert [one.name for one in ACCELERATORS] == ["cuda", "xpu", "mps", "webgpu"]
    assert accelerator("mps").name == "mps"
    with pytest.raises(KeyError):
        accelerator("tpu")
    assert isinstance(transfer_to(torch.device("mps")), PlainTransfer)
    assert isinstance(transfer_to(torch.device("cpu")), HostTransfer)


def test_a_plain_transfer_keeps_the_values() -> None:
    transfer = PlainTransfer(torch.device("cpu"))
    images = torch.rand(2, 3)
    assert torch.equal(transfer.to_host(transfer.to_device(images)), images)
