"""Examines Python, this package, and the libraries that it needs; torch in a process of its own, as it may crash."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from texpipe import __version__
from texpipe.doctor.finding import Finding
from texpipe.upscale.hardware import REINSTALL_TORCH

_TORCH_SECONDS: Final = 120
"""Longest time that `import torch` may take, in seconds: a cold start from a slow disk takes half a minute."""
_LIBRARIES: Final = ("numpy", "pillow", "opencv-python-headless", "safetensors", "pydantic", "rich")
"""Libraries without which texpipe does not work."""
EXTRAS: Final = {
    "studio": ("starlette", "uvicorn"),
    "live": ("watchfiles",),
    "gpu": ("onnxruntime", "onnxruntime-ep-webgpu", "onnx"),
    "models": ("spandrel",),
    "dds": ("etcpak",),
    "zstd": ("zstandard",),
    "ray": ("ray",),
    "export": ("onnx",),
}
"""Libraries of each optional extra, by the extra's name: those of pyproject.toml that users install."""

_PROBE: Final = "import torch; torch.ones(2).sum().item(); print(torch.__version__)"


def software() -> Iterator[Finding]:
    """Examine versions; a torch that cannot be imported is a problem, not an exception."""
    yield Finding("software", "texpipe", "good", __version__)
    yield Finding("software", "Python", "good", f"{platform.python_version()}, {platform.platform()}")
    yield torch_finding()
    for library in _LIBRARIES:
        found = _version(library)
        if found:
            yield Finding("software", library, "good", found)
        else:
            yield Finding("software", library, "problem", "not installed", f"python -m pip install {library}")
    yield Finding("software", "extras", "good", ", ".join(_installed_extras()) or "none installed")


def torch_finding() -> Finding:
    """Import torch in another process, and compute with it."""
    installed = _version("torch")
    if installed is None:
        return Finding("software", "torch", "problem", "not installed", "python -m pip install torch")
    command = [sys.executable, "-c", _PROBE]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TORCH_SECONDS, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return Finding(
            "software", "torch", "problem", f"its import takes over {_TORCH_SECONDS} s", REINSTALL_TORCH
        )
    if done.returncode == 0:
        return Finding("software", "torch", "good", done.stdout.strip())
    last = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
    return Finding("software", "torch", "problem", f"{installed} cannot be used: {last}", REINSTALL_TORCH)


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _installed_extras() -> list[str]:
    """Return the extras all of whose libraries are there, each with the versions."""
    found = {extra: [(one, _version(one)) for one in libraries] for extra, libraries in EXTRAS.items()}
    return [
        f"{extra} ({', '.join(f'{library} {there}' for library, there in versions)})"
        for extra, versions in found.items()
        if all(there for _, there in versions)
    ]
