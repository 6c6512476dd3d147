"""PS1 .TIM pictures: every depth, palettes both ways, several in a file, wrong sizes and files that mean harm."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import noise
from tim_files import direct, indexed, palette, section

from texpipe.analysis.survey import survey
from texpipe.imaging.texel_codecs import SEMI_ALPHA
from texpipe.imaging.texel_formats import quantise
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.read.tim import decode_tim, find_tims
from texpipe.recipe.schema import Recipe


def shown(colours):
    rgb = np.stack([(colours >> shift & 31) * 255 / 31 for shift in (0, 5, 10)], axis=-1)
    return np.dstack([np.rint(rgb), np.full(colours.shape, 255)]).astype(np.uint8)


@pytest.mark.parametrize("wrong", [0, 2, -2, 1 << 30])
@pytest.mark.parametrize(("mode", "count"), [(0, 16), (1, 256)])
def test_every_palette_is_a_picture(tmp_path, mode, count, wrong):
    indices = np.random.default_rng(1).integers(0, count, (6, 8))
    colours = [palette(seed, count) for seed in range(3)]
    (tmp_path / "a.tim").write_bytes(indexed(indices, colours, mode, wrong=wrong))
    sources = scan(tmp_path).sources
    assert [source.name for source in sources] == ["a.tim/clut00", "a.tim/clut01", "a.tim/clut02"]
    assert sources[1].emulator.as_json()["texels"] == f"psx{4 << mode}"
    for source, own in zip(sources, colours, strict=True):
        assert np.array_equal(decode(source).rgba, shown(own[indices]))


def test_palettes_may_lie_side_by_side():
    indices = np.random.default_rng(2).integers(0, 16, (4, 8))
    colours = [palette(seed, 16) for seed in range(4)]
    data = indexed(indices, colours, 0, width=32)
    (tim,) = find_tims(data)
    assert len(tim.palettes) == 4
    for number, own in enumerate(colours):
        assert np.array_equal(decode_tim(data, tim, number, "opaque"), shown(own[indices]))


def test_a_short_palette_is_one_palette():
    data = indexed(np.zeros((2, 8), int), [palette(1, 5)], 0)
    (tim,) = find_tims(data)
    assert len(tim.palettes) == 1


def test_direct_colour_and_what_bit_15_means(tmp_path):
    rgba = quantise(noise((6, 4), 3), "psx16")
    rgba[0, 0], rgba[1, 1] = (0, 0, 0, 0), (41, 82, 123, SEMI_ALPHA)
    rgba = quantise(rgba, "psx16")
    (tmp_path / "x.tim").write_bytes(direct(rgba))
    default = Recipe.default()
    (opaque,) = survey(tmp_path, default).items
    (semi,) = survey(tmp_path, default.model_copy(update={"stp": "semi"})).items
    assert opaque.source.name == "x.tim"
    assert np.array_equal(decode(semi.source).rgba, rgba)
    assert (opaque.plan.alpha, semi.plan.alpha) == ("binary", "ternary")
    assert decode(opaque.source).rgba[1, 1, 3] == 255


@pytest.mark.parametrize("width", [2, 3, 4, 5])
def test_true_colour_rows_are_filled_up(width):
    rgb = np.random.default_rng(4).integers(0, 256, (3, width, 3)).astype(np.uint8)
    units = -(-width * 3 // 2)
    rows = np.zeros((3, units * 2), np.uint8)
    rows[:, : width * 3] = rgb.reshape(3, -1)
    data = struct.pack("<II", 0x10, 3) + section(rows.tobytes(), units, 3)
    (tim,) = find_tims(data)
    assert tim.texels is None
    assert np.array_equal(decode_tim(data, tim, 0, "opaque")[:, :width, :3], rgb)


def test_several_pictures_in_a_file(tmp_path):
    one, two = quantise(noise((4, 4), 1), "psx16"), quantise(noise((2, 3), 2), "psx16")
    many = indexed(np.zeros((2, 8), int), [palette(1, 16), palette(2, 16)], 0)
    first = direct(one)
    (tmp_path / "pack.TIM").write_bytes(
        first + bytes(-len(first) % 2048) + direct(two) + b"junk" + many + b"\x10"
    )
    sources = scan(tmp_path).sources
    assert [source.name for source in sources] == [
        "pack.TIM/tim00",
        "pack.TIM/tim01",
        "pack.TIM/tim02-clut00",
        "pack.TIM/tim02-clut01",
    ]
    assert np.array_equal(decode(sources[0]).rgba, one)
    assert np.array_equal(decode(sources[1]).rgba, two)


HEAD = struct.pack("<II", 0x10, 2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not a TIM picture"),
        (b"PNG!" * 10, "is not a TIM picture"),
        (struct.pack("<II", 0x10, 4) + section(bytes(8), 2, 2), "cannot be decoded"),
        (HEAD + section(b"", 0xFFFF, 0xFFFF), "claims pixels of 65535 x 65535"),
        (HEAD + section(b"", 0, 4), "has no pixels"),
        (HEAD, "is truncated"),
        (struct.pack("<II", 0x10, 0) + section(bytes(8), 2, 2), "has no palette"),
        (struct.pack("<II", 0x10, 8) + section(bytes(2), 0xFFFF, 0xFFFF), "claims palette of 65535"),
    ],
)
def test_damaged_files_say_what_is_wrong(tmp_path, data, reason):
    (tmp_path / "x.tim").write_bytes(data)
    ((_, found),) = scan(tmp_path).unusable
    assert reason in found


def test_a_file_full_of_beginnings_is_searched_quickly():
    start = time.monotonic()
    assert len(find_tims(direct(quantise(noise((2, 2)), "psx16")) + b"\x10\0\0\0" * 100_000)) == 1
    assert time.monotonic() - start < 5


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data):
    try:
        tims = find_tims(b"\x10\0\0\0" + data)
    except ValueError:
        return
    for tim in tims:
        picture = decode_tim(b"\x10\0\0\0" + data, tim, 0, "semi")
        assert picture.shape == (tim.size[1], tim.size[0], 4)


def test_one_file_can_be_the_input(tmp_path: Path):
    (tmp_path / "x.tim").write_bytes(direct(quantise(noise((4, 4)), "psx16")))
    assert [source.name for source in scan(tmp_path / "x.tim").sources] == ["x.tim"]
