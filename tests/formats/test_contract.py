"""What all pack formats share, and the two simple ones: plain folders and decompilation names."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from texpipe.formats import TARGETS, folder, parse_name
from texpipe.texture import Source


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_is_called_what_its_module_is_called(name):
    layout = TARGETS[name]
    assert name == layout.name
    assert layout.copy_to.strip()


DUMPED = {
    "gliden64": "forest/GAME#01234567#2#1#0000C840_ciByRGBA.png",
    "folder": "forest/wood.png",
    "duckstation": "SLUS-00067/dumps/texpage-P4-A11813EA8B413CE2-E9C11EE79B72F5C0-64x256-128-32-32x16-P0-15.png",
    "soh": "assets/objects/gameplay_keep/gXyzTex.rgba16.png",
    "dolphin": "Textures/GZLE01/tex1_32x16_491f13c5ccb0e7e8_5.png",
    "ppsspp": "ULUS10041/new/0894abcd0000000012345678.png",
    "rice": "forest/GAME#01234567#2#1#0000C840_ciByRGBA.png",
    "rt64": "dump/0011450ae04df1f6.v5.tmem",
    "beetle-psx": "Game (USA)-texture-dump/514851fc-98906414.png",
}
"""A name that each target can hold, for a texture of 32 x 16."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_a_format_writes_has_no_problems_by_its_own_rules(name):
    source = Source(DUMPED[name], Path(DUMPED[name]), parse_name(DUMPED[name]))
    layout = TARGETS[name]
    assert layout.problems(layout.output_path(source), (32, 16), (128, 64), 4) == []
    assert layout.problems(layout.output_path(source), (32, 16), (128, 65), 4) != []


@pytest.mark.parametrize(
    ("name", "scheme", "texels"),
    [
        ("a/GAME#01234567#2#1_all.png", "gliden64", "ci8"),
        ("assets/objects/gLinkHairTex.ci8.tlut_gLinkTLUT_u64.u64.png", "decomp", "ci8"),
        ("gWoodTex.rgba16.png", "decomp", "rgba16"),
    ],
)
def test_names_are_read_by_the_grammar_that_fits(name, scheme, texels):
    parsed = parse_name(name)
    assert parsed is not None
    assert (parsed.scheme, parsed.texels) == (scheme, texels)


def test_decomp_fields():
    parsed = parse_name("gLinkHairTex.ci8.tlut_gLinkTLUT_u64.u64.png")
    assert parsed is not None
    assert dict(parsed.fields) == {"symbol": "gLinkHairTex", "tlut": "gLinkTLUT"}


@pytest.mark.parametrize("name", ["wood.png", "wood.rgba8.png", "a/b.c.png", "GAME#1#2#1_all.png"])
def test_other_names_mean_nothing(name):
    assert parse_name(name) is None


def test_a_plain_folder_keeps_the_tree_and_writes_png():
    source = Source("a/b.wood.tga", Path("x"))
    assert folder.output_path(source) == PurePosixPath("a/b.wood.png")
    assert folder.FORMAT.key_of(source) == folder.FORMAT.key_of(Source("a/b.wood.png", Path("x")))
    assert folder.problems(PurePosixPath("a.tga"), (1, 1), (4, 4), 4) == ["a.tga does not end in .png"]
