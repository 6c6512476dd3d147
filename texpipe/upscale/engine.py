"""The engine: a network ready to upscale batches of one shape and one edge mode.

Wrapping and clamping happen inside every convolution, per axis. Mirroring is exact by doubling: the texture
joined to its own mirror image is periodic, and the mean of the two halves of its result does not change when
the texture is flipped.
"""

from __future__ import annotations

import copy
import threading

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from texpipe.networks.compact import Compact, CompactArchitecture
from texpipe.networks.dial import FAITHFUL, Dial
from texpipe.networks.padding import Pads, pads_of, to_multiple
from texpipe.networks.rrdbnet import Architecture
from texpipe.networks.state_dict_names import Generator
from texpipe.texture import Edges
from texpipe.upscale import device as devices
from texpipe.upscale import mirror
from texpipe.upscale.compiled import CompiledNetwork, compile_network
from texpipe.upscale.compiled_compact import CompiledCompact, compile_compact
from texpipe.upscale.convolve import DirectConvolution, Method
from texpipe.upscale.device import Device
from texpipe.upscale.transfer import transfer_to
from texpipe.upscale.winograd import Winograd


class Engine:
    """A network ready to upscale batches; safe to call from several threads at once.

    Args:
        network: a network for RGB, or one with a dial, which the engine itself runs at its faithful end.
        device, precision: as `device.choose` takes them.

    Raises:
        DeviceError: see `device.choose`.

    Attributes:
        device: where it runs.
        scale: output texels per input texel and axis.
        channels: input channels of the widest convolution, to which memory is proportional.
        overlap: texels per side by which the tiles of a big picture must overlap to agree with the whole to one level.
    """

    def __init__(self, network: Generator | Dial, device: str = "auto", precision: str = "auto") -> None:
        self._dial = network if isinstance(network, Dial) else Dial(network)
        self._others: dict[float, Engine] = {}
        self._blending = threading.Lock()
        network = self._dial.faithful
        self.device: Device = devices.choose(device, precision)
        self.scale: int = network.architecture.scale
        self.overlap: int = tile_overlap(network.architecture)
        self.channels: int = network.architecture.widest
        self._folded = network.architecture.unshuffle
        self._place = torch.device(self.device.name)
        self._transfer = transfer_to(self._place)
        self._execute = self._compiled(network)

    @property
    def has_dial(self) -> bool:
        """Whether the model has an inventive end."""
        return self._dial.has_two_ends

    def at(self, detail: float) -> Engine:
        """Return the engine for a place of the dial, 0 to 1; blended at the first call, then kept.

        Raises:
            ModelError: the model has no dial, and the detail is not 0.
        """
        if detail == FAITHFUL:
            return self
        with self._blending:
            if detail not in self._others:
                self._others[detail] = self._blended(detail)
            return self._others[detail]

    def _blended(self, detail: float) -> Engine:
        other = copy.copy(self)
        other._execute = self._compiled(self._dial.at(detail))
        return other

    def _compiled(self, network: Generator) -> CompiledNetwork | CompiledCompact:
        method = method_for(self.device)
        with torch.inference_mode():
            if isinstance(network, Compact):
                return compile_compact(network, method, self._place, self.device.dtype)
            return compile_network(network, method, self._place, self.device.dtype)

    def run(self, batch: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
        """Upscale pictures of one shape and one edge mode.

        Args:
            batch: N x H x W x 3 float32 in [0, 1]; N, H and W at least 1.
            edges: the edges of all of them.

        Returns:
            N x scale H x scale W x 3 float32 in [0, 1]. A picture's result does not depend on the others.
        """
        unfolded, wrapped = mirror.unfold(batch, edges)
        height, width = unfolded.shape[1:3]
        pads = pads_of(wrapped)
        with torch.inference_mode():
            images = torch.from_numpy(np.ascontiguousarray(unfolded, dtype=np.float32))
            out = self._execute(self._unshuffle(self._transfer.to_device(images), pads), pads)
            # A folded picture of a size that the fold does not divide comes out too big.
            out = out[:, : height * self.scale, : width * self.scale]
            result: NDArray[np.float32] = self._transfer.to_host(out.clamp_(0, 1)).numpy()
        return mirror.fold(result, edges)

    def _unshuffle(self, images: Tensor, pads: Pads) -> Tensor:
        """Fold texels into channels, if the network has pixel unshuffle."""
        if self._folded == 1:
            return images
        planes = to_multiple(images.permute(0, 3, 1, 2), self._folded, pads)
        return functional.pixel_unshuffle(planes, self._folded).permute(0, 2, 3, 1)


def method_for(device: Device) -> Method:
    """Return the convolution method of a device; see `Device.method`."""
    place = torch.device(device.name)
    return Winograd(place) if device.method == "winograd-2" else DirectConvolution(place)


def tile_overlap(architecture: Architecture | CompactArchitecture) -> int:
    """Return the texels by which tiles must overlap (docs/performance.md); half of them is thrown away."""
    if isinstance(architecture, CompactArchitecture):
        return 2 * (architecture.num_conv + 2)  # exact: every convolution sees one texel further
    return 64 if architecture.num_block <= 6 else 96
