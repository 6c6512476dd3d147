"""Export of a network as an ONNX graph, for other runtimes."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from texpipe.errors import ModelError
from texpipe.networks.compact import Compact
from texpipe.networks.rrdbnet import RESIDUAL, SLOPE, DenseBlock, RRDBNet
from texpipe.networks.state_dict_names import Generator
from texpipe.storage.atomic import write_atomic
from texpipe.texture import Axes

_OPSET: Final = 17
_IR_VERSION: Final = 8
"""Version of the ONNX file format: that of ONNX 1.12 (2022), which all common runtimes read."""
_WRAPPING_OPSET: Final = 19
_WRAPPING_IR_VERSION: Final = 9
"""The same of ONNX 1.14 (2023), the first that pads by the other side of a map."""


def export_onnx(network: Generator, path: Path) -> None:
    """Write a network as an ONNX file in fp32, with zero padding like the public networks.

    The graph takes `input`, N x 3 x H x W float32 in [0, 1] of any N, H and W (multiples of the network's unshuffle
    factor), and returns `output`, N x 3 x scale H x scale W, not clamped. The same weights give the same bytes.

    Args:
        network: the network.
        path: the file; written atomically.

    Raises:
        ModelError: the package `onnx` is not installed.
    """
    onnx = _import_onnx()
    model = _Graph(onnx).model(network)
    onnx.checker.check_model(model)
    write_atomic(path, model.SerializeToString(deterministic=True), any_link=True)


def graph_of(network: Generator, wrapped: Axes, *, half: bool) -> bytes:
    """Return a network as an ONNX graph whose every convolution wraps on some axes; input and output as `export_onnx`.

    Args:
        network: the network.
        wrapped: the axes that wrap; the others are padded with zeros.
        half: compute in fp16; input and output stay fp32.

    Raises:
        ModelError: the package `onnx` is not installed.
    """
    model = _Graph(_import_onnx(), wrapped, half=half).model(network)
    made: bytes = model.SerializeToString(deterministic=True)
    return made


def _import_onnx() -> Any:  # noqa: ANN401
    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        raise ModelError(
            "export needs the package onnx, which is not installed", hint="python -m pip install onnx"
        ) from error


class _Graph:
    """Nodes and weights in the order in which the network applies them; methods return a value's name.

    A map is padded once where it is made, not in each convolution that reads it: a dense block reads its maps up to
    five times.
    """

    def __init__(self, onnx: Any, wrapped: Axes = Axes(), *, half: bool = False) -> None:  # noqa: ANN401, B008
        self._helper = onnx.helper
        self._array = onnx.numpy_helper.from_array
        self._float, self._half = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16 if half else None
        self._wrapped = wrapped
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._sides = self._sides_of_wrapped() if wrapped else ""

    def model(self, network: Generator) -> Any:  # noqa: ANN401
        a = network.architecture
        x = "input" if self._half is None else self._node("Cast", "input", to=self._half)
        last = self._compact(network, x) if isinstance(network, Compact) else self._rrdbnet(network, x)
        if self._half is not None:
            self._node("Cast", last, to=self._float)
        self._nodes[-1].output[0] = "output"
        ends = [
            self._helper.make_tensor_value_info(name, self._float, ["N", channels, *size])
            for name, channels, size in (
                ("input", a.num_in_ch, ("H", "W")),
                ("output", a.num_out_ch, ("scaled_H", "scaled_W")),
            )
        ]
        graph = self._helper.make_graph(
            self._nodes, str(a.as_json()["type"]), ends[:1], ends[1:], self._weights
        )
        opset, version = (_WRAPPING_OPSET, _WRAPPING_IR_VERSION) if self._wrapped else (_OPSET, _IR_VERSION)
        imports = [self._helper.make_opsetid("", opset)]
        return self._helper.make_model(
            graph, producer_name="texpipe", opset_imports=imports, ir_version=version
        )

    def _rrdbnet(self, network: RRDBNet, x: str) -> str:
        fold = network.architecture.unshuffle
        first = network.conv_first.weight
        if fold > 1:
            x = self._node("SpaceToDepth", x, blocksize=fold)
            # ONNX puts a block's texels before the channels, PyTorch's pixel_unshuffle the other way round.
            first = first.reshape(len(first), -1, fold * fold, 3, 3).transpose(1, 2).flatten(1, 2)
        x = trunk = self._conv(network.conv_first, x, kernel=first)
        for block in network.body:
            inner = x
            for dense in block.children():
                assert isinstance(dense, DenseBlock)
                inner = self._dense(dense, inner)
            x = self._residual(x, inner)
        x = self._node("Add", trunk, self._conv(network.conv_body, x))
        scales = self._scales(2)
        for conv in network.up_convs:
            x = self._node("Resize", x, "", scales, mode="nearest", **_AS_PYTORCH)
            x = self._leaky(self._conv(conv, x))
        return self._conv(network.conv_last, self._leaky(self._conv(network.conv_hr, x)))

    def _compact(self, network: Compact, x: str) -> str:
        factor = network.architecture.scale
        scales = self._scales(factor)
        repeated = self._node("Resize", x, "", scales, mode="nearest", **_AS_PYTORCH)
        for conv, slopes in zip(network.convs, network.slopes, strict=False):
            x = self._node("PRelu", self._conv(conv, x), self._weight(slopes[:, None, None]))
        # Channels before the pixels of a texel, as PyTorch's pixel_shuffle has them.
        detail = self._node("DepthToSpace", self._conv(network.convs[-1], x), blocksize=factor, mode="CRD")
        return self._node("Add", detail, repeated)

    def _dense(self, block: DenseBlock, x: str) -> str:
        maps = [self._padded(x)]
        for conv in (block.conv1, block.conv2, block.conv3, block.conv4):
            maps.append(self._padded(self._leaky(self._conv_padded(conv, self._joined(maps)))))
        return self._residual(x, self._conv_padded(block.conv5, self._joined(maps)))

    def _joined(self, values: list[str]) -> str:
        return self._node("Concat", *values, axis=1)

    def _residual(self, x: str, inner: str) -> str:
        return self._node("Add", x, self._node("Mul", inner, self._weight(torch.tensor(RESIDUAL))))

    def _leaky(self, x: str) -> str:
        return self._node("LeakyRelu", x, alpha=SLOPE)

    def _conv(self, conv: nn.Conv2d, x: str, kernel: Tensor | None = None) -> str:
        return self._conv_padded(conv, self._padded(x), kernel)

    def _conv_padded(self, conv: nn.Conv2d, x: str, kernel: Tensor | None = None) -> str:
        """Convolve a map that `_padded` returned, with zeros around it on the other axes."""
        assert conv.bias is not None
        weight = self._weight(conv.weight if kernel is None else kernel)
        y, x_side = (0 if wraps else 1 for wraps in (self._wrapped.y, self._wrapped.x))
        sides = [y, x_side, y, x_side]
        return self._node("Conv", x, weight, self._weight(conv.bias), kernel_shape=[3, 3], pads=sides)

    def _padded(self, x: str) -> str:
        """Continue a map by a texel at its other side on the axes that wrap."""
        return self._node("Pad", x, self._sides, mode="wrap") if self._wrapped else x

    def _sides_of_wrapped(self) -> str:
        y, x = int(self._wrapped.y), int(self._wrapped.x)
        return self._constant(torch.tensor([0, 0, y, x, 0, 0, y, x]))

    def _scales(self, factor: int) -> str:
        return self._constant(torch.tensor([1.0, 1.0, factor, factor]))

    def _weight(self, value: Tensor) -> str:
        value = value.detach().float()
        return self._constant(value if self._half is None else value.half())

    def _constant(self, value: Tensor) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(self._array(value.contiguous().numpy(), name))
        return name

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401
        name = f"v{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, list(inputs), [name], **attributes))
        return name


_AS_PYTORCH: Final = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
