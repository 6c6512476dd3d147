"""What the console does to a texture."""

from __future__ import annotations

import numpy as np
import pytest
from degradations import BICUBIC
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.imaging import texel_formats
from texpipe.texture import Edges
from texpipe.train.data.degradation import GREY_FORMATS, Choice, Degradation, draw
from texpipe.train.data.degrade import apply, degrade
from texpipe.train.data.dither import PATTERNS, diffuse, nearest_level, to_levels, to_palette

PLAIN = Choice("box", 2, 0.0, 0.0, 0.0, 0, "rgba32", "median_cut", "none")
CODECS = {"psx8": "psx16", "psx4": "psx16", "ci8": "rgba16", "ci4": "rgba16"}


def noise(seed: int = 0, size: int = 32, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random((size, size, channels), np.float32)


def ramp(size: int = 64) -> np.ndarray:
    return np.repeat(np.linspace(0, 1, size, dtype=np.float32)[None, :, None].repeat(size, 0), 3, axis=2)


def plain(**changes: object) -> Choice:
    return Choice(**(PLAIN.__dict__ | changes))


def run(hr: np.ndarray, choice: Choice, edges: Edges | None = None) -> np.ndarray:
    return apply(hr, choice, np.random.default_rng(0), 4, edges)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_one_seed_gives_one_result_and_every_texel_fits_a_console_format(seed: int) -> None:
    options = Degradation(formats={"rgba16": 1, "ci8": 1, "ci4": 1, "psx16": 1, "psx4": 1})
    hr = noise(seed)
    first = degrade(hr, np.random.default_rng(seed), options)
    assert np.array_equal(first, degrade(hr, np.random.default_rng(seed), options))
    assert first.shape == (8, 8, 3)
    assert first.dtype == np.float32
    rgba = np.dstack([(first * 255).round().astype(np.uint8), np.full((8, 8), 255, np.uint8)])
    assert texel_formats.fits(rgba, "rgba16") or texel_formats.fits(rgba, "psx16")


@pytest.mark.parametrize("stored", sorted(GREY_FORMATS))
def test_grey_formats_hold_grey_texels_only(stored: str) -> None:
    grey = noise(channels=1).repeat(3, axis=2)
    result = run(grey, plain(stored=stored, dither="floyd_steinberg"))
    levels = (result * 255).round().astype(np.uint8)
    # The alpha of an I texture is its intensity.
    alpha = levels[..., :1] if stored in {"i8", "i4"} else np.full((8, 8, 1), 255, np.uint8)
    assert texel_formats.fits(np.dstack([levels, alpha]), stored)


def test_coloured_pictures_never_get_a_format_without_colour() -> None:
    options, rng = Degradation(formats={"i8": 1, "ci4": 1}), np.random.default_rng(0)
    assert {draw(rng, options, grey=False).stored for _ in range(50)} == {"ci4"}
    assert {draw(rng, options, grey=True).stored for _ in range(50)} == {"i8", "ci4"}


@pytest.mark.parametrize(("stored", "count"), [("ci8", 256), ("ci4", 16), ("psx4", 16)])
@pytest.mark.parametrize("palette", ["median_cut", "octree", "k_means"])
@pytest.mark.parametrize("dither", ["none", "bayer", "psx", "floyd_steinberg"])
def test_palettes_have_no_more_colours_than_the_console(
    stored: str, count: int, palette: str, dither: str
) -> None:
    result = run(noise(size=128), plain(stored=stored, palette=palette, dither=dither))
    assert 2 < len(np.unique(result.reshape(-1, 3), axis=0)) <= count


def test_a_box_reduction_is_the_mean_of_the_block() -> None:
    hr = noise()
    expected = (hr.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3)) * 255).round() / 255
    assert np.allclose(run(hr, PLAIN), expected, atol=0.5 / 255)


def test_point_sampling_takes_single_pixels() -> None:
    hr = (noise() * 255).round() / 255
    assert np.allclose(run(hr, plain(reduction="point", offset=1)), hr[1::4, 1::4], atol=1e-6)


@pytest.mark.parametrize("reduction", ["box", "bilinear", "bicubic", "lanczos", "point"])
@settings(max_examples=5, deadline=None)
@given(shift=st.integers(0, 7))
def test_rolling_a_wrapping_texture_rolls_the_result(reduction: str, shift: int) -> None:
    choice, edges = plain(reduction=reduction, blur_sigma=1.5, sharpen=0.5), Edges("wrap", "wrap")
    hr = noise()
    rolled = run(np.roll(hr, 4 * shift, axis=(0, 1)), choice, edges)
    # One level: sums in another order may round the other way.
    assert np.abs(rolled - np.roll(run(hr, choice, edges), shift, axis=(0, 1))).max() <= 1.01 / 255


def test_without_wrap_the_other_side_has_no_influence() -> None:
    hr, other = noise(), noise()
    other[:, 16:] = 0
    choice = plain(reduction="lanczos", blur_sigma=1.0)
    assert np.array_equal(run(hr, choice)[:, 0], run(other, choice)[:, 0])
    wrapped = [run(picture, choice, Edges(x="wrap"))[:, 0] for picture in (hr, other)]
    assert not np.array_equal(*wrapped)


@pytest.mark.parametrize("dither", ["bayer", "psx", "floyd_steinberg"])
def test_dithering_keeps_the_mean_where_rounding_does_not(dither: str) -> None:
    flat, levels = np.full((32, 32, 1), 0.4, np.float32), np.array([0, 1], np.float32)
    assert to_levels(flat, levels, "none").mean() == 0
    assert to_levels(flat, levels, dither).mean() == pytest.approx(0.4, abs=0.05)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dither", ["none", "bayer", "psx", "floyd_steinberg"])
def test_one_level_is_taken_by_all(dither: str) -> None:
    level = np.array([0.25], np.float32)
    assert np.array_equal(to_levels(noise(), level, dither), np.full_like(noise(), 0.25))


@pytest.mark.parametrize("dither", ["none", "bayer", "floyd_steinberg"])
def test_a_colour_of_the_palette_stays(dither: str) -> None:
    palette = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 1]], np.float32)
    picture = palette[np.random.default_rng(0).integers(0, 3, (8, 8))]
    assert np.array_equal(to_palette(picture, palette, dither), picture)


def test_ordered_patterns_have_no_mean_and_no_value_twice() -> None:
    assert PATTERNS["bayer"].mean() == pytest.approx(0)
    assert len(np.unique(PATTERNS["bayer"])) == 16
    assert PATTERNS["psx"].mean() == pytest.approx(0)


def test_diffusion_equals_the_textbook_loop() -> None:
    picture, levels = noise(3, 9, 1), np.array([0, 0.5, 1], np.float32)
    wanted = np.pad(picture.astype(np.float64), ((0, 1), (1, 1), (0, 0)))
    expected = np.zeros_like(picture)
    for y in range(9):
        for x in range(9):
            value = nearest_level(wanted[y, x + 1].astype(np.float32), levels)
            expected[y, x], error = value, wanted[y, x + 1] - value
            for down, right, share in ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)):
                wanted[y + down, x + 1 + right] += error * share / 16
    assert np.array_equal(diffuse(picture, lambda v: nearest_level(v, levels)), expected)


def test_alpha_is_reduced_premultiplied_and_cut_to_one_bit() -> None:
    hr = np.zeros((8, 8, 4), np.float32)
    hr[:, :4] = (1, 0, 0, 1)
    hr[:, 4:] = (0, 1, 0, 0)  # invisible green must not bleed into the red
    hr[:, 4] = (1, 0, 0, 1)
    result = run(hr, plain(stored="rgba16"))
    assert np.array_equal(result[..., 3], [[1, 0], [1, 0]])
    assert np.array_equal(result[..., :3], np.broadcast_to(np.float32((1, 0, 0)), (2, 2, 3)))


def test_jpeg_and_noise_are_options() -> None:
    hr = ramp()
    assert not np.array_equal(run(hr, plain(jpeg_quality=20)), run(hr, PLAIN))
    assert np.abs(run(hr, plain(noise=4 / 255)) - run(hr, PLAIN)).mean() > 1 / 255
    assert Degradation().jpeg_chance == 0


def test_the_papers_degradation_is_plain_bicubic() -> None:
    result = degrade(ramp(), np.random.default_rng(5), BICUBIC)
    assert np.array_equal(result, degrade(ramp(), np.random.default_rng(6), BICUBIC))
    assert np.abs(result[:, :, 0] - ramp().reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))[:, :, 0]).max() < 0.02


@pytest.mark.parametrize(
    "wrong",
    [{"reductions": {"box": 0}}, {"formats": {"i4": 1}}, {"dithers": {"none": -1, "bayer": 2}}, {"blurr": 1}],
)
def test_impossible_options_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"weights|format|Extra"):
        Degradation(**wrong)


def test_movies_are_blocky_and_have_fifteen_bits() -> None:
    hr = np.random.default_rng(0).random((64, 64, 3), np.float32)
    movie = BICUBIC.model_copy(update={"mdec_chance": 1.0})
    made = degrade(hr, np.random.default_rng(1), movie)
    plain = degrade(hr, np.random.default_rng(1), BICUBIC)
    assert len(np.unique(made)) <= 32
    assert np.abs(made - plain).mean() > 0.02
    assert draw(np.random.default_rng(1), movie, grey=False).stored == "psx16"


@pytest.mark.parametrize(("colours", "most"), [(0, 256), (40, 40), (1000, 256)])
def test_palettes_may_use_fewer_colours(colours: int, most: int) -> None:
    shown = run(noise(), plain(stored="ci8", colours=colours))
    found = len(np.unique(shown.reshape(-1, 3), axis=0))
    assert found <= most
    assert found > most // 8


def test_noisy_palettes_hold_other_colours_that_the_console_can_store() -> None:
    quiet, noisy = (run(ramp(), plain(stored="ci4", palette_noise=n)) for n in (0.0, 0.03))
    assert set(np.unique((noisy * 255).round())) <= {round(v * 255 / 31) for v in range(32)}
    assert np.abs(noisy - quiet).max() > 0.01


def test_options_that_are_off_change_no_draw() -> None:
    rng = np.random.default_rng(3)
    plain_ones = [draw(rng, Degradation(), grey=False) for _ in range(5)]
    assert all(c.colours == 0 and c.palette_noise == 0 for c in plain_ones)
    options = Degradation(fewer_colours_chance=1, fewer_colours=(16, 64), palette_noise_chance=1)
    wide = [draw(np.random.default_rng(i), options, grey=False) for i in range(40)]
    assert all(16 <= c.colours <= 64 and 0 < c.palette_noise < 0.04 for c in wide)
    assert len({c.colours for c in wide}) > 10
