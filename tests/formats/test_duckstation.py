"""DuckStation: names, the decoder's oracle, alphas, aliases and the settings of the dump."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from packs import finished, in_manifest, noise
from vram_uploads import PALETTE_A, PALETTE_B, WORDS

from texpipe.formats import duckstation
from texpipe.formats.contract import UnwritableError
from texpipe.formats.duckstation_config import Config, config_text, read_config, settings_of_dumps
from texpipe.imaging.image_files import decode as decode_png
from texpipe.imaging.image_files import save_png
from texpipe.imaging.texel_formats import decode, psx_alphas
from texpipe.packs.pack import plan_pack, write_pack
from texpipe.packs.verify import verify_pack
from texpipe.read.decode import decode as read
from texpipe.read.scan import scan
from texpipe.recipe.targets import Target
from texpipe.texture import Source

REAL = [
    "texupload-P8-F5F3557223CD3F4A-EAFB5B4F0E007E25-128x256-0-0-256x112-P0-255",
    "texpage-P4-A11813EA8B413CE2-E9C11EE79B72F5C0-64x256-128-32-64x64-P0-15",
    "texupload-P4-203250107113A6E2-B66FDA9C474CA728-512x256-1792-72-72x64-P0-15",
    "texupload-P8-64A26A6A54DEBDE7-66A1C455B1C22E08-128x256-0-16-256x225-P0-85",
    "texupload-STP4-18DDF9B731440D20-0DAE5F73C88719B1-10x56-0-0-36x32-P0-15",
    "texpage-STC16-18DDF9B731440D20-64x256-0-0-64x64",
    "vram-write-0123456789ABCDEF0123456789ABCDEF",
]
JUNK = [
    "texupload-P4-18DDF9B731440D2-AF506869B80F5CE7-10x56-0-32-40x24-P0-15",
    "texupload-P4-18DDF9B731440D20-af506869b80f5ce7-10x56-0-32-40x24-P0-15",
    "texupload-P4-18DDF9B731440D20-AF506869B80F5CE7-10x56-0-32-0x24-P0-15",
    "texupload-P4-18DDF9B731440D20-AF506869B80F5CE7-10x56-0-32-40x24-P15-0",
    "texupload-P4-18DDF9B731440D20-10x56-0-32-40x24",
    "texupload-C16-18DDF9B731440D20-AF506869B80F5CE7-10x56-0-32-40x24-P0-15",
    "texupload-P16-18DDF9B731440D20-AF506869B80F5CE7-10x56-0-32-40x24-P0-15",
    "vram-write-0123456789ABCDEF",
    "texpage",
]


def source(title, folder="SLUS-00067/dumps"):
    name = f"{folder}/{title}.png"
    return Source(name, Path("/anywhere") / name, duckstation.parse(name))


@pytest.mark.parametrize("title", REAL)
def test_real_names_are_read_and_written_unchanged(title):
    parsed = duckstation.parse(f"a/{title}.png")
    assert parsed is not None
    assert duckstation.format_name(parsed) == title
    assert str(duckstation.output_path(source(title))) == f"SLUS-00067/replacements/{title}.png"


@pytest.mark.parametrize("title", JUNK)
def test_other_names_are_not_duckstations(title):
    assert duckstation.parse(f"{title}.png") is None
    with pytest.raises(UnwritableError, match="not a DuckStation"):
        duckstation.output_path(source(title))


hashes = st.integers(0, 2**64 - 1).map("{:016X}".format)
sides = st.integers(1, 1024)


@given(
    st.sampled_from(["texupload", "texpage"]),
    st.booleans(),
    st.sampled_from(["P4", "P8"]),
    hashes,
    hashes,
    st.tuples(sides, sides, st.integers(0, 1023), st.integers(0, 511), sides, sides),
    st.tuples(st.integers(0, 255), st.integers(0, 255)).map(sorted),
)
def test_every_legal_name_survives_parse_and_format(kind, semi, mode, src, palette, place, used):
    sw, sh, x, y, w, h = place
    where = f"{sw}x{sh}-{x}-{y}-{w}x{h}"
    title = f"{kind}-{'ST' * semi}{mode}-{src}-{palette}-{where}-P{used[0]}-{used[1]}"
    parsed = duckstation.parse(title + ".PNG")
    assert parsed is not None
    assert duckstation.format_name(parsed) == title


def test_without_a_serial_the_reason_says_what_to_do():
    with pytest.raises(UnwritableError, match="SLUS-00067"):
        duckstation.output_path(source(REAL[0], "some folder"))


# ---- the emulator's own test picture: a 4-bit upload of 10 halfwords x 56 lines


@pytest.mark.parametrize(
    ("palette", "place", "start", "end"),
    [
        (PALETTE_A, np.s_[0:32, 0:36], "5d1bec29956f", "48ca7"),
        (PALETTE_B, np.s_[32:56, 0:40], "1a26a7b3", "c3479"),
    ],
)
def test_decoding_agrees_with_the_emulators_own_test(palette, place, start, end):
    """The first is drawn semi-transparent, but none of its colours has the bit for it; the second is not."""
    stp = "semi" if palette is PALETTE_A else "opaque"
    picture = decode(WORDS, (40, 56), "psx4", palette, stp=stp)[place]
    digest = hashlib.sha256(np.ascontiguousarray(picture)).hexdigest()
    assert (digest[: len(start)], digest[-len(end) :]) == (start, end)


def test_the_hashes_in_the_names_are_those_of_the_emulators_own_test():
    xxhash = pytest.importorskip("xxhash")
    assert f"{xxhash.xxh3_64_intdigest(WORDS):016X}" == "18DDF9B731440D20"
    palettes = {f"{xxhash.xxh3_64_intdigest(palette):016X}" for palette in (PALETTE_A, PALETTE_B)}
    assert palettes == {"0DAE5F73C88719B1", "AF506869B80F5CE7"}


# ---- packs


def rgba_with(alphas):
    return np.dstack([np.full((1, len(alphas), 3), 77, np.uint8), np.array([alphas], np.uint8)])


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40), st.sampled_from([None, 127, 143]))
def test_alphas_are_the_nearest_ones_and_hide_no_colour(alphas, semi):
    made = psx_alphas(rgba_with(alphas), semi)
    levels = np.array([0, 255] if semi is None else [0, 128, 255])
    nearest = np.array(alphas)[:, None] - levels
    assert (
        np.abs(nearest).min(axis=1)
        >= np.abs(np.array(alphas) - np.where(made[0, :, 3] == semi, 128, made[0, :, 3])) - 1
    ).all()
    assert not made[made[..., 3] == 0].any()
    assert np.array_equal(psx_alphas(made, semi), made)


def pictures(folder, *made):
    return [finished(source(title, folder), rgba, 4) for title, rgba in made]


def test_a_pack_has_the_emulators_alphas_and_equal_files_once(tmp_path):
    title = "texpage-{}P4-A11813EA8B413CE2-{:016X}-64x256-128-32-4x4-P0-15".format
    rgba = np.full((16, 16, 4), (10, 20, 30, 255), np.uint8)
    rgba[:4, :, 3], rgba[4:8, :, 3] = 3, 128
    three = pictures("SLUS-00067/dumps", (title("", 1), rgba), (title("", 2), rgba), (title("ST", 1), rgba))
    pack = write_pack(Target(name="duckstation"), three, tmp_path)
    assert not pack.left_out
    folder = tmp_path / "duckstation" / "SLUS-00067"
    assert sorted(path.name for path in (folder / "replacements").iterdir()) == [
        f"{title('', 1)}.png",
        f"{title('ST', 1)}.png",
    ]
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config == {"Aliases": {title("", 2): f"{title('', 1)}.png"}}
    levels = {
        path.name[8:10]: np.unique(decode_png(path.read_bytes(), name="x")[0][..., 3]).tolist()
        for path in (folder / "replacements").iterdir()
    }
    assert levels == {"P4": [0, 255], "ST": [0, 143, 255]}
    in_manifest(tmp_path, {"duckstation": pack}, three)
    assert verify_pack(tmp_path).problems == ()


def test_the_settings_of_the_dump_come_along(tmp_path):
    dump = tmp_path / "SLUS-00067" / "dumps"
    dump.mkdir(parents=True)
    text = "ReducePaletteRange: false\nMaxHashCacheEntries: 99\nAliases: {x: y.png}\nOdd: [1]\n"
    (dump.parent / "config.yaml").write_text(text)
    name = f"{REAL[1]}.png"
    one = Source(name, dump / name, duckstation.parse(name))
    write_pack(
        Target(name="duckstation"),
        [finished(one, np.full((256, 256, 4), 255, np.uint8), 4)],
        tmp_path / "out",
    )
    written = tmp_path / "out" / "duckstation" / "SLUS-00067" / "config.yaml"
    assert yaml.safe_load(written.read_text()) == {"ReducePaletteRange": False, "MaxHashCacheEntries": 99}


def written_config(tmp_path, data):
    dump = tmp_path / "SLUS-00067" / "dumps"
    dump.mkdir(parents=True)
    (dump.parent / "config.yaml").write_bytes(data)
    name = f"{REAL[1]}.png"
    one = finished(
        Source(name, dump / name, duckstation.parse(name)), np.full((256, 256, 4), 255, np.uint8), 4
    )
    write_pack(Target(name="duckstation"), [one], tmp_path / "out")
    written = tmp_path / "out" / "duckstation" / "SLUS-00067" / "config.yaml"
    return yaml.safe_load(written.read_text()) if written.exists() else {}


SETTING = b"ReducePaletteRange: false  # as dumped\n"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (SETTING + b"Aliases:\n\ttexpage-P4: a.png\n", "3:1: not valid YAML"),
        (SETTING + b"MaxHashCacheEntries 1200\n", "2:1: not valid YAML"),
        (b"A: 1\nB: [" + b"[" * 5000 + b"\n" + SETTING, "2:"),
        (
            SETTING + b"DumpC16Textures: true\nReducePaletteRange: true\n",
            "3:1: key 'ReducePaletteRange' is here twice",
        ),
        (
            SETTING + b"A: ['" + b"x',\n  '" * 130_000 + b"x', [" + b"[], " * 130_000 + b"]]\n",
            "limit of 180,000 values",
        ),
        (SETTING + b"A: &a [b]\nC: *a\n", "3:4: alias"),
        (SETTING + b"Aliases: [a, b]\n", "2: Aliases is not a mapping"),
    ],
)
def test_settings_are_taken_from_a_config_that_is_damaged_elsewhere_with_a_warning(
    tmp_path, caplog, data, place
):
    found = written_config(tmp_path, data)
    assert found["ReducePaletteRange"] is ("twice" in place)
    assert f"config.yaml:{place}" in caplog.text or place in caplog.text
    assert caplog.text.count("taken from it") == 1, "one warning for one file"
    assert "ReducePaletteRange" in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        SETTING + "# Größe\n".encode("latin-1"),
        SETTING + b"# \x85 \x91quotes of Windows\x92\n",
        ("\ufeff" + SETTING.decode()).encode("utf-16-le"),
        b"\xef\xbb\xbf" + SETTING.replace(b"\n", b"\r\n"),
        b"{ReducePaletteRange: false}",
        SETTING + b"Note: 1" + b":59" * 100_000 + b"\n",
    ],
)
def test_a_config_in_any_encoding_is_read_without_a_warning(tmp_path, caplog, data):
    assert written_config(tmp_path, data) == {"ReducePaletteRange": False}
    assert caplog.text == ""


def test_a_config_that_is_a_pipe_is_passed_over_with_a_warning(tmp_path, caplog):
    (tmp_path / "SLUS-00067").mkdir()
    os.mkfifo(tmp_path / "SLUS-00067" / "config.yaml")
    assert settings_of_dumps([tmp_path / "SLUS-00067" / "dumps" / "x.png"]) == {}
    assert "config.yaml: is not a regular file; nothing is taken from it" in caplog.text


def test_a_config_of_more_than_a_mebibyte_of_aliases_is_checked_to_its_end(tmp_path):
    title = "texupload-P4-{:016X}-{:016X}-4x16-0-0-16x16-P0-15".format
    aliases = {title(number, number): f"{title(0, 0)}.png" for number in range(1, 12_000)}
    config = tmp_path / "SLUS-00067" / "config.yaml"
    config.parent.mkdir()
    config.write_text(config_text(Config({"ReducePaletteRange": False}, aliases)))
    assert config.stat().st_size > 1 << 20
    assert read_config(config) == Config({"ReducePaletteRange": False}, aliases)
    assert yaml.load(config.read_text(), yaml.CSafeLoader)["Aliases"] == aliases, "read by another reader"
    folder = PurePosixPath("SLUS-00067")
    files = [folder / "config.yaml", folder / "replacements" / f"{title(0, 0)}.png"]
    assert duckstation.check(tmp_path, files) == []
    config.write_text(config.read_text() + f"  {title(1, 0)}: gone.png\n")
    assert duckstation.check(tmp_path, files) == [
        f"SLUS-00067/config.yaml: the alias {title(1, 0)} leads to gone.png, which is missing"
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n", "config.yaml:1: is not settings"),
        ("- a: 1\n", "config.yaml:1: is not settings"),
        ("A: 1\nAliases:\n- x: y.png\n", "config.yaml:3: Aliases is not a mapping"),
        ("A: 1\nb c\n", "config.yaml:2: not valid YAML"),
    ],
)
def test_a_config_that_the_emulator_cannot_read_is_found_with_its_line(tmp_path, text, line):
    config = tmp_path / "SLUS-00067" / "config.yaml"
    config.parent.mkdir()
    config.write_text(text)
    (found,) = duckstation.check(tmp_path, [PurePosixPath("SLUS-00067/config.yaml")])
    assert line in found


def test_a_write_to_the_video_memory_is_opaque_whatever_alpha_its_dump_has(tmp_path):
    """With DumpVRAMWriteForceAlphaChannel off alpha is bit 15 of the texels: 0 for ordinary ones."""
    name = f"vram-write-{'0123456789ABCDEF' * 2}.png"
    rgba = noise((8, 8), 3)
    rgba[..., 3] = np.where(rgba[..., 0] > 200, 255, 0)
    save_png(tmp_path / "SLUS-00067" / "dumps" / name, rgba)
    (one,) = scan(tmp_path).sources
    seen = read(one).rgba
    assert np.array_equal(seen[..., :3], rgba[..., :3])
    assert (seen[..., 3] == 255).all()


def test_a_name_that_says_another_size_is_left_out(tmp_path):
    (wrong,) = pictures("SLUS-00067/dumps", (REAL[1], np.full((32, 32, 4), 255, np.uint8)))
    pack = plan_pack(Target(name="duckstation"), [wrong])
    assert "64 x 64 texels, not 8 x 8" in pack.left_out[wrong.source.name]


def test_planted_violations_are_found(tmp_path):
    title = "texpage-P4-A11813EA8B413CE2-E9C11EE79B72F5C0-64x256-128-32-4x4-P0-15"
    made = pictures("SLUS-00067/dumps", (title, np.full((16, 16, 4), 255, np.uint8)))
    pack = write_pack(Target(name="duckstation"), made, tmp_path)
    in_manifest(tmp_path, {"duckstation": pack}, made)
    file = tmp_path / pack.outputs[made[0].source.name][0].path
    spoiled = np.full((16, 16, 4), 255, np.uint8)
    spoiled[0, 0, 3], spoiled[0, 1, 3] = 254, 0
    save_png(file, spoiled)
    (file.parents[1] / "config.yaml").write_text("Aliases: {nonsense: ../../x.png}\n")
    verified = verify_pack(tmp_path)
    found = "\n".join([*verified.problems, *verified.notes])
    for line in (
        "has alpha 254",
        "colour under zero alpha",
        "nonsense is not a name",
        "which is missing",
    ):
        assert line in found


def test_paths_of_other_places_are_problems():
    path = PurePosixPath(f"SLUS-00067/dumps/{REAL[1]}.png")
    assert duckstation.problems(path, (64, 64), (256, 256), 4) == ["not in a folder SERIAL/replacements"]
    assert duckstation.problems(path.with_suffix(".dds"), (64, 64), (256, 256), 4) != []


def test_dumps_with_other_names_than_the_pack_s_settings_make_are_told(tmp_path, caplog):
    files = [tmp_path / folder / "dumps" / "x.png" for folder in "abc"]
    for file, text in zip(
        files, ("ReducePaletteRange: false\n", "A: 1\n", "ReducePaletteRange: false\nA: 2\n"), strict=True
    ):
        file.parent.mkdir(parents=True)
        (file.parents[1] / "config.yaml").write_text(text)
    assert settings_of_dumps(files[::2]) == {"ReducePaletteRange": False, "A": 2}
    assert not caplog.text
    assert settings_of_dumps(files) == {"ReducePaletteRange": False, "A": 1}
    assert f"{tmp_path / 'b' / 'config.yaml'}: ReducePaletteRange is true here" in caplog.text
