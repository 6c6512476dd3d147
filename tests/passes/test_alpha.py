"""Alpha through the network and back: bleed, what each class promises, coverage and thin features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from textures import all_edges, disc, fence, foliage, textures, window

from texpipe.passes.alpha import declared_alpha, rebuild_alpha
from texpipe.passes.bleed import bleed, without_halo
from texpipe.passes.resample import box_reduce, enlarge, extend, neighbourhood, repeat
from texpipe.texture import AlphaClass, Edges, Rgba8

WRAP = Edges("wrap", "wrap")


def grown(
    alpha: NDArray[np.uint8], edges: Edges, *, noise: float = 0.0, scale: int = 4
) -> NDArray[np.float32]:
    """Alpha as a smooth network with some noise would enlarge it."""
    plane = enlarge(alpha.astype(np.float32) / np.float32(255), scale, edges)
    return plane + np.random.default_rng(0).normal(0, noise, plane.shape).astype(np.float32)


def coverage(alpha: NDArray[np.uint8]) -> float:
    return float((alpha >= 128).mean())


@settings(max_examples=60)
@given(textures(), all_edges(), st.integers(0, 255))
def test_bleed_keeps_what_is_visible_and_ignores_what_is_not(
    made: tuple[Rgba8, AlphaClass], edges: Edges, level: int
) -> None:
    rgba, _ = made
    visible = rgba[..., 3] > 0
    bled = bleed(rgba, edges)
    assert np.array_equal(bled[visible], rgba[visible][:, :3].astype(np.float32) / np.float32(255))
    other = rgba.copy()
    other[~visible, :3] = level
    assert np.array_equal(bleed(other, edges), bled)
    assert bled.dtype == np.float32
    assert np.isfinite(bled).all()
    if visible.any():
        assert bled.min() >= rgba[visible][:, :3].min() / 255 - 1e-3
        assert bled.max() <= rgba[visible][:, :3].max() / 255 + 1e-3


@settings(max_examples=30)
@given(textures("binary"), st.integers(-9, 9), st.integers(-9, 9))
def test_bleed_of_a_rolled_texture_is_the_rolled_bleed(
    made: tuple[Rgba8, AlphaClass], down: int, right: int
) -> None:
    rgba, _ = made
    rolled = bleed(np.roll(rgba, (down, right), (0, 1)), WRAP)
    np.testing.assert_allclose(rolled, np.roll(bleed(rgba, WRAP), (down, right), (0, 1)), atol=2e-5)


def test_bleed_crosses_only_borders_that_wrap() -> None:
    rgba = np.zeros((8, 16, 4), np.uint8)
    rgba[:, 0] = (255, 0, 0, 255)
    rgba[:, 8] = (0, 0, 255, 255)
    wrapped, clamped = bleed(rgba, WRAP), bleed(rgba, Edges())
    assert wrapped[4, 15, 0] > 0.9
    assert clamped[4, 15, 2] > 0.9


def test_bleed_of_nothing_is_mid_grey() -> None:
    assert (bleed(np.zeros((3, 5, 4), np.uint8), WRAP) == 0.5).all()


@settings(max_examples=80)
@given(textures(most=20), all_edges(), st.sampled_from([0.0, 0.2, 1.0]))
def test_what_the_classes_promise(made: tuple[Rgba8, AlphaClass], edges: Edges, noise: float) -> None:
    rgba, kind = made
    if kind in ("opaque", "mask"):
        return
    alpha = rgba[..., 3]
    result = rebuild_alpha(grown(alpha, edges, noise=noise), alpha, kind, edges)
    assert result.shape == (alpha.shape[0] * 4, alpha.shape[1] * 4)
    if kind != "soft":
        assert set(np.unique(result)) <= set(np.unique(alpha)) | {0}
    least, most = neighbourhood(alpha.astype(np.float32), edges)
    assert (result >= repeat(least, 4)).all()
    assert (result <= repeat(most, 4)).all()


@settings(max_examples=60)
@given(textures("binary"), all_edges(), st.sampled_from([0.0, 0.1, 0.5]))
def test_binary_coverage_is_kept(made: tuple[Rgba8, AlphaClass], edges: Edges, noise: float) -> None:
    alpha = made[0][..., 3]
    result = rebuild_alpha(grown(alpha, edges, noise=noise), alpha, "binary", edges)
    assert abs(coverage(result) - coverage(alpha)) <= 0.01


@pytest.mark.parametrize("damage", ["faint", "faded away", "all the same", "nearest"])
@pytest.mark.parametrize("rgba", [fence(), foliage()], ids=["fence", "foliage"])
def test_features_that_a_network_loses_come_back(rgba: Rgba8, damage: str) -> None:
    """Every visible texel of the source still shows something, and no bar breaks."""
    alpha = rgba[..., 3]
    plane = {
        "faint": 0.3 * grown(alpha, WRAP),
        "faded away": grown(alpha, WRAP) ** 6,
        "all the same": np.full((128, 128), 0.4, np.float32),
        "nearest": repeat(alpha.astype(np.float32) / np.float32(255), 4),
    }[damage]
    result = rebuild_alpha(plane, alpha, "binary", WRAP)
    shown = result.reshape(32, 4, 32, 4).max(axis=(1, 3)) > 0
    assert shown[alpha > 0].mean() > 0.97
    assert abs(coverage(result) - coverage(alpha)) <= 0.01
    if rgba[0, 3, 3] and not rgba[0, 0, 3]:
        bars = result[:, 12:16] > 0
        assert bars.any(axis=1).all()


def test_a_nearest_plane_comes_back_exactly() -> None:
    alpha = foliage()[..., 3]
    plane = repeat(alpha.astype(np.float32) / np.float32(255), 4)
    assert np.array_equal(rebuild_alpha(plane, alpha, "binary", Edges()), repeat(alpha, 4))


def test_a_lone_texel_survives() -> None:
    alpha = np.zeros((64, 64), np.uint8)
    alpha[20, 30] = 255
    result = rebuild_alpha(0.2 * grown(alpha, Edges()), alpha, "binary", Edges())
    assert 12 <= (result == 255).sum() <= 20


def test_glass_gets_no_ring_and_frames_no_halo() -> None:
    """Between nothing and the opaque frame of a PS1 window there must be no half-transparent line."""
    alpha = window()[..., 3]
    result = rebuild_alpha(grown(alpha, Edges()), alpha, "ternary", Edges())
    assert set(np.unique(result)) == {0, 128, 255}
    glass = repeat((alpha == 128).astype(np.uint8), 4)
    near_glass = np.asarray(extend(glass.astype(np.float32), Edges(), 4))
    reach = np.max([near_glass[y : y + 64, x : x + 64] for y in (0, 4, 8) for x in (0, 4, 8)], axis=0)
    assert not ((result == 128) & (reach == 0)).any()


@settings(max_examples=60)
@given(textures(), all_edges(), st.integers(0, 99))
def test_no_colour_beside_a_hole_that_its_neighbours_do_not_have(
    made: tuple[Rgba8, AlphaClass], edges: Edges, seed: int
) -> None:
    rgba, _ = made
    height, width = rgba.shape[:2]
    wild = np.random.default_rng(seed).random((2 * height, 2 * width, 3)).astype(np.float32)
    kept = without_halo(wild, rgba, edges)
    seen = extend(rgba.astype(np.float32), edges, 1)
    for y, x in np.ndindex(height, width):
        around = seen[y : y + 3, x : x + 3].reshape(-1, 4)
        visible = around[around[:, 3] > 0, :3] / 255
        block = np.s_[2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
        if 0 < len(visible) < 9:
            assert (kept[block] >= visible.min(axis=0) - 1e-6).all()
            assert (kept[block] <= visible.max(axis=0) + 1e-6).all()
        else:
            assert np.array_equal(kept[block], wild[block])


@settings(max_examples=60)
@given(st.integers(0, 999), st.floats(0.8, 1.2))
def test_soft_alpha_keeps_its_coverage_in_a_game_with_an_alpha_test(seed: int, gamma: float) -> None:
    """The network's curve is a little too steep or too flat; the share above half is the source's all the same."""
    noise = np.random.default_rng(seed).random((16, 16)).astype(np.float32)
    alpha = np.rint(extend(noise, WRAP, 2)[1:-1, 1:-1] ** 2 * 255).astype(np.uint8)
    result = rebuild_alpha(grown(alpha, Edges()) ** np.float32(gamma), alpha, "soft", Edges())
    plain = rebuild_alpha(grown(alpha, Edges()) ** np.float32(gamma), alpha, "data", Edges())
    assert abs(coverage(result) - coverage(alpha)) <= max(
        0.01, abs(coverage(plain) - coverage(alpha)) - 0.005
    )
    assert ((result == 0) == (plain == 0)).mean() > 0.99


def test_soft_alpha_keeps_its_plateaus_and_its_mean() -> None:
    alpha = disc(24)[..., 3]
    result = rebuild_alpha(grown(alpha, Edges(), noise=0.05), alpha, "soft", Edges())
    least, most = neighbourhood(alpha.astype(np.float32), Edges())
    assert (result[repeat(most, 4) == 0] == 0).all()
    assert (result[repeat(least, 4) == 255] == 255).all()
    means = result.reshape(24, 4, 24, 4).mean(axis=(1, 3))
    assert np.abs(means - alpha).mean() < 2.5


def test_a_network_that_draws_a_rim_around_a_glow_is_not_believed() -> None:
    """Hard where the source is soft: the source is interpolated. Hard where it is hard: the network has its way."""
    alpha = disc(32)[..., 3]
    y, x = np.mgrid[:128, :128] - 63.5
    hard = (np.hypot(y, x) < 48).astype(np.float32)
    result = rebuild_alpha(hard, alpha, "soft", Edges())
    assert np.abs(np.diff(result.astype(int), axis=1)).max() < 64
    sharp = np.rint(255 * box_reduce(hard, 4)).astype(np.uint8)
    kept = rebuild_alpha(hard, sharp, "soft", Edges())
    assert np.abs(kept / 255 - hard).mean() < 0.01


def test_rolled_alpha_is_cut_along_the_rolled_line() -> None:
    """The cut lies in a gap of the values: noise of a network's size in its last bits moves no pixel."""
    alpha = foliage()[..., 3]
    plane = grown(alpha, WRAP, noise=0.1)
    result = rebuild_alpha(plane, alpha, "binary", WRAP)
    for down, right in ((1, 0), (5, 9), (31, 2)):
        noise = np.random.default_rng(down).normal(0, 1e-6, plane.shape).astype(np.float32)
        rolled = np.roll(plane, (4 * down, 4 * right), (0, 1)) + noise
        again = rebuild_alpha(rolled, np.roll(alpha, (down, right), (0, 1)), "binary", WRAP)
        assert np.array_equal(again, np.roll(result, (4 * down, 4 * right), (0, 1)))


def test_a_class_that_a_recipe_forces() -> None:
    alpha = np.array([[0, 40, 127, 128, 140, 255]], np.uint8)
    assert declared_alpha(alpha, "opaque").tolist() == [[255] * 6]
    assert declared_alpha(alpha, "mask").tolist() == [[255] * 6]
    assert declared_alpha(alpha, "binary").tolist() == [[0, 0, 0, 255, 255, 255]]
    assert declared_alpha(alpha, "ternary").tolist() == [[0, 0, 127, 128, 140, 255]]
    assert declared_alpha(alpha, "soft").tolist() == alpha.tolist()
