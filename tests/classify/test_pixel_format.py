"""The texel format of a texture, and the facts gathered about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textures import disc, fence, foliage, glyph, gradient, opaque, window

from texpipe.classify import classify, visible_colours
from texpipe.classify.pixel_format import texel_format
from texpipe.imaging.texel_formats import fits, quantise
from texpipe.texture import EmulatorName, Rgba8, Source, StoredForm, TexelFormat, Texture


def texture(rgba: Rgba8, emulator: EmulatorName | None = None) -> Texture:
    return Texture(Source("a.png", Path("a.png"), emulator), rgba, "0" * 64, StoredForm("RGBA"))


def many_colours(seed: int = 0) -> Rgba8:
    return opaque(np.random.default_rng(seed).integers(0, 256, (32, 32, 3)))


@pytest.mark.parametrize(
    ("rgba", "expected"),
    [
        (glyph(), "i4"),
        (quantise(fence(), "rgba16"), "ci4"),
        (quantise(many_colours(), "rgba16"), "rgba16"),
        (many_colours(), "rgba32"),
        (quantise(disc(), "ia8"), "ia8"),
        (quantise(gradient((40, 4)), "ia16"), "ia16"),
    ],
)
def test_the_smallest_format_that_fits(rgba: Rgba8, expected: TexelFormat) -> None:
    assert texel_format(texture(rgba))[0] == expected
    assert fits(rgba, expected)


def test_256_colours_are_ci8() -> None:
    colours = quantise(many_colours(), "rgba16").reshape(-1, 4)
    rgba = colours[np.arange(1024) % 200].reshape(32, 32, 4)
    assert texel_format(texture(rgba))[0] == "ci8"


def test_the_name_comes_first() -> None:
    name = EmulatorName("gliden64", texels="rgba32")
    assert texel_format(texture(glyph(), name)) == ("rgba32", "the file name says so")


def test_facts_of_a_grey_cutout() -> None:
    rgba = window()
    facts = classify(texture(rgba))
    assert (facts.alpha, facts.grey, facts.flat, facts.tiny) == ("ternary", True, False, False)
    assert facts.colours == len(np.unique(rgba[rgba[..., 3] > 0][:, 0]))


def test_facts_count_visible_colours_only() -> None:
    rgba = fence(hidden=77)
    facts = classify(texture(rgba))
    assert (facts.colours, facts.flat, facts.grey) == (1, True, False)
    assert classify(texture(np.zeros((4, 9, 4), np.uint8))).tiny
    assert classify(texture(np.zeros((4, 9, 4), np.uint8))).colours == 0


@given(st.integers(1, 4), st.integers(0, 99))
def test_colours_of_pictures_are_counted_together_as_alone(count: int, seed: int) -> None:
    shown = np.random.default_rng(seed).integers(0, 2, (count, 4, 6, 4)).astype(np.uint8) * np.uint8(200)
    shown[shown[..., 3] == 0] = 0
    colours = [{tuple(texel[:3]) for texel in one.reshape(-1, 4).tolist() if texel[3]} for one in shown]
    assert visible_colours(shown) == [(len(one), all(len(set(rgb)) == 1 for rgb in one)) for one in colours]


def test_facts_do_not_depend_on_hidden_colour() -> None:
    rgba = foliage()
    other = rgba.copy()
    other[rgba[..., 3] == 0, :3] = (1, 2, 3)
    one, two = classify(texture(rgba)), classify(texture(other))
    assert (one.alpha, one.x, one.y, one.colours) == (two.alpha, two.x, two.y, two.colours)


def test_an_n64_name_rules_out_wrapping_odd_sides() -> None:
    rgba = many_colours()[:12]
    facts = classify(texture(rgba, EmulatorName("gliden64", texels="rgba16")))
    assert (facts.y.mode, facts.y.confidence) == ("clamp", 1.0)
    assert "power of two" in facts.y.reason
    assert classify(texture(rgba, EmulatorName("duckstation", texels="psx16"))).y.confidence < 1
