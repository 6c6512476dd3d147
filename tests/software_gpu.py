"""A graphics card in software for tests: SwiftShader, the Vulkan driver that Debian's chromium brings."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from texpipe.upscale import webgpu, webgpu_sessions

FOLDER = Path("/usr/lib/chromium")
DRIVER = FOLDER / "vk_swiftshader_icd.json"
LOADER = FOLDER / "libvulkan.so.1"
ENVIRONMENT: Mapping[str, str] = {
    "VK_ICD_FILENAMES": str(DRIVER),
    "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1",
}
"""Lets ONNX Runtime compute on it, where the loader is found."""
IN_CHILDREN: Mapping[str, str] = {**ENVIRONMENT, "LD_LIBRARY_PATH": str(FOLDER)}
"""The same for another process."""


def require() -> None:
    """Skip a test where there is no such card; on the machine that checks changes there must be one."""
    missing = [str(file) for file in (DRIVER, LOADER) if not file.is_file()]
    missing += [name for name in ("onnx", "onnxruntime", "onnxruntime_ep_webgpu") if find_spec(name) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"WEBGPU IS NOT TESTED: {', '.join(missing)} missing")
    if missing:
        pytest.skip(f"needs the extra gpu and Debian's chromium: {', '.join(missing)} missing")


@contextmanager
def present() -> Iterator[None]:
    """Let this process find the card, and forget it afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in IN_CHILDREN.items():
            patch.setenv(name, value)
        ctypes.CDLL(str(LOADER), mode=ctypes.RTLD_GLOBAL)  # whoever opens it by its name then finds it
        _forget()
        yield
    _forget()


def _forget() -> None:
    for cached in (webgpu_sessions._device, webgpu._probed):
        cached.cache_clear()
