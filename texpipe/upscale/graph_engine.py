"""The engine for graphics cards of any maker: what `engine.Engine` is, of graphs that another library runs."""

from __future__ import annotations

import copy
import threading

import numpy as np
from numpy.typing import NDArray

from texpipe.networks.dial import FAITHFUL
from texpipe.texture import Axes, Edges
from texpipe.upscale import mirror
from texpipe.upscale.device import Device
from texpipe.upscale.graph_models import ModelAt


class GraphEngine:
    """A network ready to upscale batches; safe to call from several threads, which wait for each other.

    Args:
        model_at: makes the network of a place of the dial.
        device: where it runs.

    Attributes:
        device, scale, channels, overlap: as `chain.PictureEngine` has them.
    """

    def __init__(self, model_at: ModelAt, device: Device) -> None:
        self._model_at, self._model = model_at, model_at(FAITHFUL)
        self._others: dict[float, GraphEngine] = {}
        self._alone = threading.RLock()
        self.device = device
        self.scale, self.channels, self.overlap = (
            self._model.scale,
            self._model.channels,
            self._model.overlap,
        )

    @property
    def has_dial(self) -> bool:
        """Whether the model has an inventive end."""
        return self._model.has_dial

    def at(self, detail: float) -> GraphEngine:
        """Return the engine for a place of the dial, 0 to 1; blended at the first call, then kept.

        Raises:
            ModelError: the model has no dial, and the detail is not 0.
        """
        if detail == FAITHFUL:
            return self
        with self._alone:
            if detail not in self._others:
                other = copy.copy(self)
                other._model = self._model_at(detail)
                self._others[detail] = other
            return self._others[detail]

    def run(self, batch: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
        """Upscale pictures of one shape and one edge mode; see `engine.Engine.run`.

        Raises:
            MemoryError: there is too little memory for a single picture.
            DeviceLostError: the device computes no more, or wrong.
        """
        unfolded, wrapped = mirror.unfold(batch, edges)
        planes = np.ascontiguousarray(unfolded.transpose(0, 3, 1, 2), dtype=np.float32)
        with self._alone:
            out = self._model.upscale(planes, Axes(wrapped.x == "wrap", wrapped.y == "wrap"))
        result = np.ascontiguousarray(np.clip(out, 0, 1).transpose(0, 2, 3, 1))
        return mirror.fold(result, edges)
