"""The alpha class of a texture, from its pixels and its name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textures import bricks, disc, fence, foliage, glyph, textures, window

from texpipe.classify.alpha import alpha_class
from texpipe.texture import AlphaClass, Rgba8, TexelFormat


def constant(*rgba: int) -> Rgba8:
    return np.full((4, 4, 4), rgba, np.uint8)


@pytest.mark.parametrize(
    ("rgba", "expected"),
    [
        (bricks(), "opaque"),
        (fence(), "binary"),
        (foliage(), "binary"),
        (window(), "ternary"),
        (disc(), "soft"),
        (constant(90, 90, 90, 90), "mask"),
        (constant(0, 0, 0, 0), "binary"),
        (constant(255, 255, 255, 255), "opaque"),
    ],
)
def test_pixels_alone(rgba: Rgba8, expected: AlphaClass) -> None:
    assert alpha_class(rgba, None)[0] == expected


@pytest.mark.parametrize(
    ("rgba", "named", "expected"),
    [
        (glyph(), "i4", "mask"),
        (glyph(), "ia8", "binary"),
        (glyph(), None, "binary"),
        (constant(255, 255, 255, 255), "i8", "mask"),
        (constant(0, 0, 0, 0), "i4", "mask"),
        (constant(90, 90, 90, 90), "ia16", "soft"),
        (bricks(), "i8", "opaque"),
        (window(), "ia8", "soft"),
        (window(), "psx16", "ternary"),
    ],
)
def test_the_name_settles_what_pixels_leave_open(
    rgba: Rgba8, named: TexelFormat | None, expected: AlphaClass
) -> None:
    assert alpha_class(rgba, named)[0] == expected


def test_levels_that_decide_ternary() -> None:
    rgba = constant(10, 20, 30, 255)
    for level, expected in (
        (99, "soft"),
        (100, "ternary"),
        (127, "ternary"),
        (160, "ternary"),
        (161, "soft"),
    ):
        rgba[0, 0, 3] = level
        assert alpha_class(rgba, None)[0] == expected
    rgba[0, :, 3] = 110, 120, 130, 140
    assert alpha_class(rgba, None)[0] == "soft"


def test_a_reason_names_the_evidence() -> None:
    assert "128" in alpha_class(window(), None)[1]
    assert "i4" in alpha_class(glyph(), "i4")[1]


@settings(max_examples=60)
@given(textures(), st.integers(0, 255))
def test_hidden_colour_changes_nothing_but_a_mask(made: tuple[Rgba8, AlphaClass], level: int) -> None:
    rgba, kind = made
    if kind == "mask":
        return
    other = rgba.copy()
    other[rgba[..., 3] == 0, :3] = level
    if not (rgba == rgba[..., 3:]).all() and not (other == other[..., 3:]).all():
        assert alpha_class(rgba, None) == alpha_class(other, None)
