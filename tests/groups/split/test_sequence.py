"""What the order of textures tells of neighbours: learnt, never assumed, and never speaking against them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.groups.split.borders import Piece, PieceFamily
from texpipe.groups.split.sequence import OrderModel, best_order_model, by_date, by_number, ranks_in


def family(dates: list[int | None]) -> PieceFamily:
    return PieceFamily(
        "y", tuple(Piece(f"t{n}", (8, 8), None, None, None, date) for n, date in enumerate(dates))
    )


def model_of(dates: list[int | None], pairs: list[tuple[int, int]]) -> tuple[PieceFamily, OrderModel]:
    """Learn from pairs of textures, by number, in the order of their dates."""
    some = family(dates)
    neighbours = [(some.pieces[one], some.pieces[other], some.axis) for one, other in pairs]
    return some, best_order_model([by_date(some.pieces)], [some], neighbours)


def evidence(some: PieceFamily, model: OrderModel, one: int, other: int) -> float:
    return float(model.evidence(some, np.array([one]), np.array([other]))[0])


def test_numbers_count_as_numbers() -> None:
    pieces = [Piece(name, (8, 8), None, None, None) for name in ("bg_10", "bg_2", "a_3")]
    assert sorted(pieces, key=by_number(pieces).__getitem__) == [pieces[2], pieces[1], pieces[0]]


def test_what_follows_at_once_is_learnt() -> None:
    some, model = model_of(list(range(100)), [(n, n + 1) for n in range(40)])
    # 40 of 45 neighbours, where by chance 1 of 100 of the others would.
    assert evidence(some, model, 70, 71) == pytest.approx(np.log(40.05 / 45 / 0.01), abs=0.02)
    assert evidence(some, model, 71, 70) == 0
    assert evidence(some, model, 70, 80) == 0


def test_only_the_order_counts_not_how_long_it_took() -> None:
    pairs = [(n, n + 1) for n in range(9)]
    some, model = model_of(list(range(10)), pairs)
    other, slower = model_of([n**5 for n in range(10)], pairs)
    assert evidence(some, model, 3, 4) == evidence(other, slower, 3, 4) > 1


def test_few_neighbours_teach_little() -> None:
    few = model_of(list(range(100)), [(0, 1)])
    many = model_of(list(range(100)), [(n, n + 1) for n in range(30)])
    assert 0 < evidence(*few, 50, 51) < evidence(*many, 50, 51) - 1


@pytest.mark.parametrize("dates", [[5] * 50, [None, *range(49)]])
def test_equal_and_missing_dates_tell_nothing(dates: list[int | None]) -> None:
    some, model = model_of(dates, [(n, n + 1) for n in range(40)])
    assert evidence(some, model, 41, 42) == pytest.approx(0)


@settings(max_examples=30)
@given(st.permutations(range(60)))
def test_the_order_of_checksums_tells_next_to_nothing(dates: list[int]) -> None:
    some, model = model_of(list(dates), [(n, n + 1) for n in range(59)])
    every = model.evidence(some, *(np.arange(60).repeat(60), np.tile(np.arange(60), 60)))
    assert every.min() >= 0
    # Five of 59 at the same distance by chance would be 1.6 nats.
    assert every.mean() < 0.5


def test_the_order_that_tells_more_is_taken() -> None:
    names = np.random.default_rng(1).permutation(100)
    pieces = tuple(
        Piece(f"{number:03d}", (8, 8), None, None, None, date) for date, number in enumerate(names)
    )
    some = PieceFamily("x", pieces)
    orders = [by_number(pieces), by_date(pieces)]
    neighbours = [(one, other, some.axis) for one, other in pairwise(pieces)]
    assert best_order_model(orders, [some], neighbours[:50]).order == by_date(pieces)
    assert best_order_model(orders, [some], []).order == by_number(pieces)


def test_equal_dates_share_a_rank() -> None:
    some = family([30, 10, 10, 20])
    ranks = ranks_in(by_date(some.pieces), some.pieces)
    assert ranks is not None
    assert ranks.tolist() == [2, 0, 0, 1]
