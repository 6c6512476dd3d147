"""The box of what a texel could have been: its steps in the palette or on the grid, and what sampling accounts for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from textures import all_edges, grain

from texpipe.imaging.texel_formats import quantise
from texpipe.passes.storage_box import MOST_DITHER, SAMPLED, box, storage_step
from texpipe.texture import Edges

WRAP = Edges("wrap", "wrap")
Picture = NDArray[np.float32]


def of(levels: NDArray[np.int_]) -> Picture:
    return levels.astype(np.float32) / np.float32(255)


def seen(picture: Picture) -> NDArray[np.bool_]:
    return np.ones(picture.shape[:2], np.bool_)


def boxed(picture: Picture, edges: Edges) -> Picture:
    return box(picture, storage_step(picture, seen(picture)), edges)


def steps(picture: Picture) -> Picture:
    found = storage_step(picture, seen(picture))
    assert found is not None
    return found * 255


def test_in_a_palette_the_step_leads_to_the_next_colours_on_both_sides() -> None:
    """Three greys in line: from the middle one 10 down and 30 up, from the ends to the middle only."""
    picture = of(np.array([[[100] * 3, [110] * 3, [140] * 3]]))
    np.testing.assert_allclose(steps(picture)[0, :, 0], [10, 30, 30], atol=1e-3)


def test_a_colour_behind_another_one_is_no_neighbour() -> None:
    """Seen from the first colour the second one lies before the third, a little aside."""
    bent = np.array([[[0, 0, 100], [20, 6, 100], [40, 0, 100]]])
    np.testing.assert_allclose(steps(of(bent))[0, 0], [20, 6, 1], atol=1e-3)


def test_a_far_away_colour_is_not_bridged_by_dither() -> None:
    assert steps(of(np.array([[[0] * 3, [255] * 3]]))).max() == pytest.approx(48, abs=1e-3)


def test_on_the_grid_of_5_bits_it_is_a_step_of_the_grid_at_least() -> None:
    """The grain has more colours than a palette holds; a grid it has all the same."""
    rgba = quantise(grain((64, 64), 0), "rgba16")
    picture = of(rgba[..., :3])
    assert steps(picture).min() == pytest.approx(255 / 31, abs=1e-3)


def test_many_colours_on_no_grid_have_no_step() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    assert storage_step(of(picture), seen(of(picture))) is None


def test_hidden_texels_are_not_in_the_palette() -> None:
    picture = of(np.array([[[100] * 3, [104] * 3, [140] * 3]]))
    visible = np.array([[True, False, True]])
    found = storage_step(picture, visible)
    assert found is not None
    assert found[0, 0, 0] * 255 == pytest.approx(40, abs=1e-3)
    assert storage_step(picture, visible & False) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 24), st.integers(1, 24), st.integers(2, 300), st.integers(0, 99), all_edges())
def test_the_box_is_never_wider_than_sampling_and_dither_allow(
    height: int, width: int, colours: int, seed: int, edges: Edges
) -> None:
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (colours, 3))
    picture = of(palette[random.integers(0, colours, (height, width))])
    found = boxed(picture, edges)
    assert found.min() >= 0.999 / 255
    assert found.max() <= max(MOST_DITHER, SAMPLED[1]) + 1e-6


def test_a_regular_pattern_has_a_narrow_box_and_an_irregular_one_a_wide_one() -> None:
    y, x = np.indices((16, 16))
    checker = np.where((x + y) % 2, 228, 28)[..., None].repeat(3, 2)
    noise = np.where(np.random.default_rng(0).random((16, 16)) < 0.5, 228, 28)[..., None].repeat(3, 2)
    narrow, wide = (float(np.median(boxed(of(one), WRAP))) * 255 for one in (checker, noise))
    assert narrow == pytest.approx(20, abs=0.1)
    assert wide == pytest.approx(80, abs=0.1)


@settings(max_examples=20, deadline=None)
@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(0, 50))
def test_rolled_in_rolled_out(down: int, right: int, seed: int) -> None:
    source = of(grain((16, 24), seed)[..., :3])
    rolled = np.roll(source, (down, right), (0, 1))
    expected = np.roll(boxed(source, WRAP), (down, right), (0, 1))
    np.testing.assert_allclose(boxed(rolled, WRAP), expected, atol=1e-6)
