"""Graphics cards of any maker by WebGPU: ONNX Runtime's provider for Vulkan, Direct3D 12 and Metal.

The extra `texpipe[gpu]` installs it. Like Dawn, which it is built on, it leaves out processors that imitate a graphics
card, unless the environment variable `ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER` is 1: that is for tests.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import DeviceError, DeviceLostError
from texpipe.system.graphics_cards import Maker, installed_cards

Run: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Runs a graph: N x 3 x H x W in, N x 3 x scale H x scale W out.

Raises:
    MemoryError: the batch needs too much memory.
    DeviceLostError: anything else went wrong.
"""
OpenSession: TypeAlias = Callable[[bytes], Run]
"""Makes an ONNX graph with one input and one output ready to run."""

INSTALL: Final = 'python -m pip install "texpipe[gpu]"'
"""Line that installs what WebGPU needs."""
_PACKAGES: Final = ("onnx", "onnxruntime", "onnxruntime_ep_webgpu")
"""Modules of the extra `gpu`."""
_SOFTWARE: Final = "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER"
_MAKERS: Final[Mapping[int, Maker]] = {0x10DE: "NVIDIA", 0x1002: "AMD", 0x8086: "Intel", 0x106B: "Apple"}
"""Makers of graphics cards by PCI vendor number."""
_OUT_OF_MEMORY: Final = ("memory", "buffer size", "binding size", "bad_alloc", "max buffer", "too large")
"""Words of ONNX Runtime's and Dawn's errors where a batch needs more memory than there is, or a larger buffer."""
_REASON_LENGTH: Final = 200
"""Characters of an error that are shown, the last ones."""
_OUTDATED: Final = "Update the graphics driver, or use --device cpu."


class Adapter(NamedTuple):
    """A graphics card that WebGPU can use: its name, and whether it computes in 16 bits."""

    name: str
    half: bool


@dataclass(frozen=True)
class _Absent:
    """Why there is no adapter."""

    reason: str


def is_installed() -> bool:
    """Return whether the extra is installed; imports nothing."""
    return all(find_spec(name) is not None for name in _PACKAGES)


def may_exist() -> bool:
    """Return whether there could be an adapter: the extra, and a graphics card or the leave to do without."""
    return is_installed() and (bool(installed_cards()) or _software_is_allowed())


def is_software() -> bool:
    """Return whether the adapter would be a processor that imitates a graphics card, which `auto` does not take."""
    return _device() is None or _is_processor(_device())


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
    if isinstance(found, _Absent):
        raise DeviceError(f"webgpu is missing: {found.reason}", hint=missing_hint())
    return found


def why_missing() -> str | None:
    """Say why WebGPU cannot be used; None if it can."""
    if not is_installed():
        return "the extra gpu is not installed"
    found = _probed()
    return found.reason if isinstance(found, _Absent) else None


def missing_hint() -> str:
    """Return what to do where WebGPU cannot be used."""
    if not is_installed():
        return f"Install it: {INSTALL}"
    if sys.platform == "linux":
        return (
            "It needs a Vulkan driver. Debian and Ubuntu: sudo apt install libvulkan1 mesa-vulkan-drivers; NVIDIA's "
            "own driver brings its part."
        )
    return _OUTDATED


def open_session(model: bytes) -> Run:
    """Make a graph ready to run on the adapter.

    Args:
        model: an ONNX file with one input and one output.

    Raises:
        DeviceLostError: the provider cannot run it.
    """
    import onnxruntime

    device = _device()
    if device is None:
        raise DeviceLostError("WebGPU finds no graphics card any more", hint=_OUTDATED)
    options = onnxruntime.SessionOptions()
    options.add_provider_for_devices([device], {})
    return run_of(lambda: onnxruntime.InferenceSession(model, options))


def run_of(open_one: Callable[[], Any]) -> Run:
    """Return how to run a session of ONNX Runtime, with its errors told apart.

    Raises:
        MemoryError, DeviceLostError: it cannot be opened.
    """
    session = _guarded(open_one)
    name = session.get_inputs()[0].name

    def run(planes: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = _guarded(lambda: session.run(None, {name: planes})[0])
        return result

    return run


def _guarded(call: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Call ONNX Runtime, whose errors have no base class of their own."""
    try:
        return call()
    except Exception as error:
        said = str(error).lower()
        if isinstance(error, MemoryError) or any(words in said for words in _OUT_OF_MEMORY):
            raise MemoryError(str(error)) from error
        raise DeviceLostError(f"WebGPU failed: {_reason(error)}", hint=_OUTDATED) from error


def _reason(error: Exception) -> str:
    """Return what an error says in the end: before it there is the C++ function that noticed."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].rpartition("was false. ")[2][-_REASON_LENGTH:]


def _software_is_allowed() -> bool:
    return os.environ.get(_SOFTWARE) == "1"


@cache
def _device() -> Any:  # noqa: ANN401
    """Return ONNX Runtime's device of the provider, a graphics card before any other; None without."""
    import onnxruntime
    import onnxruntime_ep_webgpu

    onnxruntime.set_default_logger_severity(4)  # what it logs is also in its errors
    name = onnxruntime_ep_webgpu.get_ep_name()
    with suppress(
        Exception
    ):  # a library of another version or for another system, or it is registered already
        onnxruntime.register_execution_provider_library(name, onnxruntime_ep_webgpu.get_library_path())
    found = [one for one in onnxruntime.get_ep_devices() if one.ep_name == name]
    return min(found, key=_is_processor, default=None)


def _is_processor(device: Any) -> bool:  # noqa: ANN401
    return bool(device.device.type.name == "CPU")


@cache
def _probed() -> Adapter | _Absent:
    """Run a convolution in 32 and in 16 bits on the adapter."""
    if _device() is None:
        return _Absent("ONNX Runtime lists no graphics card for it")
    try:
        _run_probe(half=False)
    except (DeviceLostError, MemoryError) as error:
        return _Absent(str(error))
    try:
        _run_probe(half=True)
    except (DeviceLostError, MemoryError):
        return Adapter(_name_of(_device()), half=False)
    return Adapter(_name_of(_device()), half=True)


def _run_probe(*, half: bool) -> None:
    from texpipe.networks.probe_graph import probe_graph

    result = open_session(probe_graph(half=half))(np.ones((1, 3, 4, 4), np.float32))
    if not np.allclose(result, 27.0):
        raise DeviceLostError("WebGPU computes wrong", hint=_OUTDATED)


def _name_of(device: Any) -> str:  # noqa: ANN401
    """Return what the system calls a card, or as much as ONNX Runtime says of it."""
    if _is_processor(device):
        return "software graphics"
    hardware = device.device
    described = dict(hardware.metadata).get("Description")
    maker = _MAKERS.get(int(hardware.vendor_id))
    names = [card.name for card in installed_cards() if card.maker == maker]
    return str(described or next(iter(names), f"{hardware.vendor} graphics"))
