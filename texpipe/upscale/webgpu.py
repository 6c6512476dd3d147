"""Whether graphics cards of any maker can compute by WebGPU: ONNX Runtime's provider for Vulkan, Direct3D 12 and Metal.

The extra `texpipe[gpu]` installs it. Like Dawn, which it is built on, it leaves out processors that imitate a graphics
card, unless the environment variable `ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER` is 1: that is for tests.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Final

from texpipe.errors import DeviceError
from texpipe.system.graphics_cards import installed_cards
from texpipe.upscale.webgpu_probe import Absent, forget, probed
from texpipe.upscale.webgpu_sessions import OUTDATED, Adapter

INSTALL: Final = 'python -m pip install "texpipe[gpu]"'
"""Line that installs what WebGPU needs."""
_PACKAGES: Final = ("onnx", "onnxruntime", "onnxruntime_ep_webgpu")
"""Modules of the extra `gpu`."""
_SOFTWARE: Final = "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER"


def is_installed() -> bool:
    """Return whether the extra is installed; imports nothing."""
    return all(find_spec(name) is not None for name in _PACKAGES)


def may_exist() -> bool:
    """Return whether there could be an adapter: the extra, and a graphics card or the leave to do without."""
    return is_installed() and (bool(installed_cards()) or os.environ.get(_SOFTWARE) == "1")


def is_software() -> bool:
    """Return whether the adapter is a processor that imitates a graphics card, which `auto` does not take."""
    found = adapter()
    return found is not None and found.software


def library() -> str:
    """Return the versions of ONNX Runtime and of its provider."""
    return f"onnxruntime {version('onnxruntime')} webgpu {version('onnxruntime-ep-webgpu')}"


def adapter() -> Adapter | None:
    """Return the graphics card that WebGPU uses; None if a small network cannot be run on any."""
    found = _probed()
    return found if isinstance(found, Adapter) else None


def require_adapter() -> Adapter:
    """Return the graphics card that WebGPU uses.

    Raises:
        DeviceError: there is none.
    """
    found = _probed()
    if isinstance(found, Absent):
        raise DeviceError(f"webgpu is missing: {found.reason}", hint=missing_hint())
    return found


def why_missing() -> str | None:
    """Say why WebGPU cannot be used; None if it can."""
    if not is_installed():
        return "the extra gpu is not installed"
    if not may_exist():
        return "installed, but there is no graphics card"
    found = _probed()
    return found.reason if isinstance(found, Absent) else None


def missing_hint() -> str:
    """Return what to do where WebGPU cannot be used."""
    if not is_installed():
        return f"Install it: {INSTALL}"
    found = _probed() if may_exist() else None
    if isinstance(found, Absent) and found.is_broken:
        return OUTDATED
    if sys.platform == "linux":
        return (
            "It needs a Vulkan driver. Debian and Ubuntu: sudo apt install libvulkan1 mesa-vulkan-drivers; NVIDIA's "
            "own driver brings its part."
        )
    return OUTDATED


def try_again() -> None:
    """Forget the adapter that this run or an earlier one found: whoever asks next finds it out anew."""
    _probed.cache_clear()
    forget()


@cache
def _probed() -> Adapter | Absent:
    return probed(library())
