"""Which device and precision are chosen, and what is said where they cannot be had."""

import pytest
import torch

from texpipe.errors import DeviceError
from texpipe.upscale import device, hardware
from texpipe.upscale.backend import identity
from texpipe.upscale.hardware import TorchBuild


@pytest.fixture(autouse=True)
def no_cuda(monkeypatch):
    built_for(monkeypatch, None)


def built_for(monkeypatch, toolkit):
    monkeypatch.setattr(hardware, "torch_build", lambda: TorchBuild("2.13.0", toolkit))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["fpu", "avx2"], "fp32"),
        (["avx512f", "avx512bw"], "fp32"),
        (["avx512f", "avx512_bf16"], "bf16"),
        (["amx_bf16"], "bf16"),
    ],
)
def test_auto_takes_bf16_only_where_the_processor_multiplies_it(monkeypatch, names, expected):
    monkeypatch.setattr(hardware, "_flags", lambda: frozenset(names))
    hardware.has_bf16.cache_clear()
    assert device.choose("auto", "auto").precision == expected
    hardware.has_bf16.cache_clear()


@pytest.mark.parametrize(
    ("name", "precision", "named"),
    [("cuda", "auto", "cuda"), ("cpu", "fp16", "fp16"), ("tpu", "auto", "tpu"), ("cpu", "int4", "int4")],
)
def test_what_cannot_be_is_a_device_error_with_a_hint(name, precision, named):
    with pytest.raises(DeviceError, match=f"(?i){named}") as caught:
        device.choose(name, precision)
    assert caught.value.hint
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_precision_that_is_asked_for_is_taken(precision):
    chosen = device.choose("cpu", precision)
    assert (chosen.name, chosen.precision) == ("cpu", precision)
    assert chosen.dtype == getattr(torch, device.DTYPES[precision])
    assert chosen.workers >= 1


@pytest.mark.parametrize(("supported", "expected"), [(True, "bf16"), (False, "fp16")])
def test_cuda_is_preferred_and_takes_16_bit(monkeypatch, supported, expected):
    built_for(monkeypatch, "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: supported)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a chip")
    chosen = device.choose("auto", "auto")
    assert (chosen.name, chosen.precision, chosen.instructions, chosen.workers) == (
        "cuda",
        expected,
        "a chip",
        2,
    )


def test_a_build_for_gpus_without_a_gpu_computes_on_the_cpu(monkeypatch):
    built_for(monkeypatch, "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose().name == "cpu"
    with pytest.raises(DeviceError) as caught:
        device.choose("cuda")
    assert "driver" in caught.value.hint


def test_the_identity_names_what_decides_the_last_bits(monkeypatch):
    monkeypatch.setattr(hardware, "instructions", lambda: "AVX2")
    assert identity("cpu", "fp32") == "cpu AVX2 fp32 winograd-2 torch 2.13.0"
    assert identity("cpu", "bf16") == "cpu AVX2 bf16 direct-2 torch 2.13.0"
