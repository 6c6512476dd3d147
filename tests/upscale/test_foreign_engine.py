"""The engine for other architectures: batches give what the networks give, whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo import ZOO, needs_spandrel, weights

from texpipe.errors import ModelError
from texpipe.networks import borders, bridge, certificate
from texpipe.networks.foreign_facts import Borders
from texpipe.texture import Axes, Edges
from texpipe.upscale.batching import upscale
from texpipe.upscale.chain import Chain
from texpipe.upscale.convolve import DirectConvolution
from texpipe.upscale.device import Device
from texpipe.upscale.foreign_engine import _COMPILERS, ForeignEngine
from texpipe.upscale.rows import elementwise, product

pytestmark = [needs_spandrel(), pytest.mark.usefixtures("one_thread")]

BATCHED = ["SPAN", "RealPLKSR", "RealPLKSR, DySample", "RealPLKSR, layer norm"]

EVERY = [
    Edges(),
    Edges("wrap", "wrap"),
    Edges("wrap", "clamp"),
    Edges("mirror", "wrap"),
    Edges("clamp", "mirror"),
]


def engine(name: str, precision: str = "fp32") -> ForeignEngine:
    return ForeignEngine(bridge.build(weights(name)), Borders(ZOO[name].multiple), "cpu", precision)


def pictures(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).random((count, height, width, 3), dtype=np.float32)


def plain(name: str, batch: np.ndarray, edges: Edges) -> np.ndarray:
    """The network itself, without the batch engine; edges wrap or clamp."""
    axes = Axes(edges.x == "wrap", edges.y == "wrap")
    with torch.inference_mode():
        images = torch.from_numpy(batch).permute(0, 3, 1, 2)
        out = borders.run(bridge.build(weights(name)), images, axes, Borders(1)).clamp(0, 1)
    return out.permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("method", ["winograd", "direct"])
@pytest.mark.parametrize("name", BATCHED)
def test_the_batch_engine_gives_what_the_network_gives(
    name: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if method == "direct":
        monkeypatch.setattr(
            "texpipe.upscale.foreign_engine.method_for", lambda _: DirectConvolution(torch.device("cpu"))
        )
    batch = pictures(3, 13, 10)
    for edges in (Edges(), Edges("wrap", "wrap"), Edges("wrap", "clamp"), Edges("clamp", "wrap")):
        found, expected = engine(name).run(batch, edges), plain(name, batch, edges)
        np.testing.assert_allclose(found, expected, atol=2e-4)  # SPAN multiplies pictures by 255


@pytest.mark.parametrize("name", [name for name in BATCHED if name != "SPAN"])
def test_a_batch_is_its_pictures_one_by_one_at_any_size(name: str) -> None:
    """Also where the large kernel goes around a small picture several times."""
    one = engine(name)
    modes = st.sampled_from(["wrap", "clamp"])

    @settings(deadline=None, max_examples=15)
    @given(st.integers(1, 5), st.integers(1, 20), st.integers(1, 20), st.builds(Edges, modes, modes))
    def check(count: int, height: int, width: int, edges: Edges) -> None:
        batch = pictures(count, height, width)
        alone = [plain(name, batch[number : number + 1], edges) for number in range(count)]
        np.testing.assert_allclose(one.run(batch, edges), np.concatenate(alone), atol=2e-5)

    check()


@pytest.mark.parametrize("name", BATCHED)
def test_a_lone_picture_may_be_run_twice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch convolves a single small map by another library than several."""
    method = DirectConvolution(torch.device("cpu"))
    monkeypatch.setattr("texpipe.upscale.foreign_engine.method_for", lambda _: method)
    one, batch = engine(name), pictures(1, 6, 9)
    once = one.run(batch, Edges("wrap", "clamp"))
    monkeypatch.setattr(method, "pairs", True)
    np.testing.assert_allclose(one.run(batch, Edges("wrap", "clamp")), once, atol=2e-4)


def test_16_bits_only_where_the_network_suits_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Group normalisation over a picture does not suit fp16."""
    half = Device("cpu", "fp16", "AVX2")
    monkeypatch.setattr("texpipe.upscale.foreign_engine.devices.choose", lambda *_: half)
    used: list[torch.dtype] = []
    monkeypatch.setitem(_COMPILERS, "RealPLKSR", lambda *given: used.append(given[-1]))
    engine("RealPLKSR")
    engine("RealPLKSR, layer norm")
    assert used == [torch.float32, torch.float16]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["Compact", "SwinIR", *BATCHED])
def test_a_result_does_not_depend_on_its_batch(name: str, precision: str) -> None:
    one = engine(name, precision)
    for height, width in ((1, 1), (5, 3), (16, 16)):
        batch = pictures(7, height, width)
        for edges in EVERY[:3]:
            together = one.run(batch, edges)
            for number in (0, 6):
                alone = one.run(batch[number : number + 1], edges)
                np.testing.assert_array_equal(alone[0], together[number])


@pytest.mark.parametrize("name", ["Compact", "SwinIR", *BATCHED])
def test_wrapped_results_roll_and_mirrored_results_flip(name: str) -> None:
    one, step = engine(name), ZOO[name].multiple or 1
    batch = pictures(2, 16, 16)
    once = one.run(batch, Edges("wrap", "wrap"))
    rolled = one.run(np.roll(batch, (step, 2 * step), (1, 2)), Edges("wrap", "wrap"))
    np.testing.assert_allclose(
        rolled, np.roll(once, (step * one.scale, 2 * step * one.scale), (1, 2)), atol=1e-4
    )
    mirrored = one.run(batch, Edges("mirror", "clamp"))
    flipped = one.run(batch[:, :, ::-1].copy(), Edges("mirror", "clamp"))
    np.testing.assert_allclose(flipped, mirrored[:, :, ::-1], atol=1e-4)


def test_bf16_is_near_float32() -> None:
    batch = pictures(2, 16, 16)
    for name in BATCHED:
        near = engine(name, "bf16").run(batch, Edges("wrap", "wrap"))
        exact = engine(name).run(batch, Edges("wrap", "wrap"))
        assert 0 < np.abs(near - exact).max() < 0.02


def test_there_is_no_dial() -> None:
    one = engine("Compact")
    assert one.at(0) is one
    with pytest.raises(ModelError, match="inventive"):
        one.at(0.5)
    with pytest.raises(ModelError, match="inventive"):
        Chain((one, one)).at(0.5)


def test_a_chain_is_one_model_after_the_other() -> None:
    clean, big = engine("DnCNN"), engine("Compact")
    chain = Chain((clean, big))
    assert (chain.scale, chain.overlap) == (4, clean.overlap + big.overlap)
    batch = pictures(3, 12, 8)
    for edges in EVERY:
        expected = big.run(clean.run(batch, edges), edges)
        np.testing.assert_array_equal(chain.run(batch, edges), expected)


def test_batching_takes_any_engine() -> None:
    from texpipe.texture import Pass

    passes = [Pass(picture, Edges("wrap", "clamp")) for picture in pictures(5, 9, 12)]
    results = dict(upscale([passes], engine("SPAN"), 4))
    assert {one.shape for one in results.values()} == {(36, 48, 3)}
    assert len(results) == 5


def test_steps_between_convolutions_do_not_depend_on_how_much_there_is() -> None:
    values = torch.linspace(-4, 4, 3 * 48).view(3, 48)
    alone = elementwise(torch.sigmoid, values[:1].contiguous())
    torch.testing.assert_close(elementwise(torch.sigmoid, values)[:1], alone, rtol=0, atol=0)
    weight, bias = torch.linspace(-1, 1, 48 * 8).view(48, 8), torch.zeros(8)
    torch.testing.assert_close(
        product(values, weight, bias)[1:2], product(values[1:2], weight, bias), rtol=0, atol=0
    )


def test_the_certificate_of_the_module_is_that_of_the_engine() -> None:
    for name in ("Compact", *BATCHED):
        assert certificate.certify(bridge.build(weights(name))) == Borders(1)
