"""Cleaning: banding and dither go, and what is left is the source to the last texel when it is stored again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from textures import MODES, all_edges, grain, opaque, plan, textures

from texpipe.imaging.texel_codecs import expand5
from texpipe.imaging.texel_formats import quantise
from texpipe.passes import make_passes
from texpipe.passes.clean import clean
from texpipe.passes.dither_detection import DITHER_MATRICES, checkered, dither_offsets, top_level
from texpipe.texture import AlphaClass, Edges, Rgba8

WRAP = Edges("wrap", "wrap")
Picture = NDArray[np.float32]


def smooth_picture(size: int = 32, seed: int = 0) -> Picture:
    """Slow waves that tile, in [0, 1]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] * (2 * np.pi / size)
    phases = random.uniform(0, 6.3, (2, 3))
    waves = [0.5 + 0.05 * np.sin(x + a) + 0.04 * np.cos(y + b) for a, b in phases.T]
    return np.stack(waves, axis=2).astype(np.float32)


def stored(picture: Picture, offsets: Picture | float = 0.0, top: int = 31) -> Picture:
    """What a console makes of a picture, as a dump shows it: few levels, expanded to 8 bits."""
    levels = np.rint(np.clip(picture * top + offsets, 0, top))
    values = expand5(levels) if top == 31 else levels * 17
    return values.astype(np.float32) / np.float32(255)


def laid(name: str, shape: tuple[int, int], shift: tuple[int, int] = (0, 0)) -> Picture:
    tiles = np.tile(DITHER_MATRICES[name], (-(-shape[0] // 4), -(-shape[1] // 4)))
    return np.roll(tiles, shift, (0, 1))[: shape[0], : shape[1], None]


def all_of(picture: Picture) -> NDArray[np.bool_]:
    return np.ones(picture.shape[:2], np.bool_)


def error(one: Picture, other: Picture) -> float:
    """Mean absolute difference in levels."""
    return 255 * float(np.abs(one - other).mean())


any_size = st.tuples(st.integers(1, 33), st.integers(1, 33))


@settings(max_examples=40, deadline=None)
@given(any_size, st.integers(0, 99), st.sampled_from([1, 4, 40]), st.sampled_from([15, 31]), all_edges())
def test_stored_again_it_is_the_source(
    size: tuple[int, int], seed: int, contrast: int, top: int, edges: Edges
) -> None:
    """Whatever is found in it, every texel rounds back to its own level; of any picture of few levels."""
    random = np.random.default_rng(seed)
    grey = random.normal(0.5, contrast / 200, (*size, 1 if top == 15 else 3))
    source = stored(np.clip(np.broadcast_to(grey, (*size, 3)), 0, 1).astype(np.float32), top=top)
    result = clean(source, all_of(source), edges)
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1
    if top_level(source, all_of(source)) is None:
        checks, _ = checkered(source, all_of(source), edges)  # noise is one now and then
        assert np.array_equal(result[~checks], source[~checks])
        return
    levels = np.rint(source * top)
    offsets = dither_offsets(levels, all_of(source), edges)
    assert np.array_equal(np.rint(result * top + (0 if offsets is None else offsets)), levels)


@pytest.mark.parametrize("name", ["bayer", "psx"])
@pytest.mark.parametrize("shift", [(0, 0), (1, 3), (2, 2)])
@pytest.mark.parametrize("turned", [False, True])
def test_ordered_dither_is_found_and_taken_back(name: str, shift: tuple[int, int], turned: bool) -> None:
    """In any position and orientation; the offsets are those of the matrix, to the 8 levels that the PS1's has."""
    picture = smooth_picture()
    offsets = laid(name, (32, 32), shift)
    offsets = offsets.swapaxes(0, 1)[::-1] if turned else offsets
    source = stored(picture, offsets)
    found = dither_offsets(np.rint(source * 31), all_of(source), WRAP)
    assert found is not None
    np.testing.assert_allclose(found, offsets, atol=1 / 16)
    result = clean(source, all_of(source), WRAP)
    assert error(result, picture) < 0.45 * error(source, picture)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_what_is_not_dithered_so_is_not_taken_for_it(noise: float) -> None:
    random = np.random.default_rng(0)
    for seed in range(4):
        offsets = random.uniform(-noise, noise, (32, 32, 3)).astype(np.float32)
        source = stored(smooth_picture(seed=seed), offsets)
        assert dither_offsets(np.rint(source * 31), all_of(source), WRAP) is None


def test_a_wrapped_side_that_is_no_multiple_of_the_matrix_was_not_dithered() -> None:
    source = stored(smooth_picture(30), laid("bayer", (30, 30)))
    levels = np.rint(source * 31)
    assert dither_offsets(levels, all_of(source), WRAP) is None
    assert dither_offsets(levels, all_of(source), Edges()) is not None


def test_banding_becomes_a_ramp() -> None:
    """16 bands of 4 texels: after cleaning every texel differs from the next, by less than half of a band's step."""
    line = np.linspace(0.2, 0.7, 64, dtype=np.float32)
    source = stored(np.broadcast_to(line[None, :, None], (4, 64, 3)).astype(np.float32))
    result = clean(source, all_of(source), Edges())
    steps = np.diff(result[0, :, 0])
    assert steps.max() < 0.5 / 31
    assert (steps >= 0).all()
    assert np.count_nonzero(steps > 1e-4) > 2 * np.count_nonzero(np.diff(source[0, :, 0]))
    assert error(result, line[None, :, None]) < 0.7 * error(source, line[None, :, None])


def test_edges_stay() -> None:
    """Colours two steps apart belong to different things."""
    source = stored(
        np.repeat(np.repeat(np.array([[[8], [10], [20], [30], [24]]], np.float32) / 31, 8, 1), 3, 2)
    )
    assert np.array_equal(clean(source, all_of(source), WRAP), source)


def test_two_colours_in_turn_become_their_mean() -> None:
    y, x = np.mgrid[:8, :8]
    turns = np.where(((x + y) % 2)[..., None], (200, 40, 40), (40, 40, 200)).astype(np.float32) / 255
    there, other = checkered(turns, all_of(turns), WRAP)
    assert there.all()
    assert np.array_equal(other, np.roll(turns, 1, 0))
    result = clean(turns, all_of(turns), WRAP)
    np.testing.assert_allclose(result, turns.mean(axis=(0, 1)) * np.ones_like(turns), atol=0.002)
    nearer = np.abs(result - turns).sum(axis=2) < np.abs(result - other).sum(axis=2)
    assert nearer.all()


def test_neighbouring_levels_in_turn_stay_in_their_boxes() -> None:
    y, x = np.mgrid[:4, :16]
    levels = 3 + 6 * (x // 4) + (x + y) % 2
    source = stored(np.repeat(levels[..., None], 3, axis=2).astype(np.float32) / 31)
    assert checkered(source, all_of(source), Edges())[0].any()
    assert dither_offsets(np.rint(source * 31), all_of(source), Edges()) is None
    result = clean(source, all_of(source), Edges())
    assert np.array_equal(np.rint(result * 31)[..., 0], levels)
    assert np.abs(np.diff(result[:, :4, 0] * 31, axis=1)).max() < 0.02


def test_a_letter_is_no_dither() -> None:
    """An x of 3 x 3 texels alternates, too; so does a line of dots."""
    letter = np.zeros((8, 8, 3), np.float32)
    letter[2:5, 2:5] = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], np.float32)[..., None]
    letter[6, ::2] = 1
    assert not checkered(letter, all_of(letter), WRAP)[0].any()


@settings(max_examples=20, deadline=None)
@given(any_size, st.integers(0, 255), all_edges())
def test_flat_stays_flat(size: tuple[int, int], level: int, edges: Edges) -> None:
    flat = np.full((*size, 3), level, np.float32) / np.float32(255)
    assert np.array_equal(clean(flat, all_of(flat), edges), flat)


@settings(max_examples=40, deadline=None)
@given(textures(), all_edges())
def test_textures_of_all_levels_are_left_alone(made: tuple[Rgba8, AlphaClass], edges: Edges) -> None:
    """Noise in 256 levels is on no grid, and alternates nowhere."""
    rgba, kind = made
    if len(np.unique(rgba[rgba[..., 3] > 0][:, :3] if kind != "mask" else rgba)) < 12:
        return
    for one, other in zip(
        make_passes(rgba, plan(kind, edges, clean="auto")), make_passes(rgba, plan(kind, edges)), strict=True
    ):
        assert np.array_equal(one.rgb, other.rgb)


@settings(max_examples=8, deadline=None)
@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 99), st.sampled_from(["bayer", "psx", None]))
def test_rolled_in_rolled_out(down: int, right: int, seed: int, dither: str | None) -> None:
    offsets = laid(dither, (32, 32)) if dither else np.float32(0)
    source = stored(smooth_picture(seed=seed), offsets)
    result = clean(np.roll(source, (down, right), (0, 1)), all_of(source), WRAP)
    expected = np.roll(clean(source, all_of(source), WRAP), (down, right), (0, 1))
    np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_flipped_in_flipped_out(mode: str) -> None:
    edges = Edges(mode, mode)
    source = stored(smooth_picture(), laid("bayer", (32, 32)))
    flipped = np.ascontiguousarray(source[::-1, ::-1])
    expected = clean(source, all_of(source), edges)[::-1, ::-1]
    np.testing.assert_allclose(clean(flipped, all_of(source), edges), expected, atol=1e-5)


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("edges", [WRAP, Edges("mirror", "clamp")])
def test_hidden_colour_has_no_say(level: int, edges: Edges) -> None:
    rgba = quantise(grain((16, 16), 0), "rgba16")
    rgba[4:9, 3:12, 3] = 0
    other = rgba.copy()
    other[rgba[..., 3] == 0, :3] = level
    how = plan("binary", edges, clean="auto")
    one, two = make_passes(rgba, how)[0].rgb, make_passes(other, how)[0].rgb
    assert np.array_equal(one, two)
    assert not np.array_equal(one, make_passes(rgba, plan("binary", edges))[0].rgb)


def test_an_intensity_texture_is_cleaned_but_where_it_is_transparent_or_solid() -> None:
    y, x = np.mgrid[:24, :24]
    levels = np.clip(20 - 1.2 * np.hypot(x - 11.5, y - 11.5), 0, 15).round().astype(np.uint8) * 17
    rgba = np.repeat(levels[..., None], 4, axis=2)
    result = make_passes(rgba, plan("mask", clean="auto"))[0].rgb[..., 0] * 255
    assert (result[levels == 0] == 0).all()
    assert 0.5 < np.abs(result - levels).max() <= 8.5
    assert not np.array_equal(opaque(result)[..., 0], levels)
