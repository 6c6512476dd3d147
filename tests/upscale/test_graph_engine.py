"""Networks as graphs: on a graphics card in software, and with fakes of one on ONNX Runtime's processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import software_gpu
import torch
from hypothesis import given
from hypothesis import strategies as st
from zoo import needs_spandrel, weights

from texpipe.errors import DeviceLostError, ModelError
from texpipe.networks import bridge, state_dict_names
from texpipe.networks.catalogue import resolve
from texpipe.networks.compact import Compact, CompactArchitecture
from texpipe.networks.dial import Dial, load
from texpipe.networks.foreign_facts import Borders
from texpipe.networks.probe_graph import probe_graph
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.texture import Edges, Pass
from texpipe.upscale import webgpu, webgpu_sessions
from texpipe.upscale.backend import TORCH, WEBGPU
from texpipe.upscale.batching import upscale
from texpipe.upscale.chain import PictureEngine
from texpipe.upscale.device import Device
from texpipe.upscale.graph_engine import GraphEngine
from texpipe.upscale.graph_models import foreign_models, own_models
from texpipe.upscale.pace import BUCKETS, TARGET_SECONDS, Pace

pytestmark = pytest.mark.usefixtures("one_thread")
LEVEL = 1 / 255
CPU = Device("cpu", "fp32", "DEFAULT")
CARD = Device("webgpu", "fp32", "a card")
EVERY = [Edges(x, y) for x in ("wrap", "clamp", "mirror") for y in ("wrap", "clamp", "mirror")]


def network(blocks: int, **changed: int) -> RRDBNet:
    """A network with weights large enough that padding and every layer show in the result; it doubles."""
    torch.manual_seed(7)
    options = {"num_feat": 4, "num_block": blocks, "num_grow_ch": 2, "scale": 2, "unshuffle": 1, **changed}
    made = RRDBNet(**options).eval()
    with torch.no_grad():
        for name, value in made.named_parameters():
            if name.endswith("weight"):
                torch.nn.init.kaiming_normal_(value, a=0.2)
        made.conv_last.weight.mul_(0.1)
        made.conv_last.bias.fill_(0.5)
    return made


def pictures(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(count).random((count, height, width, 3), dtype=np.float32)


def wide_graph(channels: int) -> bytes:
    """A graph whose inner map has many channels."""
    from onnx import TensorProto, helper, numpy_helper

    weights = [
        numpy_helper.from_array(np.ones((channels, 3, 1, 1), np.float32), "in"),
        numpy_helper.from_array(np.ones((3, channels, 1, 1), np.float32), "out"),
    ]
    nodes = [
        helper.make_node("Conv", ["input", "in"], ["wide"]),
        helper.make_node("Conv", ["wide", "out"], ["output"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "H", "W"])
        for name in ("input", "output")
    ]
    graph = helper.make_graph(nodes, "wide", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    made: bytes = model.SerializeToString()
    return made


def on_processor(model: bytes) -> webgpu_sessions.Run:
    """ONNX Runtime's own processor in the place of a card."""
    runtime = pytest.importorskip("onnxruntime")
    return webgpu_sessions.run_of(lambda: runtime.InferenceSession(model, providers=["CPUExecutionProvider"]))


def engine(net: RRDBNet, open_session: webgpu_sessions.OpenSession = on_processor) -> GraphEngine:
    pytest.importorskip("onnx")
    return GraphEngine(own_models(Dial(net), CARD, open_session), CARD)


@pytest.fixture(scope="module")
def card() -> Iterator[Device]:
    """The card in software; a session is kept open, because shaders are forgotten with the last one."""
    software_gpu.require()
    with software_gpu.present():
        assert webgpu.adapter() is not None, webgpu.why_missing()
        kept = webgpu_sessions.open_session(probe_graph(half=False))
        yield Device("webgpu", "fp32", "software graphics")
        del kept


def assert_alike(found: np.ndarray, expected: np.ndarray, case: object = None) -> None:
    """Compare two results: less than a level apart, and not flat."""
    assert found.shape == expected.shape, case
    assert np.abs(found - expected).max() < LEVEL, case
    assert found.std() > 0.01, case


@pytest.mark.parametrize("blocks", [3, 23])
def test_a_card_differs_from_the_processor_by_less_than_a_level(card: Device, blocks: int) -> None:
    """In all nine pairs of edges; three pictures leave a place of a batch of four empty where nothing is mirrored."""
    dial = Dial(network(blocks))
    found, expected = WEBGPU.open(dial, card), TORCH.open(dial, CPU)
    batch = pictures(3, 4, 5) if blocks == 3 else pictures(3, 2, 3)
    for edges in EVERY:
        assert_alike(found.run(batch, edges), expected.run(batch, edges), edges)


def test_batches_of_any_number_of_pictures_are_computed_by_a_card(card: Device) -> None:
    """One, and five, which are a batch of four and a last one."""
    dial = Dial(network(3))
    found, expected = WEBGPU.open(dial, card), TORCH.open(dial, CPU)
    for count in (1, 5):
        batch, edges = pictures(count, 4, 5), Edges("wrap", "clamp")
        assert_alike(found.run(batch, edges), expected.run(batch, edges), count)


def test_rolling_a_wrapped_texture_rolls_the_result_of_a_card(card: Device) -> None:
    one = WEBGPU.open(Dial(network(3)), card)
    picture, edges = pictures(1, 4, 5), Edges("wrap", "wrap")
    rolled = one.run(np.roll(picture, (1, 2), (1, 2)), edges)
    np.testing.assert_allclose(rolled, np.roll(one.run(picture, edges), (2, 4), (1, 2)), atol=1e-5)


def test_a_large_picture_is_computed_in_tiles_by_a_card(card: Device) -> None:
    """By a network that sees so little around it that tiles can be small."""
    torch.manual_seed(7)
    dial = Dial(Compact(CompactArchitecture(num_feat=4, num_conv=1, scale=2)).eval())
    found, expected = WEBGPU.open(dial, card), TORCH.open(dial, CPU)
    large = Pass(pictures(1, 6, 70)[0], Edges("wrap", "clamp"))
    whole = expected.run(large.rgb[None], large.edges)[0]
    widths: list[int] = []
    run = found.run

    def watched(batch: np.ndarray, edges: Edges) -> np.ndarray:
        widths.append(batch.shape[2])
        return run(batch, edges)

    found.run = watched  # type: ignore[method-assign]
    ((_, tiled),) = upscale([[large]], found, 2, tile=16)
    assert len(widths) > 3
    assert max(widths) < 70
    assert_alike(tiled, whole)


@pytest.mark.parametrize("name", ["texpipe-x4-fast", "texpipe-x4-preview"])
def test_a_shipped_model_is_computed_by_a_card(card: Device, name: str) -> None:
    dial = load(resolve(name).path)
    batch, edges = pictures(1, 4, 4), Edges("wrap", "wrap")
    assert_alike(WEBGPU.open(dial, card).run(batch, edges), TORCH.open(dial, CPU).run(batch, edges))


@needs_spandrel()
def test_a_network_of_another_kind_is_computed_by_a_card(card: Device) -> None:
    made, batch, edges = bridge.build(weights("SPAN")), pictures(1, 32, 33), Edges("wrap", "wrap")
    found = WEBGPU.open_foreign(made, Borders(1), card).run(batch, edges)
    assert_alike(found, TORCH.open_foreign(made, Borders(1), CPU).run(batch, edges))


def test_too_little_memory_is_said_by_a_card_itself(card: Device) -> None:
    """1024 channels of 1024 x 1024 texels need 4 GiB in one buffer."""
    run = webgpu_sessions.open_session(wide_graph(1024))
    small = np.ones((1, 3, 1, 2), np.float32)
    np.testing.assert_array_equal(run(small), np.full((1, 3, 1, 2), 3 * 1024, np.float32))
    with pytest.raises(MemoryError, match="Invalid Buffer"):
        run(np.ones((1, 3, 1024, 1024), np.float32))


@pytest.mark.parametrize("size", [{}, {"scale": 1, "unshuffle": 2}, {"scale": 4}])
@pytest.mark.parametrize("edges", EVERY, ids=str)
def test_graphs_give_what_torch_gives(size: dict[str, int], edges: Edges) -> None:
    net = network(1, **size)
    for shape in ((1, 1, 1), (5, 7, 3), (3, 4, 8)):
        batch = pictures(*shape)
        expected = TORCH.open(Dial(net), CPU).run(batch, edges)
        np.testing.assert_allclose(engine(net).run(batch, edges), expected, atol=1e-5)


def in_16_bits(dial: Dial, open_session: webgpu_sessions.OpenSession = on_processor) -> GraphEngine:
    fp16 = Device("webgpu", "fp16", "a card")
    return GraphEngine(own_models(dial, fp16, open_session), fp16)


@pytest.mark.parametrize("name", ["texpipe-x4-fast", "texpipe-x4-preview"])
def test_a_shipped_model_in_16_bits_is_within_three_levels(name: str) -> None:
    """By ONNX Runtime's processor, which rounds each map to fp16: the card in software has no 16 bits."""
    pytest.importorskip("onnx")
    dial = load(resolve(name).path)
    graphs: list[bytes] = []

    def open_session(model: bytes) -> webgpu_sessions.Run:
        graphs.append(model)
        return on_processor(model)

    found = in_16_bits(dial, open_session)
    batch = pictures(3, 8, 12)
    for edges in (Edges("wrap", "wrap"), Edges("clamp", "mirror")):
        result, expected = found.run(batch, edges), TORCH.open(dial, CPU).run(batch, edges)
        assert result.dtype == np.float32
        assert 0 < np.abs(result - expected).max() < 3 * LEVEL
    assert kinds_of(graphs[0]) == {"weights": 10, "input": 1, "output": 1}  # FLOAT16; FLOAT


def kinds_of(model: bytes) -> dict[str, int]:
    """Return ONNX's element types of the weights of convolutions, and of what goes in and comes out."""
    import onnx

    graph = onnx.load_from_string(model).graph
    convolved = {node.input[1] for node in graph.node if node.op_type == "Conv"}
    (weights_of,) = {one.data_type for one in graph.initializer if one.name in convolved}
    ends = {
        name: ends[0].type.tensor_type.elem_type
        for name, ends in (("input", graph.input), ("output", graph.output))
    }
    return {"weights": weights_of, **ends}


def test_a_card_whose_16_bits_overflow_is_not_used() -> None:
    """Numbers beyond 65504 are infinite in fp16: the comparison with the processor shows it before anything is made."""
    net = network(1)
    with torch.no_grad():
        net.conv_first.weight.mul_(1e6)
        net.conv_last.weight.mul_(1e-6)
    with pytest.raises(DeviceLostError, match="computes wrong") as caught:
        in_16_bits(Dial(net)).run(pictures(1, 4, 4), Edges("wrap", "wrap"))
    assert "--precision fp32" in str(caught.value.hint)


@needs_spandrel()
@pytest.mark.parametrize("name", ["SPAN", "Compact"])
def test_networks_of_other_kinds_run_as_graphs(name: str) -> None:
    pytest.importorskip("onnx")
    state = weights(name)
    if name == "Compact":
        dial = Dial(state_dict_names.build(state_dict_names.to_own_names(state)))
        found = GraphEngine(own_models(dial, CARD, on_processor), CARD)
        expected = TORCH.open(dial, CPU)
    else:
        models = foreign_models(bridge.build(state), Borders(1), CARD, on_processor)
        found = GraphEngine(models, CARD)
        expected = TORCH.open_foreign(bridge.build(state), Borders(1), CPU)
    for edges in (Edges(), Edges("wrap", "clamp"), Edges("wrap", "wrap")):
        batch = pictures(3, 5, 9)
        np.testing.assert_allclose(found.run(batch, edges), expected.run(batch, edges), atol=5e-4)
    with pytest.raises(ModelError, match="inventive"):
        found.at(0.5)


def failing(after: int, error: Exception, picks: Callable[[np.ndarray], bool]) -> webgpu_sessions.OpenSession:
    """Sessions that raise an error from some call on, for the batches that `picks` takes."""
    calls = [0]

    def open_session(model: bytes) -> webgpu_sessions.Run:
        run = on_processor(model)

        def guarded(planes: np.ndarray) -> np.ndarray:
            calls[0] += 1
            if calls[0] > after and picks(planes):
                raise error
            return run(planes)

        return guarded

    return open_session


def test_what_is_too_large_for_a_card_is_halved_and_cut_into_tiles() -> None:
    net = network(1)
    small = engine(net, failing(0, MemoryError(), lambda planes: planes.size > 3 * 100 * 100))
    batch = pictures(9, 48, 64)
    expected = TORCH.open(Dial(net), CPU).run(batch, Edges("wrap", "clamp"))
    np.testing.assert_allclose(small.run(batch, Edges("wrap", "clamp")), expected, atol=1e-5)
    large = Pass(pictures(1, 20, 600)[0], Edges("wrap", "wrap"))
    ((_, found),) = upscale([[large]], small, 2, tile=64)
    whole = TORCH.open(Dial(net), CPU).run(large.rgb[None], large.edges)[0]
    assert np.abs(found - whole).max() < LEVEL


@pytest.mark.parametrize(
    "wrong", [lambda planes: planes.repeat(2, 2).repeat(2, 3), lambda planes: planes], ids=["pixels", "size"]
)
def test_a_card_that_computes_wrong_is_not_used(wrong: webgpu_sessions.Run) -> None:
    with pytest.raises(DeviceLostError, match=r"computes wrong|makes"):
        engine(network(1), lambda model: wrong).run(pictures(1, 4, 4), Edges())


def test_numbers_that_are_none_are_no_result() -> None:
    sessions: list[webgpu_sessions.Run] = []

    def open_session(model: bytes) -> webgpu_sessions.Run:
        run = on_processor(model)
        sessions.append(run)
        return lambda planes: run(planes) if planes.shape[2:] == (8, 12) else run(planes) * np.float32("nan")

    with pytest.raises(DeviceLostError, match="no numbers"):
        engine(network(1), open_session).run(pictures(1, 4, 4), Edges())


def test_a_session_that_ran_out_of_memory_is_opened_anew() -> None:
    """What could not be made stays in the library's caches: the same session fails on small batches too."""
    opened = [0]

    def open_session(model: bytes) -> webgpu_sessions.Run:
        run, spoilt = on_processor(model), [False]
        opened[0] += 1

        def one(planes: np.ndarray) -> np.ndarray:
            spoilt[0] = spoilt[0] or len(planes) > 2
            if spoilt[0]:
                raise MemoryError("invalid buffer")
            return run(planes)

        return one

    net = network(1)
    batch, edges = pictures(9, 5, 6), Edges("wrap", "wrap")
    expected = TORCH.open(Dial(net), CPU).run(batch, edges)
    np.testing.assert_allclose(engine(net, open_session).run(batch, edges), expected, atol=1e-5)
    assert 2 <= opened[0] <= 4  # 8 pictures, 4, 2


@given(waiting=st.integers(1, 2000), texels=st.integers(1, 70000), most=st.integers(1, 70000))
def test_batches_have_few_sizes_and_little_in_vain(waiting: int, texels: int, most: int) -> None:
    pace = Pace(most)
    left = waiting
    while left:
        taken, sent = pace.batch(left, texels)
        assert 1 <= taken <= sent <= taken * 4 / 3
        assert sent in BUCKETS
        assert sent == 1 or sent * texels <= pace.texels
        left -= taken
    assert left == 0


def test_batches_follow_what_was_measured() -> None:
    pace = Pace(16384)
    first = pace.texels
    pace.measured((64, 8, 8), 9.0)  # compiles shaders
    assert pace.texels == first
    pace.measured((64, 8, 8), 4 * TARGET_SECONDS)
    assert pace.texels == first // 4
    for _ in range(9):
        pace.measured((pace.texels // 64, 8, 8), 0.01)
        pace.measured((pace.texels // 64, 8, 8), 0.01)
    assert pace.texels == 16384
    pace.too_large(16384)
    assert pace.texels == 8192


def test_the_engine_is_what_batches_need() -> None:
    one: PictureEngine = engine(network(1))
    assert (one.scale, one.has_dial, one.overlap) == (2, False, 64)
    assert one.at(0) is one
