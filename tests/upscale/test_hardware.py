"""What is found out about processor and torch without torch must be what torch itself says."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from texpipe.upscale import hardware


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    for found in (hardware.instructions, hardware.has_bf16):
        found.cache_clear()
    yield
    for found in (hardware.instructions, hardware.has_bf16):
        found.cache_clear()


def flags(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(hardware, "_flags", lambda: frozenset(names))


def test_torch_says_the_same() -> None:
    assert hardware.instructions() == torch.backends.cpu.get_cpu_capability()
    assert hardware.torch_build()[:2] == (torch.__version__, torch.version.cuda or torch.version.hip)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"fpu", "sse2"}, "DEFAULT"),
        ({"avx2"}, "DEFAULT"),
        ({"avx2", "fma"}, "AVX2"),
        ({"avx2", "fma", "avx512f", "avx512bw"}, "AVX2"),
        ({"avx2", "fma", "avx512f", "avx512vl", "avx512bw", "avx512dq"}, "AVX512"),
    ],
)
def test_instructions_follow_from_flags(
    monkeypatch: pytest.MonkeyPatch, names: set[str], expected: str
) -> None:
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    flags(monkeypatch, *names)
    assert hardware.instructions() == expected


@pytest.mark.parametrize("told", [None, "avx2"])
def test_torch_is_asked_without_flags_or_if_it_was_told_what_to_use(
    monkeypatch: pytest.MonkeyPatch, told: str | None
) -> None:
    flags(monkeypatch, *(["avx2", "fma"] if told else []))
    if told:
        monkeypatch.setenv("ATEN_CPU_CAPABILITY", told)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "as torch says")
    assert hardware.instructions() == "as torch says"


def test_without_flags_torch_is_asked_for_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    flags(monkeypatch)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert hardware.has_bf16()


def test_without_flags_and_without_torch_s_private_functions_there_is_no_bf16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flags(monkeypatch)
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    assert not hardware.has_bf16()


def test_flags_are_read_from_cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nflags\t\t: fpu avx2 avx512_bf16\nbugs\t\t: amx_bf16\n")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert hardware._flags(file) == {"fpu", "avx2", "avx512_bf16"}
    assert hardware._flags(tmp_path / "missing") == frozenset()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert hardware._flags(file) == frozenset()


@pytest.mark.skipif(
    torch.version.cuda is not None or torch.version.hip is not None or not hardware._flags(),
    reason="only a CPU build on Linux and x86 is known without torch",
)
def test_naming_the_engine_does_not_import_torch() -> None:
    code = "import sys; from texpipe.upscale.backend import identity; identity(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
