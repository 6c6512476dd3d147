"""DDS: the header, BC7 back through Pillow, mip levels that keep colour, coverage and wrapping."""

from __future__ import annotations

import importlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import noise
from textures import fence, foliage, grain

from texpipe.errors import PackError
from texpipe.formats.dds import BC7_UNORM, RGBA8_UNORM, dds_bytes, encode_dds, mip_chain, read_dds_header
from texpipe.imaging.image_files import decode


def test_the_header_is_the_one_that_rt64_reads():
    data = encode_dds(mip_chain(noise((16, 8)), cutout=False))
    assert len(data) == 148 + 16 * (8 + 2 + 1 + 1 + 1)
    words = struct.unpack("<37I", data[:148])
    assert data[:4] == b"DDS "
    assert words[1:8] == (124, 0x81007 | 0x20000, 8, 16, 16 * 8, 0, 5)
    assert words[19:27] == (32, 4, int.from_bytes(b"DX10", "little"), 0, 0, 0, 0, 0)
    assert words[27:] == (0x401008, 0, 0, 0, 0, 98, 3, 0, 1, 0)


def test_bc7_comes_back_nearly_as_it_was():
    rgba = grain((64, 64), 1)
    back, stored, _ = decode(encode_dds(mip_chain(rgba, cutout=False)), name="x.dds")
    assert stored.mode == "RGBA"
    error = np.mean((back.astype(float) - rgba) ** 2)
    assert 10 * np.log10(255**2 / error) >= 40


def test_an_opaque_picture_is_opaque_when_it_is_read_back():
    for rgba in (grain((64, 64), 1), noise((64, 64), 2)):
        rgba[..., 3] = 255
        back, _, _ = decode(encode_dds(mip_chain(rgba, cutout=False)), name="x.dds")
        assert (back[..., 3] == 255).all()


@given(st.integers(1, 9), st.integers(1, 9))
def test_sides_that_fill_no_blocks_stay_exact(width, height):
    rgba = noise((width, height), width * 10 + height)
    data = encode_dds(mip_chain(rgba, cutout=False))
    header = read_dds_header(data)
    whole = width % 4 == 0 and height % 4 == 0
    assert header.size == (width, height)
    assert header.dxgi == (BC7_UNORM if whole else RGBA8_UNORM)
    assert header.levels == max(width, height).bit_length()
    assert dds_bytes((width, height)) == len(data)
    if not whole:
        assert np.array_equal(decode(data, name="x.dds")[0], rgba)


@given(st.integers(1, 33), st.integers(1, 33))
def test_the_last_level_is_the_mean(width, height):
    rgba = noise((width, height), 7)
    levels = mip_chain(rgba, cutout=False)
    assert [level.shape[:2] for level in levels[1:]] == [
        (max(1, height >> n), max(1, width >> n)) for n in range(1, len(levels))
    ]
    assert levels[-1].shape == (1, 1, 4)
    assert np.abs(levels[-1][0, 0] - rgba.reshape(-1, 4).mean(axis=0)).max() <= 0.51


def test_hidden_colour_does_not_leak_into_smaller_levels():
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:, :4] = (200, 100, 50, 255)
    rgba[:, 4:, 1] = 255
    for level in mip_chain(rgba, cutout=False)[1:3]:
        assert (level[level[..., 3] > 0][:, :3] == (200, 100, 50)).all()


def coverage(levels):
    return np.array([(level[..., 3] >= 128).mean() for level in levels])


def test_a_cut_out_does_not_thin_out():
    rgba = foliage((64, 64))
    share = coverage([rgba])
    kept, plain = (coverage(mip_chain(rgba, cutout=cutout)[:5]) for cutout in (True, False))
    assert np.abs(kept - share).max() <= 0.05
    assert np.abs(kept - share).max() < np.abs(plain - share).max()


def test_a_thin_fence_neither_vanishes_nor_becomes_a_wall():
    kept = coverage(mip_chain(fence((64, 64)), cutout=True)[:5])
    assert (kept[[1, 3]] > 0.5 * kept[0]).all()
    assert (kept <= 2 * kept[0]).all()


def test_rolled_in_is_rolled_out():
    rgba = grain((32, 32), 4)
    rolled = mip_chain(np.roll(rgba, (8, 16), (0, 1)), cutout=False)
    for n, level in enumerate(mip_chain(rgba, cutout=False)[:4]):
        assert np.array_equal(np.roll(level, (8 >> n, 16 >> n), (0, 1)), rolled[n])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: data[:100], "not a DDS file"),
        (lambda data: b"JPG " + data[4:], "DX10"),
        (lambda data: data[:-1], "bytes instead of"),
        (lambda data: data[:128] + struct.pack("<I", 99) + data[132:], "DXGI format 99"),
        (lambda data: data[:16] + struct.pack("<I", 1 << 30) + data[20:], "claims"),
    ],
)
def test_damaged_headers_say_what_is_wrong(spoil, reason):
    with pytest.raises(ValueError, match=reason):
        read_dds_header(spoil(encode_dds(mip_chain(noise((8, 8)), cutout=False))))


def test_without_the_compressor_the_error_says_what_to_install(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(PackError, match="etcpak") as caught:
        encode_dds(mip_chain(noise((8, 8)), cutout=False))
    assert "images: png" in str(caught.value.hint)
    assert len(encode_dds(mip_chain(noise((7, 8)), cutout=False))) > 148
