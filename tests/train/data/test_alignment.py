"""Two resolutions of a picture on one grid: shifts are found and undone, what does not belong together is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textures import opaque

from texpipe.errors import SourceError
from texpipe.passes.resample import blur, box_reduce
from texpipe.texture import Edges, Rgba8
from texpipe.train.data.alignment import Shift, aligned, on_grey

SIDE, SCALE = 16, 4
WRAP = Edges("wrap", "wrap")
shifts = st.integers(1 - SCALE, SCALE - 1)


def drawing(seed: int, edges: Edges = WRAP, side: int = SIDE * SCALE) -> Rgba8:
    """Something with detail down to about two texels, in strong colours."""
    rng = np.random.default_rng(seed)
    waves = blur(rng.normal(size=(side, side, 3)).astype(np.float32), edges, 3.0)
    return opaque(128 + 100 * waves / np.abs(waves).max())


def reduced(rgba: Rgba8, scale: int = SCALE) -> Rgba8:
    return np.rint(box_reduce(rgba.astype(np.float32), scale)).astype(np.uint8)


@settings(max_examples=30)
@given(st.integers(0, 99), shifts, shifts)
def test_what_tiles_is_rolled_back_onto_its_grid(seed: int, right: int, down: int) -> None:
    large = drawing(seed)
    found = aligned(reduced(large), np.roll(large, (down, right), (0, 1)), SCALE)
    assert found.edges == WRAP
    assert found.shift == Shift(right, down)
    assert np.array_equal(found.hr, large)


@settings(max_examples=30)
@given(st.integers(0, 99), shifts, shifts)
def test_what_does_not_tile_is_cropped_to_what_both_show(seed: int, right: int, down: int) -> None:
    whole = drawing(seed, Edges(), SIDE * SCALE + 2 * SCALE)
    whole = np.rint(
        whole * np.linspace(0.2, 1, len(whole))[:, None, None] * np.linspace(0.3, 1, len(whole))[:, None]
    )
    whole = opaque(whole[..., :3])
    at = slice(SCALE, -SCALE)
    moved = whole[SCALE - down : len(whole) - SCALE - down, SCALE - right : len(whole) - SCALE - right]
    found = aligned(reduced(whole[at, at]), moved, SCALE)
    assert found.shift == Shift(right, down)
    assert found.hr.shape[:2] == tuple(SCALE * side for side in found.lr.shape[:2])
    assert found.lr.shape[:2] == (SIDE - bool(down), SIDE - bool(right))
    assert np.array_equal(reduced(found.hr), found.lr)


def test_a_shift_of_a_texel_or_more_is_refused() -> None:
    large = drawing(3)
    with pytest.raises(SourceError, match="shifted by a texel or more"):
        aligned(reduced(large), np.roll(large, SCALE, 1), SCALE)


def test_a_larger_original_is_reduced_and_other_sizes_are_refused() -> None:
    large = drawing(4, side=SIDE * 8)
    small = reduced(large, 8)
    found = aligned(small, large, SCALE)
    assert found.hr.shape == (SIDE * SCALE, SIDE * SCALE, 4)
    assert np.array_equal(found.hr, reduced(large, 2))
    with pytest.raises(SourceError, match="6x as large, and the model makes 4x"):
        aligned(small, np.resize(large, (SIDE * 6, SIDE * 6, 4)), SCALE)
    with pytest.raises(SourceError, match="2x as large"):
        aligned(small, reduced(large, 4), SCALE)
    with pytest.raises(SourceError, match="no whole number of times"):
        aligned(small, large[:-1], SCALE)


def test_colours_under_full_transparency_do_not_show_when_an_original_is_reduced() -> None:
    large = drawing(5, side=SIDE * 8)
    large[:, : SIDE * 4, 3] = 0
    plain = aligned(reduced(large, 8), large, SCALE).hr
    loud = large.copy()
    loud[large[..., 3] == 0, :3] = (255, 0, 255)
    other = aligned(reduced(large, 8), loud, SCALE).hr
    assert np.array_equal(on_grey(plain), on_grey(other))


def test_another_picture_and_other_colours_are_refused() -> None:
    large = drawing(6)
    with pytest.raises(SourceError, match="another picture"):
        aligned(reduced(drawing(7)), large, SCALE)
    inverted = opaque(255 - large[..., :3])
    with pytest.raises(SourceError, match="another picture"):
        aligned(reduced(inverted), large, SCALE)
    bright = opaque(large[..., :3] / 2 + 110)
    with pytest.raises(SourceError, match="other colours"):
        aligned(reduced(opaque(large[..., :3] / 2)), bright, SCALE)


def test_a_flat_texture_goes_with_a_flat_picture_of_its_colour_alone() -> None:
    flat = opaque(np.full((SIDE, SIDE, 3), 90))
    assert aligned(flat, opaque(np.full((SIDE * SCALE, SIDE * SCALE, 3), 95)), SCALE).shift == Shift()
    with pytest.raises(SourceError, match="of one colour"):
        aligned(flat, drawing(8), SCALE)
    with pytest.raises(SourceError, match="other colours"):
        aligned(flat, opaque(np.full((SIDE * SCALE, SIDE * SCALE, 3), 200)), SCALE)
