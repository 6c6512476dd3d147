"""Dolphin: names, folders, sizes and mip levels."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import finished, in_manifest, noise

from texpipe.formats import dolphin, parse_name
from texpipe.formats.contract import UnwritableError
from texpipe.imaging.image_files import decode
from texpipe.packs.pack import write_pack
from texpipe.packs.verify import verify_pack
from texpipe.recipe.targets import Target
from texpipe.texture import Source

REAL = ["tex1_32x16_491f13c5ccb0e7e8_5.png", "tex1_48x40_3ed18db81b5c1b3a_5d9822cfe023a9d0_9.png"]


def source(name, folder="Dump/Textures/GZLE01"):
    return Source(name, Path("/anywhere") / folder / name, parse_name(name))


@pytest.mark.parametrize(
    "name",
    [
        *REAL,
        "tex1_64x64_m_491f13c5ccb0e7e8_14.png",
        "tex1_64x64_m_491f13c5ccb0e7e8_14_mip2.png",
        "tex1_64x64_m_491f13c5ccb0e7e8_14_arb.png",
        "tex1_64x64_m_491f13c5ccb0e7e8_14_arb_mip1.png",
        "tex1_64x64_$_5d9822cfe023a9d0_9.png",
        "tex1_64x64_491f13c5ccb0e7e8_$_9.png",
    ],
)
def test_real_names_are_read_and_written_unchanged(name):
    parsed = parse_name(f"x/{name}")
    assert parsed is not None
    assert parsed.scheme == "dolphin"
    assert dolphin.format_name(parsed) == name


@pytest.mark.parametrize(
    "name",
    [
        "tex1_32x16_491F13C5CCB0E7E8_5.png",
        "tex1_32x16_491f13c5ccb0e7e_5.png",
        "tex1_0x16_491f13c5ccb0e7e8_5.png",
        "tex1_32x16_$_5.png",
        "tex1_32x16_$_$_5.png",
        "tex2_32x16_491f13c5ccb0e7e8_5.png",
        "tex1_32x16_491f13c5ccb0e7e8.png",
    ],
)
def test_other_names_are_not_dolphins(name):
    assert parse_name(name) is None


hashes = st.integers(0, 2**64 - 1).map("{:016x}".format)


@given(
    st.integers(1, 1024), st.integers(1, 1024), st.booleans(), hashes, st.none() | hashes, st.integers(0, 14)
)
def test_every_legal_name_survives_parse_and_format(width, height, mips, texels, palette, form):
    name = f"tex1_{width}x{height}{'_m' * mips}_{texels}{f'_{palette}' if palette else ''}_{form}.png"
    parsed = dolphin.parse(name)
    assert parsed is not None
    assert dolphin.format_name(parsed) == name


def test_the_game_is_the_dumps_folder_or_the_recipes():
    assert str(dolphin.output_path(source(REAL[0]))) == f"GZLE01/{REAL[0]}"
    with pytest.raises(UnwritableError, match="GZLE01"):
        dolphin.output_path(source(REAL[0], "somewhere"))


def test_mip_levels_are_files_of_their_own(tmp_path):
    name = "tex1_8x4_m_491f13c5ccb0e7e8_5.png"
    made = [
        finished(source(name), noise((32, 16)), 4),
        finished(source("tex1_8x4_m_491f13c5ccb0e7e8_5_mip1.png"), noise((16, 8)), 4),
        finished(source("tex1_8x4_491f13c5ccb0e7e8_6.png"), noise((32, 16), 3), 4),
    ]
    pack = write_pack(Target(name="dolphin", mipmaps=True), made, tmp_path)
    sizes = [one.size for one in pack.outputs[name]]
    assert sizes == [(32, 16), (16, 8), (8, 4), (4, 2), (2, 1), (1, 1)]
    assert "from the largest level" in pack.left_out["tex1_8x4_m_491f13c5ccb0e7e8_5_mip1.png"]
    assert len(pack.outputs["tex1_8x4_491f13c5ccb0e7e8_6.png"]) == 1
    second = decode((tmp_path / pack.outputs[name][1].path).read_bytes(), name="x")[0]
    mean = noise((32, 16)).reshape(8, 2, 16, 2, 4).mean(axis=(1, 3))
    assert np.abs(second - mean).max() <= 0.51
    in_manifest(tmp_path, {"dolphin": pack}, made)
    assert verify_pack(tmp_path).problems == ()


def test_without_the_option_levels_of_the_dump_are_textures_like_others(tmp_path):
    made = [finished(source("tex1_8x4_m_491f13c5ccb0e7e8_5_mip1.png"), noise((16, 8)), 4)]
    pack = write_pack(Target(name="dolphin"), made, tmp_path)
    assert not pack.left_out
    in_manifest(tmp_path, {"dolphin": pack}, made)
    assert verify_pack(tmp_path).problems == ()


@pytest.mark.parametrize(
    ("path", "sizes", "line"),
    [
        ("GZLE01/x.png", ((32, 16), (128, 64)), "not a name"),
        (REAL[0], ((32, 16), (128, 64)), "folder named after a game"),
        (f"GZLE01/{REAL[0]}", ((16, 16), (64, 64)), "the name says 32 x 16"),
        (f"GZLE01/{REAL[0]}", ((32, 16), (128, 65)), "not 4 times"),
    ],
)
def test_rules(path, sizes, line):
    assert line in "\n".join(dolphin.problems(PurePosixPath(path), *sizes, 4))
