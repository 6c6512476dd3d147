"""Copies between host and device: none for a CPU, by pinned memory and streams for CUDA, plainly for other GPUs."""

from __future__ import annotations

import threading
from typing import Protocol

import torch
from torch import Tensor


class Transfer(Protocol):
    """Moves pictures; safe to call from several threads at once."""

    def to_device(self, images: Tensor) -> Tensor:
        """Return pictures on the device; the current stream may read them at once."""

    def to_host(self, results: Tensor) -> Tensor:
        """Return completed results of the current stream in host memory."""


class HostTransfer:
    """For a CPU: pictures are not copied."""

    def to_device(self, images: Tensor) -> Tensor:
        """Return the pictures."""
        return images

    def to_host(self, results: Tensor) -> Tensor:
        """Return the results."""
        return results


class PlainTransfer:
    """For GPUs without streams of CUDA's kind: each copy waits for what was asked of the device before.

    Args:
        device: the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def to_device(self, images: Tensor) -> Tensor:
        """Copy pictures."""
        return images.to(self._device)

    def to_host(self, results: Tensor) -> Tensor:
        """Copy results."""
        return results.cpu()


class CudaTransfer:
    """For a GPU of CUDA or ROCm: each thread copies on a stream of its own while the shared stream computes.

    With two threads the next batch arrives while one is computed. All computation, and every allocation for it, stays
    on one stream; tensors that cross streams are recorded, so that their memory is not reused while in use ("CUDA
    semantics" in PyTorch's documentation).

    Args:
        device: the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._own = threading.local()

    def to_device(self, images: Tensor) -> Tensor:
        """Start copying pictures, and let the current stream wait for them."""
        copying, computing = self._copying(), torch.cuda.current_stream(self._device)
        with torch.cuda.stream(copying):
            placed = images.pin_memory().to(self._device, non_blocking=True)
        computing.wait_stream(copying)
        placed.record_stream(computing)
        return placed

    def to_host(self, results: Tensor) -> Tensor:
        """Copy results once they are computed, and wait for that; other threads continue."""
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
    """Return the transfer of pictures to and from a device."""
    if device.type == "cpu":
        return HostTransfer()
    return CudaTransfer(device) if device.type == "cuda" else PlainTransfer(device)
