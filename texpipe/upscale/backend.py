"""The libraries that run networks, by one contract: networks in, batches in, results out.

Nothing is imported from them before a network is opened, because a run that finds all results in its store needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from texpipe.upscale import hardware, webgpu, webgpu_sessions
from texpipe.upscale.device import Device, choose

if TYPE_CHECKING:
    from texpipe.networks.bridge import ForeignNetwork
    from texpipe.networks.dial import Dial
    from texpipe.networks.foreign_facts import Borders
    from texpipe.upscale.chain import PictureEngine

_GPU_VARIES: Final = (
    "computed on a GPU, whose library may choose its methods by the size of a batch: last bits may differ"
)


class Backend(Protocol):
    """A library that runs networks.

    An engine that it opens raises `MemoryError` or torch's own errors where a batch needs too much memory, which is
    then run in smaller parts, and `DeviceLostError` where the device computes no more, or wrong.
    """

    def library(self) -> str:
        """Return its name and version: part of the store's keys, because another one changes last bits."""

    def varies(self, device: str) -> str | None:
        """Say why a device may give a picture other last bits in another batch; None if it promises the same."""

    def open(self, network: Dial, device: Device) -> PictureEngine:
        """Make an engine of a network of texpipe's own kinds.

        Raises:
            DeviceError: it cannot run there.
        """

    def open_foreign(self, network: ForeignNetwork, borders: Borders, device: Device) -> PictureEngine:
        """Make an engine of a network of another architecture, whose borders are of this class; errors as `open`."""


class TorchBackend:
    """PyTorch: the processor, CUDA, ROCm, XPU and Apple's graphics."""

    def library(self) -> str:
        """Return torch's version."""
        return f"torch {hardware.torch_build().version}"

    def varies(self, device: str) -> str | None:
        """Promise the same bits on the processor alone."""
        return None if device == "cpu" else _GPU_VARIES

    def open(self, network: Dial, device: Device) -> PictureEngine:
        """Make an `engine.Engine`."""
        from texpipe.upscale.engine import Engine

        return Engine(network, device.name, device.precision)

    def open_foreign(self, network: ForeignNetwork, borders: Borders, device: Device) -> PictureEngine:
        """Make a `foreign_engine.ForeignEngine`."""
        from texpipe.upscale.foreign_engine import ForeignEngine

        return ForeignEngine(network, borders, device.name, device.precision)


class WebGpuBackend:
    """ONNX Runtime's WebGPU provider: any graphics card with Vulkan, Direct3D 12 or Metal."""

    def library(self) -> str:
        """Return the versions of ONNX Runtime and of the provider."""
        return webgpu.library()

    def varies(self, device: str) -> str | None:
        """Promise no last bits: shaders depend on the shape of a batch."""
        return _GPU_VARIES

    def open(self, network: Dial, device: Device) -> PictureEngine:
        """Make a `graph_engine.GraphEngine` of the exported graph."""
        from texpipe.upscale.graph_engine import GraphEngine
        from texpipe.upscale.graph_models import own_models

        return GraphEngine(own_models(network, device, webgpu_sessions.open_session), device)

    def open_foreign(self, network: ForeignNetwork, borders: Borders, device: Device) -> PictureEngine:
        """Make a `graph_engine.GraphEngine` of the graph that torch exports."""
        from texpipe.upscale.graph_engine import GraphEngine
        from texpipe.upscale.graph_models import foreign_models

        return GraphEngine(foreign_models(network, borders, device, webgpu_sessions.open_session), device)


TORCH: Final = TorchBackend()
WEBGPU: Final = WebGpuBackend()


def backend_of(device: str) -> Backend:
    """Return the library for a device of this name."""
    return WEBGPU if device == "webgpu" else TORCH


def identity(device: str = "auto", precision: str = "auto") -> str:
    """Return everything but the weights that determines a result's last bits, as part of a store key.

    Args:
        device, precision: as `device.choose` takes them.

    Raises:
        DeviceError: see `device.choose`.
    """
    chosen = choose(device, precision)
    library = backend_of(chosen.name).library()
    return " ".join((chosen.name, chosen.instructions, chosen.precision, chosen.method, library))


def spoken(engine: str) -> str:
    """Return the device of `identity` as people say it, such as "Intel Arc A770 by xpu, bf16"."""
    name, *rest = engine.partition(" torch ")[0].partition(" onnxruntime ")[0].split()
    *chip, precision, _method = rest
    if name == "cpu":
        return f"the CPU, {precision}"
    return f"{' '.join(chip)} by {'WebGPU' if name == 'webgpu' else name}, {precision}"


def why_it_varies(engine: str) -> str | None:
    """Say why another run on the same machine may end in other bytes; None where it cannot.

    Args:
        engine: what `identity` returned.
    """
    name = engine.split(maxsplit=1)[0]
    return backend_of(name).varies(name)
