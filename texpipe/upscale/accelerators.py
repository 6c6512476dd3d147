"""The graphics devices that torch computes on, by one contract: CUDA (and ROCm under its name), Intel's, Apple's."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from texpipe.upscale import hardware

AcceleratorName: TypeAlias = Literal["cuda", "xpu", "mps"]
HalfPrecision: TypeAlias = Literal["bf16", "fp16"]


@dataclass(frozen=True)
class Accelerator:
    """What texpipe needs to know of one of torch's kinds of graphics devices. Each function imports torch.

    Attributes:
        name: torch's name of the device.
        may_exist: whether the installed torch could have it at all, found without importing torch.
        is_available: whether torch can compute on it now.
        chip: name of the first such device.
        free_memory: bytes of its memory that are free.
        half: the 16-bit format that it multiplies natively.
    """

    name: AcceleratorName
    may_exist: Callable[[], bool]
    is_available: Callable[[], bool]
    chip: Callable[[], str]
    free_memory: Callable[[], int]
    half: Callable[[], HalfPrecision]

    def release_cached_memory(self) -> None:
        """Return torch's cached memory to the device."""
        _torch_of(self.name).empty_cache()


def _torch_of(name: str) -> Any:  # noqa: ANN401
    import torch

    return getattr(torch, name)


def _cuda_half() -> HalfPrecision:
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
        half=_cuda_half,
    ),
    Accelerator(
        "xpu",
        may_exist=lambda: hardware.torch_build().xpu is not None,
        is_available=lambda: bool(_torch_of("xpu").is_available()),
        chip=lambda: str(_torch_of("xpu").get_device_name()),
        free_memory=lambda: int(_torch_of("xpu").mem_get_info()[0]),
        half=lambda: "bf16",
    ),
    Accelerator(
        "mps",
        may_exist=lambda: sys.platform == "darwin" and platform.machine() == "arm64",
        is_available=_mps_is_available,
        chip=_mps_chip,
        free_memory=_mps_free,
        half=lambda: "fp16",
    ),
)
"""All kinds, in the order in which `--device auto` tries them."""


def accelerator(name: str) -> Accelerator:
    """Return the kind of this name.

    Raises:
        KeyError: torch's devices of this name are not known here.
    """
    for one in ACCELERATORS:
        if one.name == name:
            return one
    raise KeyError(name)


def usable() -> tuple[Accelerator, ...]:
    """Return the kinds that can compute now; torch is imported only where its build could have one."""
    return tuple(one for one in ACCELERATORS if one.may_exist() and one.is_available())
