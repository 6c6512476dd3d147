"""The strict mode: whatever a network says, a result reduced again is its source, to 1 level in the mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from textures import all_edges, foliage, grain, plan, textures

from texpipe.imaging.texel_formats import quantise
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.passes import make_passes, recombine
from texpipe.passes.back_projection import back_project
from texpipe.passes.bleed import bleed, shown
from texpipe.passes.colour import visible_mean
from texpipe.passes.resample import enlarge, repeat
from texpipe.texture import AlphaClass, Edges, Pass, Plan, Rgba8, RgbF
from texpipe.upscale.engine import Engine

WRAP = Edges("wrap", "wrap")


def drift(rgba: Rgba8, how: Plan, results: tuple[RgbF, ...]) -> float:
    """Mean difference of visible texels to the source, in levels."""
    made = recombine(rgba, how, results).astype(np.float32) / 255
    if how.alpha == "mask":
        colours = np.where(rgba[..., 3:] > 0, rgba[..., :3], 0).astype(np.float32) / 255
        seen, made_seen = (np.ones(one.shape[:2], np.float32) for one in (rgba, made))
    else:
        colours, seen, made_seen = (
            shown(rgba, how.alpha, how.edges),
            rgba[..., 3] / np.float32(255),
            made[..., 3],
        )
    mean, cover = visible_mean(made[..., :3], made_seen, how.scale)
    seen = seen * (cover > 0)
    return 255 * float(np.average(np.abs(colours - mean).mean(axis=2), weights=seen)) if seen.any() else 0.0


@settings(max_examples=30, deadline=None)
@given(
    textures(most=20), all_edges(), st.sampled_from([1, 2, 4]), st.sampled_from(["match", "histogram", "off"])
)
def test_even_noise_comes_back_to_noise(
    made: tuple[Rgba8, AlphaClass], edges: Edges, scale: int, colour: str
) -> None:
    """Noise of all levels in, other noise out of the network: nothing is further away."""
    rgba, kind = made
    how = plan(kind, edges, scale=scale, colour=colour, consistency="strict")
    random = np.random.default_rng(rgba.shape[0])
    results = tuple(
        random.random((one.rgb.shape[0] * scale, one.rgb.shape[1] * scale, 3), dtype=np.float32)
        for one in make_passes(rgba, how)
    )
    assert drift(rgba, how, results) <= 1


@pytest.fixture(scope="module")
def engine() -> Engine:
    torch.manual_seed(0)
    network = RRDBNet(num_feat=8, num_grow_ch=4, num_block=1).eval()
    return Engine(network, "cpu", "fp32")


@pytest.mark.parametrize("clean", ["off", "auto"])
@pytest.mark.parametrize(("rgba", "kind"), [(grain((16, 12), 1), "opaque"), (foliage((16, 16)), "binary")])
def test_a_random_network(engine: Engine, rgba: Rgba8, kind: AlphaClass, clean: str) -> None:
    """With banding taken out before the network, too: the result is consistent with the texture as it was stored."""
    rgba = quantise(rgba, "rgba16")

    def run(one: Pass) -> RgbF:
        return engine.run(one.rgb[None], one.edges)[0]

    how = plan(kind, WRAP, consistency="strict", clean=clean)
    loose = plan(kind, WRAP, clean=clean)
    results = tuple(run(one) for one in make_passes(rgba, how))
    assert drift(rgba, how, results) <= 1 < drift(rgba, loose, results)


@pytest.mark.parametrize(("down", "right"), [(1, 0), (5, 11)])
def test_rolled_in_rolled_out(down: int, right: int) -> None:
    rgba = foliage((16, 16))
    alpha = rgba[..., 3].astype(np.float32) / np.float32(255)
    source = bleed(rgba, WRAP)
    result = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)

    def roll(picture: NDArray[np.float32], by: int) -> NDArray[np.float32]:
        return np.roll(picture, (down * by, right * by), (0, 1))

    expected = roll(back_project(result, repeat(alpha, 4), source, alpha, WRAP), 4)
    again = back_project(roll(result, 4), roll(repeat(alpha, 4), 4), roll(source, 1), roll(alpha, 1), WRAP)
    np.testing.assert_allclose(again, expected, atol=1 / 255)


def test_what_is_consistent_already_is_left_alone() -> None:
    source = grain((16, 16), 2)[..., :3].astype(np.float32) / 255
    solid = np.ones((16, 16), np.float32)
    detail = np.tile(np.array([[0.03, -0.03], [-0.03, 0.03]], np.float32), (32, 32))[..., None]
    result = repeat(source, 4) + detail
    assert np.array_equal(back_project(result, repeat(solid, 4), source, solid, WRAP), result)
    blurred = enlarge(source, 4, WRAP)
    assert not np.array_equal(back_project(blurred, repeat(solid, 4), source, solid, WRAP), blurred)


@pytest.mark.parametrize("kind", ["opaque", "mask"])
def test_a_tiny_picture_is_always_strict(kind: AlphaClass) -> None:
    """A letter of 8 x 8 texels that the network blurs comes back; with `colour: off` the network has its way."""
    ink = np.array([[c == "#" for c in row] for row in ("..##....", ".#..#...", ".####...", ".#..#...")])
    rgba = np.full((4, 8, 4), 255, np.uint8)
    rgba[~ink, : 4 if kind == "mask" else 3] = 0
    how = plan(kind)
    results = tuple(enlarge(one.rgb, 4, Edges()) for one in make_passes(rgba, how))
    assert drift(rgba, how, results) <= 1
    assert drift(rgba, plan(kind, colour="off"), results) > 10
