"""Dithered and banded gradients are found, and become what they were; textures and meshes are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from textures import grain

from texpipe.imaging.texel_formats import quantise
from texpipe.passes.colour import match_source
from texpipe.passes.resample import enlarge_cubic, repeat
from texpipe.passes.storage_box import storage_step
from texpipe.passes.undither import Gradient, undithered
from texpipe.texture import Edges
from texpipe.train.data.dither import Dither, to_levels, to_palette

WRAP = Edges("wrap", "wrap")
Picture = NDArray[np.float32]

COLOURS = {
    "sky": ((96, 150, 226), (206, 226, 246)),
    "gentle sky": ((120, 168, 232), (150, 190, 240)),
    "wall": ((72, 64, 56), (168, 150, 128)),
    "skin": ((120, 72, 56), (240, 196, 168)),
    "night": ((4, 6, 20), (56, 64, 110)),
}


def gradient(name: str, size: int, *, diagonal: bool = False) -> Picture:
    """From the first colour above to the second one below, or from corner to corner."""
    first, last = np.array(COLOURS[name], np.float32) / np.float32(255)
    y, x = (np.indices((size, size)) + 0.5) / size
    share = ((x + y) / 2 if diagonal else y)[..., None]
    return np.asarray((1 - share) * first + share * last, np.float32)


def palette_of(name: str, count: int = 16) -> Picture:
    first, last = COLOURS[name]
    return (np.linspace(first, last, count).round() / 255).astype(np.float32)


def seen(picture: Picture) -> NDArray[np.bool_]:
    return np.ones(picture.shape[:2], np.bool_)


def find(source: Picture, visible: NDArray[np.bool_], edges: Edges) -> Gradient | None:
    step = storage_step(source, visible)
    return None if step is None else undithered(source, step, visible, edges)


def error(one: Picture, other: Picture) -> float:
    return 255 * float(np.abs(one - other).mean())


@pytest.mark.parametrize("name", list(COLOURS))
@pytest.mark.parametrize("dither", ["floyd_steinberg", "bayer", "psx", "none"])
@pytest.mark.parametrize(("size", "diagonal"), [(24, False), (40, True)])
def test_a_dithered_gradient_of_16_colours_comes_out_smooth(
    name: str, dither: Dither, size: int, diagonal: bool
) -> None:
    """Whatever the network made of it, here the dither sharpened to twice its strength."""
    source = to_palette(gradient(name, size, diagonal=diagonal), palette_of(name), dither)
    original, bicubic = gradient(name, 4 * size, diagonal=diagonal), enlarge_cubic(source, 4, Edges())
    sharpened = bicubic + (bicubic - enlarge_cubic(gradient(name, size, diagonal=diagonal), 4, Edges()))
    solid = np.ones(source.shape[:2], np.float32)
    result = match_source(sharpened, repeat(solid, 4), source, solid, Edges())
    assert error(result, original) <= 0.8 * error(bicubic, original)


@pytest.mark.parametrize("dither", ["floyd_steinberg", "bayer", "none"])
def test_a_gradient_in_5_bits_comes_out_smooth(dither: Dither) -> None:
    levels = np.unique(
        quantise(np.full((1, 256, 4), 255, np.uint8) * 0 + np.arange(256, dtype=np.uint8)[:, None], "rgba16")[
            ..., 0
        ]
    )
    source = to_levels(
        gradient("sky", 32, diagonal=True), levels.astype(np.float32) / np.float32(255), dither
    )
    found = find(source, seen(source), Edges())
    assert found is not None
    assert found.sure.mean() > 0.7
    assert error(found.colour, gradient("sky", 32, diagonal=True)) < 0.5 * error(
        source, gradient("sky", 32, diagonal=True)
    )


def test_what_comes_out_is_never_further_from_a_texel_than_the_next_colour() -> None:
    source = to_palette(gradient("skin", 32), palette_of("skin"), "floyd_steinberg")
    found = find(source, seen(source), Edges())
    assert found is not None
    spacing = np.abs(np.diff(palette_of("skin"), axis=0)).max(axis=0)
    assert (np.abs(found.colour - source) <= spacing + 1.01 / 255).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stored", ["rgba32", "rgba16"])
def test_grain_is_no_gradient(seed: int, stored: str) -> None:
    rgba = grain((48, 48), seed)
    source = (rgba if stored == "rgba32" else quantise(rgba, "rgba16"))[..., :3].astype(
        np.float32
    ) / np.float32(255)
    found = find(source, seen(source), WRAP)
    assert found is None or found.sure.mean() < 0.02


def test_a_dithered_texture_of_16_colours_is_no_gradient() -> None:
    picture = grain((48, 48), 3)[..., :3].astype(np.float32) / np.float32(255)
    lowest, highest = picture.min(axis=(0, 1)), picture.max(axis=(0, 1))
    palette = np.linspace(lowest, highest, 16).astype(np.float32)
    source = to_palette(picture, palette, "floyd_steinberg")
    found = find(source, seen(source), WRAP)
    assert found is None or found.sure.mean() < 0.05


@pytest.mark.parametrize("amplitude", [8, 24, 64])
def test_a_mesh_is_no_gradient(amplitude: int) -> None:
    y, x = np.indices((32, 32))
    grey = 128 + np.where((x + y) % 2, amplitude, -amplitude)
    source = grey[..., None].repeat(3, 2).astype(np.float32) / np.float32(255)
    assert find(source, seen(source), WRAP) is None


def test_flat_areas_with_edges_are_no_gradient() -> None:
    grey = np.repeat(np.array([40, 200, 90, 160]), 8)[:, None] + np.repeat(np.array([0, 30, 10, 50]), 8)
    source = grey[..., None].repeat(3, 2).astype(np.float32) / np.float32(255)
    found = find(source, seen(source), WRAP)
    assert found is None or found.sure.mean() < 0.02


@settings(max_examples=10, deadline=None)
@given(st.integers(-20, 20), st.integers(-20, 20))
def test_rolled_in_rolled_out(down: int, right: int) -> None:
    y, x = np.indices((32, 32)) * (2 * np.pi / 32)
    wave = (0.5 + 0.2 * np.sin(x) + 0.1 * np.cos(y))[..., None].repeat(3, 2).astype(np.float32)
    source = to_palette(wave, np.linspace((0.1,) * 3, (0.9,) * 3, 24).astype(np.float32), "bayer")
    one = find(source, seen(source), WRAP)
    rolled = np.roll(source, (down, right), (0, 1))
    other = find(rolled, seen(rolled), WRAP)
    assert one is not None
    assert other is not None
    assert one.sure.max() > 0.5
    for part, again in zip(one, other, strict=True):
        np.testing.assert_allclose(again, np.roll(part, (down, right), (0, 1)), atol=1e-4)


def test_hidden_texels_have_no_say() -> None:
    source = to_palette(gradient("sky", 32), palette_of("sky"), "bayer")
    visible = np.ones((32, 32), np.bool_)
    visible[10:20, 4:12] = False
    other = source.copy()
    other[~visible] = 0.5
    one, two = (find(picture, visible, Edges()) for picture in (source, other))
    assert one is not None
    assert two is not None
    assert np.array_equal(one.sure, two.sure)
    np.testing.assert_allclose(one.colour[visible], two.colour[visible], atol=1e-6)
    assert (one.sure[~visible][:, None] <= 1).all()
