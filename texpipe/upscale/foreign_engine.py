"""The engine for networks of other architectures: SPAN and RealPLKSR in batches, all others picture by picture."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from texpipe.networks import borders
from texpipe.networks.bridge import ForeignNetwork
from texpipe.networks.dial import require_faithful
from texpipe.networks.foreign_facts import Borders
from texpipe.networks.padding import Pads, pads_of
from texpipe.texture import Axes, Edges
from texpipe.upscale import device as devices
from texpipe.upscale import mirror
from texpipe.upscale.convolve import Method
from texpipe.upscale.device import Device
from texpipe.upscale.engine import method_for
from texpipe.upscale.realplksr import compile_realplksr
from texpipe.upscale.span import compile_span
from texpipe.upscale.transfer import transfer_to

_Execute: TypeAlias = Callable[[Tensor, Pads], Tensor]

_COMPILERS: Final[Mapping[str, Callable[[Any, Method, torch.device, torch.dtype], _Execute]]] = {
    "SPAN": compile_span,
    "RealPLKSR": compile_realplksr,
}
"""The architectures that run in batches."""
_STATELESS: Final = frozenset(
    (
        *("SwiftSRGAN", "MoSR", "RCAN", "PLKSR", "RealPLKSR", "DnCNN", "MoESR", "SAFMN", "SwinIR", "Swin2SR"),
        *("HAT", "DRCT", "DAT", "RGT", "FDAT", "DITN", "DCTLSA", "CRAFT", "SCUNet", "NAFNet"),
        *("ATD", "OmniSR", "SeemoRe"),
    )
)
"""Architectures that keep nothing of a call in the network, so that several threads may use it at once."""
_LOCAL_OVERLAPS: Final[Mapping[str, int]] = {"SPAN": 64}
"""Overlap of tiles for networks whose results depend on at most 32 texels around, in texels per side."""
OVERLAP: Final = 96
"""Overlap of tiles for all other networks, in texels per side."""
CHANNELS: Final = 1024
"""What networks with attention need memory for, in channels as `budget` counts them."""


class ForeignEngine:
    """A network of another architecture ready to upscale batches; what `engine.Engine` is for ESRGAN.

    Args:
        network: the network.
        certified: the class of its borders.
        device, precision: as `device.choose` takes them; float32 where that does not suit the network.

    Raises:
        DeviceError: see `device.choose`.
    """

    def __init__(
        self, network: ForeignNetwork, certified: Borders, device: str = "auto", precision: str = "auto"
    ) -> None:
        self.device: Device = devices.choose(device, precision)
        self.scale: int = network.scale
        self._place = torch.device(self.device.name)
        self._transfer = transfer_to(self._place)
        compiler = _COMPILERS.get(network.architecture)
        self.overlap: int = _LOCAL_OVERLAPS.get(network.architecture, OVERLAP)
        self.channels: int = CHANNELS
        with torch.inference_mode():
            if compiler is not None and certified.multiple == 1:
                self.channels = _widest(network)
                method = method_for(self.device)
                dtype = self._dtype(network)
                self._execute: _Execute = compiler(network.inner, method, self._place, dtype)
            else:
                # Only what was written for this engine is computed in 16 bits on a processor.
                dtype = torch.float32 if self.device.name == "cpu" else self._dtype(network)
                self._execute = _OneByOne(network, certified, self._place, dtype)

    def _dtype(self, network: ForeignNetwork) -> torch.dtype:
        """Return the precision of the device if the network suits it, else float32."""
        suits = {"fp32": True, "fp16": network.half, "bf16": network.bfloat16}[self.device.precision]
        return self.device.dtype if suits else torch.float32

    @property
    def has_dial(self) -> bool:
        """Whether the model has an inventive end: none of these has."""
        return False

    def at(self, detail: float) -> ForeignEngine:
        """Return the engine itself: these networks have no dial.

        Raises:
            ModelError: the detail is not 0.
        """
        require_faithful(detail)
        return self

    def run(self, batch: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
        """Upscale pictures of one shape and one edge mode; see `engine.Engine.run`."""
        unfolded, wrapped = mirror.unfold(batch, edges)
        with torch.inference_mode():
            images = torch.from_numpy(np.ascontiguousarray(unfolded, dtype=np.float32))
            out = self._execute(self._transfer.to_device(images), pads_of(wrapped))
            result: NDArray[np.float32] = self._transfer.to_host(out.clamp_(0, 1)).numpy()
        return mirror.fold(result, edges)


class _OneByOne:
    """Runs pictures one after the other: libraries may choose their methods by the size of a batch."""

    def __init__(
        self, network: ForeignNetwork, certified: Borders, place: torch.device, dtype: torch.dtype
    ) -> None:
        network.network.to(place, dtype)
        self._network, self._borders, self._dtype = network, certified, dtype
        stateless = network.architecture in _STATELESS
        self._alone: AbstractContextManager[Any] = nullcontext() if stateless else threading.Lock()

    def __call__(self, images: Tensor, pads: Pads) -> Tensor:
        """Return N x scale H x scale W x 3 float32 for N x H x W x 3 float32."""
        axes = Axes(pads.x == "wrap", pads.y == "wrap")
        planes = images.permute(0, 3, 1, 2).to(self._dtype)
        with self._alone:
            results = [borders.run(self._network, one[None], axes, self._borders) for one in planes]
        return torch.cat(results).float().permute(0, 2, 3, 1).contiguous()


def _widest(network: ForeignNetwork) -> int:
    """Return the input channels of the widest layer."""
    shapes = (value.shape for value in network.inner.parameters() if value.ndim == 4)
    return max(int(shape[1]) for shape in shapes)
