"""What a `graph_engine.GraphEngine` runs: networks of texpipe's own kinds, and those that torch exports."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from texpipe.errors import DeviceLostError
from texpipe.networks import borders
from texpipe.networks.bridge import ForeignNetwork
from texpipe.networks.dial import Dial, require_faithful
from texpipe.networks.export import graph_of
from texpipe.networks.foreign_facts import Borders
from texpipe.networks.padding import pads_of, to_multiple
from texpipe.networks.per_axis import PerAxis
from texpipe.networks.state_dict_names import Generator
from texpipe.texture import Axes, Edges
from texpipe.upscale.axis_graphs import AxisGraphs, Upscale
from texpipe.upscale.device import Device
from texpipe.upscale.engine import tile_overlap
from texpipe.upscale.foreign_engine import CHANNELS, OVERLAP
from texpipe.upscale.webgpu_sessions import OpenSession

_OWN_TEST_SIDES: Final = (8, 12)
"""Height and width in texels of the picture that own networks are compared on: multiples of every fold."""
_LEAST_WRAPPED_SIDE: Final = 32
"""Shortest wrapped side in texels that exported graphs take: shorter ones are repeated, for wide kernels."""
_OPSET: Final = 17


@dataclass(frozen=True, eq=False)
class GraphModel:
    """A network ready to run.

    Attributes:
        scale, overlap, channels: as `chain.PictureEngine` has them.
        upscale: runs it.
        has_dial: whether the model has an inventive end.
    """

    scale: int
    overlap: int
    channels: int
    upscale: Upscale
    has_dial: bool = False


ModelAt: TypeAlias = Callable[[float], GraphModel]
"""Makes the network of a place of the dial, 0 to 1.

Raises:
    ModelError: the model has no dial, and the place is not 0.
"""


def own_models(dial: Dial, device: Device, open_session: OpenSession) -> ModelAt:
    """Return the models of a network of texpipe's own kinds.

    Args:
        dial: the network.
        device: its precision and its largest batch are used.
        open_session: makes a graph ready to run.
    """

    def at(detail: float) -> GraphModel:
        network = dial.at(detail)
        a = network.architecture
        upscale = _own(network, device, open_session)
        return GraphModel(a.scale, tile_overlap(a), a.widest, upscale, dial.has_two_ends)

    return at


def _own(network: Generator, device: Device, open_session: OpenSession) -> Upscale:
    graphs = AxisGraphs(
        lambda axes: graph_of(network, axes, half=device.precision == "fp16"),
        lambda planes, axes: _on_processor(lambda x: network(x, _edges(axes)), planes),
        open_session,
        _OWN_TEST_SIDES,
        device.precision,
        device.batch_texels,
    )
    fold, scale = network.architecture.unshuffle, network.architecture.scale

    def upscale(planes: NDArray[np.float32], axes: Axes) -> NDArray[np.float32]:
        height, width = planes.shape[2:]
        fitted = to_multiple(torch.from_numpy(planes), fold, pads_of(_edges(axes))).numpy()
        return graphs(fitted, axes)[:, :, : height * scale, : width * scale]

    return upscale


def foreign_models(
    network: ForeignNetwork, certified: Borders, device: Device, open_session: OpenSession
) -> ModelAt:
    """Return the model of a network of another architecture, which torch exports; it is computed in fp32.

    Args:
        network: the network.
        certified: the class of its borders.
        device, open_session: as `own_models` takes them.
    """
    unit = certified.multiple or network.multiple
    least = -(-max(_LEAST_WRAPPED_SIDE, network.minimum) // unit) * unit
    graphs = AxisGraphs(
        lambda axes: _traced(network, axes, least),
        lambda planes, axes: _on_processor(lambda x: network.network(x, axes), planes),
        open_session,
        (least, least + unit),
        "fp32",
        device.batch_texels,
    )
    repeating: Any = _Repeating(graphs, least)
    stand_in = replace(network, network=repeating)

    def upscale(planes: NDArray[np.float32], axes: Axes) -> NDArray[np.float32]:
        result: NDArray[np.float32] = borders.run(stand_in, torch.from_numpy(planes), axes, certified).numpy()
        return result

    model = GraphModel(network.scale, OVERLAP, CHANNELS, upscale)

    def at(detail: float) -> GraphModel:
        require_faithful(detail)
        return model

    return at


class _Repeating:
    """Graphs in the place of a `per_axis.PerAxis`; short wrapped sides are repeated, which changes no result."""

    def __init__(self, graphs: AxisGraphs, least: int) -> None:
        self._graphs, self._least = graphs, least

    def __call__(self, x: Tensor, axes: Axes) -> Tensor:
        """Run pictures whose sides the network takes."""
        height, width = x.shape[2:]
        down = -(-self._least // height) if axes.y else 1
        across = -(-self._least // width) if axes.x else 1
        out = torch.from_numpy(self._graphs(x.repeat(1, 1, down, across).numpy(), axes))
        return out[:, :, : out.shape[2] // down, : out.shape[3] // across]


class _Bound(nn.Module):
    """A network with the axes that wrap."""

    def __init__(self, network: PerAxis, axes: Axes) -> None:
        super().__init__()
        self.network, self._axes = network, axes

    def forward(self, x: Tensor) -> Tensor:
        """Run it."""
        out: Tensor = self.network(x, self._axes)
        return out


def _traced(network: ForeignNetwork, axes: Axes, side: int) -> bytes:
    """Export a network as an ONNX graph for any number of pictures of any sides.

    Raises:
        DeviceLostError: torch cannot export it.
    """
    graph: Any = io.BytesIO()
    free = {"input": {0: "N", 2: "H", 3: "W"}, "output": {0: "N", 2: "scaled_H", 3: "scaled_W"}}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sides that become constants: results are compared on others
            torch.onnx.export(
                _Bound(network.network, axes).eval(),
                (torch.zeros(2, 3, side, side),),
                graph,
                input_names=["input"],
                output_names=["output"],
                dynamic_axes=free,
                opset_version=_OPSET,
                dynamo=False,
            )
    except Exception as error:  # an operation that ONNX does not have: torch has no class for that
        raise DeviceLostError(
            f"a model of the kind {network.architecture} cannot be run by WebGPU", hint="Use --device cpu."
        ) from error
    made: bytes = graph.getvalue()
    return made


@torch.inference_mode()
def _on_processor(network: Callable[[Tensor], Tensor], planes: NDArray[np.float32]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = network(torch.from_numpy(planes)).numpy()
    return result


def _edges(axes: Axes) -> Edges:
    return Edges("wrap" if axes.x else "clamp", "wrap" if axes.y else "clamp")
