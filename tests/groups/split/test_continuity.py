"""Likelihoods of neighbours, weighed against all rivals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.groups.split.borders import Piece, PieceFamily, piece_of
from texpipe.groups.split.continuity import Continuity, neighbour_probabilities, step_between

EVIDENCE = st.floats(-60, 60)


def flow(evidence: np.ndarray) -> Continuity:
    """Every texture with every other, n x n nats."""
    count = len(evidence)
    pieces = tuple(Piece(str(n), (8, 8), None, None, None) for n in range(count))
    before, after = np.divmod(np.arange(count * count), count)
    return Continuity(PieceFamily("x", pieces), before, after, evidence.ravel(), np.ones(count * count, bool))


@given(st.integers(1, 6), st.data())
def test_no_border_has_more_than_one_neighbour(count: int, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(EVIDENCE, min_size=count * count, max_size=count * count))
    likely = neighbour_probabilities(flow(np.array(numbers).reshape(count, count))).reshape(count, count)
    assert (likely >= 0).all()
    assert (likely.sum(axis=1) <= 1 + 1e-9).all()


def test_one_nat_against_none() -> None:
    assert neighbour_probabilities(flow(np.array([[0.0]])))[0] == pytest.approx(0.382, abs=0.001)
    assert neighbour_probabilities(flow(np.array([[9.0]])))[0] > 0.98


def test_what_has_found_its_neighbour_is_no_rival() -> None:
    alone = np.array([[5.0, -60], [-60, -60]])
    rival = np.array([[5.0, 5], [-60, -60]])
    settled = np.array([[5.0, 5], [-60, 15]])
    first = [neighbour_probabilities(flow(evidence))[0] for evidence in (alone, rival, settled)]
    assert first[1] < 0.5 < 0.85 < first[2] <= first[0]


def test_more_evidence_decides_between_equals() -> None:
    rivals = flow(np.array([[5.0, 5], [-60, -60]]))
    assert neighbour_probabilities(rivals, np.array([4.0, 0, 0, 0]))[0] > 0.85


def test_a_cut_has_the_usual_step_and_other_cuts_a_larger_one() -> None:
    random = np.random.default_rng(3)
    lines = (
        np.cumsum(random.normal(0, 6, (64, 64, 1)), axis=0)
        + np.cumsum(random.normal(0, 6, 64))[None, :, None]
    )
    rgba = np.full((64, 64, 4), 255, np.uint8)
    rgba[..., :3] = np.clip(lines + 128, 0, 255)
    upper, lower = (piece_of(name, half, 0) for name, half in (("a", rgba[:32]), ("b", rgba[32:])))
    assert step_between(upper, lower, "y") < 3 < step_between(lower, upper, "y")
