"""RT64: names, rt64.json, folders and .rtz archives."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from packs import finished, in_manifest, noise

from texpipe.errors import PackError
from texpipe.formats import parse_name, rt64, rt64_hashes
from texpipe.formats.archive import ZipReader
from texpipe.imaging.image_files import decode
from texpipe.packs.pack import plan_pack, write_pack
from texpipe.packs.verify import verify_pack
from texpipe.recipe.targets import Target
from texpipe.texture import Source

RICE = "SMASH BROTHERS#FC86C867#0#2_all.png"
RICE_CI = "SMASH BROTHERS#966C3AC1#2#0#516F7F0B_ciByRGBA.png"


def source(name):
    return Source(name, Path(name), parse_name(name))


def written_list(folder):
    return json.loads((folder / "rt64" / "rt64.json").read_text())


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("0011450ae04df1f6.v5.tmem", {"hash": "0011450ae04df1f6", "version": 5}),
        ("a/0011450ae04df1f6.png", {"hash": "0011450ae04df1f6"}),
    ],
)
def test_names_of_dumps(name, fields):
    parsed = parse_name(name)
    assert parsed is not None
    assert (parsed.scheme, dict(parsed.fields)) == ("rt64", fields)


@pytest.mark.parametrize(
    "name", ["0011450AE04DF1F6.v5.tmem", "0011450ae04df1f.png", "0011450ae04df1f6.v5.tile.json"]
)
def test_other_names(name):
    assert parse_name(name) is None


def test_a_folder_has_a_list_of_hashes_and_dds_with_all_levels(tmp_path):
    made = [
        finished(source("0011450ae04df1f6.v5.tmem"), noise((16, 16), 1), 4),
        finished(source("0011450ae04df1f7.v5.tmem"), noise((16, 16), 2), 4),
        finished(source("0011450ae04df1f8.v5.tmem"), noise((16, 16), 1), 4),
    ]
    pack = write_pack(Target(name="rt64"), made, tmp_path)
    top = written_list(tmp_path)
    assert top["configuration"] == {
        "autoPath": "rt64",
        "configurationVersion": 3,
        "hashVersion": 5,
        "defaultOperation": "stream",
        "defaultShift": "half",
    }
    paths = {one["hashes"]["rt64"]: one["path"] for one in top["textures"]}
    assert paths == {
        "0011450ae04df1f6": "textures/0011450ae04df1f6.dds",
        "0011450ae04df1f7": "textures/0011450ae04df1f7.dds",
        "0011450ae04df1f8": "textures/0011450ae04df1f6.dds",  # the same picture: one file
    }
    in_manifest(tmp_path, {"rt64": pack}, made)
    assert verify_pack(tmp_path).problems == ()


def test_gliden64_names_are_found_in_a_list_of_the_game(tmp_path):
    listed = [
        {"path": "x\\y.dds", "hashes": {"rt64": "0011450ae04df1f6", "rice": "fc86c867#0#2"}},
        {"path": "", "hashes": {"rt64v1": "00000000000000AA", "rice": "fc86c867#0#2"}},
        {"path": "", "hashes": {"rt64": "00000000000000bb", "rice": "966c3ac1#2#0"}},  # without the palette
        {"path": "", "hashes": {"rt64": "00000000000000cc", "rice": ""}},
    ]
    (tmp_path / "game.json").write_text(json.dumps({"textures": listed}))
    made = [finished(source(name), noise((8, 8), n), 4) for n, name in enumerate((RICE, RICE_CI, "wood.png"))]
    target = Target(name="rt64", images="png", hashes=str(tmp_path / "game.json"))
    pack = write_pack(target, made, tmp_path)
    assert "its RT64 hash is unknown" in pack.left_out["wood.png"]
    hashes = {one["hashes"]["rt64"]: one for one in written_list(tmp_path)["textures"]}
    assert set(hashes) == {"0011450ae04df1f6", "00000000000000aa", "00000000000000bb"}
    assert hashes["00000000000000aa"]["hashes"]["rice"] == "fc86c867#0#2"
    assert (
        hashes["00000000000000aa"]["path"]
        == hashes["0011450ae04df1f6"]["path"]
        == "textures/0011450ae04df1f6.png"
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('{"textures": []}', 5),
        ('{"configuration": {}, "textures": []}', 1),
        ('{"configuration": {"hashVersion": 3}, "textures": []}', 3),
    ],
)
def test_what_a_list_leaves_out_means_what_rt64_takes_it_for(tmp_path, text, version):
    (tmp_path / "rt64.json").write_text(text)
    assert rt64_hashes.read_hashes(tmp_path / "rt64.json").version == version


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"textures": [1]}', "[" * 9999])
def test_other_files_are_no_lists(tmp_path, text):
    (tmp_path / "rt64.json").write_text(text)
    with pytest.raises(PackError, match=r"not a rt64\.json"):
        rt64_hashes.read_hashes(tmp_path / "rt64.json")


def test_hashes_of_another_version_are_left_out(tmp_path):
    made = [finished(source("0011450ae04df1f6.v4.tmem"), noise((8, 8)), 4)]
    pack = plan_pack(Target(name="rt64", images="png"), made)
    assert "version 4" in pack.left_out["0011450ae04df1f6.v4.tmem"]


def test_an_archive_holds_list_and_pictures(tmp_path):
    rgba = noise((16, 16), 1)
    made = [finished(source("0011450ae04df1f6.v5.tmem"), rgba, 4)]
    target = Target(name="rt64", container="rtz", game="Zelda", images="png")
    pack = write_pack(target, made, tmp_path)
    file = tmp_path / "rt64" / "Zelda.rtz"
    with ZipReader(file) as archive:
        assert archive.names() == ["rt64.json", "textures/0011450ae04df1f6.png"]
        data = archive.read("textures/0011450ae04df1f6.png", 1 << 20)
    assert np.array_equal(decode(data, name="x")[0], rgba)
    in_manifest(tmp_path, {"rt64": pack}, made)
    assert verify_pack(tmp_path).problems == ()
    first = file.read_bytes()
    write_pack(target, made, tmp_path)
    assert file.read_bytes() == first


def test_planted_violations_are_found(tmp_path):
    made = [finished(source("0011450ae04df1f6.v5.tmem"), noise((16, 16), 1), 4)]
    pack = write_pack(Target(name="rt64"), made, tmp_path)
    in_manifest(tmp_path, {"rt64": pack}, made)
    file = tmp_path / "rt64" / "textures" / "0011450ae04df1f6.dds"
    file.rename(file.with_name("0011450AE04DF1F6.dds"))
    found = "\n".join(verify_pack(tmp_path).problems)
    assert "is missing" in found
    assert "is missing, or is written differently" in found
    (tmp_path / "rt64" / "rt64.json").unlink()
    assert "finds no texture without it" in "\n".join(verify_pack(tmp_path).problems)


def test_an_archive_with_foreign_compression_or_paths_is_found(tmp_path):
    (tmp_path / "rt64").mkdir()
    with zipfile.ZipFile(tmp_path / "rt64" / "x.rtz", "w", zipfile.ZIP_BZIP2) as archive:
        hashes = {"rt64": "0011450ae04df1f6"}
        archive.writestr("rt64.json", json.dumps({"textures": [{"path": "../a.png", "hashes": hashes}] * 2}))
        archive.writestr("a.dds", b"no picture")
    found = "\n".join(rt64.check(tmp_path / "rt64", [Path("x.rtz")]))
    for line in (
        "../a.png is missing",
        "not a hash, or is listed twice",
        "a.dds: is damaged: is not a DDS file",
        "compressed by method 12",
    ):
        assert line in found


@pytest.mark.parametrize("missing", ["hashVersion", "configurationVersion"])
def test_a_list_that_rt64_would_take_for_an_old_one_is_found(tmp_path, missing):
    configuration = {"hashVersion": 5, "configurationVersion": 3}
    del configuration[missing]
    (tmp_path / "rt64.json").write_text(json.dumps({"configuration": configuration, "textures": []}))
    (found,) = rt64.check(tmp_path, [PurePosixPath("rt64.json")])
    assert f"has no {missing}" in found
    (tmp_path / "rt64.json").write_text('{"textures": []}')
    assert rt64.check(tmp_path, [PurePosixPath("rt64.json")]) == [], "without a configuration all are today's"


@pytest.mark.parametrize(
    "text", ["[" * 5000, '{"textures":\n\n nope}', "{}", "[]", '{"textures": [{"hashes": 9}]}', "9" * 5000]
)
def test_a_list_that_is_damaged_is_named_with_its_place(tmp_path, text):
    (tmp_path / "rt64.json").write_text(text)
    with pytest.raises(PackError, match=r"rt64\.json.*: not a rt64\.json"):
        rt64_hashes.read_hashes(tmp_path / "rt64.json")
    assert "not a list of textures" in rt64.check(tmp_path, [PurePosixPath("rt64.json")])[0]
