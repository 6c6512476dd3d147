"""Laws of a whole texture's way, from pixels through classify, plan, passes and back: any size from 1 to 33, any class.

The network is not real: it is local, knows its edges, tints, overshoots and is blind to nothing else, so whatever
breaks a law here is broken by what stands around a network.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textures import MODES, plan, textures

from texpipe.classify import classify
from texpipe.passes import make_passes, nearest, recombine
from texpipe.passes.resample import crop, extend, repeat
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.texture import (
    AlphaClass,
    Axes,
    Clean,
    Consistency,
    Edges,
    Pass,
    Plan,
    Rgba8,
    RgbF,
    Source,
    StoredForm,
    Texture,
)

SCALE = 2
CLASSES: tuple[AlphaClass, ...] = ("opaque", "binary", "ternary", "soft", "mask", "data")
any_texture = st.sampled_from(CLASSES).flatmap(
    lambda kind: textures("soft" if kind == "data" else kind).map(lambda made: (made[0], kind))
)
Way: TypeAlias = tuple[Consistency, Clean]
any_way: st.SearchStrategy[Way] = st.tuples(
    st.sampled_from(["loose", "strict"]), st.sampled_from(["off", "auto"])
)


def network(one: Pass) -> RgbF:
    """Bicubic with a tint and overshoot; what lies beyond the border is what the edges say."""
    wide = extend(one.rgb, one.edges, 4)
    grown = cv2.resize(wide, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
    grown = 1.3 * (grown - 0.5) + (0.45, 0.5, 0.6)
    return crop(grown.astype(np.float32), 4 * SCALE)


def enlarged(rgba: Rgba8, how: Plan) -> Rgba8:
    if how.action == "nearest":
        return nearest(rgba, how)
    return recombine(rgba, how, tuple(network(one) for one in make_passes(rgba, how)))


def planned(rgba: Rgba8) -> Plan:
    texture = Texture(Source("t.png", Path("t.png")), rgba, "", StoredForm("RGBA"))
    return replace(decide(Recipe.default(), "t.png", texture.size, classify(texture)), scale=SCALE)


def how_of(kind: AlphaClass, x: str, y: str, way: Way = ("loose", "off")) -> Plan:
    return plan(kind, Edges(x, y), scale=SCALE, consistency=way[0], clean=way[1])


def in_few_levels(rgba: Rgba8) -> Rgba8:
    """The same shapes in four neighbouring levels of 5 bits, with something for `clean` to smooth."""
    stored = np.array([99, 107, 115, 123], np.uint8)[rgba // 64]
    return np.where((rgba == rgba[..., 3:]).all(), stored, np.dstack([stored[..., :3], rgba[..., 3]]))


@settings(max_examples=50, deadline=None)
@given(any_texture, st.sampled_from(MODES), st.sampled_from(MODES), any_way)
def test_size_and_class_are_kept(made: tuple[Rgba8, AlphaClass], x: str, y: str, way: Way) -> None:
    rgba, kind = made
    result = enlarged(rgba, how_of(kind, x, y, way))
    assert result.dtype == np.uint8
    assert result.shape == (rgba.shape[0] * SCALE, rgba.shape[1] * SCALE, 4)
    alpha, source = result[..., 3], rgba[..., 3]
    if kind == "opaque":
        assert (alpha == 255).all()
    elif kind == "mask":
        assert (result == result[..., 3:]).all()
    elif kind in ("binary", "ternary"):
        assert set(np.unique(alpha)) <= {0, *np.unique(source)}
    else:
        assert source.min() <= alpha.min()
        assert alpha.max() <= source.max()


@settings(max_examples=50, deadline=None)
@given(any_texture, st.integers(0, 255), any_way)
def test_hidden_colour_has_no_say(made: tuple[Rgba8, AlphaClass], level: int, way: Way) -> None:
    """Not in what is decided, nor in what is seen; data in alpha hides nothing, and R = G = B = A is a class."""
    rgba, kind = made
    if kind in ("mask", "data"):
        return
    other = rgba.copy()
    other[rgba[..., 3] == 0, :3] = level
    how = planned(rgba)
    assert planned(other) == how
    how = replace(how, consistency=way[0], clean=way[1])
    one, two = enlarged(rgba, how), enlarged(other, how)
    visible = one[..., 3] > 0
    assert np.array_equal(one[..., 3], two[..., 3])
    assert np.array_equal(one[visible], two[visible])


@settings(max_examples=50, deadline=None)
@given(any_texture, st.integers(0, 32), st.integers(0, 32), any_way)
def test_a_rolled_texture_gives_the_rolled_result(
    made: tuple[Rgba8, AlphaClass], down: int, right: int, way: Way
) -> None:
    rgba, kind = made
    rgba = in_few_levels(rgba) if way[1] == "auto" else rgba
    how = how_of(kind, "wrap", "wrap", way)
    expected = np.roll(enlarged(rgba, how), (down * SCALE, right * SCALE), (0, 1)).astype(int)
    rolled = enlarged(np.roll(rgba, (down, right), (0, 1)), how)
    assert np.abs(rolled - expected).max() <= 1 or _differ_by_a_tie(rolled, expected)


def _differ_by_a_tie(one: Rgba8, other: np.ndarray) -> bool:
    """A cut of alpha may fall on either side of values that differ by rounding only; what shows there follows."""
    share = (np.abs(one.astype(int) - other).max(axis=2) > 1).mean()
    return bool(share <= 0.05)


@settings(max_examples=40, deadline=None)
@given(any_texture)
def test_decisions_turn_with_the_texture(made: tuple[Rgba8, AlphaClass]) -> None:
    rgba, _ = made
    how = planned(rgba)
    for turned in (rgba[::-1], rgba[:, ::-1]):
        assert planned(np.ascontiguousarray(turned)) == how
    swapped = planned(np.ascontiguousarray(rgba.swapaxes(0, 1)))
    edges, undecided = Edges(how.edges.y, how.edges.x), Axes(how.undecided.y, how.undecided.x)
    assert swapped == replace(how, edges=edges, undecided=undecided)


@settings(max_examples=40, deadline=None)
@given(any_texture, st.sampled_from(MODES), st.sampled_from(MODES), any_way)
def test_a_turned_texture_gives_the_turned_result(
    made: tuple[Rgba8, AlphaClass], x: str, y: str, way: Way
) -> None:
    rgba, kind = made
    rgba = in_few_levels(rgba) if way[1] == "auto" else rgba
    how, swapped = how_of(kind, x, y, way), how_of(kind, y, x, way)
    result = enlarged(np.ascontiguousarray(rgba.swapaxes(0, 1)), swapped).swapaxes(0, 1)
    assert _differ_by_a_tie(np.ascontiguousarray(result), enlarged(rgba, how).astype(int))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 33),
    st.integers(1, 33),
    st.tuples(*[st.integers(0, 255)] * 3),
    st.sampled_from(MODES),
    any_way,
)
def test_flat_stays_flat(width: int, height: int, colour: tuple[int, int, int], mode: str, way: Way) -> None:
    rgba = np.full((height, width, 4), (*colour, 255), np.uint8)
    assert np.array_equal(enlarged(rgba, planned(rgba)), repeat(rgba, SCALE))
    assert np.array_equal(enlarged(rgba, how_of("opaque", mode, mode, way)), repeat(rgba, SCALE))


@pytest.mark.parametrize("kind", CLASSES)
def test_what_is_not_finite_is_refused(kind: AlphaClass) -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (4, 4, 4), dtype=np.uint8)
    how = how_of(kind, "clamp", "clamp")
    broken = tuple(np.full_like(network(one), np.nan) for one in make_passes(rgba, how))
    with pytest.raises(ValueError, match="not numbers"):
        recombine(rgba, how, broken)
