"""Bootstrap intervals: they hold the truth as often as they say, and few textures make them wide."""

from __future__ import annotations

import numpy as np
import pytest

from texpipe.train.evaluation.bootstrap import paired_interval


@pytest.mark.parametrize("count", [4, 8, 68])
def test_nineteen_of_twenty_intervals_hold_the_true_difference(count: int) -> None:
    random = np.random.default_rng(count)
    held = 0
    for _ in range(300):
        textures = random.uniform(0.1, 0.6, count)  # they differ far more than the two models do
        ours = textures + 0.02 + random.normal(0, 0.03, count)
        found = paired_interval(list(ours), list(textures))
        held += found.low <= 0.02 <= found.high
    assert 0.91 <= held / 300 <= 0.99


def test_what_all_textures_agree_on_is_certain_even_if_it_is_small() -> None:
    theirs = list(np.random.default_rng(0).uniform(0.1, 0.6, 20))
    better = paired_interval([one - 0.001 for one in theirs], theirs)
    assert better.is_certain
    assert better.high < 0
    assert not paired_interval(theirs, theirs).is_certain


def test_the_same_values_give_the_same_interval() -> None:
    ours, theirs = ([float(x) for x in np.random.default_rng(seed).random(10)] for seed in (0, 1))
    assert paired_interval(ours, theirs) == paired_interval(ours, theirs)


def test_one_texture_has_no_interval_and_json_has_no_infinity() -> None:
    alone = paired_interval([1.0], [0.5])
    assert not alone.is_certain
    assert alone.as_json() == {"mean": 0.5, "low": None, "high": None}
