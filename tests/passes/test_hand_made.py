"""A hand-made picture in another size: what is seen of it stays the same, whatever its own size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from packs import noise
from textures import ALPHA_CLASSES, MODES, grain, plan

from texpipe.imaging.visible import premultiplied
from texpipe.passes.hand_made import fitted
from texpipe.passes.resample import repeat, resized
from texpipe.texture import Edges, Rgba8

edges = st.builds(Edges, st.sampled_from(MODES), st.sampled_from(MODES))


def seen(rgba: Rgba8) -> NDArray[np.float64]:
    """Mean of what is visible of the channels, in levels."""
    return np.asarray(premultiplied(rgba).mean(axis=(0, 1)), dtype=np.float64)


def soft(size: tuple[int, int], seed: int) -> Rgba8:
    """A picture with every alpha, dark where nothing is seen."""
    made = grain(size, seed)
    made[..., 3] = grain(size, seed + 1)[..., 0]
    made[made[..., 3] < 40] = 0
    return made


@given(st.integers(1, 16), st.sampled_from([1, 2, 4, 8, 16]), edges, st.booleans(), st.integers(0, 50))
def test_any_scale_keeps_the_mean(made: int, wanted: int, by: Edges, opaque: bool, seed: int) -> None:
    """Rounding of a pixel may be off by half a level, and alpha by as much again; a cubic may leave the range."""
    picture = (grain if opaque else soft)((6 * made, 4 * made), seed)
    result = fitted(picture, (6 * wanted, 4 * wanted), plan("soft", by))
    assert result.shape == (4 * wanted, 6 * wanted, 4)
    assert np.abs(seen(result) - seen(picture)).max() < (1 if wanted <= made else 6)


@given(st.integers(2, 8), st.integers(1, 7), st.integers(0, 20))
def test_a_picture_that_wraps_keeps_wrapping(factor: int, by: int, seed: int) -> None:
    """Rolling the picture rolls the result."""
    picture, both = soft((8, 8), seed), plan("soft", Edges("wrap", "wrap"))
    size = (8 * factor, 8 * factor)
    rolled = fitted(np.roll(picture, by, axis=(0, 1)), size, both)
    expected = np.roll(fitted(picture, size, both), by * factor, axis=(0, 1))
    assert np.abs(rolled.astype(int) - expected).max() <= 1


@given(st.integers(2, 8), st.integers(0, 20))
def test_a_picture_that_mirrors_flips(factor: int, seed: int) -> None:
    picture, both = soft((8, 6), seed), plan("soft", Edges("mirror", "mirror"))
    size = (8 * factor, 6 * factor)
    flipped = fitted(picture[::-1, ::-1], size, both)
    assert np.abs(flipped[::-1, ::-1].astype(int) - fitted(picture, size, both)).max() <= 1


@pytest.mark.parametrize("alpha", ALPHA_CLASSES)
def test_the_right_size_is_not_touched(alpha) -> None:
    picture = noise((12, 8))
    picture[:4, :, 3] = 0
    assert fitted(picture, (12, 8), plan(alpha)) is picture, "hidden colours too"


@pytest.mark.parametrize("side", [6, 15, 40])
def test_hidden_colours_do_not_show(side: int) -> None:
    """Magenta under zero alpha leaves no trace in what is seen, and none beside it."""
    picture = np.full((20, 20, 4), (0, 200, 0, 255), np.uint8)
    picture[:, 7:] = (255, 0, 255, 0)
    result = fitted(picture, (side, side), plan("soft"))
    assert (result[..., 0] <= 1).all()
    assert (result[..., 2] <= 1).all()
    assert {0, 255} <= set(result[..., 3].ravel().tolist())


@pytest.mark.parametrize(("alpha", "levels"), [("binary", {0, 255}), ("ternary", {0, 128, 255})])
@pytest.mark.parametrize("side", [7, 33])
def test_a_choice_of_few_alphas_stays_one(alpha, levels: set[int], side: int) -> None:
    picture = soft((20, 20), 3)
    picture[..., 3] = np.array(sorted(levels))[np.arange(20) // 3 % len(levels)]
    assert set(fitted(picture, (side, side), plan(alpha))[..., 3].ravel().tolist()) <= levels
    assert set(fitted(picture, (side, side), plan("soft"))[..., 3].ravel().tolist()) - levels, (
        "others would arise"
    )


def test_an_intensity_stays_one() -> None:
    """A mask is one channel four times: weighted by its alpha it would become darker."""
    plane = np.linspace(0, 255, 8).round().astype(np.uint8)
    picture = np.repeat(np.repeat(plane[None, :, None], 8, axis=0), 4, axis=2)
    result = fitted(picture, (4, 4), plan("mask"))
    assert (result == result[..., :1]).all()
    assert (result[0, :, 0] == (plane.reshape(4, 2).mean(axis=1) + 0.5).astype(np.uint8)).all()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 40), st.integers(1, 40), edges)
def test_a_flat_plane_stays_flat(width: int, height: int, wide: int, high: int, by: Edges) -> None:
    flat = np.full((height, width), 0.25, np.float32)
    assert resized(flat, (wide, high), by) == pytest.approx(np.full((high, wide), 0.25), abs=1e-6)


def test_whole_factors_are_means_and_ramps_stay_straight() -> None:
    plane = np.random.default_rng(0).random((6, 9)).astype(np.float32)
    assert resized(repeat(plane, 5), (9, 6), Edges()) == pytest.approx(plane, abs=1e-6)
    ramp = np.arange(10, dtype=np.float32)[None].repeat(4, axis=0)
    inside = resized(ramp, (25, 10), Edges())[:, 5:-5]
    assert inside == pytest.approx(
        ((np.arange(25) + 0.5) / 2.5 - 0.5)[None, 5:-5].repeat(10, axis=0), abs=1e-4
    )
