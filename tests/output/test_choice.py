"""Which textures are made smaller: within the limit, cheapest first, and as good as the best choice up to one step."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.output.choice import Choice, least_lossy, least_size


@st.composite
def sets_of_choices(draw: st.DrawFn) -> list[list[Choice]]:
    """Up to five sets with up to three scales; smaller scales mostly take less and lose more, but need not."""
    sets = []
    for _ in range(draw(st.integers(1, 5))):
        full = Choice(4, draw(st.integers(1, 1000)), 0.0)
        scales = draw(st.sampled_from([(), (2,), (2, 1)]))
        sets.append(
            [
                full,
                *(
                    Choice(one, draw(st.integers(1, 1100)), draw(st.floats(0, 50, width=16)))
                    for one in scales
                ),
            ]
        )
    return sets


def loss(chosen: tuple[Choice, ...] | list[Choice]) -> float:
    return sum(one.loss for one in chosen)


def size(chosen: tuple[Choice, ...] | list[Choice]) -> int:
    return sum(one.size for one in chosen)


@given(sets_of_choices(), st.integers(1, 6000))
def test_the_choice_is_within_the_limit_and_at_most_a_step_from_the_best(
    sets: list[list[Choice]], limit: int
) -> None:
    chosen = least_lossy(sets, limit)
    possible = [each for each in itertools.product(*sets) if size(each) <= limit]
    assert (chosen is None) == (not possible) == (least_size(sets) > limit)
    if chosen is None:
        return
    assert size(chosen) <= limit
    assert all(one in choices for one, choices in zip(chosen, sets, strict=True))
    best = min(map(loss, possible))
    step = max(
        (
            after.loss - before.loss
            for choices in sets
            for before, after in itertools.permutations(choices, 2)
        ),
        default=0.0,
    )
    assert loss(chosen) <= best + max(0.0, step) + 1e-6


@given(sets_of_choices(), st.integers(1, 6000))
def test_no_set_that_was_made_smaller_loses_more_for_a_byte_than_one_that_was_not(
    sets: list[list[Choice]], limit: int
) -> None:
    chosen = least_lossy(sets, limit)
    if chosen is None:
        return
    taken, left = [], []
    for one, choices in zip(chosen, sets, strict=True):
        at = choices.index(one)
        if at:
            taken.append(max(0.0, one.loss) / (choices[0].size - one.size))
        left += [
            max(0.0, other.loss - one.loss) / (one.size - other.size)
            for other in choices
            if other.size < one.size and other is not one
        ]
    if taken and left:
        assert max(taken) <= min(left) + 1e-9
    if size([one[0] for one in sets]) <= limit:
        assert not taken


def test_flat_textures_go_first_and_only_as_many_as_are_needed() -> None:
    detailed = [Choice(4, 100, 0.0), Choice(2, 25, 90.0), Choice(1, 6, 200.0)]
    flat = [Choice(4, 100, 0.0), Choice(2, 25, 1.0), Choice(1, 6, 2.0)]
    chosen = least_lossy([detailed, flat, detailed], 260)
    assert chosen is not None
    assert [one.scale for one in chosen] == [4, 2, 4]
    chosen = least_lossy([detailed, flat, detailed], 220)
    assert chosen is not None
    assert [one.scale for one in chosen] == [4, 1, 4]


@pytest.mark.parametrize("limit", [199, 200])
def test_full_scale_is_kept_where_it_fits_to_the_byte(limit: int) -> None:
    sets = [[Choice(4, 100, 0.0), Choice(2, 25, 0.0)]] * 2
    chosen = least_lossy(sets, limit)
    assert chosen is not None
    assert [one.scale for one in chosen].count(2) == 200 - limit
