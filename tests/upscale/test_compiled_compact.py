"""A Compact in the engine against the plain network, by both methods of convolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.networks.compact import Compact, CompactArchitecture
from texpipe.networks.dial import Dial
from texpipe.texture import Edges
from texpipe.upscale import convolve
from texpipe.upscale import engine as engine_module
from texpipe.upscale.convolve import DirectConvolution
from texpipe.upscale.engine import Engine
from texpipe.upscale.hardware import instructions
from texpipe.upscale.tiles import run_tiled
from texpipe.upscale.winograd import Winograd

pytestmark = pytest.mark.usefixtures("one_thread")

METHODS = {"direct": DirectConvolution, "winograd": Winograd}
# On processors wider than AVX2, which never take Winograd's method, large batches are summed in another order.
EXACT_METHODS = sorted(METHODS) if instructions() == "AVX2" else ["direct"]
CPU = torch.device("cpu")


def make_network(seed: int = 3, **changed: int) -> Compact:
    torch.manual_seed(seed)
    network = Compact(CompactArchitecture(**{"num_feat": 8, "num_conv": 2, **changed})).eval()
    with torch.no_grad():
        for value in network.parameters():
            value.uniform_(-0.2, 0.2)
    return network


def make_engine(method: str, network: Compact | Dial, precision: str = "fp32") -> Engine:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "method_for", lambda device: METHODS[method](CPU))
        engine = Engine(network, "cpu", precision)
        if isinstance(network, Dial):
            engine.at(0.5)
        return engine


def pictures(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).random((count, height, width, 3), dtype=np.float32)


def reference(network: Compact, batch: np.ndarray, edges: Edges) -> np.ndarray:
    with torch.inference_mode():
        out = network(torch.from_numpy(batch).permute(0, 3, 1, 2), edges)
    return out.clamp(0, 1).permute(0, 2, 3, 1).numpy()


NETWORK = make_network()
ENGINES = {method: make_engine(method, NETWORK) for method in METHODS}
modes = st.sampled_from(["wrap", "clamp"])


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=20)
@given(height=st.integers(1, 9), width=st.integers(1, 9), x=modes, y=modes)
def test_equals_the_plain_network(method: str, height: int, width: int, x, y) -> None:
    batch, edges = pictures(2, height, width), Edges(x, y)
    expected = reference(NETWORK, batch, edges)
    assert expected.std() > 0.01  # not a constant, which anything would equal
    np.testing.assert_allclose(ENGINES[method].run(batch, edges), expected, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "changed", [{"scale": 2}, {"scale": 1}, {"scale": 3}, {"num_conv": 0}, {"num_feat": 20}]
)
def test_equals_the_plain_network_of_other_sizes(method: str, changed: dict[str, int]) -> None:
    network, batch, edges = make_network(**changed), pictures(1, 5, 7), Edges("wrap", "clamp")
    found = make_engine(method, network).run(batch, edges)
    np.testing.assert_allclose(found, reference(network, batch, edges), atol=1e-5)


def test_rolling_is_exact_to_the_bit_without_winograd() -> None:
    batch, edges = pictures(1, 6, 9), Edges("wrap", "wrap")
    expected = np.roll(ENGINES["direct"].run(batch, edges), (8, -12), (1, 2))
    np.testing.assert_array_equal(ENGINES["direct"].run(np.roll(batch, (2, -3), (1, 2)), edges), expected)


@pytest.mark.parametrize("method", EXACT_METHODS)
@pytest.mark.parametrize("size", [(1, 1), (4, 8), (16, 16)])
def test_a_result_does_not_depend_on_the_batch(method: str, size: tuple[int, int]) -> None:
    engine = make_engine(method, make_network(num_feat=64))
    batch, edges = pictures(3, *size), Edges("wrap", "clamp")
    together = engine.run(batch, edges)
    np.testing.assert_array_equal(engine.run(batch[:1], edges), together[:1])
    np.testing.assert_array_equal(engine.run(batch[1:], edges), together[1:])


def test_nor_where_lone_pictures_have_to_be_run_as_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolve, "_uses_onednn", lambda device, dtype: False)
    engine = make_engine("direct", make_network(num_feat=64))
    batch, edges = pictures(3, 4, 8), Edges("wrap", "clamp")
    np.testing.assert_array_equal(engine.run(batch[:1], edges), engine.run(batch, edges)[:1])


def test_tiles_that_overlap_as_the_engine_says_are_the_whole_picture() -> None:
    engine, batch, edges = ENGINES["direct"], pictures(1, 30, 11), Edges("wrap", "clamp")
    tiled = run_tiled(engine, batch[0], edges, tile=9, overlap=engine.overlap)
    np.testing.assert_allclose(tiled, engine.run(batch, edges)[0], atol=1e-6)


def test_bf16_stays_near_fp32() -> None:
    batch, edges = pictures(1, 6, 6), Edges("wrap", "clamp")
    found = make_engine("direct", NETWORK, "bf16").run(batch, edges)
    difference = np.abs(found - ENGINES["direct"].run(batch, edges))
    assert 0 < difference.max() < 0.02


def test_a_dial_between_two_of_them_turns() -> None:
    other, batch, edges = make_network(seed=4), pictures(1, 5, 6), Edges("wrap", "wrap")
    dial = Dial(NETWORK, other)
    found = make_engine("direct", dial).at(0.5).run(batch, edges)
    np.testing.assert_allclose(found, reference(dial.at(0.5), batch, edges), atol=1e-5)
