"""The alpha class of a texture, from its pixels and its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textures import bricks, disc, fence, foliage, glyph, textures, window

from texpipe.classify import classify
from texpipe.classify.alpha import alpha_class, hidden_picture
from texpipe.classify.analysis import analyse
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.texture import AlphaClass, Rgba8, Source, StoredForm, TexelFormat, Texture


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
    if kind == "mask" or not rgba[..., 3].any():  # of what is never visible the colours may be meant
        return
    other = rgba.copy()
    other[rgba[..., 3] == 0, :3] = level
    if not (rgba == rgba[..., 3:]).all() and not (other == other[..., 3:]).all():
        assert alpha_class(rgba, None) == alpha_class(other, None)


def with_alpha(rgb: Rgba8, alpha: object) -> Rgba8:
    return np.dstack([rgb[..., :3], np.broadcast_to(np.asarray(alpha, np.uint8), rgb.shape[:2])])


def texture(rgba: Rgba8) -> Texture:
    return Texture(Source("a.png", Path("a.png")), rgba, "0" * 64, StoredForm("RGBA"))


def test_a_picture_whose_alpha_is_zero_everywhere_is_seen_as_its_colours() -> None:
    """A game that draws such a texture ignores its alpha: the colours are what it shows."""
    facts = classify(texture(with_alpha(bricks(), 0)))
    seen = classify(texture(with_alpha(bricks(), 255)))
    assert facts.alpha == "data"
    assert "0 everywhere" in facts.alpha_reason
    assert (facts.colours, facts.flat, facts.grey) == (seen.colours, seen.flat, seen.grey)
    assert (facts.x.mode, facts.y.mode) == (seen.x.mode, seen.y.mode)
    plan = decide(Recipe.default(), "a.png", (16, 16), facts)
    assert (plan.action, plan.alpha) == ("upscale", "data")


def test_textures_that_are_invisible_and_of_one_colour_are_blank() -> None:
    for colour in (0, 128, 255):
        facts = classify(texture(with_alpha(np.full((8, 8, 4), colour, np.uint8), 0)))
        assert facts.alpha in ("binary", "mask")
        assert facts.flat


def test_two_walls_whose_alpha_is_zero_are_two_pictures() -> None:
    one, other = (analyse(texture(with_alpha(wall, 0))) for wall in (bricks(), bricks()[::-1]))
    assert one.pixels == other.pixels, "nothing of them is visible"
    assert one.all_pixels != other.all_pixels


def test_a_picture_with_a_few_visible_texels_is_named_and_told_what_to_do() -> None:
    rng = np.random.default_rng(0)
    rgb, alpha = rng.integers(0, 256, (32, 32, 4), np.uint8), np.zeros((32, 32), np.uint8)
    alpha[5, 7] = 255
    warning = hidden_picture(with_alpha(rgb, alpha))
    assert warning is not None
    assert "only 1 of 1,024 texels" in warning
    assert "alpha: data" in warning
    assert analyse(texture(with_alpha(rgb, alpha))).warnings == (warning,)


@pytest.mark.parametrize(
    "rgba",
    [
        bricks(),
        fence(),
        foliage(),
        disc(),
        glyph(),
        with_alpha(np.full((32, 32, 4), 9, np.uint8), np.eye(32) * 255),
        with_alpha(np.full((32, 32, 4), 9, np.uint8), np.pad([[255]], ((0, 31), (0, 31)))),
        with_alpha(bricks(), 0),
    ],
)
def test_cut_outs_over_plain_colour_are_no_hidden_pictures(rgba: Rgba8) -> None:
    assert hidden_picture(rgba) is None
