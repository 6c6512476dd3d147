"""The engine against the plain network: rolled, mirrored, batched and tiled pictures, to rounding."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.networks.rrdbnet import RRDBNet
from texpipe.texture import Edges
from texpipe.upscale import compiled, convolve
from texpipe.upscale import engine as engine_module
from texpipe.upscale.convolve import DirectConvolution
from texpipe.upscale.device import Device
from texpipe.upscale.engine import Engine, method_for
from texpipe.upscale.hardware import instructions
from texpipe.upscale.winograd import Winograd

METHODS = ("direct", "winograd")
LEVEL = 1 / 255
ROUNDING = {"direct": 1e-6, "winograd": 1e-5}
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    """As in the workers that run batches; on a busy machine threads that share small convolutions stall."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_network(**changed):
    """A network with weights large enough that padding and every layer show in the result."""
    torch.manual_seed(7)
    network = RRDBNet(**{"num_feat": 8, "num_block": 1, "num_grow_ch": 4, **changed}).eval()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith("weight"):
                torch.nn.init.kaiming_normal_(value, a=0.2)
            else:
                value.uniform_(-0.1, 0.1)
        network.conv_last.weight.mul_(0.1)
        network.conv_last.bias.fill_(0.5)
    return network


NETWORK = make_network()


def make_engine(method, network=NETWORK, precision="fp32"):
    choice = {"direct": DirectConvolution, "winograd": Winograd}[method]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "method_for", lambda device: choice(CPU))
        return Engine(network, "cpu", precision)


ENGINES = {method: make_engine(method) for method in METHODS}


def pictures(count, height, width, seed=0):
    return np.random.default_rng(seed).random((count, height, width, 3), dtype=np.float32)


def reference(network, batch, edges):
    with torch.inference_mode():
        out = network(torch.from_numpy(batch).permute(0, 3, 1, 2), edges)
    return out.clamp(0, 1).permute(0, 2, 3, 1).numpy()


sides = st.integers(1, 9)
unmirrored = st.sampled_from([Edges(x, y) for x in ("wrap", "clamp") for y in ("wrap", "clamp")])


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=25)
@given(height=sides, width=sides, edges=unmirrored)
def test_equals_the_plain_network(method, height, width, edges):
    batch = pictures(2, height, width)
    expected = reference(NETWORK, batch, edges)
    assert expected.std() > 0.002  # not a constant, which anything would equal
    np.testing.assert_allclose(ENGINES[method].run(batch, edges), expected, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "changed", [{"scale": 2}, {"scale": 1}, {"scale": 2, "unshuffle": 1}, {"num_block": 3}, {"num_feat": 16}]
)
def test_equals_the_plain_network_of_other_architectures(method, changed):
    network = make_network(**changed)
    batch = pictures(1, 5, 7)
    for edges in (Edges("wrap", "wrap"), Edges("clamp", "wrap")):
        found = make_engine(method, network).run(batch, edges)
        np.testing.assert_allclose(found, reference(network, batch, edges), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=25)
@given(height=sides, width=sides, edges=unmirrored, down=st.integers(-9, 9), right=st.integers(-9, 9))
def test_rolling_a_wrapped_axis_rolls_the_result(method, height, width, edges, down, right):
    roll = (down if edges.y == "wrap" else 0, right if edges.x == "wrap" else 0)
    batch = pictures(1, height, width)
    expected = np.roll(ENGINES[method].run(batch, edges), (roll[0] * 4, roll[1] * 4), (1, 2))
    found = ENGINES[method].run(np.roll(batch, roll, (1, 2)), edges)
    np.testing.assert_allclose(found, expected, atol=ROUNDING[method])


def test_rolling_is_exact_to_the_bit_without_winograd():
    batch, edges = pictures(1, 6, 9), Edges("wrap", "wrap")
    expected = np.roll(ENGINES["direct"].run(batch, edges), (8, -12), (1, 2))
    np.testing.assert_array_equal(ENGINES["direct"].run(np.roll(batch, (2, -3), (1, 2)), edges), expected)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=25)
@given(height=sides, width=sides, other=st.sampled_from(["wrap", "clamp", "mirror"]))
def test_a_mirrored_axis_commutes_with_flipping(method, height, width, other):
    batch = pictures(1, height, width)
    run = ENGINES[method].run
    for axis, edges in ((2, Edges("mirror", other)), (1, Edges(other, "mirror"))):
        found = run(np.flip(batch, axis), edges)
        np.testing.assert_allclose(found, np.flip(run(batch, edges), axis), atol=ROUNDING[method])


def test_flipping_is_exact_to_the_bit_without_winograd():
    batch, edges = pictures(2, 5, 7), Edges("mirror", "mirror")
    run = ENGINES["direct"].run
    np.testing.assert_array_equal(run(batch[:, ::-1, ::-1], edges), run(batch, edges)[:, ::-1, ::-1])


@pytest.mark.parametrize("method", METHODS)
def test_mirroring_is_wrapping_the_unfolded_picture(method):
    batch = pictures(1, 4, 6)
    plane = np.concatenate((batch, batch[:, :, ::-1]), 2)
    whole = ENGINES[method].run(plane, Edges("wrap", "clamp"))
    expected = (whole[:, :, :24] + whole[:, :, :23:-1]) / 2
    np.testing.assert_allclose(
        ENGINES[method].run(batch, Edges("mirror", "clamp")), expected, atol=ROUNDING[method]
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_symmetric_picture_stays_symmetric(method):
    half = pictures(1, 8, 4)
    batch = np.concatenate((half, half[:, :, ::-1]), 2)
    found = ENGINES[method].run(batch, Edges("mirror", "clamp"))
    np.testing.assert_allclose(found, found[:, :, ::-1], atol=ROUNDING[method])


# Winograd's method is chosen for AVX2 alone: on wider processors torch's matrix product sums large batches in another
# order.
EXACT_METHODS = METHODS if instructions() == "AVX2" else [name for name in METHODS if name != "winograd"]


@pytest.mark.parametrize("method", EXACT_METHODS)
@pytest.mark.parametrize("size", [(1, 1), (1, 8), (3, 5), (8, 8), (20, 3), (32, 32), (33, 34)])
def test_a_result_does_not_depend_on_the_batch(method, size):
    batch = pictures(5, *size)
    for edges in (Edges("wrap", "wrap"), Edges("mirror", "clamp")):
        together = ENGINES[method].run(batch, edges)
        for number in range(5):
            np.testing.assert_array_equal(
                ENGINES[method].run(batch[number : number + 1], edges)[0], together[number]
            )
        np.testing.assert_array_equal(ENGINES[method].run(batch[1:4], edges), together[1:4])
        np.testing.assert_array_equal(ENGINES[method].run(batch[::-1], edges), together[::-1])


@pytest.mark.parametrize("method", EXACT_METHODS)
@pytest.mark.parametrize("size", [(1, 1), (4, 8), (16, 16)])
def test_nor_does_it_in_a_network_of_the_usual_width(method, size):
    engine = make_engine(method, make_network(num_feat=64, num_grow_ch=32))
    batch, edges = pictures(3, *size), Edges("wrap", "clamp")
    together = engine.run(batch, edges)
    np.testing.assert_array_equal(engine.run(batch[:1], edges), together[:1])
    np.testing.assert_array_equal(engine.run(batch[1:], edges), together[1:])


@pytest.mark.parametrize("size", [(1, 1), (4, 8), (16, 16)])
def test_nor_where_lone_pictures_have_to_be_run_as_pairs(monkeypatch, size):
    monkeypatch.setattr(convolve, "_uses_onednn", lambda device, dtype: False)
    engine = make_engine("direct", make_network(num_feat=64, num_grow_ch=32))
    batch, edges = pictures(3, *size), Edges("wrap", "clamp")
    np.testing.assert_array_equal(engine.run(batch[:1], edges), engine.run(batch, edges)[:1])


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (16, 16)])
def test_nor_in_bf16(size):
    engine = make_engine("direct", precision="bf16")
    batch, edges = pictures(3, *size), Edges("wrap", "clamp")
    together = engine.run(batch, edges)
    np.testing.assert_array_equal(engine.run(batch[:1], edges), together[:1])
    np.testing.assert_array_equal(engine.run(batch[1:], edges), together[1:])


@pytest.mark.parametrize("method", METHODS)
def test_a_result_does_not_depend_on_the_number_of_threads(method):
    batch, edges, before = pictures(2, 16, 16), Edges("wrap", "clamp"), torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(ENGINES[method].run(batch, edges))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("edges", [Edges("wrap", "wrap"), Edges("clamp", "clamp")])
@pytest.mark.parametrize("texels", [32, 70, 100])
def test_the_tail_in_pieces_is_the_tail(monkeypatch, method, edges, texels):
    batch = pictures(3, 13, 10)
    whole = ENGINES[method].run(batch, edges)
    monkeypatch.setattr(compiled, "TAIL_TEXELS", texels)
    np.testing.assert_allclose(ENGINES[method].run(batch, edges), whole, atol=ROUNDING[method])


@pytest.mark.parametrize("method", METHODS)
def test_threads_that_share_an_engine_do_not_disturb_each_other(method):
    batches = [pictures(2, 12, 8 + seed, seed) for seed in range(6)]
    expected = [ENGINES[method].run(batch, Edges("wrap", "clamp")) for batch in batches]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda batch: ENGINES[method].run(batch, Edges("wrap", "clamp")), batches))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_maps_of_many_chunks_come_out_whole():
    batch, edges = pictures(2, 40, 44), Edges("wrap", "clamp")
    np.testing.assert_allclose(
        ENGINES["winograd"].run(batch, edges), ENGINES["direct"].run(batch, edges), atol=1e-5
    )


def test_bf16_stays_near_fp32():
    batch, edges = pictures(1, 6, 6), Edges("wrap", "clamp")
    expected = ENGINES["direct"].run(batch, edges)
    found = make_engine("direct", precision="bf16").run(batch, edges)
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 4 * LEVEL
    assert np.abs(found - expected).mean() < 0.5 * LEVEL


def test_results_are_clamped_to_the_unit_range():
    network = make_network()
    with torch.no_grad():
        network.conv_last.weight.mul_(100)
    found = make_engine("direct", network).run(pictures(1, 6, 6), Edges())
    assert found.min() == 0
    assert found.max() == 1


def test_the_network_and_the_batch_stay_as_they_were():
    network, batch = make_network(), pictures(1, 4, 4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    kept = batch.copy()
    make_engine("winograd", network).run(batch, Edges("mirror", "wrap"))
    np.testing.assert_array_equal(batch, kept)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("instructions", "precision", "expected"),
    [("AVX2", "fp32", Winograd), ("AVX2", "bf16", DirectConvolution), ("AVX512", "fp32", DirectConvolution)],
)
def test_the_method_follows_from_the_processor_alone(instructions, precision, expected):
    assert isinstance(method_for(Device("cpu", precision, instructions)), expected)
