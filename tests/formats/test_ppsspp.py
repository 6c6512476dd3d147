"""PPSSPP: names, textures.ini and the options of the dump."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import finished, in_manifest, noise

from texpipe.formats import parse_name, ppsspp
from texpipe.formats.contract import UnwritableError
from texpipe.packs.pack import write_pack
from texpipe.packs.verify import verify_pack
from texpipe.recipe.targets import Target
from texpipe.texture import Source

NAMES = ["0894abcd0000000012345678.png", "0894abcd0000000112345678.png", "0894abcd0000000212345678_1.png"]


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
        "0894abcd0000000212345678_1 = textures/0894abcd0000000212345678_1.png\n\n"
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
    assert "mine.png" not in text


def test_planted_violations_are_found(tmp_path):
    made = [finished(source(NAMES[0]), noise((16, 16)), 4)]
    write_pack(Target(name="ppsspp"), made, tmp_path)
    folder = tmp_path / "ppsspp"
    (folder / "ULUS10041" / "textures.ini").write_text(
        "[hashes]\n0894ABCD = ../x.png\n0894abcd0000000012345678 = X.png\n"
    )
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    found = "\n".join(ppsspp.check(folder, files))
    for line in ("no version = 1", "0894ABCD is not a hash", "../x.png is missing", "X.png is missing"):
        assert line in found
    assert "is missing" in "\n".join(ppsspp.check(folder, [path for path in files if path.suffix == ".png"]))
