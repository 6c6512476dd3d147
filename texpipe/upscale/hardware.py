"""The processor and the installed torch, detected without importing torch where possible, which takes seconds."""

from __future__ import annotations

import os
import platform
import runpy
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from texpipe.errors import DeviceError

_NATIVE_BF16: Final = frozenset({"avx512_bf16", "amx_bf16"})
"""Flags of x86 processors with bf16 multiplication; without one of them torch emulates it, slower than fp32."""
_INSTRUCTION_SETS: Final = (
    ("AVX512", frozenset({"avx512f", "avx512vl", "avx512bw", "avx512dq", "fma"})),
    ("AVX2", frozenset({"avx2", "fma"})),
)
"""torch's names of x86 instruction sets, best first, and the processor flags that each requires."""


REINSTALL_TORCH: Final = "Install it again: python -m pip install --force-reinstall torch"


class TorchBuild(NamedTuple):
    """The installed torch, detected without importing it.

    Attributes:
        version: `torch.__version__`.
        toolkit: version of CUDA or ROCm that it was built for; None if it was built without.
        xpu: version of Intel's toolkit that it was built for; None if it was built without.
    """

    version: str
    toolkit: str | None
    xpu: str | None = None


@cache
def instructions() -> str:
    """Return the name of the instruction set that torch uses, as its `get_cpu_capability` gives it."""
    flags = _flags()
    if not flags or "ATEN_CPU_CAPABILITY" in os.environ:
        import torch

        return torch.backends.cpu.get_cpu_capability()
    return next((name for name, needed in _INSTRUCTION_SETS if needed <= flags), "DEFAULT")


@cache
def has_bf16() -> bool:
    """Return whether the processor multiplies bf16 natively; False where that cannot be detected."""
    flags = _flags()
    if flags:
        return not _NATIVE_BF16.isdisjoint(flags)
    # Not Linux on x86: ask torch, by private functions that other versions may lack.
    import torch

    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name, bool)()) for name in names)


def require_torch() -> Any:  # noqa: ANN401
    """Import torch and return it.

    Raises:
        DeviceError: it is broken: its libraries do not fit this system, or are missing.
    """
    try:
        import torch
    except (ImportError, OSError) as error:
        raise DeviceError(f"PyTorch cannot be used: {error}", hint=REINSTALL_TORCH) from error
    return torch


@cache
def torch_build() -> TorchBuild:
    """Read torch's version.py, which imports nothing."""
    spec = find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    version = runpy.run_path(str(Path(spec.origin).with_name("version.py")))
    return TorchBuild(
        str(version["__version__"]), version.get("cuda") or version.get("hip"), version.get("xpu")
    )


def _flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return the processor's feature flags as Linux on x86 names them; empty elsewhere."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return frozenset()
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "flags":
            return frozenset(value.split())
    return frozenset()
