import pytest
import torch

from texpipe.errors import DeviceError
from texpipe.upscale import device


def flags(monkeypatch, names):
    device.cpu_has_bf16.cache_clear()
    monkeypatch.setattr(device, "_cpu_flags", lambda: frozenset(names))


@pytest.fixture(autouse=True)
def no_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    yield
    device.cpu_has_bf16.cache_clear()


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
    flags(monkeypatch, names)
    assert device.choose("auto", "auto").precision == expected


def test_without_flags_torch_is_asked(monkeypatch):
    flags(monkeypatch, [])
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert device.cpu_has_bf16()


def test_without_flags_and_without_torch_s_private_functions_it_is_fp32(monkeypatch):
    flags(monkeypatch, [])
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    assert not device.cpu_has_bf16()


def test_flags_are_read_from_cpuinfo(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nflags\t\t: fpu avx2 avx512_bf16\nbugs\t\t: amx_bf16\n")
    assert device._cpu_flags(file) == {"fpu", "avx2", "avx512_bf16"}
    assert device._cpu_flags(tmp_path / "missing") == frozenset()


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
    assert chosen.dtype == device.DTYPES[precision]
    assert chosen.workers >= 1


@pytest.mark.parametrize(("supported", "expected"), [(True, "bf16"), (False, "fp16")])
def test_cuda_is_preferred_and_takes_16_bit(monkeypatch, supported, expected):
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
