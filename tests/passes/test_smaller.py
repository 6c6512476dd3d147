"""A finished picture at a smaller scale: what is seen stays, what repeats goes on repeating, the loss is measured."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from packs import noise
from textures import MODES, grain, plan

from texpipe.imaging.visible import premultiplied
from texpipe.passes.smaller import levels_lost, smaller
from texpipe.texture import Edges, Rgba8

edges = st.builds(Edges, st.sampled_from(MODES), st.sampled_from(MODES))
factors = st.sampled_from([2, 4, 8])


def cut_out(side: int, seed: int) -> Rgba8:
    picture = grain((side, side), seed)
    picture[..., 3] = np.where(grain((side, side), seed + 1)[..., 0] > 100, 255, 0)
    return picture


@given(factors, edges, st.integers(0, 50))
def test_what_is_seen_stays_the_same_on_average(factor: int, by: Edges, seed: int) -> None:
    picture = grain((32, 16), seed)
    picture[..., 3] = grain((32, 16), seed + 1)[..., 0]
    reduced = smaller(picture, factor, plan("soft", by))
    assert reduced.shape == (16 // factor, 32 // factor, 4)
    means = (premultiplied(one).mean(axis=(0, 1)) for one in (picture, reduced))
    assert np.abs(np.subtract(*means)).max() < 1


@given(factors, st.integers(0, 20))
def test_a_cut_out_stays_one_and_keeps_its_area(factor: int, seed: int) -> None:
    picture = cut_out(64, seed)
    reduced = smaller(picture, factor, plan("binary"))
    assert set(np.unique(reduced[..., 3])) <= {0, 255}
    assert abs(float((reduced[..., 3] > 0).mean() - (picture[..., 3] > 0).mean())) < 1 / 16


@given(factors, st.integers(0, 20), st.integers(0, 7), st.integers(0, 7))
def test_a_rolled_picture_becomes_a_rolled_one_that_loses_as_much(
    factor: int, seed: int, x: int, y: int
) -> None:
    """Blocks do not reach over a border, so a texture that repeats goes on repeating."""
    both = plan("soft", Edges("wrap", "wrap"))
    picture = grain((64, 64), seed)
    rolled = np.roll(picture, (y * factor, x * factor), axis=(0, 1))
    reduced, moved = smaller(picture, factor, both), smaller(rolled, factor, both)
    np.testing.assert_array_equal(moved, np.roll(reduced, (y, x), axis=(0, 1)))
    assert abs(levels_lost(rolled, moved, both) - levels_lost(picture, reduced, both)) < 1e-3


def test_a_flat_picture_loses_nothing_and_noise_loses_much() -> None:
    flat = np.full((16, 16, 4), (200, 30, 90, 255), np.uint8)
    assert levels_lost(flat, smaller(flat, 4, plan("opaque")), plan("opaque")) == 0
    loud = noise((64, 64), 3)
    lost = levels_lost(loud, smaller(loud, 2, plan("opaque")), plan("opaque"))
    assert 30 < lost < 60, "the deviation of noise is 74 levels in three of four channels"


@given(factors, st.integers(0, 20), edges)
def test_smaller_scales_lose_more_of_a_picture_with_detail(factor: int, seed: int, by: Edges) -> None:
    picture = grain((64, 64), seed)
    first, second = (
        levels_lost(picture, smaller(picture, one, plan("opaque", by)), plan("opaque", by))
        for one in (factor, 2 * factor)
    )
    assert 0 < first < second


def test_hidden_colours_do_not_count_but_in_data() -> None:
    hidden = noise((16, 16), 1)
    hidden[..., 3] = 0
    assert levels_lost(hidden, smaller(hidden, 2, plan("soft")), plan("soft")) == 0
    assert levels_lost(hidden, smaller(hidden, 2, plan("data")), plan("data")) > 10


def test_the_loss_of_a_checker_board_is_that_of_its_mean() -> None:
    """Black and white of one pixel each become mid-grey: 127.5 levels in three of four channels."""
    y, x = np.mgrid[:16, :16]
    picture = np.dstack([np.where((x + y) % 2, 255, 0)] * 3 + [np.full((16, 16), 255)]).astype(np.uint8)
    reduced = smaller(picture, 2, plan("opaque"))
    assert np.unique(reduced[..., :3]).tolist() == [128]
    assert levels_lost(picture, reduced, plan("opaque")) == 127.5 * 3 / 4


@given(factors, st.integers(0, 20))
def test_three_alphas_stay_three(factor: int, seed: int) -> None:
    """A PS1 knows a hole, half seen and seen; a mean of them would be drawn as half seen."""
    picture = grain((32, 32), seed)
    picture[..., 3] = np.array([0, 143, 255])[grain((32, 32), seed + 1)[..., 0] // 86]
    assert set(np.unique(smaller(picture, factor, plan("ternary"))[..., 3])) <= {0, 143, 255}


def test_a_cut_out_that_shows_nothing_shows_nothing_smaller() -> None:
    picture = noise((8, 8), 1)
    picture[..., 3] = 0
    assert not smaller(picture, 2, plan("binary"))[..., 3].any()
