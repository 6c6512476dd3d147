"""Whether a texture wraps, per axis: textures that are known to tile, crops of them, and laws that hold for any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textures import bricks, disc, fence, glyph, gradient, grain, opaque, textures

from texpipe.classify import tileability
from texpipe.classify.tileability import NOTHING_CHANGES, guess_axes
from texpipe.texture import AlphaClass, AxisGuess, Rgba8

SEEDS = range(30)


def modes(rgba: Rgba8, *, n64: bool = False) -> tuple[str, str]:
    x, y = guess_axes(rgba, n64=n64)
    return x.mode, y.mode


def test_tiling_textures_are_mostly_found() -> None:
    found = [mode == "wrap" for seed in SEEDS for mode in modes(grain((32, 32), seed))]
    assert np.mean(found) >= 0.85


def test_crops_of_tiling_textures_are_not_wrapped() -> None:
    """A crop of about two thirds breaks waves that fit the whole; its seam is a step that nothing inside has."""
    crops = [grain((64, 64), seed, detail=2)[:40, :44] for seed in SEEDS]
    wrapped = [mode == "wrap" for crop in crops for mode in modes(crop)]
    assert np.mean(wrapped) <= 0.05


def test_one_axis_is_judged_without_the_other() -> None:
    for seed in range(8):
        rgba = grain((32, 48), seed, detail=2)[:30]
        assert modes(rgba) == modes(rgba[::-1]) == modes(rgba[:, ::-1])
    walls = [modes(grain((64, 48), seed, detail=2)[:30]) for seed in SEEDS]
    assert sum(mode[0] == "wrap" for mode in walls) >= 22
    assert sum(mode[1] == "wrap" for mode in walls) <= 2


@pytest.mark.parametrize(
    ("rgba", "expected"),
    [
        (gradient((32, 32)), ("clamp", "clamp")),
        (disc(32), ("clamp", "clamp")),
        (glyph(16), ("clamp", "clamp")),
        (fence((32, 32)), ("wrap", "wrap")),
        (opaque(np.full((16, 16), 90)), ("clamp", "clamp")),
        (opaque(np.indices((8, 8)).sum(axis=0) % 2 * 200), ("wrap", "wrap")),
        (opaque(np.indices((4, 4)).sum(axis=0) % 2 * 200), ("wrap", "wrap")),
        (opaque(np.random.default_rng(0).integers(0, 255, (4, 4))), ("clamp", "clamp")),
    ],
)
def test_clear_cases(rgba: Rgba8, expected: tuple[str, str]) -> None:
    assert modes(rgba) == expected


@pytest.mark.parametrize("offset", [(0, 0), (1, 1), (4, 4), (-1, 0)])
def test_a_line_of_mortar_at_one_border_is_no_end(offset: tuple[int, int]) -> None:
    """The seam is a large step there, and so is every other line of mortar."""
    assert modes(np.roll(bricks((64, 64)), offset, (0, 1)), n64=True) == ("wrap", "wrap")


def wall(seed: int, side: int, brick: int, *, half_drop: bool) -> Rgba8:
    """Draw bricks with dark mortar: a fourth of the side high, at most 8 texels, every other row shifted or none."""
    y, x = np.indices((side, side))
    tall = min(side // 4, 8)
    shift = (y // tall % 2) * (brick // 2) if half_drop else 0
    levels = 120 + np.random.default_rng(seed).normal(0, 5, (side, side))
    return opaque(np.where((y % tall == 0) | ((x + shift) % brick == 0), 50, levels))


@pytest.mark.parametrize("half_drop", [False, True])
@pytest.mark.parametrize("side", [16, 32, 64])
def test_a_regular_pattern_wraps_if_its_period_divides_the_side(side: int, half_drop: bool) -> None:
    """Cut in the wrong phase it is a crop; the other axis is not."""
    for brick in range(6, side // 2 + 1):
        for seed in range(2):
            x, y = guess_axes(wall(seed, side, brick, half_drop=half_drop), n64=False)
            assert (x.mode == "wrap") == (side % brick == 0), brick
            assert y.mode == "wrap"


def test_mirroring_is_not_guessed_where_a_clamp_looks_the_same() -> None:
    """Half a hill on each axis: level at both borders, low on one and high on the other."""
    wave = np.cos(np.pi * (np.arange(32) + 0.5) / 32)
    rgba = opaque(128 + 60 * wave[None, :] + 50 * wave[:, None])
    assert modes(rgba) == ("clamp", "clamp")
    assert modes(gradient((32, 32)))[0] == "clamp"


FACTS: list[tuple[Rgba8, bool, AxisGuess]] = [
    (opaque(np.full((16, 16), 90)), False, AxisGuess("clamp", 1.0, NOTHING_CHANGES)),
    (
        grain((24, 32), 1),
        True,
        AxisGuess("clamp", 1.0, "24 texels are no power of two: an N64 cannot repeat them"),
    ),
    (disc(32), False, AxisGuess("clamp", 0.9, "nothing is visible at either border")),
    (
        np.tile(grain((8, 8), 1), (2, 2, 1)),
        False,
        AxisGuess("wrap", 0.95, "it repeats exactly every 8 texels"),
    ),
    (grain((4, 16), 1), False, AxisGuess("clamp", 0.5, "4 texels are too few to tell")),
]
"""Textures whose x is decided by a fact, whether they come from an N64, and that decision."""


@pytest.mark.parametrize(("rgba", "n64", "expected"), FACTS, ids=[fact.reason[:20] for _, _, fact in FACTS])
@pytest.mark.parametrize("odds", [-4.6, 4.6])
def test_facts_decide_whatever_the_judge_would_say(
    rgba: Rgba8, n64: bool, expected: AxisGuess, odds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tileability, "log_odds", lambda measures: [odds] * len(measures))
    assert guess_axes(rgba, n64=n64)[0] == expected


@pytest.mark.parametrize("odds", [-4.6, 4.6])
def test_the_judge_decides_where_no_fact_does(odds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tileability, "log_odds", lambda measures: [odds] * len(measures))
    stones = np.random.default_rng(0).integers(0, 255, (16, 16))
    assert set(modes(opaque(stones))) == {"wrap" if odds > 0 else "clamp"}


def test_what_nothing_shows_costs_nothing() -> None:
    x, y = guess_axes(gradient((32, 1)), n64=True)
    assert (y.mode, y.confidence) == ("clamp", 1.0)
    assert x.mode == "clamp"


def test_the_last_texel_of_a_border_counts() -> None:
    """Regression: only the corner is visible at the border, and 33 is no multiple of anything."""
    rgba = grain((33, 16), 0)
    rgba[[0, -1], :, 3] = 0
    rgba[0, -1, 3] = 255
    assert modes(rgba)[1] == "clamp"


def test_of_a_picture_one_texel_wide_every_texel_is_border_once() -> None:
    """Regression: lying, its only row counted twice as border, and its measures were others than when it stands."""
    levels = np.array([146, 106, 18, 216, 66, 163, 10, 56, 228], np.uint8)
    standing = np.repeat(levels[:, None, None], 4, axis=2)
    lying = np.ascontiguousarray(standing.swapaxes(0, 1))
    assert guess_axes(lying, n64=False) == guess_axes(standing, n64=False)[::-1]


@settings(max_examples=80)
@given(textures(), st.booleans())
def test_laws(made: tuple[Rgba8, AlphaClass], n64: bool) -> None:
    """Any size has an answer; transposing swaps it, flipping the other axis leaves it, hidden colour has no say."""
    rgba, _ = made
    x, y = guess_axes(rgba, n64=n64)
    swapped = guess_axes(np.ascontiguousarray(rgba.swapaxes(0, 1)), n64=n64)
    assert (swapped[0].mode, swapped[1].mode) == (y.mode, x.mode)
    hidden = rgba.copy()
    hidden[rgba[..., 3] == 0, :3] = 201
    assert guess_axes(hidden, n64=n64) == (x, y)
    for guess, side in ((x, rgba.shape[1]), (y, rgba.shape[0])):
        assert 0 <= guess.confidence <= 1
        assert guess.reason
        assert guess.mode == "clamp" or not guess.undecided
        if n64 and side & (side - 1):
            assert guess.mode == "clamp"


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_rolling_a_wrapped_axis_keeps_exact_periods(seed: int) -> None:
    tile = np.random.default_rng(seed).integers(0, 256, (6, 5, 4), dtype=np.uint8)
    rgba = np.tile(tile, (2, 3, 1))
    rgba[..., 3] = 255
    assert modes(np.roll(rgba, (1, 2), (0, 1))) == modes(rgba) == ("wrap", "wrap")
