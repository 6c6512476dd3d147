"""The measures of an axis: finite for any picture, the same for its flips, and right about seams that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textures import bricks, grain, opaque, textures

from texpipe.classify.evidence import Floats, Seen, evidence
from texpipe.classify.harm import Treatment, harms, least_harm
from texpipe.classify.judge import MOST_ODDS, log_odds
from texpipe.classify.seam_measures import LEAST_LINES, Stack, relative_steps
from texpipe.imaging.visible import premultiplied
from texpipe.texture import AlphaClass, Doubt, Rgba8


def stack(*pictures: np.ndarray) -> Stack:
    return Seen.of(pictures).rows


def measures_of(rgba: Rgba8) -> tuple[Floats, Floats]:
    of_x, of_y = evidence(Seen.of([premultiplied(rgba)]))
    return of_x[0], of_y[0]


@settings(max_examples=60, deadline=None)
@given(textures())
def test_measures_are_finite_and_flips_leave_them(made: tuple[Rgba8, AlphaClass]) -> None:
    rgba, _ = made
    if min(rgba.shape[:2]) < 2:
        return
    of_x, of_y = measures_of(rgba)
    assert of_x.shape == of_y.shape
    assert np.isfinite([of_x, of_y]).all()
    for flipped in (rgba[::-1], rgba[:, ::-1]):
        again_x, again_y = measures_of(flipped)
        assert np.allclose([again_x, again_y], [of_x, of_y], atol=2e-3)


@settings(max_examples=40, deadline=None)
@given(textures())
def test_transposing_swaps_the_axes(made: tuple[Rgba8, AlphaClass]) -> None:
    rgba, _ = made
    if min(rgba.shape[:2]) < LEAST_LINES:
        return
    of_x, of_y = measures_of(rgba)
    swapped_x, swapped_y = measures_of(np.ascontiguousarray(rgba.swapaxes(0, 1)))
    assert np.allclose([swapped_x, swapped_y], [of_y, of_x], atol=2e-3)


@settings(max_examples=30, deadline=None)
@given(st.lists(textures(), min_size=2, max_size=4))
def test_company_changes_no_measure(made: list[tuple[Rgba8, AlphaClass]]) -> None:
    """Pictures of one size are measured together, whatever they are."""
    height, width = made[0][0].shape[:2]
    alike = [np.resize(rgba, (height, width, 4)) for rgba, _ in made]
    together = evidence(Seen.of([premultiplied(one) for one in alike]))
    assert np.array_equal(np.array(together), np.stack([measures_of(one) for one in alike], axis=1))


def test_a_step_that_only_the_seam_has_is_a_large_one() -> None:
    ramp = opaque(np.repeat(np.linspace(40, 200, 32)[:, None], 32, axis=1))
    assert relative_steps(stack(premultiplied(ramp)))[0] > 20
    assert relative_steps(stack(premultiplied(ramp)).swapaxes(2, 3))[0] == pytest.approx(1)


def test_a_tile_is_likelier_to_repeat_than_a_crop_of_it() -> None:
    for seed in range(6):
        tile = grain((64, 64), seed, detail=2)
        whole, cut = (log_odds(measures_of(one)[0][None])[0] for one in (tile, tile[:40, :44]))
        assert whole > cut + 1


@pytest.mark.parametrize("offset", [(0, 0), (1, 1), (4, 4)])
def test_bricks_repeat_wherever_they_are_cut(offset: tuple[int, int]) -> None:
    cut = np.roll(bricks((64, 64)), offset, (0, 1))
    assert min(log_odds(np.stack(measures_of(cut)))) > 0


def test_harm_grows_with_the_step_across_the_seam() -> None:
    """And what is likelier to repeat is never clamped where the less likely is wrapped."""
    order = [Treatment.CLAMP, Treatment.BLEND, Treatment.WRAP]
    flat = np.full((16, 16, 4), 128, np.float32)
    clamp, wrap = 0.0, 0.0
    for step in (0, 20, 80):
        lines = flat.copy()
        lines[8:, :, :3] += step
        (harm,) = harms(stack(lines))
        assert harm >= (clamp, wrap)
        clamp, wrap = harm
        odds = np.linspace(-MOST_ODDS, MOST_ODDS, 21)
        chosen = [order.index(least_harm(Doubt(one, clamp, wrap, 1.0))) for one in odds]
        assert chosen == sorted(chosen)
        assert (chosen[0], chosen[-1]) == (0, 2)


@settings(max_examples=30, deadline=None)
@given(textures())
def test_measures_are_on_a_grid_that_no_rounding_error_reaches(made: tuple[Rgba8, AlphaClass]) -> None:
    """Sums of another order differ in their last bits: those of the texture upside down, laid out the other way."""
    rgba, _ = made
    if min(rgba.shape[:2]) < LEAST_LINES:
        return
    measures = np.array(measures_of(rgba))
    assert np.array_equal(measures * 1024, np.rint(measures * 1024))
    other_order = Seen(stack(premultiplied(rgba))[:, :, ::-1, ::-1])
    assert np.array_equal(np.array(evidence(other_order))[:, 0], measures)


@settings(max_examples=40, deadline=None)
@given(textures())
def test_a_clamp_never_counts_for_less_than_a_wrap(made: tuple[Rgba8, AlphaClass]) -> None:
    rgba, _ = made
    if min(rgba.shape[:2]) < 2:
        return
    ((clamp, wrap),) = harms(stack(premultiplied(rgba)))
    assert 0 < wrap <= clamp
