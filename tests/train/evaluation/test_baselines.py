"""Ways to enlarge without a network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.texture import Edges
from texpipe.train.evaluation.baselines import baselines, scale2x

WRAP = Edges("wrap", "wrap")


def picture(height: int, width: int, colours: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((colours, 3), np.float32)[rng.integers(0, colours, (height, width))]


def test_scale2x_cuts_the_corners_of_a_stair() -> None:
    stair = np.zeros((4, 4, 3), np.float32)
    stair[np.tril_indices(4)] = 1
    doubled = scale2x(stair, Edges("clamp", "clamp"))[..., 0]
    assert doubled[:4, :4].tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1]]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 99))
def test_scale2x_invents_no_colour_and_keeps_rolls_and_turns(h: int, w: int, colours: int, seed: int) -> None:
    lr = picture(h, w, colours, seed)
    doubled = scale2x(lr, WRAP)
    assert {tuple(c) for c in doubled.reshape(-1, 3)} <= {tuple(c) for c in lr.reshape(-1, 3)}
    np.testing.assert_array_equal(
        scale2x(np.roll(lr, (1, 2), (0, 1)), WRAP), np.roll(doubled, (2, 4), (0, 1))
    )
    np.testing.assert_array_equal(scale2x(np.rot90(lr), WRAP), np.rot90(doubled))


@pytest.mark.parametrize(
    ("scale", "names"), [(4, ["nearest", "bicubic", "scale2x"]), (3, ["nearest", "bicubic"])]
)
def test_every_baseline_reaches_the_scale(scale: int, names: list[str]) -> None:
    ways = baselines(scale)
    assert list(ways) == names
    assert all(way(picture(5, 3, 4, 0), WRAP).shape == (5 * scale, 3 * scale, 3) for way in ways.values())
