"""The device and the precision of the network: what the machine has, and what the user asks for.

Store keys contain them, so they are determined before anything is computed; for a CPU without importing torch, which
would take longer than everything else in a run that has nothing left to compute.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from texpipe.errors import DeviceError
from texpipe.system.cpu import available_cores
from texpipe.upscale import hardware, webgpu
from texpipe.upscale.accelerators import accelerator, usable, wanted

if TYPE_CHECKING:
    import torch

DeviceName: TypeAlias = Literal["cpu", "cuda", "xpu", "mps", "webgpu"]
Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]
MethodName: TypeAlias = Literal["direct-2", "winograd-2", "graph-1"]
"""Convolution methods as store keys name them: a change of last bits needs another name."""

DTYPES: Final[dict[Precision, str]] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""torch's names of the precisions."""

_OUT_OF_MEMORY: Final = ("allocate memory", "not enough memory", "backend out of memory")
"""Words of torch's plain RuntimeErrors on the CPU and on Apple's GPUs when memory runs out."""
_GPU_SHARE: Final = 0.8
"""Share of a GPU's free memory that batches may take; the rest is left to cuDNN and other programs."""


@dataclass(frozen=True)
class Device:
    """A place to run a network.

    Attributes:
        name: "cpu", torch's name of a kind of graphics device, or "webgpu".
        precision: precision of the convolutions in the body; the residual stream and the pictures are always float32.
        instructions: instruction set (CPU) or chip (GPU); another one changes the last bits of results.
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
        """The convolution method.

        It depends on the kind of processor and never on a timing, because the methods differ in their last bits and two
        runs must not. Winograd's is faster where torch's matrix product comes near the peak, measured on AVX2
        (docs/performance.md).
        """
        if self.name == "webgpu":
            return "graph-1"
        winograd = (self.name, self.precision, self.instructions) == ("cpu", "fp32", "AVX2")
        return "winograd-2" if winograd else "direct-2"

    @property
    def workers(self) -> int:
        """Number of batches computed at a time.

        One per core; with CUDA two, as one arrives while one is computed; elsewhere one, as copies wait for each other.
        """
        return {"cpu": available_cores(), "cuda": 2}.get(self.name, 1)

    @property
    def spare_threads(self) -> int:
        """Number of threads that decode pictures, and of those that finish results, while the network computes.

        On a CPU the network itself needs the cores and takes at least twice as long per picture as the rest. A GPU
        leaves the cores idle and needs them all: it computes a picture faster than a core can write it.
        """
        return max(1, available_cores() // 2) if self.name == "cpu" else available_cores()

    @property
    def batch_texels(self) -> int:
        """Input texels of a full batch: its features fit a core's cache, or keep a GPU busy."""
        return {"cpu": 4096, "webgpu": 16384}.get(self.name, 65536)

    @property
    def max_tile_side(self) -> int:
        """Largest side in texels of a picture that is upscaled as a whole.

        512 takes about 1 GB of features per worker. WebGPU limits the size of each buffer: 256 takes 268 MB for one.
        """
        return 256 if self.name == "webgpu" else 512

    def free_memory(self) -> int | None:
        """Return the bytes of a GPU's memory that batches may take; None where it cannot be known.

        A CPU shares the program's.
        """
        free = None if self.name == "cpu" else accelerator(self.name).free_memory()
        return None if free is None else int(_GPU_SHARE * free)

    def release_cached_memory(self) -> None:
        """Return cached memory to the GPU: after running out of memory, its blocks may be too small."""
        if self.name != "cpu":
            accelerator(self.name).empty_cache()


def choose(device: str = "auto", precision: str = "auto") -> Device:
    """Return the device and precision to use.

    Args:
        device: "auto" (the first GPU that can be used), or a `DeviceName`.
        precision: "auto" (16 bit where the hardware multiplies it natively), "fp32", "bf16" or "fp16".

    Raises:
        DeviceError: the device is not there, the precision is impossible on it, or a name is unknown.
    """
    name = _choose_name(device)
    chosen = _choose_precision(name, precision)
    if name == "cpu":
        return Device(name, chosen, hardware.instructions())
    return Device(name, chosen, accelerator(name).chip())


def gpus() -> tuple[str, ...]:
    """Return the GPUs that compute like the first one, as `CUDA_VISIBLE_DEVICES` names them; empty without CUDA."""
    if not any(one.name == "cuda" for one in usable()):
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
    return any(words in str(error) for words in _OUT_OF_MEMORY)


def is_lost(error: MemoryError | RuntimeError) -> bool:
    """Tell a graphics device that computes no more from mistakes in the program: torch has a class for it."""
    import torch

    kind = getattr(torch, "AcceleratorError", ())
    return isinstance(error, kind)


def torch_device(device: str) -> DeviceName:
    """Return the device for work that only torch does, such as training; argument and errors as `choose`."""
    if device == "webgpu":
        raise DeviceError("webgpu runs networks and trains none", hint="Use --device auto.")
    chosen = _choose_name(device)
    return "cpu" if chosen == "webgpu" else chosen


def _choose_name(device: str) -> DeviceName:
    if device not in ("auto", *get_args(DeviceName)):
        raise DeviceError(f"unknown device {device!r}", hint=f"Use auto, {', '.join(get_args(DeviceName))}.")
    if device == "cpu":
        return "cpu"
    if device == "auto":
        best = wanted()
        return best.name if best else "cpu"
    if accelerator(device).may_exist() and accelerator(device).is_available():
        return accelerator(device).name
    found = ", ".join(["cpu", *(one.name for one in usable())])
    raise DeviceError(f"{device} is missing: texpipe can use {found} here", hint=missing_hint(device))


def _choose_precision(name: DeviceName, precision: str) -> Precision:
    if precision == "auto":
        if name == "cpu":
            return "bf16" if hardware.has_bf16() else "fp32"
        return accelerator(name).fastest()
    if precision == "fp16" and name == "cpu":
        raise DeviceError("fp16 needs a GPU", hint="Use --precision bf16 or fp32 on the CPU.")
    if name == "webgpu" and precision not in ("fp32", accelerator(name).fastest()):
        chip = accelerator(name).chip()
        raise DeviceError(f"{chip} has no {precision} by WebGPU", hint="Use --precision auto or fp32.")
    for known in DTYPES:
        if known == precision:
            return known
    raise DeviceError(f"unknown precision {precision!r}", hint="Use auto, fp32, bf16 or fp16.")


def missing_hint(device: str) -> str:
    """Return what to do about a device that cannot be used."""
    if device == "webgpu":
        return webgpu.missing_hint()
    if not accelerator(device).may_exist():
        return f"The installed PyTorch was built without {device}: install the build for it (texpipe doctor says how)."
    driver = " (nvidia-smi)" if device == "cuda" else ""
    return f"Check that its driver works{driver}, or use --device cpu."
