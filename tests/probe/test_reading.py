"""Codes as a game shows them: lit, filtered, stretched, flipped, turned, repeated, cut off; and nothing at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from texpipe.errors import UsageError
from texpipe.probe.codes import MOST_NUMBERS, CodeBook
from texpipe.probe.painting import blank, has_room, painted
from texpipe.probe.reading import read_screen
from texpipe.texture import Rgba8

BOOK = CodeBook(1000)
SCREEN = (480, 360)
NUMBERS = st.integers(1, BOOK.count)


def picture(number: int, size: tuple[int, int] = (32, 32), alpha: np.ndarray | None = None) -> Rgba8:
    texels = np.full((size[1], size[0], 4), 255, np.uint8)
    if alpha is not None:
        texels[..., 3] = alpha
    return painted(texels, 4, BOOK.rings[number - 1], number)


def screen(shown: Image.Image | Rgba8, seed: int = 0, at: tuple[int, int] = (60, 40)) -> Rgba8:
    """A grey picture with grain, and something on it, by its alpha."""
    grain = np.random.default_rng(seed).integers(80, 130, (SCREEN[1], SCREEN[0], 1)).repeat(3, 2)
    whole = Image.fromarray(grain.astype(np.uint8)).convert("RGBA")
    whole.alpha_composite(shown if isinstance(shown, Image.Image) else Image.fromarray(shown), at)
    return np.asarray(whole)


def read(shot: Rgba8) -> set[int]:
    return set(read_screen(shot, BOOK).shares)


@settings(max_examples=25, deadline=None)
@given(
    number=NUMBERS,
    wide=st.floats(0.6, 2.2),
    high=st.floats(0.4, 2),
    light=st.tuples(*[st.floats(0.15, 1)] * 3),
    turned=st.integers(0, 7),
    resampling=st.sampled_from([Image.Resampling.NEAREST, Image.Resampling.BILINEAR]),
    size=st.sampled_from([(32, 32), (64, 32), (32, 64), (64, 64)]),
)
def test_a_code_survives_light_filters_stretching_and_flips(
    number, wide, high, light, turned, resampling, size
):
    seen = Image.fromarray(picture(number, size))
    if turned:
        seen = seen.transpose(Image.Transpose(turned - 1))
    across = max(seen.width, seen.height)
    least = 3 * BOOK.cells / across  # three pixels for each cell
    wide, high = max(wide, least), max(high, least)
    seen = seen.resize((round(seen.width * wide), round(seen.height * high)), resampling)
    lit = np.asarray(seen) * np.array([*light, 1])
    assert read(screen(np.rint(lit).astype(np.uint8), at=(0, 0))) == {number}


@settings(max_examples=10, deadline=None)
@given(number=NUMBERS, degrees=st.floats(0, 360), seed=st.integers(0, 99))
@example(number=324, degrees=18.0, seed=0)
@example(number=324, degrees=1.0, seed=0)  # lines across its border read like another code
@example(number=324, degrees=220.0, seed=0)
@example(number=324, degrees=310.0, seed=0)
def test_a_code_is_read_at_any_angle(number, degrees, seed):
    seen = Image.fromarray(picture(number, (48, 48)))
    turned = seen.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    assert read(screen(turned, seed)) == {number}


@settings(max_examples=10, deadline=None)
@given(number=NUMBERS, left=st.integers(0, 60), top=st.integers(0, 60), mirrored=st.booleans())
def test_a_code_is_read_in_a_part_of_repeated_textures(number, left, top, mirrored):
    one = picture(number, (24, 24))
    row = np.hstack([one, one[:, ::-1] if mirrored else one, one])
    whole = np.vstack([row, row[::-1] if mirrored else row, row])
    assert read(screen(whole[top : top + 140, left : left + 200])) == {number}


@settings(max_examples=10, deadline=None)
@given(number=NUMBERS, lean=st.floats(0.3, 1))
def test_a_code_is_read_in_perspective(number, lean):
    width, height = 200, 200
    y = np.arange(height)[:, None]
    narrow = lean + (1 - lean) * y / height
    x = (np.arange(width)[None] - width / 2) / narrow + width / 2
    one = picture(number, (50, 50))
    floor = one[np.broadcast_to(y, (height, width)) % 200, x.astype(int) % 200]
    assert read(screen(floor)) == {number}


@given(number=NUMBERS, soft=st.booleans())
@settings(max_examples=10, deadline=None)
def test_textures_with_holes_are_read(number, soft):
    y, x = np.mgrid[:32, :32]
    disc = np.clip((14 - np.hypot(x - 16, y - 16)) * (20 if soft else 999), 0, 255)
    made = picture(number, alpha=disc.astype(np.uint8))
    assert read(screen(made)) == {number}
    corners = made[[0, 0, -1, -1], [0, -1, 0, -1], 3]
    assert not corners.any(), "what is not in the band keeps its holes"


def test_what_nobody_sees_stays_hidden():
    assert not picture(7, alpha=np.zeros((32, 32)))[..., 3].any()


def test_several_textures_are_named_by_their_share():
    large, small = picture(11, (64, 32)), picture(500, (32, 16))
    both = np.zeros((large.shape[0] + 20 + small.shape[0], large.shape[1], 4), np.uint8)
    both[: large.shape[0]] = large
    both[large.shape[0] + 20 :, : small.shape[1]] = small
    seen = read_screen(screen(both), BOOK)
    assert list(seen.shares) == [11, 500]
    assert seen.shares[11] == pytest.approx(large[..., 0].size / (SCREEN[0] * SCREEN[1]), rel=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_colour_bars_are_no_textures(seed):
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (240, 320, 4)).astype(np.uint8)
    bars = rng.integers(0, 2, (1, 320, 4)).astype(np.uint8).repeat(240, 0) * 255
    assert read_screen(noise, BOOK).shares == {}
    assert len(read_screen(bars, BOOK).shares) <= 2  # a thousandth of all rings, several hundred tries


def test_codes_that_are_too_small_are_counted_and_not_guessed():
    tiny = Image.fromarray(picture(42, (16, 16))).resize((9, 9), Image.Resampling.BILINEAR)
    seen = read_screen(screen(tiny), BOOK)
    assert seen.shares == {}
    assert 0 < seen.unread < 0.01


@pytest.mark.parametrize("count", [1, 2, 15, 1000, 20_000])
def test_no_two_codes_are_read_alike(count):
    book = CodeBook(count)
    keys, numbers = book._table
    same = keys[1:] == keys[:-1]  # of a ring that is its own mirror image
    assert (numbers[1:] == numbers[:-1])[same].all()
    assert book.rings.shape == (count, book.cells)
    assert (book.rings != np.roll(book.rings, 1, axis=1)).all()


def test_fewer_textures_have_shorter_codes_and_too_many_are_refused():
    assert CodeBook(15).cells < CodeBook(1000).cells < CodeBook(50_000).cells <= 21
    with pytest.raises(UsageError, match="cannot be told apart"):
        CodeBook(MOST_NUMBERS + 1)


def test_codes_are_the_same_in_every_version():
    assert "".join(map(str, CodeBook(15).rings[0])) == "310232102020"


def test_pictures_without_room_are_known():
    ring = BOOK.rings[0]
    assert has_room((16, 4), ring)
    assert not has_room((12, 8), ring)
    assert blank(np.full((2, 3, 4), 255, np.uint8), 4).shape == (8, 12, 4)
