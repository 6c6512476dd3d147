"""What the order of textures tells of neighbours: learnt, never assumed, and never speaking against them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.groups.split.borders import PieceFamily, Tile
from texpipe.groups.split.sequence import Habit, best_habit, by_date, by_number, ranks_in


def family(dates: list[int | None]) -> PieceFamily:
    return PieceFamily(
        "y", tuple(Tile(f"t{n}", (8, 8), None, None, None, date) for n, date in enumerate(dates))
    )


def habit_of(dates: list[int | None], pairs: list[tuple[int, int]]) -> tuple[PieceFamily, Habit]:
    """Learn from pairs of textures, by number, in the order of their dates."""
    some = family(dates)
    neighbours = [(some.tiles[one], some.tiles[other], some.axis) for one, other in pairs]
    return some, best_habit([by_date(some.tiles)], [some], neighbours)


def told(some: PieceFamily, habit: Habit, one: int, other: int) -> float:
    return float(habit.evidence(some, np.array([one]), np.array([other]))[0])


def test_numbers_count_as_numbers() -> None:
    tiles = [Tile(name, (8, 8), None, None, None) for name in ("bg_10", "bg_2", "a_3")]
    assert sorted(tiles, key=by_number(tiles).__getitem__) == [tiles[2], tiles[1], tiles[0]]


def test_what_follows_at_once_is_learnt() -> None:
    some, habit = habit_of(list(range(100)), [(n, n + 1) for n in range(40)])
    # 40 of 45 neighbours, where by chance 1 of 100 of the others would.
    assert told(some, habit, 70, 71) == pytest.approx(np.log(40.05 / 45 / 0.01), abs=0.02)
    assert told(some, habit, 71, 70) == 0
    assert told(some, habit, 70, 80) == 0


def test_only_the_order_counts_not_how_long_it_took() -> None:
    pairs = [(n, n + 1) for n in range(9)]
    some, habit = habit_of(list(range(10)), pairs)
    other, slower = habit_of([n**5 for n in range(10)], pairs)
    assert told(some, habit, 3, 4) == told(other, slower, 3, 4) > 1


def test_few_neighbours_teach_little() -> None:
    few = habit_of(list(range(100)), [(0, 1)])
    many = habit_of(list(range(100)), [(n, n + 1) for n in range(30)])
    assert 0 < told(*few, 50, 51) < told(*many, 50, 51) - 1


@pytest.mark.parametrize("dates", [[5] * 50, [None, *range(49)]])
def test_equal_and_missing_dates_tell_nothing(dates: list[int | None]) -> None:
    some, habit = habit_of(dates, [(n, n + 1) for n in range(40)])
    assert told(some, habit, 41, 42) == pytest.approx(0)


@settings(max_examples=30)
@given(st.permutations(range(60)))
def test_the_order_of_checksums_tells_next_to_nothing(dates: list[int]) -> None:
    some, habit = habit_of(list(dates), [(n, n + 1) for n in range(59)])
    every = habit.evidence(some, *(np.arange(60).repeat(60), np.tile(np.arange(60), 60)))
    assert every.min() >= 0
    # Five of 59 at the same distance by chance would be 1.6 nats.
    assert every.mean() < 0.5


def test_the_order_that_tells_more_is_taken() -> None:
    names = np.random.default_rng(1).permutation(100)
    tiles = tuple(Tile(f"{number:03d}", (8, 8), None, None, None, date) for date, number in enumerate(names))
    some = PieceFamily("x", tiles)
    orders = [by_number(tiles), by_date(tiles)]
    neighbours = [(one, other, some.axis) for one, other in pairwise(tiles)]
    assert best_habit(orders, [some], neighbours[:50]).when == by_date(tiles)
    assert best_habit(orders, [some], []).when == by_number(tiles)


def test_equal_dates_share_a_rank() -> None:
    some = family([30, 10, 10, 20])
    ranks = ranks_in(by_date(some.tiles), some.tiles)
    assert ranks is not None
    assert ranks.tolist() == [2, 0, 0, 1]
