"""Metrics: numbers that can be worked out by hand, and what has no meaning is None."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textures import fence, foliage, glyph, gradient, grain, opaque, plan, textures

from texpipe.passes import nearest
from texpipe.passes.metrics import measure
from texpipe.texture import AlphaClass, Edges, Rgba8


def test_seams_by_hand() -> None:
    """Steps of 10 inside, of 30 across: 3. Past a mirrored border comes the first neighbour again: 1."""
    source = opaque(np.tile([40, 50, 60, 70], (2, 1)))
    wrapped = measure(source, source, plan(edges=Edges("wrap", "wrap"), scale=1))
    assert (wrapped.seam_x, wrapped.seam_y) == (3.0, None)
    assert (wrapped.source_seam_x, wrapped.source_seam_y) == (3.0, None)
    assert measure(source, source, plan(edges=Edges("mirror"), scale=1)).seam_x == 1.0
    assert measure(source, source, plan(edges=Edges("clamp"), scale=1)).seam_x is None


def test_a_clamped_axis_is_measured_as_if_it_were_repeated() -> None:
    source = opaque(np.tile([40, 50, 60, 70], (2, 1)))
    clamped = measure(source, source, plan(edges=Edges("clamp", "clamp"), scale=1))
    # Alpha is a fourth channel, and does not step.
    assert (clamped.repeat_x, clamped.repeat_step_x) == (3.0, 22.5)
    assert (clamped.repeat_y, clamped.repeat_step_y) == (None, 0.0)
    assert measure(source[:, :1], source[:, :1], plan(scale=1)).repeat_step_x is None


def test_a_seamless_texture_is_about_1() -> None:
    source = grain((64, 64), 0)
    seams = measure(source, source, plan(edges=Edges("wrap", "wrap"), scale=1))
    assert seams.seam_x == pytest.approx(1, abs=0.25)
    assert seams.seam_y == pytest.approx(1, abs=0.25)


def test_colour_drift_in_levels() -> None:
    source = opaque(np.full((4, 4, 3), (100, 100, 100)))
    result = opaque(np.full((16, 16, 3), (103, 100, 94)))
    assert measure(source, result, plan()).colour_drift == pytest.approx(3.0)


def test_colour_drift_is_weighted_with_alpha() -> None:
    source = opaque(np.full((1, 2, 3), 100))
    source[0, 1, 3] = 51
    result = nearest(source, plan("soft", scale=2))
    result[:, 2:, :3] = 160
    assert measure(source, result, plan("soft", scale=2)).colour_drift == pytest.approx(
        60 * 0.2 / 1.2, abs=1e-3
    )


def test_detail_within_a_texel_is_no_drift() -> None:
    source = opaque(np.full((4, 4), 100))
    result = opaque(np.tile([[90, 110], [110, 90]], (8, 8)))
    assert measure(source, result, plan()).colour_drift == 0


def test_dither_that_was_removed_is_no_drift_of_tone() -> None:
    y, x = np.indices((16, 16))
    source = opaque(np.where((x + y) % 2, 104, 96))
    assert measure(source, opaque(np.full((64, 64), 100)), plan()).colour_drift == 0


def test_drift_is_that_of_means_over_8_x_8_texels() -> None:
    """Of 16 columns 8 are 4 levels off: means run from 0 over 1/8 of it to all of it; across the seam, too."""
    source, result = opaque(np.full((8, 16), 100)), opaque(np.full((32, 64), 100))
    result[:, :32, :3] = 104
    expected = np.mean([abs(8 - offset) / 8 * 4 for offset in range(16)])
    assert measure(source, result, plan(edges=Edges("wrap", "wrap"))).colour_drift == pytest.approx(
        expected, abs=1e-3
    )


def test_box_distance_begins_beyond_the_rounding_of_a_flat_colour() -> None:
    source = opaque(np.full((8, 8), 100))
    assert measure(source, opaque(np.full((32, 32), 101)), plan()).box_distance == 0
    assert measure(source, opaque(np.full((32, 32), 105)), plan()).box_distance == pytest.approx(4, abs=1e-3)


def test_a_mesh_that_was_erased_is_far_from_its_box() -> None:
    y, x = np.indices((16, 16))
    source = opaque(np.where((x + y) % 2, 192, 64))
    metrics = measure(source, opaque(np.full((64, 64), 128)), plan(edges=Edges("wrap", "wrap")))
    assert metrics.colour_drift == 0
    assert metrics.box_distance == pytest.approx(64 - 0.1 * 128, abs=0.1)


def test_coverage() -> None:
    source = fence((8, 8))
    result = nearest(source, plan("binary"))
    assert measure(source, result, plan("binary")).alpha_coverage_drift == 0
    result[:4, :8, 3] = 255 - result[:4, :8, 3]
    share = (result[..., 3] >= 128).mean() - (source[..., 3] >= 128).mean()
    assert measure(source, result, plan("binary")).alpha_coverage_drift == pytest.approx(share, abs=1e-4)


@settings(max_examples=40)
@given(textures(), st.sampled_from([1, 2, 4]))
def test_nearest_is_without_fault(made: tuple[Rgba8, AlphaClass], scale: int) -> None:
    rgba, kind = made
    metrics = measure(rgba, nearest(rgba, plan(kind, scale=scale)), plan(kind, scale=scale))
    assert metrics.alpha_coverage_drift == 0
    assert metrics.colour_drift is None or metrics.colour_drift < 0.01
    assert (metrics.colour_drift is None) == (kind != "mask" and not rgba[..., 3].any())


@pytest.mark.parametrize(
    ("rgba", "kind"), [(foliage(), "binary"), (glyph(), "mask"), (gradient((8, 8)), "opaque")]
)
def test_hidden_colour_is_not_measured(rgba: Rgba8, kind: AlphaClass) -> None:
    result = nearest(rgba, plan(kind))
    other, other_result = rgba.copy(), result.copy()
    if kind != "mask":
        other[rgba[..., 3] == 0, :3] = 9
        other_result[result[..., 3] == 0, :3] = 9
    wrap = plan(kind, Edges("wrap", "wrap"))
    assert measure(other, other_result, wrap) == measure(rgba, result, wrap)
