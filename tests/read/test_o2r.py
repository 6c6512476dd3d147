"""Indexed textures in .o2r archives: their palettes are found by name, or the reason says what is missing."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from o2r_files import NUMBERS, write_archive
from packs import finished, noise

from texpipe.errors import SourceError
from texpipe.formats.archive import ZipReader
from texpipe.formats.otex import read_otex
from texpipe.imaging.texel_codecs import expand5
from texpipe.packs.pack import write_pack
from texpipe.read.decode import decode
from texpipe.read.o2r import palettes_of
from texpipe.read.scan import scan
from texpipe.recipe.targets import Target

FOLDER = "objects/object_fish"
OWNER = f"{FOLDER}/gFishingOwnerTLUT"


def resource(texels: str, size: tuple[int, int], data: bytes) -> bytes:
    header = struct.pack("<BBHIIQ", 0, 0, 0, 0x4F544558, 0, 0xDEADBEEFDEADBEEF).ljust(64, b"\0")
    return header + struct.pack("<IIII", NUMBERS[texels], *size, len(data)) + data


def palette(count: int, seed: int = 1) -> tuple[bytes, np.ndarray]:
    """A palette resource of opaque colours, and what it looks like."""
    codes = np.random.default_rng(seed).integers(0, 1 << 15, count) << 1 | 1
    rgb = np.stack([expand5(codes >> shift & 31) for shift in (11, 6, 1)], axis=-1)
    shown = np.dstack([rgb[None], np.full((1, count), 255)])[0].astype(np.uint8)
    return resource("rgba16", (16, count // 16), codes.astype(">u2").tobytes()), shown


@pytest.mark.parametrize(
    ("name", "palettes", "found"),
    [
        ("gFishingOwnerHatTex", ["gFishingOwnerTLUT", "gFishTLUT"], "gFishingOwnerTLUT"),
        ("gFishTailTex", ["gFishingOwnerTLUT", "gFishTLUT"], "gFishTLUT"),
        ("gLoachTex", ["gFishingOwnerTLUT", "gFishTLUT"], None),
        ("gLoachTex", ["gFishingOwnerTLUT"], "gFishingOwnerTLUT"),
        ("object_ahg_Tex_0002FC", ["object_ahg_TLUT_0000FC"], "object_ahg_TLUT_0000FC"),
        ("gLoachTex", ["TLUT", "gFishTLUT"], None),
        ("gLoachTex", [], None),
    ],
)
def test_palettes_are_found_by_name(name: str, palettes: list[str], found: str | None) -> None:
    inside = [f"{FOLDER}/{one}" for one in palettes]
    assert palettes_of(f"{FOLDER}/{name}", inside) == ([f"{FOLDER}/{found}"] if found else [])


@pytest.mark.parametrize(("texels", "count", "width"), [("ci8", 256, 8), ("ci8", 16, 8), ("ci4", 16, 4)])
def test_an_indexed_texture_has_the_colours_of_its_palette(
    tmp_path: Path, texels: str, count: int, width: int
) -> None:
    colours, shown = palette(count)
    data = (
        bytes(np.random.default_rng(2).integers(0, count, 32, np.uint8))
        if texels == "ci8"
        else bytes(range(16))
    )
    write_archive(
        tmp_path / "oot.o2r",
        {
            f"{FOLDER}/gFishingOwnerHatTex": resource(texels, (8, 4), data),
            OWNER: colours,
            "objects/other/gTLUT": palette(16, 9)[0],
        },
    )
    (source,) = scan(tmp_path).sources
    assert source.name == f"oot.o2r/{FOLDER}/gFishingOwnerHatTex"
    assert source.emulator.as_json()["tlut"] == OWNER
    indices = (
        list(data) if texels == "ci8" else [nibble for byte in data for nibble in (byte >> 4, byte & 15)]
    )
    assert np.array_equal(decode(source).rgba.reshape(-1, 4), shown[indices])

    pack = write_pack(Target(name="soh", game="x"), [finished(source, noise((32, 16)), 4)], tmp_path)
    assert not pack.left_out
    with ZipReader(tmp_path / "soh" / "x.o2r") as archive:
        made = read_otex(archive.read(f"alt/{FOLDER}/gFishingOwnerHatTex", 1 << 20))
    assert made.texels == "rgba32", "with an indexed type the engine would look for the palette"


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({}, "its folder has none"),
        (
            {f"{FOLDER}/gATLUT": palette(16)[0], f"{FOLDER}/gBTLUT": palette(16)[0]},
            "2 are in its folder, but none is named like it",
        ),
        ({"objects/other/gHatTLUT": palette(16)[0]}, "its folder has none"),
    ],
)
def test_a_texture_without_a_palette_says_why(tmp_path: Path, entries: dict[str, bytes], reason: str) -> None:
    texture = resource("ci8", (4, 4), bytes(16))
    write_archive(tmp_path / "a.o2r", {f"{FOLDER}/gHatTex": texture, **entries})
    ((source, found),) = scan(tmp_path).unusable
    assert source.name == f"a.o2r/{FOLDER}/gHatTex"
    assert reason in found
    assert "extracted tree" in found


def test_of_several_palettes_of_one_name_none_is_guessed(tmp_path: Path) -> None:
    write_archive(
        tmp_path / "a.o2r",
        {
            f"{FOLDER}/gHatTex": resource("ci8", (4, 4), bytes(16)),
            f"{FOLDER}/gHatTLUT": palette(256, 1)[0],
            f"{FOLDER}/gHatTLUT2": palette(256, 2)[0],
            f"{FOLDER}/gHatSmallTex": resource("ci4", (4, 4), bytes(8)),
            f"{FOLDER}/gHatTLUT3": palette(16, 3)[0],
        },
    )
    found = scan(tmp_path)
    ((source, reason),) = found.unusable
    assert source.name == f"a.o2r/{FOLDER}/gHatTex"
    assert "nothing says which of gHatTLUT, gHatTLUT2 it is" in reason
    (small,) = found.sources
    assert small.emulator.as_json()["tlut"] == f"{FOLDER}/gHatTLUT3", "four bits cannot use the others"


def test_what_has_the_shape_of_a_palette_beside_textures_that_lack_one_is_no_picture(tmp_path: Path) -> None:
    """Starship's palettes are not called tlut: upscaled they would spoil every texture that uses them."""
    plain = bytes(16 * 16 * 2)
    write_archive(
        tmp_path / "a.o2r",
        {
            "ships/aWingTex": resource("ci8", (4, 4), bytes(16)),
            "ships/aWingColours": resource("rgba16", (16, 16), plain),
            "ships/aLamp": resource("rgba16", (4, 4), plain[:32]),
            "ships/aWall": resource("rgba16", (16, 8), plain[:256]),
            "menu/aIcon": resource("rgba16", (16, 16), plain),
        },
    )
    found = scan(tmp_path)
    assert [source.name for source in found.sources] == ["a.o2r/menu/aIcon", "a.o2r/ships/aWall"]
    reasons = {source.name: reason for source, reason in found.unusable}
    assert "may be a palette (16 x 16 colours)" in reasons["a.o2r/ships/aWingColours"]
    assert "may be a palette (4 x 4 colours)" in reasons["a.o2r/ships/aLamp"]


def test_four_bits_do_not_say_which_colours_of_a_large_palette(tmp_path: Path) -> None:
    write_archive(
        tmp_path / "a.o2r", {f"{FOLDER}/gTex": resource("ci4", (4, 4), bytes(8)), OWNER: palette(256)[0]}
    )
    ((_, found),) = scan(tmp_path).unusable
    assert f"uses 16 colours of the 256 of {OWNER}, and nothing says which" in found


def test_a_palette_that_is_too_small_is_another_textures(tmp_path: Path) -> None:
    write_archive(
        tmp_path / "a.o2r", {f"{FOLDER}/gTex": resource("ci8", (4, 1), b"\0\1\2\20"), OWNER: palette(16)[0]}
    )
    (source,) = scan(tmp_path).sources
    with pytest.raises(
        SourceError, match=r"needs 17 colours, and .*gFishingOwnerTLUT, the palette .* has 16"
    ):
        decode(source)


def test_palettes_are_no_pictures(tmp_path: Path) -> None:
    """An upscaled palette would spoil every texture that uses it."""
    write_archive(tmp_path / "a.o2r", {OWNER: palette(256)[0], "objects/x/gSkyTex": palette(16)[0]})
    assert [source.name for source in scan(tmp_path).sources] == ["a.o2r/objects/x/gSkyTex"]
    assert scan(tmp_path).unusable == ()
