"""How pictures come to the device and back: nothing to do on a CPU, pinned memory and streams on a GPU."""

from __future__ import annotations

import threading
from typing import Protocol

import torch
from torch import Tensor


class Transfer(Protocol):
    """Moves pictures; safe to call from several threads at once."""

    def to_device(self, images: Tensor) -> Tensor:
        """Return pictures on the device; whatever the current stream does next may read them."""

    def to_host(self, results: Tensor) -> Tensor:
        """Return results of the current stream in memory of the CPU, whole."""


class HostTransfer:
    """For a CPU: pictures are where they are needed."""

    def to_device(self, images: Tensor) -> Tensor:
        """Return the pictures."""
        return images

    def to_host(self, results: Tensor) -> Tensor:
        """Return the results."""
        return results


class CudaTransfer:
    """For a GPU: each thread copies on a stream of its own, while the one stream on which all compute goes on.

    So with two threads the next batch arrives while one is computed. All that computes, and every allocation for it,
    stays on one stream; what crosses over is recorded, so that its memory is not given away while it is used
    ("CUDA semantics" in PyTorch's documentation).

    Args:
        device: the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._own = threading.local()

    def to_device(self, images: Tensor) -> Tensor:
        """Begin to copy pictures, and let the current stream wait for them."""
        copying, computing = self._copying(), torch.cuda.current_stream(self._device)
        with torch.cuda.stream(copying):
            placed = images.pin_memory().to(self._device, non_blocking=True)
        computing.wait_stream(copying)
        placed.record_stream(computing)
        return placed

    def to_host(self, results: Tensor) -> Tensor:
        """Copy results when they are computed, and wait for that; other threads go on."""
        copying, computing = self._copying(), torch.cuda.current_stream(self._device)
        copying.wait_stream(computing)
        host = torch.empty(results.shape, dtype=results.dtype, pin_memory=True)
        with torch.cuda.stream(copying):
            host.copy_(results, non_blocking=True)
        results.record_stream(copying)
        copying.synchronize()
        return host

    def _copying(self) -> torch.cuda.Stream:
        """Return this thread's stream."""
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        stream: torch.cuda.Stream = self._own.stream
        return stream


def transfer_to(device: torch.device) -> Transfer:
    """Return how pictures come to a device."""
    return CudaTransfer(device) if device.type == "cuda" else HostTransfer()
