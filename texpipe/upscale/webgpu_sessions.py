"""Runs graphs on a graphics card by ONNX Runtime's WebGPU provider, and says what its errors mean."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import DeviceLostError
from texpipe.system.graphics_cards import Maker, installed_cards

Run: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Runs a graph: N x 3 x H x W in, N x 3 x scale H x scale W out.

Raises:
    MemoryError: the batch needs too much memory.
    DeviceLostError: anything else went wrong.
"""
OpenSession: TypeAlias = Callable[[bytes], Run]
"""Makes an ONNX graph with one input and one output ready to run."""

_MAKERS: Final[Mapping[int, Maker]] = {0x10DE: "NVIDIA", 0x1002: "AMD", 0x8086: "Intel", 0x106B: "Apple"}
"""Makers of graphics cards by PCI vendor number."""
_OUT_OF_MEMORY: Final = (
    "invalid buffer",  # what is said of a buffer that could not be made: the reason of that goes to a log alone
    "failed to create gpu buffer",
    "out of memory",
    "outofmemory",
    "out_of_device_memory",
    "out_of_host_memory",
    "memory allocation failed",
    "failed to allocate memory",
    "bad_alloc",
    "exceeds the max",
    "exceeds the supported maximum",
    "larger than the maximum",
)
"""Words of errors, of ONNX Runtime, Dawn or a driver, where a batch needs too much memory or too large a buffer."""
_TOO_SLOW: Final = ("device_hung", "timeout", "timed out")
"""Words of errors where the system resets a card that does not answer in time."""
_LOST: Final = (
    "device] is lost",
    "device is lost",
    "device lost",
    "device_lost",
    "device_removed",
    "device_reset",
)
"""Words of errors where a card computes no more: its driver was reset or updated, or it was taken away."""
_PREAMBLE: Final = re.compile(
    r".*was false\. |.*Status Message: |^\[ONNXRuntimeError\] : \d+ : \w+ : |.*, message: ", flags=re.DOTALL
)
"""What stands before the reason in an error of ONNX Runtime: codes, and the C++ function that noticed."""
_REASON_LENGTH: Final = 200
"""Characters of an error's reason that are shown."""
OUTDATED: Final = "Update the graphics driver, or use --device cpu."


@dataclass(frozen=True)
class Adapter:
    """A graphics card that WebGPU can use.

    Attributes:
        name: what the system calls it.
        half: whether it computes in 16 bits.
        software: whether it is a processor that imitates a graphics card.
    """

    name: str
    half: bool
    software: bool = False


def find_adapter() -> Adapter:
    """Run a small network on the graphics card, in 32 and in 16 bits; a broken driver may end or stop this process.

    Raises:
        DeviceLostError: there is no card, or it does not compute right in 32 bits.
        MemoryError: it has no memory left.
    """
    device = _require_device()
    _run_probe(half=False)
    try:
        _run_probe(half=True)
    except (DeviceLostError, MemoryError):
        return Adapter(_name_of(device), half=False, software=_is_processor(device))
    return Adapter(_name_of(device), half=True, software=_is_processor(device))


def open_session(model: bytes) -> Run:
    """Make a graph ready to run on the adapter.

    Args:
        model: an ONNX file with one input and one output.

    Raises:
        DeviceLostError: the provider cannot run it.
    """
    device, onnxruntime = _require_device(), _runtime()
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
        if isinstance(error, MemoryError) or _says(error, _OUT_OF_MEMORY):
            raise MemoryError(_reason(error)) from error
        raise DeviceLostError(f"{_what_happened(error)}: {_reason(error)}", hint=OUTDATED) from error


def _what_happened(error: Exception) -> str:
    if _says(error, _TOO_SLOW):
        return "the graphics card did not answer in time and was reset"
    return "the graphics card stopped computing" if _says(error, _LOST) else "WebGPU failed"


def _says(error: Exception, words: Sequence[str]) -> bool:
    said = str(error).lower()
    return any(one in said for one in words)


def _reason(error: Exception) -> str:
    """Return the reason that an error gives, in one line."""
    text = str(error).strip()
    while (before := _PREAMBLE.match(text)) is not None:
        text = text[before.end() :]
    lines = text.splitlines() or [type(error).__name__]
    return lines[0][:_REASON_LENGTH].rstrip(". ")


def _runtime() -> Any:  # noqa: ANN401
    """Import ONNX Runtime, and keep it from reporting to its maker what runs here, as it does by default."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def _require_device() -> Any:  # noqa: ANN401
    device = _device()
    if device is None:
        raise DeviceLostError("ONNX Runtime lists no graphics card for it", hint=OUTDATED)
    return device


@cache
def _device() -> Any:  # noqa: ANN401
    """Return ONNX Runtime's device of the provider, a graphics card before any other; None without."""
    import onnxruntime_ep_webgpu

    onnxruntime = _runtime()
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


def _run_probe(*, half: bool) -> None:
    from texpipe.networks.probe_graph import probe_graph

    result = open_session(probe_graph(half=half))(np.ones((1, 3, 4, 4), np.float32))
    if not np.allclose(result, 27.0):
        raise DeviceLostError("WebGPU computes wrong", hint=OUTDATED)


def _name_of(device: Any) -> str:  # noqa: ANN401
    """Return what the system calls a card, or as much as ONNX Runtime says of it."""
    if _is_processor(device):
        return "software graphics"
    hardware = device.device
    described = dict(hardware.metadata).get("Description")
    maker = _MAKERS.get(int(hardware.vendor_id))
    names = [card.name for card in installed_cards() if card.maker == maker]
    return str(described or next(iter(names), f"{hardware.vendor} graphics"))
