"""Outlines are drawn anew: straight where they were straight, and whatever lies beyond the borders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from texpipe.passes.alpha import rebuild_alpha
from texpipe.passes.outlines import draw_outlines
from texpipe.passes.resample import box_reduce, enlarge_cubic, repeat
from texpipe.texture import Edges

WRAP = Edges("wrap", "wrap")
SIDE = 24
Alpha = NDArray[np.uint8]


def cut(share: NDArray[np.floating]) -> Alpha:
    return np.where(share >= 0.5, np.uint8(255), np.uint8(0))


def disc(scale: int, radius: float = 8.3) -> NDArray[np.bool_]:
    """A disc off the middle of 24 x 24 texels, in pixels of `scale` per texel."""
    y, x = (np.indices((SIDE * scale, SIDE * scale)) + 0.5) / scale
    return np.asarray(np.hypot(x - 12.2, y - 11.7) <= radius)


def slope(scale: int, rise: float = 0.37) -> NDArray[np.bool_]:
    """All below a straight line."""
    y, x = (np.indices((SIDE * scale, SIDE * scale)) + 0.5) / scale
    return np.asarray(y > 6.2 + rise * x)


def stored(mask: NDArray[np.bool_]) -> Alpha:
    return cut(box_reduce(mask.astype(np.float32), 4))


def random_mask(seed: int) -> Alpha:
    waves = np.random.default_rng(seed).normal(size=(SIDE, SIDE)).astype(np.float32)
    return cut(sum(np.roll(waves, by, axis) for by in (0, 1, 2) for axis in (0, 1)) / 3 + 0.5)


@pytest.mark.parametrize("mask", [disc(4), slope(4), slope(4, -0.3)])
def test_a_staircase_becomes_the_line_that_it_was(mask: NDArray[np.bool_]) -> None:
    """A third less of the area on the wrong side than by cutting interpolated alpha, at the same coverage."""
    small = stored(mask)
    made = rebuild_alpha(draw_outlines(small, 4, Edges()), small, "binary", Edges())
    bicubic = enlarge_cubic(small.astype(np.float32), 4, Edges()) >= 127.5
    assert ((made > 0) != mask).mean() <= 0.67 * (bicubic != mask).mean()
    assert abs((made > 0).mean() - (small > 0).mean()) <= 0.004


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(-20, 20), st.integers(-20, 20), st.sampled_from([1, 2, 4]))
def test_rolled_in_rolled_out(seed: int, down: int, right: int, scale: int) -> None:
    mask = random_mask(seed)
    again = draw_outlines(np.roll(mask, (down, right), (0, 1)), scale, WRAP)
    expected = np.roll(draw_outlines(mask, scale, WRAP), (scale * down, scale * right), (0, 1))
    np.testing.assert_allclose(again, expected, atol=1e-5)


@pytest.mark.parametrize("edges", [Edges(), Edges("mirror", "clamp"), WRAP, Edges("clamp", "wrap")])
def test_flipped_and_turned_in_flipped_and_turned_out(edges: Edges) -> None:
    mask = random_mask(3)
    drawn = draw_outlines(mask, 4, edges)
    np.testing.assert_allclose(draw_outlines(mask[:, ::-1], 4, edges), drawn[:, ::-1], atol=1e-5)
    np.testing.assert_allclose(draw_outlines(mask[::-1], 4, edges), drawn[::-1], atol=1e-5)
    turned = Edges(edges.y, edges.x)
    np.testing.assert_allclose(draw_outlines(mask.T, 4, turned), drawn.T, atol=1e-5)


def test_what_does_not_repeat_does_not_see_its_other_border() -> None:
    """A bar at the right border changes nothing at the left one unless the texture wraps."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[8:16, :3] = 255
    barred = mask.copy()
    barred[:, -1] = 255
    left = np.s_[:, :16]

    def change(edges: Edges) -> float:
        drawn = [draw_outlines(one, 4, edges)[left] for one in (barred, mask)]
        return float(np.abs(drawn[0] - drawn[1]).max())

    assert change(Edges()) < 1e-5
    assert change(WRAP) > 0.1


def test_inside_and_outside_nothing_is_drawn() -> None:
    mask = stored(disc(4))
    drawn = draw_outlines(mask, 4, Edges())
    assert (drawn[44:52, 44:52] == 1).all()
    assert (drawn[:8] == 0).all()


@pytest.mark.parametrize("scale", [1, 2, 4, 8, 16])
def test_every_scale_has_its_size_and_the_coverage(scale: int) -> None:
    mask = stored(disc(4))
    made = rebuild_alpha(draw_outlines(mask, scale, WRAP), mask, "binary", WRAP)
    assert made.shape == (SIDE * scale, SIDE * scale)
    assert set(np.unique(made)) == {0, 255}
    assert abs((made > 0).mean() - (mask > 0).mean()) <= 0.004
    if scale == 1:
        np.testing.assert_array_equal(made, mask)


def test_one_texel_wide_bars_and_lone_texels_stay() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, 5::6] = 255
    mask[11, 2] = 255
    made = rebuild_alpha(draw_outlines(mask, 4, WRAP), mask, "binary", WRAP)
    assert (box_reduce((made > 0).astype(np.float32), 4)[mask > 0] > 0).all()


def test_middle_levels_have_outlines_of_their_own_and_no_ring_elsewhere() -> None:
    """Half a disc is semi-transparent; along the other half there is no trace of that level."""
    alpha = stored(disc(4))
    alpha[:, :10][alpha[:, :10] > 0] = 128
    made = rebuild_alpha(draw_outlines(alpha, 4, Edges()), alpha, "ternary", Edges())
    assert set(np.unique(made)) == {0, 128, 255}
    near = repeat((alpha == 128).astype(np.float32), 4)[:, 44:]
    assert not near.any()
    assert not (made[:, 48:] == 128).any()
