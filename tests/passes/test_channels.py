"""Sums over channels and spread planes: what NumPy computes, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.imaging.texel_formats import fits, quantise
from texpipe.passes import channels, metrics, storage_box
from texpipe.passes.dither_detection import top_level
from texpipe.passes.resample import least_around, most_around, neighbourhood
from texpipe.texture import EdgeMode, Edges

RANDOM = np.random.default_rng(11)
MODES: tuple[EdgeMode, ...] = ("wrap", "mirror", "clamp")


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([3, 4, 6]), st.integers(0, 1000))
def test_totals_and_means_are_those_of_numpy(height: int, width: int, count: int, seed: int) -> None:
    plane = np.random.default_rng(seed).normal(size=(height, width, count)).astype(np.float32)
    for one in (plane, plane[::2], plane[:, : max(1, width // 2)]):
        in_turn = one[..., 0]
        for channel in range(1, count):
            in_turn = in_turn + one[..., channel]
        assert np.array_equal(channels.total(one), in_turn)
        assert np.array_equal(channels.mean(one), in_turn / np.float32(count))
        assert np.array_equal(channels.merged(channels.parted(one)), one)


@pytest.mark.parametrize("kind", [np.float32, np.uint8, np.bool_])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 6)])
def test_a_plane_is_spread_over_three_channels(kind: type, shape: tuple[int, int]) -> None:
    plane = RANDOM.integers(0, 2, shape).astype(kind)
    found = channels.spread(plane)
    assert found.dtype == kind
    assert np.array_equal(found, np.repeat(plane[..., None], 3, axis=2))


@pytest.mark.parametrize("x", MODES)
@pytest.mark.parametrize("y", MODES)
def test_bounds_of_neighbours_are_those_by_the_book(x: EdgeMode, y: EdgeMode) -> None:
    for shape in ((1, 1), (1, 5), (4, 1), (6, 7), (5, 4, 3)):
        plane, edges = RANDOM.random(shape).astype(np.float32), Edges(x, y)
        wide = np.pad(plane, ((1, 1), (0, 0), *[(0, 0)] * (plane.ndim - 2)), _PADS[y])
        wide = np.pad(wide, ((0, 0), (1, 1), *[(0, 0)] * (plane.ndim - 2)), _PADS[x])
        height, width = shape[:2]
        around = [wide[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)]
        least, most = neighbourhood(plane, edges)
        assert np.array_equal(least, np.min(around, axis=0))
        assert np.array_equal(most, np.max(around, axis=0))
        assert np.array_equal(least, least_around(plane, edges))
        assert np.array_equal(most, most_around(plane, edges))


_PADS = {"wrap": "wrap", "mirror": "symmetric", "clamp": "edge"}


def test_the_smallest_come_in_the_order_of_a_stable_sort() -> None:
    for size in (1, 2, 16, 17, 40):
        values = (RANDOM.integers(0, 6, (size, size)) / 7).astype(np.float32)
        for count in (1, min(size, 5), size):
            wanted = np.argsort(values, axis=1, kind="stable")[:, :count]
            assert np.array_equal(storage_box._smallest(values, count), wanted)


def test_the_grid_of_a_picture_is_that_of_the_format_that_holds_it() -> None:
    seen = np.ones((6, 9), np.bool_)
    noise = np.dstack([RANDOM.integers(0, 256, (6, 9, 3), dtype=np.uint8), np.full((6, 9), 255, np.uint8)])
    grey = noise[..., [0, 0, 0, 3]]
    for rgba in (noise, grey, quantise(noise, "rgba16"), quantise(grey, "rgba16"), quantise(grey, "ia8")):
        wanted = 15 if fits(rgba, "ia8") else 31 if fits(rgba, "rgba16") else None
        assert top_level(rgba[..., :3].astype(np.float32) / np.float32(255), seen) == wanted


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [0, 1])
def test_steps_of_whole_levels_are_those_of_floats(
    monkeypatch: pytest.MonkeyPatch, mode: EdgeMode, axis: int
) -> None:
    for alphas in ([255], [0, 255]):
        rgba = RANDOM.integers(0, 256, (24, 36, 4), dtype=np.uint8)
        rgba[..., 3] = RANDOM.choice(alphas, (24, 36))
        whole = metrics._Steps(rgba, 4).along(axis, mode)
        with monkeypatch.context() as patch:
            patch.setattr(metrics, "_EXACT", 0)  # no sum is believed to be exact
            assert metrics._Steps(rgba, 4).along(axis, mode) == whole
