"""Texel formats: the laws of encode, decode, quantise and fits, and the values that consoles show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from texpipe.imaging.texel_codecs import expand5, reduce5
from texpipe.imaging.texel_formats import decode, encode, fits, quantise

FORMATS = ["rgba16", "rgba32", "ci4", "ci8", "ia4", "ia8", "ia16", "i4", "i8", "psx4", "psx8", "psx16"]
DIRECT = ["rgba16", "rgba32", "ia4", "ia8", "ia16", "i4", "i8"]
formats = st.sampled_from(FORMATS)
# Alphas in use are drawn often: whatever is special about them must show.
levels = st.sampled_from([0, 127, 128, 143, 255]) | st.integers(0, 255)
# At most 12 pixels, so that every picture has few enough colours for a 16-entry palette.
pictures = st.tuples(st.integers(1, 4), st.integers(1, 3)).flatmap(
    lambda size: arrays(np.uint8, (*size, 4), elements=levels, fill=st.nothing())
)


def size(rgba):
    return rgba.shape[1], rgba.shape[0]


def pixel(*channels):
    return np.array([[channels]], np.uint8)


@given(pictures, formats)
def test_quantise_twice_is_quantise_once(rgba, texels):
    once = quantise(rgba, texels)
    assert np.array_equal(quantise(once, texels), once)


@given(pictures, formats)
def test_what_was_quantised_fits(rgba, texels):
    assert fits(quantise(rgba, texels), texels)


@given(pictures, formats)
def test_what_fits_survives_encode_and_decode_where_visible(rgba, texels):
    rgba = quantise(rgba, texels)
    stored = encode(rgba, texels)
    half = texels.startswith("psx") and bool((rgba[..., 3] == 128).any())
    back = decode(stored.data, size(rgba), texels, stored.palette, stp="semi" if half else "opaque")
    assert np.array_equal(back, rgba)


@given(pictures, st.sampled_from(DIRECT))
def test_quantise_moves_no_visible_channel_by_more_than_half_a_step(rgba, texels):
    rgba[..., :3] = rgba[..., :1]  # grey, which all formats can hold
    if texels in ("i4", "i8"):
        rgba[..., 3] = rgba[..., 0]
    step = {"rgba16": 255 / 31, "rgba32": 1, "ia4": 37, "ia8": 17, "ia16": 1, "i4": 17, "i8": 1}[texels]
    moved = np.abs(quantise(rgba, texels)[..., :3].astype(int) - rgba[..., :3])
    assert moved.max() <= step / 2 + 0.5


@given(
    st.binary(min_size=24, max_size=24),
    st.sampled_from(["rgba16", "ia16", "ia8", "ia4", "i8", "i4", "rgba32"]),
)
def test_every_bit_pattern_survives_decode_and_encode(data, texels):
    width, height = {"4": (16, 3), "8": (8, 3), "16": (4, 3), "32": (2, 3)}[texels.lstrip("rgbai")]
    assert encode(decode(data, (width, height), texels), texels).data == data


@given(st.binary(min_size=24, max_size=24))
def test_every_psx_pattern_survives_when_its_stp_bit_is_kept(data):
    codes = np.frombuffer(data, "<u2").reshape(3, 4)
    rgba = decode(data, (4, 3), "psx16", stp="semi")
    again = np.frombuffer(encode(rgba, "psx16").data, "<u2").reshape(3, 4)
    assert np.array_equal(again, codes)


def test_five_bits_expand_as_gliden64_dumps_them():
    assert expand5(np.arange(32)).tolist() == [
        *(0, 8, 16, 25, 33, 41, 49, 58, 66, 74, 82, 90, 99, 107, 115, 123),
        *(132, 140, 148, 156, 165, 173, 181, 189, 197, 206, 214, 222, 230, 239, 247, 255),
    ]  # fmt: skip


def test_every_way_to_expand_five_bits_reduces_to_the_same_level():
    level = np.arange(32)
    for expanded in (expand5(level), level << 3 | level >> 2, level * 255 // 31):
        assert np.array_equal(reduce5(expanded), level)


@pytest.mark.parametrize(
    ("texels", "data", "expected"),
    [
        ("rgba16", b"\xff\xff", (255, 255, 255, 255)),
        ("rgba16", b"\x18\xc6", (25, 25, 25, 0)),  # level 3 is 25, not the 24 of bit replication
        ("rgba16", b"\xf8\x01", (255, 0, 0, 255)),  # red on top: big-endian
        ("rgba16", b"\x00\x3f", (0, 0, 255, 255)),
        ("rgba32", b"\x01\x02\x03\x04", (1, 2, 3, 4)),
        ("ia16", b"\x40\x80", (64, 64, 64, 128)),
        ("ia8", b"\xa3", (170, 170, 170, 51)),
        ("ia4", b"\x70", (109, 109, 109, 255)),  # intensity 3 of 7, alpha 1: (3 << 5) + (3 << 2) + (3 >> 1)
        ("ia4", b"\xc0", (219, 219, 219, 0)),
        ("i8", b"\x63", (99, 99, 99, 99)),
        ("i4", b"\x90", (153, 153, 153, 153)),  # high nibble first
        ("psx16", b"\x00\x00", (0, 0, 0, 0)),
        ("psx16", b"\x1f\x00", (255, 0, 0, 255)),  # red at the bottom: little-endian
        ("psx16", b"\x00\x7c", (0, 0, 255, 255)),
        ("psx16", b"\x00\x80", (0, 0, 0, 255)),  # 0x8000 is the opaque black
    ],
)
def test_texels_of_each_format(texels, data, expected):
    rgba = decode(data, (1, 1), texels)
    assert tuple(rgba[0, 0]) == expected
    assert encode(rgba, texels).data == data


def test_stp_makes_a_texel_semi_transparent_where_the_game_draws_it_so():
    assert tuple(decode(b"\x1f\x80", (1, 1), "psx16", stp="semi")[0, 0]) == (255, 0, 0, 128)
    assert tuple(decode(b"\x1f\x80", (1, 1), "psx16", stp="opaque")[0, 0]) == (255, 0, 0, 255)


def test_black_beside_semi_transparent_texels_becomes_the_darkest_that_is_opaque():
    rgba = np.array([[(0, 0, 0, 255), (255, 0, 0, 128), (9, 9, 9, 0)]], np.uint8)
    assert np.frombuffer(encode(rgba, "psx16").data, "<u2").tolist() == [0x0421, 0x801F, 0x0000]
    assert not fits(rgba, "psx16")


def test_nibble_order_differs_between_the_consoles():
    palette16 = b"".join((i << 11 | 1).to_bytes(2, "big") for i in range(16))
    palette_psx = b"".join((i | 0x8000).to_bytes(2, "little") for i in range(16))
    assert decode(b"\x12", (2, 1), "ci4", palette16)[0, :, 0].tolist() == expand5(np.array([1, 2])).tolist()
    assert (
        decode(b"\x12", (2, 1), "psx4", palette_psx)[0, :, 0].tolist() == expand5(np.array([2, 1])).tolist()
    )


def test_rows_of_an_odd_number_of_nibbles_end_on_a_byte():
    rgba = np.full((2, 3, 4), 17, np.uint8)
    assert encode(rgba, "i4").data == b"\x11\x10\x11\x10"
    assert np.array_equal(decode(b"\x11\x1f\x11\x1f", (3, 2), "i4"), rgba)


@settings(max_examples=30)
@given(st.permutations(range(16)), st.integers(1, 8))
def test_a_given_palette_is_used_in_its_own_order(order, width):
    palette = b"".join((level << 11 | 1).to_bytes(2, "big") for level in order)
    rgba = np.zeros((1, width, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = expand5(np.arange(width)), 255
    stored = encode(rgba, "ci4", palette)
    nibbles = [n for byte in stored.data for n in (byte >> 4, byte & 15)][:width]
    assert nibbles == [order.index(level) for level in range(width)]
    assert np.array_equal(decode(stored.data, (width, 1), "ci4", palette), rgba)


def colours(count):
    rgba = np.zeros((1, count, 4), np.uint8)
    rgba[0, :, 0], rgba[0, :, 1] = expand5(np.arange(count) % 32), expand5(np.arange(count) // 32)
    rgba[..., 3] = 255
    return rgba


@pytest.mark.parametrize(("texels", "limit"), [("ci4", 16), ("psx4", 16), ("ci8", 256), ("psx8", 256)])
def test_a_palette_has_room_for_its_entries_and_not_one_more(texels, limit):
    assert fits(colours(limit), texels)
    assert not fits(colours(limit + 1), texels)
    with pytest.raises(ValueError, match=f"{limit + 1} colours do not fit"):
        encode(colours(limit + 1), texels)


def test_all_hidden_colours_together_take_one_palette_entry():
    rgba = colours(40)
    rgba[0, 15:, 3] = 0
    assert fits(rgba, "ci4")
    stored = encode(rgba, "ci4")
    back = decode(stored.data, size(rgba), "ci4", stored.palette)
    assert np.array_equal(back[:, :15], rgba[:, :15])
    assert not back[:, 15:, 3].any()
    rgba[0, 15, 3] = 255
    assert not fits(rgba, "ci4")


@pytest.mark.parametrize("value", [24, 25])
def test_both_expansions_of_a_level_fit(value):
    assert fits(pixel(value, value, value, 255), "rgba16")
    assert fits(pixel(value, value, value, 255), "psx16")


def test_a_value_between_levels_does_not_fit():
    assert not fits(pixel(26, 25, 25, 255), "rgba16")
    assert not fits(pixel(25, 25, 25, 254), "rgba16")
    assert not fits(pixel(18, 18, 18, 18), "i4")


def test_intensity_formats_need_alpha_to_be_the_intensity():
    assert fits(pixel(51, 51, 51, 51), "i4")
    assert not fits(pixel(51, 51, 51, 255), "i4")
    assert not fits(pixel(51, 51, 51, 0), "i8")  # would become visible
    assert not fits(pixel(51, 52, 51, 51), "i8")


@pytest.mark.parametrize("alpha", [127, 128, 143])
def test_half_alphas_of_the_psx_emulators_fit(alpha):
    assert fits(pixel(255, 0, 0, alpha), "psx16")
    assert not fits(pixel(255, 0, 0, alpha + 1 if alpha != 127 else 126), "psx16")


def test_hidden_colour_does_not_count():
    assert fits(pixel(1, 2, 3, 0), "rgba16")
    assert fits(pixel(1, 2, 3, 0), "psx16")


def test_what_cannot_be_done_is_said():
    with pytest.raises(ValueError, match="yuv16"):
        quantise(pixel(0, 0, 0, 0), "yuv16")
    with pytest.raises(ValueError, match="needs its palette"):
        decode(b"\0", (1, 1), "ci8")
    with pytest.raises(ValueError, match="need 8 bytes, not 7"):
        decode(b"\0" * 7, (2, 2), "rgba16")
