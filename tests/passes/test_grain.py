"""Grain that a network paled comes back as the network drew it; dither, banding and what was kept stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from texpipe.passes.grain import restore_grain
from texpipe.passes.resample import blur, box_reduce, enlarge_cubic
from texpipe.passes.storage_box import storage_step
from texpipe.texture import Edges
from texpipe.train.data.dither import to_palette

WRAP = Edges("wrap", "wrap")
SIDE = 48
TINTS = {"grey": (1, 1, 1), "grass": (0.45, 0.6, 0.3)}
Picture = NDArray[np.float32]


def rounded(levels: NDArray[np.floating]) -> Picture:
    return (np.rint(levels.clip(0, 255)) / 255).astype(np.float32)


def noise(tint: str, *, step: int = 1, seed: int = 0) -> Picture:
    """White noise of one tint around 128, stored in steps of so many levels."""
    grey = 128 + np.random.default_rng(seed).normal(0, 9, (SIDE, SIDE, 1))
    return rounded(np.round(grey / step) * step * np.array(TINTS[tint]))


def dithered(first: tuple[int, ...], *others: tuple[int, ...]) -> Picture:
    """A flat colour, the mean of all, diffused among them."""
    palette = np.array([first, *others], np.float32) / np.float32(255)
    flat = np.broadcast_to(palette.mean(axis=0) + np.float32(0.004), (SIDE, SIDE, 3)).astype(np.float32)
    return to_palette(flat, palette, "floyd_steinberg")


def paled(source: Picture, kept: float, edges: Edges = WRAP) -> Picture:
    """What a network leaves of fine detail."""
    coarse = blur(source, edges, 1.5)
    return np.clip(enlarge_cubic(coarse + np.float32(kept) * (source - coarse), 4, edges), 0, 1)


def restored(made: Picture, source: Picture, edges: Edges = WRAP) -> Picture:
    solid = np.ones(source.shape[:2], np.float32)
    return restore_grain(made, box_reduce(made, 4), source, solid, storage_step(source, solid > 0), edges)


def contrast(made: Picture, source: Picture) -> float:
    """Share of the source's fine detail that the reduced picture has."""
    fine = [one - blur(one, WRAP, 1.5) for one in (box_reduce(made, 4), source)]
    return float((fine[0] * fine[1]).sum() / (fine[1] ** 2).sum())


@pytest.mark.parametrize("tint", list(TINTS))
@pytest.mark.parametrize("step", [1, 8, 17])
def test_grain_of_one_tint_comes_back(tint: str, step: int) -> None:
    """Whether it was stored in 8 bits, in 5 or as 16 greys."""
    source = noise(tint, step=step)
    made = paled(source, 0.45)
    assert contrast(made, source) < 0.45
    assert contrast(restored(made, source), source) == pytest.approx(0.65, abs=0.05)


def test_what_is_left_is_raised_and_nothing_else_is_added() -> None:
    source = noise("grey")
    made = paled(source, 0.1)
    assert contrast(restored(made, source), source) <= 2.02 * contrast(made, source)


def test_grain_that_was_kept_stays_as_it_is() -> None:
    source = noise("grey")
    made = paled(source, 1)
    assert contrast(made, source) > 0.7
    assert restored(made, source) is made


@pytest.mark.parametrize(
    "colours",
    [
        ((100, 100, 100), (117, 117, 117)),
        ((60, 90, 40), (76, 106, 56)),
        ((120, 84, 60), (140, 84, 60), (120, 104, 60), (120, 84, 80)),
    ],
)
def test_diffused_dither_stays_dissolved(colours: tuple[tuple[int, ...], ...]) -> None:
    source = dithered(*colours)
    made = paled(source, 0.3)
    assert contrast(restored(made, source), source) <= contrast(made, source) + 0.03


def test_noise_in_many_tints_is_taken_for_the_dither_of_a_palette() -> None:
    colours = np.random.default_rng(1).normal(128, 12, (SIDE, SIDE, 3))
    source = rounded(np.round(colours / 24) * 24)
    made = paled(source, 0.4)
    assert contrast(restored(made, source), source) <= contrast(made, source) + 0.03


def test_steps_of_a_banded_gradient_do_not_grow() -> None:
    ramp = np.broadcast_to(np.linspace(40, 200, SIDE)[:, None, None], (SIDE, SIDE, 3))
    source = rounded(np.round(ramp / 17) * 17)
    made = paled(source, 0.4, Edges())
    np.testing.assert_allclose(restored(made, source, Edges())[32:-32], made[32:-32], atol=2 / 255)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 50), st.integers(-20, 20), st.integers(-20, 20))
def test_rolled_in_rolled_out(seed: int, down: int, right: int) -> None:
    source = noise("grass", seed=seed)
    made = paled(source, 0.4)

    def roll(picture: Picture, by: int) -> Picture:
        return np.roll(picture, (down * by, right * by), (0, 1))

    again = restored(roll(made, 4), roll(source, 1))
    np.testing.assert_allclose(again, roll(restored(made, source), 4), atol=1e-4)


@pytest.mark.parametrize("edges", [WRAP, Edges(), Edges("mirror", "mirror"), Edges("wrap", "clamp")])
def test_borders_are_raised_like_the_rest(edges: Edges) -> None:
    source = noise("grey")
    made = restored(paled(source, 0.45, edges), source, edges)
    across = np.std(made[:8], axis=(0, 1)).mean() / np.std(made[80:88], axis=(0, 1)).mean()
    assert across == pytest.approx(1, abs=0.35)
