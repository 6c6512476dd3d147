"""Where the network runs and how precisely: what the machine has, and what may be asked of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

import torch

from texpipe.errors import DeviceError
from texpipe.limits import available_cores

DeviceName: TypeAlias = Literal["cpu", "cuda"]
Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]

DTYPES: Final[dict[Precision, torch.dtype]] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
NATIVE_BF16: Final = frozenset({"avx512_bf16", "amx_bf16"})
"""Flags of x86 processors that multiply bf16; without one of them torch emulates it, slower than fp32."""

CUDA_SHARE: Final = 0.8
"""Of the memory of a GPU that is free: the rest is left to cuDNN and other programs."""


@dataclass(frozen=True)
class Device:
    """A place to run a network.

    Attributes:
        name: "cpu" or "cuda".
        precision: of the convolutions in the body; the residual stream and the pictures are always float32.
        instructions: instruction set (CPU) or chip (CUDA). Results differ in their last bits between two of
            them.
    """

    name: DeviceName
    precision: Precision
    instructions: str

    @property
    def dtype(self) -> torch.dtype:
        """The convolutions' element type."""
        return DTYPES[self.precision]

    @property
    def workers(self) -> int:
        """Batches to keep in work at a time: one per processor core; on a GPU one arrives while one is computed."""
        return available_cores() if self.name == "cpu" else 2

    @property
    def batch_texels(self) -> int:
        """Input texels of a well-filled batch: its features fit a core's cache, or keep a GPU busy."""
        return 4096 if self.name == "cpu" else 65536

    def free_memory(self) -> int | None:
        """Return the bytes of its own memory that batches may take; None on a CPU, which has none of its own."""
        if self.name == "cpu":
            return None
        free, _ = torch.cuda.mem_get_info()
        return int(CUDA_SHARE * free)

    def let_go(self) -> None:
        """Give back memory that torch keeps of what was freed: after running out of it, pieces may be too small."""
        if self.name == "cuda":
            torch.cuda.empty_cache()


def choose(device: str = "auto", precision: str = "auto") -> Device:
    """Return the device and precision to use.

    Args:
        device: "auto" (CUDA where there is one), "cpu" or "cuda".
        precision: "auto" (16 bit where the hardware multiplies it natively), "fp32", "bf16" or "fp16".

    Raises:
        DeviceError: CUDA is not there, the precision is impossible on the device, or a name is unknown.
    """
    name = _choose_name(device)
    chosen = _choose_precision(name, precision)
    if name == "cuda":
        return Device(name, chosen, torch.cuda.get_device_name())
    return Device(name, chosen, torch.backends.cpu.get_cpu_capability())


def gpus() -> tuple[str, ...]:
    """Return the GPUs that compute like the first one, as `CUDA_VISIBLE_DEVICES` names them; empty without CUDA."""
    if not torch.cuda.is_available():
        return ()
    count = torch.cuda.device_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(count)]
    kinds = [torch.cuda.get_device_name(number) for number in range(count)]
    return tuple(name.strip() for name, kind in zip(names[:count], kinds, strict=True) if kind == kinds[0])


def is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    """Tell running out of memory from other errors, which torch raises as plain RuntimeErrors on the CPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "allocate memory" in str(error) or "not enough memory" in str(error)


@cache
def cpu_has_bf16() -> bool:
    """Return whether the processor multiplies bf16 natively; False where that cannot be found out."""
    flags = _cpu_flags()
    if flags:
        return not NATIVE_BF16.isdisjoint(flags)
    # Not Linux on x86: torch knows, in private functions that may come and go.
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name, bool)()) for name in names)


def _choose_name(device: str) -> DeviceName:
    if device not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"Unknown device {device!r}.", hint="Use auto, cpu or cuda.")
    if device == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise DeviceError("There is no CUDA device that torch can use.", hint=_cuda_hint())
    return "cpu"


def _choose_precision(name: DeviceName, precision: str) -> Precision:
    if precision == "auto":
        if name == "cuda":
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        return "bf16" if cpu_has_bf16() else "fp32"
    if precision == "fp16" and name == "cpu":
        raise DeviceError("fp16 needs a CUDA device.", hint="Use --precision bf16 or fp32 on the CPU.")
    for known in DTYPES:
        if known == precision:
            return known
    raise DeviceError(f"Unknown precision {precision!r}.", hint="Use auto, fp32, bf16 or fp16.")


def _cuda_hint() -> str:
    if torch.version.cuda is None:
        return "This torch was built for the CPU alone: install one built for CUDA, or use --device cpu."
    return "Check that the NVIDIA driver works (nvidia-smi), or use --device cpu."


def _cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return the processor's feature flags as Linux on x86 names them; empty elsewhere."""
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "flags":
            return frozenset(value.split())
    return frozenset()
