"""Patterns and lettering over training pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.passes.resample import box_reduce
from texpipe.train.data.dataset import decorated
from texpipe.train.data.drawn import MOTIFS, motif, with_lettering, with_pattern
from texpipe.train.schema import Data

SCALE = 4


def grey(height: int = 96, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), 0.5, np.float32)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), height=st.integers(1, 30), width=st.integers(1, 30))
def test_pictures_keep_shape_and_range(seed: int, height: int, width: int) -> None:
    image = np.random.default_rng(seed).random((4 * height, 4 * width, 3), np.float32)
    before = image.copy()
    for draw in (with_pattern, with_lettering):
        result = draw(image, np.random.default_rng(seed), SCALE)
        assert result.shape == image.shape
        assert result.dtype == np.float32
        assert result.min() >= 0
        assert result.max() <= 1
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", MOTIFS)
@pytest.mark.parametrize("period", [8, 12, 32])
def test_every_motif_repeats_and_has_two_values(name: str, period: int) -> None:
    found = motif(name, (4 * period, 6 * period), period, np.random.default_rng(1))
    assert set(np.unique(found)) == {0.0, 1.0}
    assert np.array_equal(found, np.roll(found, (2 * period, 2 * period), (0, 1)))
    assert 0.1 < found.mean() < 0.9


def test_a_checker_of_two_texels_survives_the_reduction() -> None:
    found = motif("checker", (32, 32), 2 * SCALE, _NoOffset())[..., None]
    small = box_reduce(np.ascontiguousarray(found), SCALE)[..., 0]
    assert set(np.unique(small)) == {0.0, 1.0}


class _NoOffset:
    """A source of randomness that never shifts."""

    def random(self) -> float:
        return 0.9


def test_chances_of_nought_draw_nothing() -> None:
    rng = np.random.default_rng(0)
    assert decorated(grey(), Data(), rng, SCALE) is not None
    assert np.array_equal(decorated(grey(), Data(), rng, SCALE), grey())
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


@pytest.mark.parametrize("chance", ["pattern_chance", "lettering_chance"])
def test_a_chance_of_one_changes_most_pictures(chance: str) -> None:
    results = [decorated(grey(), Data(**{chance: 1}), np.random.default_rng(i), SCALE) for i in range(20)]
    assert sum(not np.array_equal(result, grey()) for result in results) >= 15
    assert len({result.tobytes() for result in results}) >= 15
