"""What is drawn on a texture is measured inside its own bounds, wherever they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from texpipe.classify.evidence import Seen
from texpipe.classify.figure_measures import figure_measures
from texpipe.classify.kind_measures import AxisMeasures
from texpipe.imaging.visible import premultiplied
from texpipe.texture import Rgba8


def measured(*pictures: Rgba8) -> AxisMeasures:
    return figure_measures(Seen.of([premultiplied(one) for one in pictures]).rows)


def placed(figure: Rgba8, top: int, left: int, side: int = 24) -> Rgba8:
    texture = np.zeros((side, side, 4), np.uint8)
    texture[top : top + len(figure), left : left + figure.shape[1]] = figure
    return texture


def same(one: AxisMeasures, other: AxisMeasures) -> None:
    for name in ("x", "y", "whole"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-6)


@given(arrays(np.uint8, st.tuples(st.integers(3, 12), st.integers(3, 12), st.just(4))))
def test_where_a_figure_lies_does_not_matter(figure: Rgba8) -> None:
    figure[..., 3] |= 64
    same(measured(placed(figure, 1, 2)), measured(placed(figure, 9, 6)))


@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(4))))
def test_a_flip_changes_nothing_and_turning_exchanges_the_axes(rgba: Rgba8) -> None:
    plain, turned = measured(rgba), measured(np.ascontiguousarray(rgba.swapaxes(0, 1)))
    same(plain, measured(rgba[::-1]))
    same(plain, measured(rgba[:, ::-1]))
    same(plain, AxisMeasures(turned.y, turned.x, turned.whole))


@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(4))))
def test_pictures_are_measured_together_as_alone(rgba: Rgba8) -> None:
    both, alone = measured(rgba, np.flip(rgba)), measured(rgba)
    same(AxisMeasures(both.x[:1], both.y[:1], both.whole[:1]), alone)
    assert all(np.isfinite(part).all() for part in (alone.x, alone.y, alone.whole))


def test_a_plate_is_symmetric_straight_and_even() -> None:
    plate = np.full((8, 14, 4), (90, 120, 200, 255), np.uint8)
    length, asymmetry, mirrored, straight, _, flat, even, _ = measured(placed(plate, 3, 3)).x[0]
    assert length == pytest.approx(np.log2(14))
    assert asymmetry == pytest.approx(0)
    assert (mirrored, straight, flat, even) == pytest.approx((1, 1, 1, 1))


def test_a_ramp_is_even_and_noise_is_not() -> None:
    ramp = np.full((12, 12, 4), 255, np.uint8)
    ramp[..., :3] = np.arange(12)[:, None, None] * 20
    noise = ramp.copy()
    noise[..., :3] = np.random.default_rng(0).integers(0, 256, (12, 12, 1))
    steps = [measured(placed(one, 2, 2)).y[0, 4:7] for one in (ramp, noise)]
    (between, _, even), (between_noise, _, even_noise) = steps
    assert between > 0.99
    assert even == pytest.approx(1)
    assert between_noise < 0.5
    assert even_noise < 0.2
