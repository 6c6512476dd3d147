"""Ship of Harkinian: OTEX resources byte by byte, .o2r archives both ways, and archives that mean harm."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from o2r_files import BYTES, NUMBERS, original, write_archive
from packs import finished, in_manifest, noise

from texpipe.errors import PackError, SourceError
from texpipe.formats import parse_name, soh
from texpipe.formats.archive import ZipReader
from texpipe.formats.otex import HEADER_BYTES, read_otex, scale_of, write_replacement
from texpipe.imaging.image_files import save_png
from texpipe.imaging.texel_formats import quantise
from texpipe.packs.pack import plan_pack, write_pack
from texpipe.packs.verify import verify_pack
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.targets import Target
from texpipe.texture import Source

PATH = "objects/gameplay_keep/gXyzTex"


def test_a_replacement_byte_by_byte():
    data = write_replacement(np.full((8, 16, 4), 7, np.uint8), "rgba16", (4, 2))
    assert data[:20] == bytes.fromhex("00010000 58 45 54 4F 01000000 EFBEADDE EFBEADDE")
    assert data[20:64] == bytes(44)
    assert struct.unpack("<IIIIffI", data[64:92]) == (2, 16, 8, 1, 8.0, 4.0, 512)
    assert data[92:] == b"\7" * 512


@pytest.mark.parametrize("texels", NUMBERS)
def test_scales_and_types(texels):
    made = read_otex(write_replacement(noise((32, 32)), texels, (8, 8)))
    assert made.scale == (4 * 4 / BYTES[texels], 4.0)
    assert made.texels == ("rgba32" if texels.startswith("ci") else texels)
    if texels == "ci4":
        assert made.scale[0] == 4 * 8


@given(
    st.sampled_from(sorted(NUMBERS)), st.sampled_from([1, 2, 4, 8]), st.integers(1, 16), st.integers(1, 16)
)
def test_the_engine_finds_whole_rows(texels, factor, width, height):
    """It uploads a picture as it is if the original's row, in bytes, times HByteScale is a row of RGBA8."""
    horizontal, vertical = scale_of((width * factor, height * factor), texels, (width, height))
    assert width * BYTES[texels] * horizontal == 4 * width * factor
    assert height * vertical == height * factor


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("texels", ["rgba32", "rgba16", "i4", "i8", "ia4", "ia8", "ia16"])
def test_textures_of_the_game_are_read(tmp_path, texels, version, order):
    rgba = quantise(noise((8, 6), 1), texels)
    file = write_archive(
        tmp_path / "oot.o2r", {PATH: original(texels, rgba, version, order), "text/x": b"no texture"}
    )
    (source,) = scan(file).sources
    assert source.name == f"oot.o2r/{PATH}"
    assert (source.emulator.texels, dict(source.emulator.fields)) == (texels, {"path": PATH})
    assert np.array_equal(decode(source).rgba, rgba)
    assert str(soh.output_path(source)) == f"alt/{PATH}"


def test_what_cannot_be_read_says_why(tmp_path):
    rgba = noise((4, 4))
    write_archive(
        tmp_path / "a.o2r",
        {
            "ci": original("ci4", quantise(np.zeros_like(rgba), "ci4")),
            "hd": write_replacement(rgba, "rgba16", (1, 1)),
            "version9": original("rgba16", rgba).replace(b"XETO\0", b"XETO\t", 1),
            "huge": original("rgba16", rgba)[:68] + struct.pack("<II", 1 << 31, 1 << 31) + bytes(40),
        },
    )
    (tmp_path / "b.o2r").write_bytes(b"no archive")
    reasons = {source.name: reason for source, reason in scan(tmp_path).unusable}
    assert "palette is another resource" in reasons["a.o2r/ci"]
    assert "replacement already" in reasons["a.o2r/hd"]
    assert "version 9" in reasons["a.o2r/version9"]
    assert "claims 2147483648" in reasons["a.o2r/huge"]
    assert "cannot be read as a zip archive" in reasons["b.o2r"]


def test_a_resource_cut_short_is_one_bad_texture(tmp_path):
    write_archive(tmp_path / "a.o2r", {PATH: original("rgba16", noise((4, 4)))[:-1]})
    (source,) = scan(tmp_path).sources
    with pytest.raises(SourceError, match="claims 32 bytes of texels and has 31"):
        decode(source)


def test_trees_extracted_by_retro_are_known_by_their_manifest(tmp_path):
    save_png(tmp_path / "objects" / "a" / "gTex.png", noise((4, 4)))
    save_png(tmp_path / "objects" / "a" / "other.png", noise((4, 4), 1))
    entry = {"hash": "", "textureType": "Palette8bpp", "textureWidth": 4, "textureHeight": 4}
    (tmp_path / "manifest.json").write_text(json.dumps({"objects/a/gTex": entry}))
    known, other = scan(tmp_path).sources
    assert known.emulator.as_json() == {
        "scheme": "soh",
        "game": None,
        "texels": "ci8",
        "path": "objects/a/gTex",
    }
    assert other.emulator is None


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("extracted/ntsc/assets/objects/x/gLinkTex.rgba16.png", "alt/objects/x/gLinkTex"),
        ("textures/x/gTex.ci8.tlut_gTLUT_u64.u64.png", "alt/textures/x/gTex"),
    ],
)
def test_names_of_the_decompilation(name, path):
    assert str(soh.output_path(Source(name, Path(name), parse_name(name)))) == path


def resource(path, texels="rgba16"):
    return Source(f"oot.o2r/{path}", Path("oot.o2r"), soh.resource(path, texels))


def test_a_pack_is_one_archive_that_verifies(tmp_path):
    made = [
        finished(resource(PATH), noise((32, 16)), 4),
        finished(resource("x/gTex", "ci8"), noise((8, 8)), 4),
    ]
    pack = write_pack(Target(name="soh", game="My Pack"), made, tmp_path)
    file = tmp_path / "soh" / "My Pack.o2r"
    with ZipReader(file) as archive:
        assert archive.names() == [f"alt/{PATH}", "alt/x/gTex", "manifest.json"]
        assert json.loads(archive.read("manifest.json", 1000)) == {"name": "My Pack"}
        found = read_otex(archive.read(f"alt/{PATH}", 1 << 20))
    assert (found.size, found.scale, found.data) == ((32, 16), (8.0, 4.0), noise((32, 16)).tobytes())
    in_manifest(tmp_path, {"soh": pack}, made)
    assert verify_pack(tmp_path).problems == ()


def test_a_path_called_version_is_left_out(tmp_path):
    made = [finished(resource("version"), noise((4, 4)), 4), finished(resource("../x"), noise((4, 4)), 4)]
    pack = plan_pack(Target(name="soh"), made)
    reasons = list(pack.left_out.values())
    assert "marks archives of whole games" in reasons[0]
    assert "leads out of its folder" in reasons[1]


def test_planted_violations_are_found(tmp_path):
    rgba = noise((8, 8))
    write_archive(
        tmp_path / "x.o2r",
        {
            "version": b"1",
            "manifest.json": b"{}",
            "objects/gTex": write_replacement(rgba, "rgba16", (2, 2)),
            "alt/gTex.png": b"\x89PNG" + bytes(100),
            "alt/odd": write_replacement(rgba, "rgba16", (3, 3)),
            "alt/native": original("rgba16", rgba),
        },
    )
    found = "\n".join(soh.check(tmp_path, [Path("x.o2r")]))
    for line in (
        "entry called version",
        "has no name",
        "objects/gTex: not below alt/",
        "alt/gTex.png: gTex.png ends in .png",
        "is not a texture resource",
        "alt/odd: is scaled by 5.33333",
        "alt/native: is not an RGBA8 picture",
    ):
        assert line in found


@pytest.mark.parametrize("texels", ["rgba32", "rgba16", "ia8", "i4", "ci8", "ci4"])
@pytest.mark.parametrize("factor", [1, 2.5])
def test_a_scale_that_does_not_fit_the_type_is_found(tmp_path, texels, factor):
    """interpreter.cpp finds its way in a replacement by HByteScale: bytes of a row over those of the original."""
    data = bytearray(write_replacement(noise((16, 8)), texels, (4, 2)))
    place = HEADER_BYTES + 16
    (scale,) = struct.unpack_from("<f", data, place)
    struct.pack_into("<f", data, place, scale * factor)
    write_archive(tmp_path / "x.o2r", {"manifest.json": b'{"name": "x"}', "alt/gTex": bytes(data)})
    found = [line for line in soh.check(tmp_path, [Path("x.o2r")]) if "HByteScale" in line]
    assert bool(found) == (factor != 1)


@pytest.mark.parametrize(
    ("manifest", "line"),
    [
        (
            b'{"name": "x", "game_version": 3}',
            "game_version 3, so the engine loads it into that version alone",
        ),
        (b'{"name": "x", "game_version": 4294967295}', None),
        # libultraship's `Archive.cpp` takes a missing game_version for 0xFFFFFFFF, which every game loads.
        (b'{"name": "x"}', None),
        (b'{"name": 7}', "has no name"),
        (b"[" * 5000, "nested too deeply"),
        (b"{", "is not valid JSON"),
    ],
)
def test_a_manifest_that_keeps_the_engine_from_loading_is_found(tmp_path, manifest, line):
    write_archive(tmp_path / "x.o2r", {"manifest.json": manifest})
    found = soh.check(tmp_path, [Path("x.o2r")])
    assert found == [] if line is None else line in found[0]


# ---- archives that mean harm


def test_harmful_entries_are_never_read(tmp_path):
    texture = original("rgba16", noise((4, 4)))
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.o2r", "w") as archive:
        for name in ("../up", "/absolute", "a/../../b", "c:/drive"):
            archive.writestr(name, texture)
        archive.writestr(link, "/etc/passwd")
        archive.writestr("good", texture)
    found = scan(tmp_path)
    assert [source.name for source in found.sources] == ["a.o2r/good"]
    assert len(found.unusable) == 5
    with ZipReader(tmp_path / "a.o2r") as reader:
        assert reader.names()[-2:] == ["good", "link"]
        for name in set(reader.names()) - {"good"}:
            with pytest.raises(PackError, match=r"leads out|not a relative path|is a link"):
                reader.read(name, 1000)


def test_an_entry_that_claims_too_much_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(1 << 24))
    with ZipReader(tmp_path / "bomb.zip") as reader, pytest.raises(PackError, match="larger than the limit"):
        reader.read("bomb", 1 << 16)
    data = (tmp_path / "bomb.zip").read_bytes()
    lied = data.replace(struct.pack("<I", 1 << 24), struct.pack("<I", 0xFFFFFFF0))
    (tmp_path / "lie.zip").write_bytes(lied)
    with ZipReader(tmp_path / "lie.zip") as reader, pytest.raises(PackError):
        reader.read("bomb", 1 << 16)
