"""Where the network runs and how precisely: what the machine has, and what may be asked of it.

A store's keys name it, so it is known before anything is computed; a CPU is known without importing torch, which
takes longer than all else that a run does when nothing is left to compute.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from texpipe.errors import DeviceError
from texpipe.system.cpu import available_cores
from texpipe.upscale import probe

if TYPE_CHECKING:
    import torch

DeviceName: TypeAlias = Literal["cpu", "cuda"]
Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]
MethodName: TypeAlias = Literal["direct-2", "winograd-2"]
"""Ways to convolve, as store keys name them: another name whenever last bits change."""

DTYPES: Final[dict[Precision, str]] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""torch's names of the precisions."""

_CUDA_SHARE: Final = 0.8
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
        import torch

        found: torch.dtype = getattr(torch, DTYPES[self.precision])
        return found

    @property
    def method(self) -> MethodName:
        """How to convolve.

        Decided by the kind of processor and never by a timing, because the methods differ in their last bits and
        two runs must not. Winograd is ahead where torch's matrix product comes near the peak, measured on AVX2
        (docs/performance.md).
        """
        winograd = (self.name, self.precision, self.instructions) == ("cpu", "fp32", "AVX2")
        return "winograd-2" if winograd else "direct-2"

    @property
    def workers(self) -> int:
        """Batches to keep in work at a time: one per processor core; on a GPU one arrives while one is computed."""
        return available_cores() if self.name == "cpu" else 2

    @property
    def spare_threads(self) -> int:
        """Threads to decode pictures with, and to finish results with, while the network computes.

        On a CPU the cores are the network's own, which is at a picture for twice as long at least. A GPU leaves the
        cores idle and needs them all, being done with a picture in less time than a core takes to write it.
        """
        return max(1, available_cores() // 2) if self.name == "cpu" else available_cores()

    @property
    def batch_texels(self) -> int:
        """Input texels of a well-filled batch: its features fit a core's cache, or keep a GPU busy."""
        return 4096 if self.name == "cpu" else 65536

    def free_memory(self) -> int | None:
        """Return the bytes of its own memory that batches may take; None on a CPU, which has none of its own."""
        if self.name == "cpu":
            return None
        import torch

        free, _ = torch.cuda.mem_get_info()
        return int(_CUDA_SHARE * free)

    def release_cached_memory(self) -> None:
        """Give back memory that torch keeps of what was freed: after running out of it, pieces may be too small."""
        if self.name == "cuda":
            import torch

            torch.cuda.empty_cache()


def identity(device: str = "auto", precision: str = "auto") -> str:
    """Name whatever decides a result's last bits, besides the weights: part of a store's key.

    Args:
        device, precision: as `choose` takes them.

    Raises:
        DeviceError: see `choose`.
    """
    chosen = choose(device, precision)
    library = f"torch {probe.torch_build().version}"
    return " ".join((chosen.name, chosen.instructions, chosen.precision, chosen.method, library))


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
    if name == "cpu":
        return Device(name, chosen, probe.instructions())
    import torch

    return Device(name, chosen, torch.cuda.get_device_name())


def gpus() -> tuple[str, ...]:
    """Return the GPUs that compute like the first one, as `CUDA_VISIBLE_DEVICES` names them; empty without CUDA."""
    if not _has_cuda():
        return ()
    import torch

    count = torch.cuda.device_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(count)]
    kinds = [torch.cuda.get_device_name(number) for number in range(count)]
    return tuple(name.strip() for name, kind in zip(names[:count], kinds, strict=True) if kind == kinds[0])


def is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    """Tell running out of memory from other errors, which torch raises as plain RuntimeErrors on the CPU."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "allocate memory" in str(error) or "not enough memory" in str(error)


def _has_cuda() -> bool:
    if probe.torch_build().toolkit is None:
        return False
    import torch

    return torch.cuda.is_available()


def _choose_name(device: str) -> DeviceName:
    if device not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"unknown device {device!r}", hint="Use auto, cpu or cuda.")
    if device == "cpu":
        return "cpu"
    if _has_cuda():
        return "cuda"
    if device == "cuda":
        raise DeviceError("there is no CUDA device that torch can use", hint=_cuda_hint())
    return "cpu"


def _choose_precision(name: DeviceName, precision: str) -> Precision:
    if precision == "auto":
        if name == "cpu":
            return "bf16" if probe.has_bf16() else "fp32"
        import torch

        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if precision == "fp16" and name == "cpu":
        raise DeviceError("fp16 needs a CUDA device", hint="Use --precision bf16 or fp32 on the CPU.")
    for known in DTYPES:
        if known == precision:
            return known
    raise DeviceError(f"unknown precision {precision!r}", hint="Use auto, fp32, bf16 or fp16.")


def _cuda_hint() -> str:
    if probe.torch_build().toolkit is None:
        return "This torch was built for the CPU alone: install one built for CUDA, or use --device cpu."
    return "Check that the NVIDIA driver works (nvidia-smi), or use --device cpu."
