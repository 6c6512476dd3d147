"""A graph of one convolution that shows whether an ONNX runtime computes at all, made without torch."""

from __future__ import annotations

import numpy as np


def probe_graph(*, half: bool) -> bytes:
    """Return a graph that sums 3 x 3 texels of 3 channels, wrapped, in fp32 or fp16: ones become 27.

    Its `input` is 1 x 3 x H x W float32, its `output` 1 x 8 x H x W float32.
    """
    from onnx import TensorProto, helper, numpy_helper

    kind, array = (TensorProto.FLOAT16, np.float16) if half else (TensorProto.FLOAT, np.float32)
    weights = [
        numpy_helper.from_array(np.ones((8, 3, 3, 3), array), "weight"),
        numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "sides"),
    ]
    nodes = [
        helper.make_node("Cast", ["input"], ["typed"], to=kind),
        helper.make_node("Pad", ["typed", "sides"], ["padded"], mode="wrap"),
        helper.make_node("Conv", ["padded", "weight"], ["sums"], kernel_shape=[3, 3]),
        helper.make_node("Cast", ["sums"], ["output"], to=TensorProto.FLOAT),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, "H", "W"])
        for name, channels in (("input", 3), ("output", 8))
    ]
    graph = helper.make_graph(nodes, "probe", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    made: bytes = model.SerializeToString(deterministic=True)
    return made
