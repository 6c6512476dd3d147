"""Pictures too large for one batch are cut into tiles that show no joint."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.texture import Edges
from texpipe.upscale.tiles import _spans, run_tiled


class Blur:
    """A linear, asymmetric filter of a known reach as the upscaler: what a tile must see is known exactly."""

    scale = 2
    reach = 3

    def __init__(self):
        self.largest = 0

    def run(self, batch, edges):
        self.largest = max(self.largest, batch.shape[1] * batch.shape[2])
        pad = {"wrap": "wrap", "clamp": "edge"}
        out = batch
        for axis, mode in ((1, edges.y), (2, edges.x)):
            widths = [(0, 0)] * 4
            widths[axis] = (self.reach, self.reach)
            padded = np.pad(out, widths, mode=pad[mode])
            size = out.shape[axis]
            weights = np.arange(1, 2 * self.reach + 2) / np.arange(1, 2 * self.reach + 2).sum()
            out = sum(w * np.take(padded, range(k, k + size), axis) for k, w in enumerate(weights))
        return out.repeat(2, 1).repeat(2, 2).astype(np.float32)


def picture(height, width):
    return np.random.default_rng(3).random((height, width, 3), dtype=np.float32)


modes = st.sampled_from(["wrap", "mirror", "clamp"])


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    x=modes,
    y=modes,
    tile=st.integers(3, 24),
    overlap=st.integers(2 * Blur.reach, 12),
)
def test_tiles_that_see_enough_make_the_whole(height, width, x, y, tile, overlap):
    whole = run_tiled(Blur(), picture(height, width), Edges(x, y), tile=1000, overlap=0)
    found = run_tiled(Blur(), picture(height, width), Edges(x, y), tile=tile, overlap=overlap)
    np.testing.assert_allclose(found, whole, atol=1e-6)


def test_tiles_that_see_too_little_do_not():
    whole = run_tiled(Blur(), picture(40, 40), Edges("wrap", "clamp"), tile=1000, overlap=0)
    found = run_tiled(Blur(), picture(40, 40), Edges("wrap", "clamp"), tile=10, overlap=1)
    assert np.abs(found - whole).max() > 1e-3


@pytest.mark.parametrize("edges", [Edges("wrap", "wrap"), Edges("clamp", "clamp"), Edges("mirror", "wrap")])
def test_no_tile_is_larger_than_asked_for(edges):
    engine = Blur()
    run_tiled(engine, picture(90, 70), edges, tile=16, overlap=6)
    assert engine.largest <= (16 + 12) ** 2


@given(
    size=st.integers(1, 200),
    mode=st.sampled_from(["wrap", "clamp"]),
    tile=st.integers(1, 50),
    overlap=st.integers(0, 40),
)
def test_every_texel_is_written_with_weight(size, mode, tile, overlap):
    weight = np.zeros(size)
    for span in _spans(size, mode, tile, overlap):
        assert len(span.writes) == len(span.weights) == len(set(span.writes))
        assert (span.weights > 0).all()
        np.testing.assert_array_equal(span.reads[span.skipped :][: len(span.writes)], span.writes)
        weight[span.writes] += span.weights
    assert (weight > 0).all()
