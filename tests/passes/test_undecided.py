"""A texture that may repeat: computed as one that ends and as one that wraps, and nowhere far from the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textures import grain, plan, textures

from texpipe.passes import make_passes, recombine
from texpipe.passes.resample import repeat
from texpipe.passes.undecided import AGREE_LEVELS, CONTRADICT_LEVELS, blended, ways
from texpipe.planning.result_keys import plan_key
from texpipe.texture import AlphaClass, Axes, Edges, Rgba8

BOTH = Axes(x=True, y=True)


def other(rgba: Rgba8, seed: int, most: int) -> Rgba8:
    """Return the texture with other colours, each off by up to so many levels."""
    off = np.random.default_rng(seed).integers(-most, most + 1, (*rgba.shape[:2], 3))
    changed = rgba.copy()
    changed[..., :3] = np.clip(rgba[..., :3].astype(int) + off, 0, 255)
    return changed


@given(textures(), st.integers(0, 99))
def test_what_differs_by_less_than_a_step_of_five_bits_is_halfway(
    made: tuple[Rgba8, AlphaClass], seed: int
) -> None:
    ends = made[0]
    repeats = other(ends, seed, int(AGREE_LEVELS))
    result = blended(ends, repeats).astype(int)
    for one in (ends, repeats):
        assert np.abs(result - one).max() <= AGREE_LEVELS / 2 + 1


@given(textures(), st.integers(0, 99))
def test_nothing_moves_farther_from_the_own_border_than_that(
    made: tuple[Rgba8, AlphaClass], seed: int
) -> None:
    ends = made[0]
    repeats = other(ends, seed, 120)
    result = blended(ends, repeats)
    apart = np.abs(repeats.astype(int) - ends)
    assert np.abs(result.astype(int) - ends).max() <= AGREE_LEVELS / 2
    assert (np.abs(repeats.astype(int) - result) <= apart).all()
    assert np.array_equal(result[apart >= CONTRADICT_LEVELS], ends[apart >= CONTRADICT_LEVELS])


def test_a_hole_that_only_one_of_both_has_is_that_of_the_own_border() -> None:
    ends, repeats = grain((8, 8), 0), grain((8, 8), 1)
    repeats[2:4, 2:4, 3] = 0
    result = blended(ends, repeats)
    assert np.array_equal(result[2:4, 2:4], ends[2:4, 2:4])
    assert (result[..., 3] == 255).all()


def test_a_decided_plan_is_computed_once_and_keeps_its_key() -> None:
    decided = plan(edges=Edges("wrap", "clamp"))
    assert ways(decided) == (decided,)
    assert "undecided" not in plan_key(decided)
    keys = [plan_key(replace(decided, undecided=axes)) for axes in (Axes(), Axes(x=True), Axes(y=True), BOTH)]
    assert len({str(key) for key in keys}) == 4


def test_only_undecided_axes_differ_between_the_two_ways() -> None:
    ends, repeats = ways(plan(edges=Edges("clamp", "mirror"), undecided=Axes(x=True)))
    assert (ends.edges, repeats.edges) == (Edges("clamp", "mirror"), Edges("wrap", "mirror"))
    assert (ends.undecided, repeats.undecided) == (Axes(), Axes())


def test_twice_the_passes_make_one_texture() -> None:
    """Each way gets its own results: by repeating texels both come out alike, and so does the blend."""
    source = grain((8, 8), 2)
    undecided = plan(undecided=BOTH, colour="off")
    passes = make_passes(source, undecided)
    assert [one.edges for one in passes] == [Edges("clamp", "clamp"), Edges("wrap", "wrap")]
    enlarged = tuple(repeat(one.rgb, undecided.scale) for one in passes)
    once = recombine(source, replace(undecided, undecided=Axes()), enlarged[:1])
    assert np.array_equal(recombine(source, undecided, enlarged), once)
    with pytest.raises(ValueError, match="2 passes"):
        recombine(source, undecided, enlarged[:1])
