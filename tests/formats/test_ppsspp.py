"""PPSSPP: names, textures.ini and the options of the dump."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import finished, in_manifest, noise

from texpipe.formats import parse_name, ppsspp
from texpipe.formats.contract import UnwritableError
from texpipe.formats.dds import dds_bytes, read_dds_header
from texpipe.formats.ppsspp_list import TextureList, entry_name, list_text, read_list
from texpipe.imaging.image_files import save_png
from texpipe.packs.pack import configured, write_pack
from texpipe.packs.verify import verify_pack
from texpipe.read.scan import scan
from texpipe.recipe.targets import Target
from texpipe.texture import Source

NAMES = ["0894abcd0000000012345678.png", "0894abcd0000000112345678.png", "0894abcd0000000012345678_1.png"]


def source(name, folder="/anywhere/ULUS10041/new"):
    return Source(name, Path(folder) / name, parse_name(name))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 9))
def test_every_legal_name_survives_parse_and_format(key, texels, level):
    title = f"{key:016x}{texels:08x}" + (f"_{level}" if level else "")
    parsed = parse_name(f"new/{title}.png")
    assert parsed is not None
    assert parsed.scheme == "ppsspp"
    assert ppsspp.format_name(parsed) == title


@pytest.mark.parametrize("name", ["0894ABCD0000000012345678.png", "0894abcd000000001234567.png", "x.png"])
def test_other_names(name):
    assert parse_name(name) is None


def test_without_a_game_the_reason_says_what_to_do():
    with pytest.raises(UnwritableError, match="ULUS10041"):
        ppsspp.output_path(source(NAMES[0], "/anywhere"))


def test_a_pack_has_a_list_and_equal_files_once(tmp_path):
    made = [finished(source(name), noise((16, 16), number // 2), 4) for number, name in enumerate(NAMES)]
    pack = write_pack(Target(name="ppsspp"), made, tmp_path)
    text = (tmp_path / "ppsspp" / "ULUS10041" / "textures.ini").read_text()
    assert text == (
        "[options]\nversion = 1\nhash = quick\n\n[hashes]\n"
        "0894abcd0000000012345678 = textures/0894abcd0000000012345678.png\n"
        "0894abcd0000000112345678 = textures/0894abcd0000000012345678.png\n"
        "0894abcd0000000012345678_1 = textures/0894abcd0000000012345678_1.png\n\n"
    )
    in_manifest(tmp_path, {"ppsspp": pack}, made)
    assert verify_pack(tmp_path).problems == ()


def test_the_options_of_the_dump_come_along(tmp_path):
    folder = tmp_path / "ULUS10041"
    (folder / "new").mkdir(parents=True)
    (folder / "textures.ini").write_text(
        "[options]\nversion = 1\nhash = xxh64\nignoreAddress = True\n[hashranges]\n0x08941234,512,512 = 480,272\n"
        "[hashes]\n000000000000000000000000 = mine.png\n"
    )
    one = finished(source(NAMES[0], folder / "new"), noise((16, 16)), 4)
    write_pack(Target(name="ppsspp"), [one], tmp_path / "out")
    text = (tmp_path / "out" / "ppsspp" / "ULUS10041" / "textures.ini").read_text()
    assert "hash = xxh64\nignoreAddress = True" in text
    assert "0x08941234,512,512 = 480,272" in text
    assert "000000000000000000000000 = textures/0894abcd0000000012345678.png" in text, (
        "it stands for any texture"
    )


def test_planted_violations_are_found(tmp_path):
    made = [finished(source(NAMES[0]), noise((16, 16)), 4)]
    write_pack(Target(name="ppsspp"), made, tmp_path)
    folder = tmp_path / "ppsspp"
    (folder / "ULUS10041" / "textures.ini").write_text(
        "[hashes]\n0894ABCD = x.png\n0894abcd0000000112345678 = ../x.png\n"
        "0894abcd0000000012345678 = textures/X.png\n"
    )
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    found = "\n".join(ppsspp.check(folder, files))
    for line in ("no version = 1", "0894ABCD is not a hash", "../x.png is missing", "X.png is missing"):
        assert line in found
    assert "is missing" in "\n".join(ppsspp.check(folder, [path for path in files if path.suffix == ".png"]))


# ---- lists as the emulator reads them: Common/Data/Format/IniFile.cpp, GPU/Common/TextureReplacer.cpp

GOOD = "[options]\nversion = 1\nhash = xxh64\nignoreAddress = True\n\n[hashranges]\n0x08941234,512,512 = 480,272\n"


def dumped(folder, text, *names):
    """Return the textures of a dump with this list, as a run finds them."""
    game = folder / "ULUS10041"
    for number, name in enumerate(names):
        save_png(game / name, noise((16, 16), number))
    (game / "textures.ini").write_bytes(text if isinstance(text, bytes) else text.encode())
    return [finished(source, noise((16, 16), number), 4) for number, source in enumerate(scan(game).sources)]


def packed(folder, text, *names):
    """Return the list of the pack that is made of such a dump, and why textures were left out."""
    pack = write_pack(Target(name="ppsspp"), dumped(folder, text, *names), folder / "out")
    return read_list(folder / "out" / "ppsspp" / "ULUS10041" / "textures.ini"), pack.left_out


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("[options]", "[Options]"),
        GOOD.replace("[options]", "made by me\n\n  [OPTIONS] ; mine"),
        GOOD.replace("hash =", "Hash="),
        GOOD.replace("hash =", "\t hash\t="),
        GOOD.replace("xxh64", "XXH64   ; fast"),
        GOOD.replace("xxh64", "xxh64 // fast"),
        GOOD.replace("xxh64", '"xxh64"'),
        GOOD.replace("xxh64", "xxh64 # fast"),
        GOOD.replace("\n", "\r\n"),
        GOOD + "0894abcd0000000012345678.png\n",
        GOOD + "// intro = film\n; hash = quick\n# hash = quick\n",
        GOOD + "[options]\nhash = quick\n",
        GOOD.replace("hash = xxh64", "hash = xxh64\nhash = quick"),
        "\ufeff" + GOOD,
        (GOOD + "// Größe\n").encode("latin-1"),
        ("\ufeff" + GOOD).encode("utf-16-le"),
    ],
)
def test_the_options_are_read_from_every_list_that_the_emulator_reads(tmp_path, caplog, text):
    listed, left_out = packed(tmp_path, text, "new/0000000000000000ee284131.png")
    assert (listed.option("hash"), listed.option("ignoreaddress")) == ("xxh64", "True")
    assert listed.sections["hashranges"] == {"0x08941234,512,512": "480,272"}
    assert listed.hashes == {(0, 0xEE284131, 0): "textures/0000000000000000ee284131.png"}
    assert (left_out, caplog.text) == ({}, "")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda file: file.write_text("[options]\nversion = 1\nhash = md5\n"),
            ":3: hash is 'md5', not quick, xxh32",
        ),
        (lambda file: file.write_bytes(b"x" * ((1 << 24) + 1)), "larger than the limit"),
        (lambda file: (file.unlink(), os.mkfifo(file)), "not a regular file"),
        (lambda file: (file.unlink(), file.symlink_to("/etc/hosts")), "leads out of its folder"),
        (
            lambda file: file.write_text("[options]\nhash = xxh64\n[games]\nulus10041 = ../other.ini\n"),
            "'../other.ini' leads out",
        ),
        (
            lambda file: file.write_text("[options]\nhash=quick\n[games]\nULUS10041 = b.ini\n"),
            "b.ini: is missing",
        ),
    ],
)
def test_a_list_that_cannot_be_read_is_named_in_one_warning(tmp_path, caplog, spoil, reason):
    made = dumped(tmp_path, GOOD, "new/0894abcd0000000012345678.png", "new/0894abcd0000000112345678.png")
    spoil(tmp_path / "ULUS10041" / "textures.ini")
    write_pack(Target(name="ppsspp"), made, tmp_path / "out")
    text = (tmp_path / "out" / "ppsspp" / "ULUS10041" / "textures.ini").read_text()
    assert "hash = quick" in text
    if "b.ini: is missing" not in reason:
        assert reason in caplog.text
        assert caplog.text.count("may not find textures") == 1


def test_what_the_user_listed_is_honoured_and_kept(tmp_path):
    text = (
        "[options]\nversion = 1\nhash = xxh64\n[hashes]\n# a film\n099bf1c000000000aabbccdd =\n"
        "0000000000000000ee284131 = same/anyaddr.png\n099c0db096c0500ecd2f3e6e = water\\frame1.dds\n"
        "099c0db196c0500ecd2f3e6e = water\\frame1.dds\n0a00000000000000000000ff = mine/logo.png\n"
        "[filtering]\n0000000000000000ee284131 = nearest\n"
    )
    names = (
        "099bf1c000000000aabbccdd",
        "094b89907dcca1a5ee284131",
        "water/frame1",
        "094b89917dcca1a5ee284131",
    )
    listed, left_out = packed(tmp_path, text, *(f"new/{name}.png" for name in names))
    assert left_out == {
        "new/099bf1c000000000aabbccdd.png": "textures.ini leaves it out: 099bf1c000000000aabbccdd has no file there"
    }
    assert {entry_name(name): path for name, path in listed.hashes.items()} == {
        "094b89907dcca1a5ee284131": "textures/094b89907dcca1a5ee284131.png",
        "094b89917dcca1a5ee284131": "textures/094b89917dcca1a5ee284131.png",
        "099c0db096c0500ecd2f3e6e": "textures/099c0db096c0500ecd2f3e6e.png",
        "099bf1c000000000aabbccdd": "",
        "0000000000000000ee284131": "textures/094b89907dcca1a5ee284131.png",
        "099c0db196c0500ecd2f3e6e": "textures/099c0db096c0500ecd2f3e6e.png",
        "0a00000000000000000000ff": "mine/logo.png",
    }
    assert listed.sections == {"filtering": {"0000000000000000ee284131": "nearest"}}
    folder = tmp_path / "out" / "ppsspp"
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert ppsspp.check(folder, files) == []


@pytest.mark.parametrize("root", ["ULUS10041", "ULUS10041/new", "."])
def test_names_that_a_list_gives_are_known_wherever_the_dump_is_entered(tmp_path, root):
    game = tmp_path / "ULUS10041"
    save_png(game / "new" / "water" / "frame1.png", noise((8, 8)))
    save_png(game / "water" / "frame1.png", noise((8, 8)))
    (game / "textures.ini").write_text(
        "[options]\nhash = xxh64\n[hashes]\n099C0DB096c0500ecd2f3e6e = water/frame1.png\n"
    )
    found = {source.file: source.emulator for source in scan(tmp_path / root).sources}
    assert found[game / "new" / "water" / "frame1.png"] == parse_name("099c0db096c0500ecd2f3e6e.png")
    assert found.get(game / "water" / "frame1.png") is None, "a replacement is no dump"


def test_another_list_changes_what_it_says_for_its_game(tmp_path):
    (tmp_path / "ULUS10041").mkdir()
    (tmp_path / "ULUS10041" / "jp.ini").write_text(
        "[options]\nHash = XXH32\n[hashes]\n0894abcd0000000012345678 =\n"
    )
    text = GOOD + "[games]\nULJM05800 = textures.ini\nulus10041 = jp.ini\n"
    listed, left_out = packed(
        tmp_path, text, "new/0894abcd0000000012345678.png", "new/0000000000000000ee284131.png"
    )
    assert (listed.option("hash"), listed.option("ignoreaddress")) == ("xxh32", "True")
    assert listed.sections["games"] == {"ULJM05800": "textures.ini"}, "the other list is not in the pack"
    assert "has no file there" not in left_out.get("new/0000000000000000ee284131.png", "")


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**32 - 1), st.integers(0, 4), st.booleans())
def test_an_entry_with_parts_that_stand_for_any_is_found(key, digest, wildcard, ignoring):
    """The order in which PPSSPP looks: LookupWildcard in TextureReplacer.cpp."""
    palette, address = key & 0xFFFFFFFF, key & ~0xFFFFFFFF
    entries = [(key, digest), (palette, 0), (palette, digest), (0, digest), (address, digest)]
    options = {"hash": ("hash", "xxh64"), "ignoreaddress": ("ignoreAddress", str(ignoring))}
    listed = TextureList(options, {(*entries[wildcard], 0): "x.png"})
    found = listed.entry_of((key, digest))
    if ignoring and address and wildcard in (0, 4):
        assert found is None
    else:
        assert found == entries[wildcard]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[options]\nversion = 1\n", "has no hash in [options]"),
        (GOOD + "[hashes]\n0894abcd0000000012345678 = textures/a.png\n", "ignoreAddress is on"),
        (
            "[options]\nhash=quick\n[hashes]\n0894abcd0000000012345678_1 = textures/a.png\n",
            "without the larger ones",
        ),
        (
            "[options]\nhash=quick\n[hashes]\n" + "0894abcd0000000012345678 = textures/a.png\n" * 2,
            "is listed twice",
        ),
        ("[options]\nhash = fast\n", "hash is 'fast'"),
    ],
)
def test_lists_that_the_emulator_reads_otherwise_than_meant_are_found(tmp_path, text, line):
    (tmp_path / "ULUS10041" / "textures").mkdir(parents=True)
    (tmp_path / "ULUS10041" / "textures.ini").write_text(text)
    files = [PurePosixPath("ULUS10041/textures.ini"), PurePosixPath("ULUS10041/textures/a.png")]
    assert any(line in found for found in ppsspp.check(tmp_path, files))


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 9)),
        st.text("abc/. #;=é", max_size=12).map(str.strip),
        max_size=5,
    )
)
def test_a_list_survives_writing_and_reading(hashes):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "textures.ini"
        file.write_text(list_text(TextureList(hashes=hashes)), "utf-8")
        assert read_list(file).hashes == hashes


def test_lists_of_several_dumps_are_joined_and_other_options_told(tmp_path, caplog):
    first = dumped(tmp_path / "a", GOOD + "[hashes]\n", "new/0894abcd0000000012345678.png")
    second = dumped(
        tmp_path / "b",
        GOOD + "[hashes]\n0000000000000000ee284131 = x.png\n",
        "new/0894abcd00000000aaaaaaaa.png",
    )
    write_pack(Target(name="ppsspp"), [*first, *second], tmp_path / "out")
    listed = read_list(tmp_path / "out" / "ppsspp" / "ULUS10041" / "textures.ini")
    assert (0, 0xEE284131, 0) in listed.hashes
    assert not caplog.text
    third = dumped(tmp_path / "c", GOOD.replace("xxh64", "xxh32"), "new/0894abcd00000000bbbbbbbb.png")
    write_pack(Target(name="ppsspp"), [*first, *third], tmp_path / "other")
    assert "lists with other options" in caplog.text
    assert read_list(tmp_path / "other" / "ppsspp" / "ULUS10041" / "textures.ini").option("hash") == "xxh64"


def test_dds_has_all_levels_and_is_listed(tmp_path):
    made = [
        finished(source(NAMES[0]), noise((16, 8), 1), 2),
        finished(source(NAMES[1]), noise((6, 8), 2), 2),
        finished(source(NAMES[2]), noise((8, 4), 3), 2),
    ]
    target = Target(name="ppsspp", images="dds")
    pack = write_pack(target, made, tmp_path)
    folder = tmp_path / "ppsspp" / "ULUS10041"
    dds, png = NAMES[0].replace(".png", ".dds"), NAMES[1]
    assert {path.name for path in (folder / "textures").iterdir()} == {dds, png}
    data = (folder / "textures" / dds).read_bytes()
    header = read_dds_header(data)
    assert (header.size, header.dxgi, header.levels) == ((16, 8), 98, 5)
    assert configured(target).size(made[0]) == len(data) == dds_bytes((16, 8))
    text = (folder / "textures.ini").read_text()
    assert f"{NAMES[0].removesuffix('.png')} = textures/{dds}\n" in text
    assert f"{NAMES[1].removesuffix('.png')} = textures/{png}\n" in text
    assert pack.left_out == {NAMES[2]: "is a mip level, which texpipe makes from the largest level"}
    in_manifest(tmp_path, {"ppsspp": pack}, made)
    assert not verify_pack(tmp_path).problems
