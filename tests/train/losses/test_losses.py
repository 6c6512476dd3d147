"""Losses, trunks and the weights they are read from."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from texpipe.errors import ModelError
from texpipe.train.losses import terms, weights
from texpipe.train.losses.features import LAYERS, LPIPS_LAYERS, Trunk, dists, lpips, st_lpips
from texpipe.train.schema import Adversarial, Losses, Perceptual

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def alexnet() -> Trunk:
    torch.manual_seed(0)
    return Trunk("alexnet")


@pytest.fixture(scope="module")
def vgg16() -> Trunk:
    torch.manual_seed(0)
    return Trunk("vgg16")


def picture(seed: int, side: int = 32, count: int = 1) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def test_simple_losses_on_known_values() -> None:
    black, grey = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.5)
    wanted = Losses(l1=1, mse=1, charbonnier=1, lr_consistency=1, colour=1)
    found = {k: float(v) for k, v in terms.reconstruction(wanted, grey, black, 4, {}).items()}
    expected = {"l1": 0.5, "mse": 0.25, "charbonnier": 0.5, "lr_consistency": 0.5, "colour": 0.5}
    assert found == pytest.approx(expected, abs=1e-5)


def test_losses_without_weight_are_not_computed() -> None:
    assert terms.reconstruction(Losses(l1=1), picture(0), picture(1), 4, {}).keys() == {"l1"}
    with pytest.raises(ValueError, match="at least one loss"):
        Losses()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_what_averages_out_costs_no_lr_consistency_and_no_colour(seed: int) -> None:
    hr = picture(seed, 8)
    noise = picture(seed + 1, 8) - 0.5
    block = torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(noise, 4), scale_factor=4)
    result = hr + noise - block
    assert float(terms.lr_consistency(result, hr, 4)) < 1e-6
    assert float(terms.colour(result, hr)) < 1e-6
    assert float(terms.charbonnier(result, hr)) > 0.1


def test_the_trunks_layers_are_torchvision_s() -> None:
    positions = [layer.position for layer in LAYERS["vgg16"]]
    assert positions == [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    assert [layer.position for layer in LAYERS["vgg19"]][-1] == 34
    assert LAYERS["vgg19"][-1].name == "conv5_4"


def test_before_and_after_activation_differ_by_a_relu(vgg16: Trunk) -> None:
    layers = ("conv1_2", "conv3_3")
    before, after = vgg16(picture(0), layers, "before"), vgg16(picture(0), layers, "after")
    assert before.keys() == set(layers)
    for name in layers:
        assert (before[name] < 0).any()
        assert torch.equal(before[name].relu(), after[name])


def test_perceptual_loss_takes_the_layers_and_weights_it_is_told(vgg16: Trunk) -> None:
    a, b = picture(0), picture(1)
    one = float(terms.perceptual(vgg16, Perceptual(layers={"conv1_2": 1}))(a, b))
    two = float(terms.perceptual(vgg16, Perceptual(layers={"conv2_2": 1}))(a, b))
    mix = float(terms.perceptual(vgg16, Perceptual(layers={"conv1_2": 0.5, "conv2_2": 2}))(a, b))
    assert mix == pytest.approx(0.5 * one + 2 * two, rel=1e-5)
    squared = terms.perceptual(vgg16, Perceptual(layers={"conv1_2": 1}, distance="mse"))
    assert float(squared(a, b)) != pytest.approx(one)
    with pytest.raises(ValueError, match="conv9_9"):
        Perceptual(layers={"conv9_9": 1})


def test_perceptual_distances_are_zero_for_equal_pictures_only(alexnet: Trunk, vgg16: Trunk) -> None:
    a, b = picture(0, 64, 2), picture(1, 64, 2)
    alpha, beta = torch.rand(1475), torch.rand(1475)
    for distance in (
        lambda x, y: lpips(alexnet, x, y),
        lambda x, y: st_lpips(alexnet, x, y),
        lambda x, y: lpips(vgg16, x, y),
        lambda x, y: dists(vgg16, alpha, beta, x, y),
    ):
        assert distance(a, a).shape == (2,)
        torch.testing.assert_close(distance(a, a), torch.zeros(2), atol=1e-5, rtol=0)
        assert (distance(a, b) > 1e-4).all()
        torch.testing.assert_close(distance(a, b), distance(b, a))
        together, alone = distance(a, b[:1]), [distance(x[None], b[:1]) for x in a]
        torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-4)


def test_lpips_has_a_gradient_even_where_the_features_are_zero(alexnet: Trunk) -> None:
    x = torch.zeros(1, 3, 32, 32, requires_grad=True)
    lpips(alexnet, x, picture(0)).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_soft_labels_lie_in_their_ranges_and_some_are_swapped() -> None:
    options = Adversarial(loss="bce", discriminator="strided")
    real, fake = terms.soft_labels(options, 4000, torch.Generator().manual_seed(0))
    swapped = real < 0.5
    assert 0.03 < float(swapped.float().mean()) < 0.07
    assert torch.equal(swapped, fake > 0.5)
    assert float(real[~swapped].min()) >= 0.85
    assert float(real[~swapped].max()) <= 1.10
    assert float(fake[~swapped].min()) >= 0
    assert float(fake[~swapped].max()) <= 0.15


@pytest.mark.parametrize("loss", ["bce", "relativistic", "wasserstein"])
def test_both_sides_of_the_game_pull_in_opposite_directions(loss: str) -> None:
    options = Adversarial(loss=loss, discriminator="unet", flipped_labels=0)
    low, high = torch.full((4, 1), -2.0), torch.full((4, 1), 2.0)
    assert terms.generator_loss(options, high, low) < terms.generator_loss(options, low, high)

    def judge(x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(1, 2, 3))[:, None] * 4 - 2

    bright, dark = torch.ones(4, 3, 8, 8), torch.zeros(4, 3, 8, 8)
    random = torch.Generator().manual_seed(0)
    right = terms.discriminator_loss(options, judge, bright, dark, random)
    assert right < terms.discriminator_loss(options, judge, dark, bright, random)


def test_relativistic_loss_of_an_undecided_discriminator_is_log_two() -> None:
    flat = torch.full((3, 1), 0.7)
    assert float(terms.generator_loss(Adversarial(), flat, flat)) == pytest.approx(np.log(2), rel=1e-5)


def test_each_verdict_of_a_discriminator_is_compared_with_its_own_mean() -> None:
    shifted = torch.stack((torch.full((2, 3, 3), 5.0), torch.full((2, 3, 3), -5.0)), 1)
    assert float(terms.generator_loss(Adversarial(), shifted, shifted)) == pytest.approx(np.log(2), rel=1e-5)


def test_a_grid_costs_lattice_and_an_even_tone_or_single_spot_hardly_any() -> None:
    hr = picture(0)
    grid = torch.zeros(32, 32)
    grid[1::4, 2::4] = 0.1
    even, spot = torch.full((32, 32), 0.1), torch.zeros(32, 32)
    spot[5, 6] = 0.1
    cost = {
        name: float(terms.lattice(hr + d, hr, 4))
        for name, d in (("grid", grid), ("even", even), ("spot", spot))
    }
    assert cost["grid"] == pytest.approx(0.1 * 2 * 15 / 16**2, rel=1e-3)
    assert cost["even"] == pytest.approx(0, abs=1e-6)
    assert cost["spot"] < cost["grid"] / 50


def test_only_what_is_worse_than_the_calmer_weights_is_an_artefact() -> None:
    hr = picture(0)
    noisy = hr + torch.randn(hr.shape, generator=torch.Generator().manual_seed(1)) / 10
    assert float(terms.artefacts(noisy, hr, hr)) > 0
    assert float(terms.artefacts(hr + (noisy - hr) / 2, noisy, hr)) == 0


def test_an_even_error_is_no_artefact() -> None:
    hr = picture(0)
    even = float(terms.artefacts(hr + 0.1, hr, hr))
    dotted = hr + 0.4 * (torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(2)) < 0.25)
    assert even == pytest.approx(0, abs=1e-6)
    assert float(terms.artefacts(dotted, hr, hr)) > 100 * even + 1e-4


@pytest.mark.parametrize("slope", [0.5, 1.0, 3.0])
def test_the_gradient_penalty_wants_a_slope_of_one(slope: float) -> None:
    def linear(x: torch.Tensor) -> torch.Tensor:
        return slope * x[:, 0, 0, 0]

    penalty = terms.gradient_penalty(linear, picture(0), picture(1), torch.Generator().manual_seed(0))
    assert float(penalty) == pytest.approx((slope - 1) ** 2, abs=1e-5)


def test_batch_norm_and_penalty_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="batch norm"):
        Adversarial(loss="wasserstein", discriminator="strided")


def test_pickles_of_arrays_are_read(tmp_path: Path) -> None:
    tree = {"Conv_0": {"kernel": np.arange(6.0).reshape(2, 3), "bias": np.ones(2, np.float32)}}
    found = weights.arrays_of(pickle.dumps(tree, protocol=4))
    assert np.array_equal(found["Conv_0"]["kernel"], tree["Conv_0"]["kernel"])


class Bomb:
    def __reduce__(self) -> tuple:
        return (os.mkdir, ("exploded",))


@pytest.mark.parametrize("payload", [Bomb(), {"a": [Bomb()]}, OrderedDict(a=1)])
def test_pickles_of_anything_else_are_refused(
    payload: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="refused"):
        weights.arrays_of(pickle.dumps(payload))
    assert list(tmp_path.iterdir()) == []


def test_a_trunk_comes_from_a_file_with_torchvision_s_names(tmp_path: Path, alexnet: Trunk) -> None:
    state = {}
    for layer in LAYERS["alexnet"]:
        state[f"features.{layer.position}.weight"] = alexnet.convs[layer.name].weight
        state[f"features.{layer.position}.bias"] = alexnet.convs[layer.name].bias
    save_file(state, tmp_path / "alexnet.safetensors")
    torch.save(state, tmp_path / "alexnet.pth")
    for name in ("alexnet.safetensors", "alexnet.pth"):
        loaded = Trunk("alexnet", weights.from_file(tmp_path / name, "alexnet"))
        expected = alexnet(picture(0, 64), ("conv5",))["conv5"]
        torch.testing.assert_close(loaded(picture(0, 64), ("conv5",))["conv5"], expected)
    with pytest.raises(ModelError, match=r"features\.2\.weight"):
        weights.from_file(tmp_path / "alexnet.safetensors", "vgg16")
    with pytest.raises(ModelError, match="cannot read"):
        weights.from_file(tmp_path / "nowhere.safetensors", "vgg16")


def test_fetched_weights_are_converted_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXPIPE_CACHE", str(tmp_path))
    weights.weights.cache_clear()
    calls = []

    def fetch(name: str) -> None:
        calls.append(name)
        weights.keep({"dists": {"alpha": torch.ones(3), "beta": torch.zeros(3)}})

    monkeypatch.setattr(weights, "fetch", fetch)
    assert torch.equal(weights.weights("dists")["alpha"], torch.ones(3))
    weights.weights.cache_clear()
    assert torch.equal(weights.weights("dists")["beta"], torch.zeros(3))
    assert calls == ["dists"]
    weights.weights.cache_clear()


def test_weights_that_cannot_be_had_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXPIPE_CACHE", str(tmp_path))
    weights.weights.cache_clear()

    def offline(name: str) -> None:
        raise ModelError("no network")

    monkeypatch.setattr(weights, "fetch", offline)
    assert weights.weights("alexnet") is None
    weights.weights.cache_clear()


def test_lpips_heads_weigh_the_layers() -> None:
    state = {}
    torch.manual_seed(0)
    plain = Trunk("alexnet")
    for layer in LAYERS["alexnet"]:
        state[f"features.{layer.position}.weight"] = plain.convs[layer.name].weight
        state[f"features.{layer.position}.bias"] = plain.convs[layer.name].bias
    widths = {layer.name: layer.outputs for layer in LAYERS["alexnet"]}
    heads = {f"heads.{i}": torch.full((widths[n],), 2.0) for i, n in enumerate(LPIPS_LAYERS["alexnet"])}
    doubled = Trunk("alexnet", state | heads)
    a, b = picture(0), picture(1)
    torch.testing.assert_close(lpips(doubled, a, b), 2 * lpips(plain, a, b))
