"""From a texture to passes and back, with networks that are not real: the promises of the whole room."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textures import (
    ALPHA_CLASSES,
    all_edges,
    disc,
    fence,
    foliage,
    glyph,
    gradient,
    grain,
    opaque,
    plan,
    textures,
    window,
)

from texpipe.passes import make_passes, nearest, recombine
from texpipe.passes.metrics import measure
from texpipe.passes.resample import crop, extend, repeat
from texpipe.texture import AlphaClass, Colour, Edges, Pass, Plan, Rgba8, RgbF

WRAP = Edges("wrap", "wrap")
SAMPLES: tuple[tuple[Rgba8, AlphaClass], ...] = (
    (grain((32, 32), 1), "opaque"),
    (foliage(), "binary"),
    (fence(), "binary"),
    (window(), "ternary"),
    (disc(), "soft"),
    (glyph(), "mask"),
)
NAMES = ["stone", "leaves", "fence", "window", "spot", "glyph"]


def bicubic(one: Pass, scale: int) -> RgbF:
    """A fake network: sharper than linear, overshoots, and knows its edges."""
    wide = extend(one.rgb, one.edges, 4)
    grown = cv2.resize(wide, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return crop(grown.astype(np.float32), 4 * scale)


def wild(one: Pass, scale: int) -> RgbF:
    """A fake network with a tint, noise and values far out of range."""
    noise = np.random.default_rng(0).normal(0, 0.15, (*[scale * side for side in one.rgb.shape[:2]], 3))
    return (bicubic(one, scale) * [0.7, 1.1, 0.9] + noise).astype(np.float32)


def run(rgba: Rgba8, how: Plan, network: Callable[[Pass, int], RgbF] = bicubic) -> Rgba8:
    return recombine(rgba, how, tuple(network(one, how.scale) for one in make_passes(rgba, how)))


@pytest.mark.parametrize(
    ("rgba", "kind", "count"),
    [
        (grain((8, 8), 0), "opaque", 1),
        (fence(), "binary", 1),
        (window(), "ternary", 1),
        (disc(), "soft", 2),
        (glyph(), "mask", 1),
        (np.full((4, 4, 4), 128, np.uint8), "soft", 1),
        (fence(), "opaque", 1),
    ],
)
def test_number_of_passes(rgba: Rgba8, kind: AlphaClass, count: int) -> None:
    passes = make_passes(rgba, plan(kind, WRAP))
    assert len(passes) == count
    for one in passes:
        assert one.edges == WRAP
        assert one.rgb.dtype == np.float32
        assert one.rgb.shape == (*rgba.shape[:2], 3)
        assert 0 <= one.rgb.min() <= one.rgb.max() <= 1


@settings(max_examples=60, deadline=None)
@given(
    textures(most=16), all_edges(), st.sampled_from([1, 2, 4]), st.sampled_from(["match", "histogram", "off"])
)
def test_promises_hold_whatever_the_network_returns(
    made: tuple[Rgba8, AlphaClass], edges: Edges, scale: int, colour: Colour
) -> None:
    rgba, kind = made
    result = run(rgba, plan(kind, edges, scale=scale, colour=colour), wild)
    assert result.dtype == np.uint8
    assert result.shape == (rgba.shape[0] * scale, rgba.shape[1] * scale, 4)
    alpha, source_alpha = result[..., 3], rgba[..., 3]
    if kind == "opaque":
        assert (alpha == 255).all()
    elif kind == "mask":
        assert (result == result[..., :1]).all()
    elif kind != "soft":
        assert set(np.unique(alpha)) <= set(np.unique(source_alpha)) | {0}


@settings(max_examples=40, deadline=None)
@given(textures(most=16), all_edges(), st.integers(0, 255))
def test_hidden_colour_changes_nothing_visible(
    made: tuple[Rgba8, AlphaClass], edges: Edges, level: int
) -> None:
    rgba, kind = made
    other = rgba.copy()
    other[rgba[..., 3] == 0, :3] = level
    how = plan(kind, edges)
    one, two = run(rgba, how), run(other, how)
    visible = one[..., 3] > 0
    assert np.array_equal(one[..., 3], two[..., 3])
    assert np.array_equal(one[visible], two[visible])


@pytest.mark.parametrize(("rgba", "kind"), SAMPLES, ids=NAMES)
@pytest.mark.parametrize("shift", [(1, 0), (3, 7), (0, 15)])
def test_a_rolled_texture_gives_the_rolled_result(
    rgba: Rgba8, kind: AlphaClass, shift: tuple[int, int]
) -> None:
    how = plan(kind, WRAP)
    result = run(rgba, how)
    rolled = run(np.roll(rgba, shift, (0, 1)), how)
    expected = np.roll(result, (shift[0] * 4, shift[1] * 4), (0, 1))
    assert np.abs(rolled.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("rgba", "kind"), SAMPLES, ids=NAMES)
@pytest.mark.parametrize("edges", [WRAP, Edges("mirror", "mirror"), Edges()])
def test_a_flipped_texture_gives_the_flipped_result(rgba: Rgba8, kind: AlphaClass, edges: Edges) -> None:
    how = plan(kind, edges)
    flipped = run(np.ascontiguousarray(rgba[::-1, ::-1]), how)
    difference = np.abs(flipped[::-1, ::-1].astype(int) - run(rgba, how))
    assert difference[..., :3].max() <= 1
    assert (difference[..., 3] <= 1).mean() > 0.995  # a cut may fall on either side of a tie


@pytest.mark.parametrize(("rgba", "kind"), SAMPLES, ids=NAMES)
def test_tone_and_coverage_are_those_of_the_source(rgba: Rgba8, kind: AlphaClass) -> None:
    metrics = measure(rgba, run(rgba, plan(kind, WRAP), wild), plan(kind, WRAP))
    assert metrics.colour_drift is not None
    assert metrics.colour_drift <= 6
    if kind in ("binary", "ternary", "soft"):
        assert metrics.alpha_coverage_drift is not None
        assert abs(metrics.alpha_coverage_drift) <= 0.01


@pytest.mark.parametrize("scale", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("size", [(1, 1), (1, 64), (64, 1), (3, 2), (33, 7)])
def test_any_size_and_scale(size: tuple[int, int], scale: int) -> None:
    for kind in ALPHA_CLASSES:
        rgba = grain(size, 2)
        rgba[0, 0, 3] = 0 if kind in ("binary", "soft") else 255
        if kind == "mask":
            rgba[:] = rgba[..., :1]
        assert run(rgba, plan(kind, scale=scale)).shape == (size[1] * scale, size[0] * scale, 4)


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_flat_stays_flat_to_the_level(level: int) -> None:
    rgba = opaque(np.full((8, 8, 3), (level, 255 - level, 77)))
    assert np.array_equal(run(rgba, plan(), wild), repeat(rgba, 4))
    mask = np.full((4, 4, 4), level, np.uint8)
    assert np.array_equal(run(mask, plan("mask"), wild), repeat(mask, 4))


def test_a_ramp_is_interpolated_and_not_imagined() -> None:
    for rgba in (gradient((32, 1)), gradient((32, 32))):
        row = run(rgba, plan(), wild)[0, :, 0].astype(int)
        assert (np.diff(row) >= 0).all()
        assert row.reshape(32, 4).mean(axis=1) == pytest.approx(rgba[0, :, 0], abs=0.5)


@settings(max_examples=20, deadline=None)
@given(textures("soft", most=12), all_edges())
def test_data_in_alpha_hides_no_colour(made: tuple[Rgba8, AlphaClass], edges: Edges) -> None:
    """The colours come out as those of the opaque texture, whatever alpha says, and alpha keeps its plateaus."""
    rgba, how = made[0].copy(), plan("data", edges)
    rgba[: rgba.shape[0] // 2, ..., 3] = 0
    solid = np.dstack([rgba[..., :3], np.full(rgba.shape[:2], 255, np.uint8)])
    result = run(rgba, how)
    assert np.array_equal(result[..., :3], run(solid, plan("opaque", edges))[..., :3])
    assert np.array_equal(nearest(rgba, how), repeat(rgba, 4))
    assert measure(rgba, nearest(rgba, how), how).colour_drift == pytest.approx(0, abs=0.01)
    assert result[..., 3].max() <= rgba[..., 3].max()


def test_grey_stays_grey() -> None:
    rgba = opaque(grain((16, 16), 3)[..., 1])
    result = run(rgba, plan(grey=True), wild)
    assert (result[..., :3] == result[..., :1]).all()
    assert not (run(rgba, plan(colour="off"), wild)[..., :3] == result[..., :1]).all()


def test_hidden_colour_of_the_result_is_the_bled_colour() -> None:
    rgba = foliage()
    result = run(rgba, plan("binary", WRAP))
    hidden = result[result[..., 3] == 0][:, :3]
    visible = rgba[rgba[..., 3] > 0][:, :3]
    assert hidden.max(axis=0)[2] < 255
    assert np.abs(hidden.mean(axis=0) - visible.mean(axis=0)).max() < 25


def test_an_intensity_texture_shows_nothing_amid_nothing() -> None:
    result = run(glyph(32), plan("mask"), wild)
    far = repeat(np.asarray(cv2.dilate(glyph(32)[..., 0], np.ones((3, 3), np.uint8))), 4) == 0
    assert (result[far] == 0).all()


def test_nearest_keeps_what_is_visible() -> None:
    rgba = foliage()
    result = nearest(rgba, plan("binary"))
    assert np.array_equal(result[..., 3], repeat(np.ascontiguousarray(rgba[..., 3]), 4))
    visible = result[..., 3] > 0
    assert np.array_equal(result[visible], repeat(rgba, 4)[visible])
    assert not (result[~visible] == (255, 0, 255, 0)).all(axis=1).any()


def test_results_that_do_not_fit_are_refused() -> None:
    rgba, how = disc(), plan("soft")
    good = tuple(bicubic(one, 4) for one in make_passes(rgba, how))
    with pytest.raises(ValueError, match="there are 1 results for 2 passes"):
        recombine(rgba, how, good[:1])
    with pytest.raises(ValueError, match=r"has the shape .* instead of"):
        recombine(rgba, how, (good[0][:32], good[1]))
    with pytest.raises(ValueError, match="not numbers"):
        recombine(rgba, how, (good[0] * np.float32(np.nan), good[1]))


@pytest.mark.parametrize(("rgba", "kind"), [(fence(), "binary"), (window(), "ternary")])
def test_hard_outlines_keep_the_corners_of_texels(rgba: Rgba8, kind: AlphaClass) -> None:
    hard, smooth = (run(rgba, plan(kind, WRAP, outline=outline))[..., 3] for outline in ("hard", "smooth"))
    assert np.array_equal(hard, repeat(np.ascontiguousarray(rgba[..., 3]), 4))
    assert not np.array_equal(smooth, hard)


@pytest.mark.parametrize("clean", ["auto", "off"])
@pytest.mark.parametrize(("rgba", "kind"), [(foliage(), "binary"), (glyph(), "mask"), (disc(), "soft")])
def test_passes_that_are_handed_over_change_nothing(rgba: Rgba8, kind: AlphaClass, clean: str) -> None:
    how = plan(kind, WRAP, clean=clean)
    passes = make_passes(rgba, how)
    results = tuple(wild(one, how.scale) for one in passes)
    assert np.array_equal(recombine(rgba, how, results, passes), recombine(rgba, how, results))


def test_passes_and_results_are_not_written_into() -> None:
    rgba, how = foliage(), plan("binary", WRAP)
    passes = make_passes(rgba, how)
    results = tuple(bicubic(one, 4) for one in passes)
    kept = [rgba.copy(), *(result.copy() for result in results)]
    recombine(rgba, how, results)
    assert all(np.array_equal(a, b) for a, b in zip(kept, (rgba, *results), strict=True))
