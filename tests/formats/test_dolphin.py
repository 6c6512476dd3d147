"""Dolphin: names, folders, sizes and mip levels."""

from __future__ import annotations

import struct
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import finished, in_manifest, noise

from texpipe.formats import dolphin, parse_name
from texpipe.formats.contract import UnwritableError
from texpipe.imaging.image_files import decode, save_png
from texpipe.packs.pack import configured, plan_pack, write_pack
from texpipe.packs.verify import verify_pack
from texpipe.read.scan import scan
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


def dumped(folder, names, mipmaps=None):
    """Write a pack of a dump with these names; return their paths in it and why others were left out."""
    for number, name in enumerate(names):
        size = max(1, 8 >> level_of(name)), max(1, 4 >> level_of(name))
        save_png(folder / "Textures" / "GZLE01" / name, noise(size, number))
    made = [
        finished(one, noise((max(4, 32 >> level_of(one.name)), max(4, 16 >> level_of(one.name))), place), 4)
        for place, one in enumerate(scan(folder / "Textures" / "GZLE01").sources)
    ]
    pack = write_pack(Target(name="dolphin", mipmaps=mipmaps), made, folder / "out")
    in_manifest(folder / "out", {"dolphin": pack}, made)
    assert verify_pack(folder / "out").problems == ()
    return {name: [one.path for one in outputs] for name, outputs in pack.outputs.items()}, pack.left_out


def level_of(name):
    return int(dict(parse_name(name).fields).get("level", 0))


BASE = "tex1_8x4_m_491f13c5ccb0e7e8_5"


def test_without_the_option_levels_of_the_dump_are_textures_like_others(tmp_path):
    paths, left_out = dumped(tmp_path, [f"{BASE}.png", f"{BASE}_mip1.png"])
    assert paths[f"{BASE}_mip1.png"] == [f"dolphin/GZLE01/{BASE}_mip1.png"]
    assert not left_out


def test_a_level_without_the_larger_ones_is_left_out(tmp_path):
    paths, left_out = dumped(
        tmp_path, [f"{BASE}.png", f"{BASE}_mip2.png", "hud/" + BASE.replace("_5", "_6_mip1.png")]
    )
    assert list(paths) == [f"{BASE}.png"]
    assert "level 1 is not beside it" in left_out[f"{BASE}_mip2.png"]
    assert "level 0 is not beside it" in left_out["hud/" + BASE.replace("_5", "_6_mip1.png")]


@pytest.mark.parametrize("mipmaps", [None, True])
def test_levels_that_are_pictures_of_their_own_stay_files_of_their_own(tmp_path, mipmaps):
    names = [f"{BASE}_arb.png", f"{BASE}_arb_mip1.png", f"{BASE}_mip2_arb.png"]
    paths, left_out = dumped(tmp_path, names, mipmaps)
    assert not left_out
    assert [paths[name] for name in names] == [
        [f"dolphin/GZLE01/{BASE}_arb.png"],
        [f"dolphin/GZLE01/{BASE}_arb_mip1.png"],
        [f"dolphin/GZLE01/{BASE}_arb_mip2.png"],
    ]


def test_the_folders_that_a_dump_is_sorted_into_stay(tmp_path):
    names = [f"characters/link/{BASE}.png", "hud/" + BASE.replace("_5", "_6.png")]
    paths, left_out = dumped(tmp_path, names)
    assert not left_out
    assert [paths[name] for name in names] == [[f"dolphin/GZLE01/{name}"] for name in names]
    for root in ("Textures", "."):
        for one in scan(tmp_path / root, exclude=tmp_path / "out").sources:
            assert str(dolphin.output_path(one)) in {f"GZLE01/{name}" for name in names}


def test_one_texture_in_two_folders_or_with_and_without_arb_is_written_once(tmp_path):
    paths, left_out = dumped(tmp_path, [f"a/{BASE}.png", f"b/{BASE}.png", f"c/{BASE}_arb.png"])
    assert list(paths) == [f"a/{BASE}.png"]
    assert set(left_out.values()) == {f"dolphin cannot tell it from a/{BASE}.png"}


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ([f"{BASE}_mip1.png"], "mip level 0 is missing"),
        ([f"{BASE}.png", f"x/{BASE}_mip1.png", f"{BASE}_mip3.png"], "mip level 2 is missing"),
        ([f"{BASE}.png", f"x/{BASE}.png"], "is there twice"),
        ([f"{BASE}.png", f"{BASE}_arb.png"], "is there twice"),
    ],
)
def test_packs_whose_levels_the_emulator_does_not_find_are_named(names, line):
    (found,) = dolphin.check(Path(), [PurePosixPath("GZLE01", name) for name in names])
    assert line in found


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


def levels_as_loaded(data):
    """Return the sizes of the mip levels that Dolphin's loader of DDS finds, and how many bytes it leaves."""
    words = struct.unpack("<37I", data[:148])
    flags, height, width = words[2:5]
    assert words[0] == int.from_bytes(b"DDS ", "little")
    assert flags & 0x1007 == 0x1007, "caps, height, width and pixel format are said to be there"
    assert not flags & 0x800000, "no volume"
    assert not (flags & 0x8 and flags & 0x80000), "without a pitch the rows follow each other"
    assert words[20] & 4
    assert words[21] == int.from_bytes(b"DX10", "little")
    assert (words[32], words[35]) == (98, 1), "BC7, one picture"
    assert width % 4 == height % 4 == 0
    found, place = [], 148
    for number in range(words[7] if flags & 0x20000 else 1):
        size = max(1, width >> number), max(1, height >> number)
        place += -(-size[0] // 4) * -(-size[1] // 4) * 16
        found.append(size)
    return found, len(data) - place


def test_dds_has_the_levels_inside_where_the_game_has_some(tmp_path):
    names = [
        "tex1_8x4_m_491f13c5ccb0e7e8_5.png",
        "tex1_8x4_591f13c5ccb0e7e8_5.png",
        "tex1_8x4_m_691f13c5ccb0e7e8_5_arb.png",
        "tex1_3x4_791f13c5ccb0e7e8_5.png",
    ]
    sides = [(16, 8), (16, 8), (16, 8), (6, 8)]
    made = [
        finished(source(name), noise(size, number), 2)
        for number, (name, size) in enumerate(zip(names, sides, strict=True))
    ]
    target = Target(name="dolphin", game="GZLE01", images="dds")
    pack = write_pack(target, made, tmp_path)
    files = {path.name: path.read_bytes() for path in (tmp_path / "dolphin" / "GZLE01").iterdir()}
    whole, plain = (name.replace(".png", ".dds") for name in names[:2])
    assert files.keys() == {whole, plain, *names[2:]}, "no whole blocks, own pictures: PNG"
    assert levels_as_loaded(files[whole]) == ([(16, 8), (8, 4), (4, 2), (2, 1), (1, 1)], 0)
    assert levels_as_loaded(files[plain]) == ([(16, 8)], 0)
    layout = configured(target)
    for picture in made[:2]:
        assert layout.size(picture) == len(files[picture.source.name.replace(".png", ".dds")])
    assert [layout.size(picture) for picture in made[2:]] == [None, None]
    in_manifest(tmp_path, {"dolphin": pack}, made)
    assert not verify_pack(tmp_path).problems
    planned = plan_pack(target, made)
    assert {name: [one.path for one in outputs] for name, outputs in planned.outputs.items()} == {
        name: [one.path for one in outputs] for name, outputs in pack.outputs.items()
    }


def test_levels_of_the_dump_are_left_out_of_dds(tmp_path):
    name = "tex1_8x4_m_491f13c5ccb0e7e8_5.png"
    dump = tmp_path / "Dump" / "Textures" / "GZLE01"
    for number, title in enumerate([name, name.replace(".png", "_mip1.png")]):
        save_png(dump / title, noise((8 >> number, 4 >> number)))
    made = [finished(one, noise((32, 16)), 4) for one in scan(tmp_path).sources]
    pack = write_pack(Target(name="dolphin", images="dds"), made, tmp_path / "out")
    assert len(pack.outputs) == 1
    assert next(iter(pack.left_out.values())) == "is a mip level, which texpipe makes from the largest level"


def test_a_dds_that_the_loader_refuses_is_named():
    path = PurePosixPath("GZLE01", "tex1_3x4_791f13c5ccb0e7e8_5.dds")
    assert dolphin.problems(path, (3, 4), (6, 8), 2) == ["6 x 8 is no multiple of 4, as DDS must be"]
