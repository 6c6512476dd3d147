"""Colour: a result keeps the tone of its source, across wrapped borders and whatever is hidden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from textures import all_edges, foliage, gradient, grain, textures

from texpipe.passes.bleed import bleed
from texpipe.passes.colour import match_histogram, match_source, visible_mean
from texpipe.passes.drift import box_distance, tone_drift
from texpipe.passes.ramps import enlarge_ramp
from texpipe.passes.resample import (
    before_enlarging,
    beyond,
    box_reduce,
    enlarge,
    enlarge_cubic,
    extend,
    repeat,
)
from texpipe.passes.storage_box import box, storage_step
from texpipe.texture import AlphaClass, EdgeMode, Edges, Rgba8

WRAP = Edges("wrap", "wrap")
Picture = NDArray[np.float32]


def parts(rgba: Rgba8, edges: Edges) -> tuple[Picture, Picture]:
    return bleed(rgba, edges), rgba[..., 3].astype(np.float32) / np.float32(255)


def tone(result: Picture, alpha: Picture, source: Picture, source_alpha: Picture, edges: Edges) -> float:
    """Tone drift in levels."""
    return 255 * tone_drift(source - visible_mean(result, alpha, 4)[0], source_alpha, edges)


def tinted(source: Picture, edges: Edges) -> Picture:
    """A smooth enlargement that came out too dark and too green, with detail of its own."""
    grown = enlarge(source, 4, edges)
    detail = np.tile(
        np.array([[0.03, -0.03], [-0.03, 0.03]], np.float32), (grown.shape[0] // 2, grown.shape[1] // 2)
    )
    return np.asarray(grown * np.array([0.8, 0.95, 0.7], np.float32) + detail[..., None], dtype=np.float32)


@pytest.mark.parametrize(
    "rgba", [grain((32, 32), 1), grain((24, 16), 2), foliage()], ids=["stone", "oblong", "leaves"]
)
@pytest.mark.parametrize("edges", [WRAP, Edges("mirror", "clamp")])
def test_a_tint_is_taken_back(rgba: Rgba8, edges: Edges) -> None:
    source, alpha = parts(rgba, edges)
    before = tinted(source, edges)
    after = match_source(before, repeat(alpha, 4), source, alpha, edges)
    assert tone(before, repeat(alpha, 4), source, alpha, edges) > 15
    assert tone(after, repeat(alpha, 4), source, alpha, edges) <= 1


@settings(max_examples=30, deadline=None)
@given(textures(most=24), all_edges())
def test_any_texture_ends_close_to_its_box(made: tuple[Rgba8, AlphaClass], edges: Edges) -> None:
    """Noise from 0 to 255, enlarged smoothly: the worst there is."""
    source, alpha = parts(made[0], edges)
    if not alpha.any():
        return
    result = match_source(enlarge(source, 4, edges), repeat(alpha, 4), source, alpha, edges)
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1
    outside = box_distance(
        source - visible_mean(result, repeat(alpha, 4), 4)[0],
        box(source, storage_step(source, alpha > 0), edges),
        alpha,
    )
    assert 255 * outside <= 2


def test_detail_of_the_network_stays() -> None:
    """What is finer than a texel is the network's; and what was within the tolerance already is left alone."""
    source, alpha = parts(grain((32, 32), 5), WRAP)
    before = tinted(source, WRAP)
    after = match_source(before, repeat(alpha, 4), source, alpha, WRAP)
    fine = after - repeat(box_reduce(after, 4), 4)
    expected = before - repeat(box_reduce(before, 4), 4)
    assert np.corrcoef(fine.ravel(), expected.ravel())[0, 1] > 0.9


def noisy(spread: int, seed: int = 0) -> Picture:
    """Every texel drawn at random from 32 greys, each a step of 2 levels from the next: too many to be on any grid."""
    greys = 128 + 2 * np.random.default_rng(seed).integers(-spread, spread + 1, (32, 32, 1))
    return np.repeat(greys, 3, axis=2).astype(np.float32) / np.float32(255)


def flattened(source: Picture) -> Picture:
    """What a network makes of a pattern that it takes for dither."""
    return np.full((source.shape[0] * 4, source.shape[1] * 4, 3), source.mean(), np.float32)


@pytest.mark.parametrize("spread", [2, 3])
def test_noise_within_what_storage_can_have_done_stays_lost(spread: int) -> None:
    source, solid = noisy(spread), np.ones((32, 32), np.float32)
    result = match_source(flattened(source), repeat(solid, 4), source, solid, WRAP)
    assert result.std() < 0.25 * source.std()


@pytest.mark.parametrize(("size", "kept"), [(24, 0.45), (40, 0.6), (64, 0.7)])
@pytest.mark.parametrize("edges", [WRAP, Edges("mirror", "clamp"), Edges("clamp", "clamp")])
def test_a_checker_that_was_taken_for_dither_comes_back(size: int, kept: float, edges: Edges) -> None:
    y, x = np.indices((32, 32))
    grey = 128 + np.where((x + y) % 2, size, -size)
    source = np.repeat(grey[..., None], 3, axis=2).astype(np.float32) / np.float32(255)
    solid = np.ones((32, 32), np.float32)
    result = match_source(flattened(source), repeat(solid, 4), source, solid, edges)
    assert contrast(result, source) >= kept


def test_a_woven_mesh_in_shaded_colours_comes_back() -> None:
    y, x = np.indices((32, 32))
    weave = np.where((x % 2 == 0) & (y % 2 == 0), 60, np.where((x + y) % 2 == 0, 200, 150))
    shade = 1 + 0.2 * np.sin(x * (2 * np.pi / 32))
    colours = (weave * shade)[..., None] * np.array([1, 0.92, 0.8])
    source = np.rint(colours.clip(0, 255)).astype(np.float32) / np.float32(255)
    solid = np.ones((32, 32), np.float32)
    result = match_source(flattened(source), repeat(solid, 4), source, solid, WRAP)
    assert contrast(result, source) >= 0.6


def contrast(result: Picture, source: Picture) -> float:
    """Share of the source's contrast that the reduced result has."""
    reduced, wanted = (one - one.mean(axis=(0, 1)) for one in (box_reduce(result, 4), source))
    return float((reduced * wanted).sum() / (wanted**2).sum())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), all_edges(), st.sampled_from([1, 2, 4, 8]))
def test_what_was_made_for_enlarging_comes_back(height: int, width: int, edges: Edges, scale: int) -> None:
    plane = np.random.default_rng(height * width).random((height, width, 3), dtype=np.float32)
    grown = enlarge(before_enlarging(plane, scale, edges), scale, edges)
    np.testing.assert_allclose(box_reduce(grown, scale), plane, atol=3e-6)


def test_what_is_in_the_box_already_only_changes_in_tone() -> None:
    source, alpha = parts(grain((32, 32), 7), WRAP)
    before = enlarge_cubic(source, 4, WRAP)
    after = match_source(before, repeat(alpha, 4), source, alpha, WRAP)
    assert np.abs(after - before).max() < 0.5 / 255


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 50), st.integers(-20, 20), st.integers(-20, 20), st.sampled_from(["opaque", "binary"]))
def test_rolled_in_rolled_out(seed: int, down: int, right: int, kind: str) -> None:
    rgba = foliage(seed=seed) if kind == "binary" else grain((32, 32), seed)
    source, alpha = parts(rgba, WRAP)
    before = tinted(source, WRAP)
    result = match_source(before, repeat(alpha, 4), source, alpha, WRAP)

    def roll(picture: Picture, by: int) -> Picture:
        return np.roll(picture, (down * by, right * by), (0, 1))

    again = match_source(roll(before, 4), roll(repeat(alpha, 4), 4), roll(source, 1), roll(alpha, 1), WRAP)
    np.testing.assert_allclose(again, roll(result, 4), atol=1 / 255 / 4)


@pytest.mark.parametrize("edges", [Edges("mirror", "mirror"), Edges("clamp", "wrap")])
def test_flipped_in_flipped_out(edges: Edges) -> None:
    source, alpha = parts(grain((20, 28), 4), edges)
    before = tinted(source, edges)
    result = match_source(before, repeat(alpha, 4), source, alpha, edges)
    flipped = [np.ascontiguousarray(p[::-1, ::-1]) for p in (before, repeat(alpha, 4), source, alpha)]
    again = match_source(*flipped, edges)
    np.testing.assert_allclose(again, result[::-1, ::-1], atol=1e-5)


def test_colour_of_hidden_pixels_has_no_say() -> None:
    source, alpha = parts(foliage(), WRAP)
    shown = repeat(alpha, 4)
    before = tinted(source, WRAP)
    other = np.where(shown[..., None] > 0, before, np.float32(1))
    one = match_source(before, shown, source, alpha, WRAP)
    two = match_source(other, shown, source, alpha, WRAP)
    np.testing.assert_allclose(two[shown > 0], one[shown > 0], atol=1e-6)


def test_histogram_matching_gives_the_distribution_of_the_source() -> None:
    source, alpha = parts(grain((32, 32), 6), WRAP)
    result = match_histogram(enlarge(source, 4, WRAP) * np.float32(0.5), repeat(alpha, 4), source, alpha)
    for quantile in (0.05, 0.5, 0.95):
        wanted = np.quantile(source, quantile, axis=(0, 1))
        np.testing.assert_allclose(np.quantile(result, quantile, axis=(0, 1)), wanted, atol=0.02)


def test_histogram_of_nothing_visible_changes_nothing() -> None:
    picture = np.full((8, 8, 3), 0.3, np.float32)
    none = np.zeros((2, 2), np.float32)
    assert np.array_equal(match_histogram(picture, repeat(none, 4), picture[:2, :2], none), picture)


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 255), min_size=1, max_size=40),
    st.sampled_from(["wrap", "mirror", "clamp"]),
    st.booleans(),
)
def test_a_ramp_keeps_its_means_and_stays_monotone(levels: list[int], mode: EdgeMode, upright: bool) -> None:
    line = np.array(levels, np.float32)[None, :, None].repeat(3, axis=2) / np.float32(255)
    picture = line.swapaxes(0, 1) if upright else line
    edges = Edges(mode, mode)
    result = enlarge_ramp(picture, 4, edges)
    assert result is not None
    np.testing.assert_allclose(box_reduce(np.ascontiguousarray(result), 4), picture, atol=1e-5)
    assert result.min() >= picture.min() - 1e-6
    assert result.max() <= picture.max() + 1e-6
    if levels == sorted(levels) and mode != "wrap":
        along = result[:, 0, 0] if upright else result[0, :, 0]
        assert (np.diff(along) >= -1e-6).all()


def test_only_flat_pictures_and_ramps_are_interpolated() -> None:
    ramp = gradient((16, 9))[..., :3].astype(np.float32) / np.float32(255)
    assert enlarge_ramp(ramp, 2, Edges()) is not None
    assert enlarge_ramp(ramp[:, ::-1].copy(), 2, Edges()) is not None
    stripes = np.concatenate([ramp, ramp], axis=1)
    assert enlarge_ramp(stripes, 2, Edges()) is None
    assert enlarge_ramp(grain((8, 8), 0)[..., :3].astype(np.float32), 2, Edges()) is None


@pytest.mark.parametrize(("mode", "numpys"), [("wrap", "wrap"), ("mirror", "symmetric"), ("clamp", "edge")])
def test_what_lies_beyond_a_border(mode: EdgeMode, numpys: str) -> None:
    for length in (1, 2, 5):
        for margin in (0, 1, 4, 13):
            expected = np.pad(np.arange(length), margin, mode=numpys)  # type: ignore[call-overload]
            assert np.array_equal(beyond(length, mode, margin), expected)
    plane = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert extend(plane, Edges(mode, "clamp"), 2).shape == (6, 7)
