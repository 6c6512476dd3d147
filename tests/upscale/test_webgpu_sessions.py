"""What ONNX Runtime's WebGPU provider says when it fails, and what is made of it.

The texts of version 0.4.0 were recorded with a Vulkan driver that refuses memory, or reports a lost device, on purpose;
those of Direct3D 12 are from public bug reports.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from texpipe.errors import DeviceLostError
from texpipe.upscale.webgpu_sessions import run_of

DOWNLOAD = (
    "[ONNXRuntimeError] : 1 : FAIL : /onnxruntime_src/onnxruntime/core/providers/webgpu/buffer_manager.cc:641 void "
    "onnxruntime::webgpu::BufferManager::Download(WGPUBuffer, void*, size_t) const map_async_result.status == "
    "wgpu::MapAsyncStatus::Success was false. Failed to download data from buffer. wgpu::MapAsyncStatus value: "
)
INVALID = (
    "[ONNXRuntimeError] : 1 : FAIL : WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a "
    "previous error."
)
NO_MEMORY = [
    f"{INVALID}\n - While validating entries[2] against {{ binding: 2, visibility: ShaderStage::Compute, buffer: "
    "{type: BufferBindingType::Storage, minBindingSize: 0, hasDynamicOffset: 0} }.\n - While validating "
    '[BindGroupDescriptor ""MatMul""] against [BindGroupLayout "MatMul"]\n - While calling '
    "[Device].CreateBindGroup([BindGroupDescriptor "
    '""MatMul""]).\n',
    f"{INVALID}\n - While calling [Queue].WriteBuffer([Invalid Buffer (unlabeled)], (0 bytes), data, (32 bytes))\n",
    f"{DOWNLOAD}3, message: [Invalid Buffer (unlabeled)] is invalid due to a previous error.\n",
    "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running Tile node. Name:'' Status "
    "Message: Tile output tensor would require more than 4294967296 bytes, which exceeds the supported maximum of "
    "4294967296 bytes.",
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to create GPU buffer: size=5368709120, usage=140.",
    "Buffer size (5368709120) exceeds the max buffer size limit (4294967296).",
    "Binding size (536870912) of [Buffer (unlabeled)] is larger than the maximum storage buffer binding size "
    "(134217728).",
    "vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY",
    "CreateCommittedResource failed with E_OUTOFMEMORY (0x8007000E)",
    "std::bad_alloc",
]
LOST = [
    (f"{DOWNLOAD}4, message: [Device] is lost.\n", "the graphics card stopped computing: [Device] is lost"),
    (
        "vkQueueSubmit failed with VK_ERROR_DEVICE_LOST\n - While handling unexpected error type Internal",
        "the graphics card stopped computing: vkQueueSubmit failed with VK_ERROR_DEVICE_LOST",
    ),
    (
        "ID3D12Device::GetDeviceRemovedReason failed with DXGI_ERROR_DEVICE_HUNG (0x887A0006)\n - While handling "
        "unexpected error type Internal when allowed errors are (Validation|DeviceLost).\n\nBackend messages:\n * "
        "Device removed reason: DXGI_ERROR_DEVICE_HUNG (0x887A0006)\n",
        "the graphics card did not answer in time and was reset: ID3D12Device::GetDeviceRemovedReason failed with "
        "DXGI_ERROR_DEVICE_HUNG (0x887A0006)",
    ),
    (
        "[ONNXRuntimeError] : 1 : FAIL : WebGPU validation failed. [Buffer (unlabeled)] usage (BufferUsage::Uniform) "
        "doesn't include BufferUsage::Storage.\n - While calling [Device].CreateBindGroup().\n",
        "WebGPU failed: WebGPU validation failed. [Buffer (unlabeled)] usage (BufferUsage::Uniform) doesn't include "
        "BufferUsage::Storage",
    ),
    (
        "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for Pad(19) node with name 'v3'",
        "WebGPU failed: Could not find an implementation for Pad(19) node with name 'v3'",
    ),
]


class Session:
    """A session of ONNX Runtime whose every run ends in an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_inputs(self) -> list[object]:
        return [type("Input", (), {"name": "input"})]

    def run(self, *_: object) -> list[np.ndarray]:
        raise self._error


def failing(error: Exception) -> Callable[[], np.ndarray]:
    run = run_of(lambda: Session(error))
    return lambda: run(np.zeros((1, 3, 4, 4), np.float32))


@pytest.mark.parametrize("text", NO_MEMORY)
def test_too_little_memory_is_told_from_a_lost_card(text: str) -> None:
    with pytest.raises(MemoryError) as caught:
        failing(RuntimeError(text))()
    assert "onnxruntime_src" not in str(caught.value)


@pytest.mark.parametrize(("text", "said"), LOST)
def test_a_lost_card_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(DeviceLostError) as caught:
        failing(RuntimeError(text))()
    assert caught.value.message == said
    assert caught.value.hint


def test_an_error_without_a_text_is_named() -> None:
    with pytest.raises(DeviceLostError, match="WebGPU failed: KeyError"):
        failing(KeyError())()


def test_the_library_reports_to_nobody() -> None:
    """It does by default; texpipe sends nothing anywhere."""
    pytest.importorskip("onnxruntime")
    code = (
        "import os; from texpipe.upscale import webgpu_sessions; webgpu_sessions._runtime();"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    environment = {
        name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == "1\n", done.stderr
