"""The graphics devices, by one contract: torch's CUDA (and ROCm under its name), Intel's, Apple's; any by WebGPU."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from texpipe.upscale import hardware, webgpu

AcceleratorName: TypeAlias = Literal["cuda", "xpu", "mps", "webgpu"]
NativePrecision: TypeAlias = Literal["bf16", "fp16", "fp32"]


@dataclass(frozen=True)
class Accelerator:
    """What texpipe needs to know of one kind of graphics devices. Functions import torch or ONNX Runtime.

    Attributes:
        name: its name for `--device`: torch's, or "webgpu".
        may_exist: whether the installed libraries could have it at all, found without importing them.
        is_available: whether it can compute now.
        chip: name of the first such device.
        free_memory: bytes of its memory that are free; None where that cannot be known.
        fastest: the format that it multiplies natively: one of 16 bits if it has any.
        empty_cache: returns cached memory to the device.
        is_wanted: whether `auto` may take it.
    """

    name: AcceleratorName
    may_exist: Callable[[], bool]
    is_available: Callable[[], bool]
    chip: Callable[[], str]
    free_memory: Callable[[], int | None]
    fastest: Callable[[], NativePrecision]
    empty_cache: Callable[[], None]
    is_wanted: Callable[[], bool] = lambda: True


def _torch_of(name: str) -> Any:  # noqa: ANN401
    return getattr(hardware.require_torch(), name)


def _cuda_fastest() -> NativePrecision:
    return "bf16" if _torch_of("cuda").is_bf16_supported(including_emulation=False) else "fp16"


def _mps_free() -> int:
    mps = _torch_of("mps")
    return max(0, int(mps.recommended_max_memory()) - int(mps.driver_allocated_memory()))


def _mps_chip() -> str:
    import torch

    return str(getattr(torch.backends.mps, "get_name", lambda: "Apple graphics")())


def _mps_is_available() -> bool:
    import torch

    return torch.backends.mps.is_available()


ACCELERATORS: Final = (
    Accelerator(
        "cuda",
        may_exist=lambda: hardware.torch_build().toolkit is not None,
        is_available=lambda: bool(_torch_of("cuda").is_available()),
        chip=lambda: str(_torch_of("cuda").get_device_name()),
        free_memory=lambda: int(_torch_of("cuda").mem_get_info()[0]),
        fastest=_cuda_fastest,
        empty_cache=lambda: _torch_of("cuda").empty_cache(),
    ),
    Accelerator(
        "xpu",
        may_exist=lambda: hardware.torch_build().xpu is not None,
        is_available=lambda: bool(_torch_of("xpu").is_available()),
        chip=lambda: str(_torch_of("xpu").get_device_name()),
        free_memory=lambda: int(_torch_of("xpu").mem_get_info()[0]),
        fastest=lambda: "bf16",
        empty_cache=lambda: _torch_of("xpu").empty_cache(),
    ),
    Accelerator(
        "mps",
        may_exist=lambda: sys.platform == "darwin" and platform.machine() == "arm64",
        is_available=_mps_is_available,
        chip=_mps_chip,
        free_memory=_mps_free,
        fastest=lambda: "fp16",
        empty_cache=lambda: _torch_of("mps").empty_cache(),
    ),
    Accelerator(
        "webgpu",
        may_exist=webgpu.may_exist,
        is_available=lambda: webgpu.adapter() is not None,
        chip=lambda: webgpu.require_adapter().name,
        free_memory=lambda: None,
        fastest=lambda: "fp16" if webgpu.require_adapter().half else "fp32",
        empty_cache=lambda: None,
        is_wanted=lambda: not webgpu.is_software(),
    ),
)
"""All kinds, in the order in which `--device auto` tries them."""


def accelerator(name: str) -> Accelerator:
    """Return the kind of this name.

    Raises:
        KeyError: devices of this name are not known here.
    """
    for one in ACCELERATORS:
        if one.name == name:
            return one
    raise KeyError(name)


def usable() -> Iterator[Accelerator]:
    """Yield the kinds that can compute now; a library is imported only where its build could have one."""
    return (one for one in ACCELERATORS if one.may_exist() and one.is_available())


def wanted() -> Accelerator | None:
    """Return the kind that `--device auto` takes; None if it is the processor."""
    return next(
        (one for one in ACCELERATORS if one.may_exist() and one.is_wanted() and one.is_available()), None
    )
