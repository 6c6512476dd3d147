"""Coverage: what a pack has of a dump, whatever its format, its maker and its container."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from o2r_files import original, write_archive
from packs import finished, noise
from rt64_dumps import HASH, write_dump

from texpipe.errors import PackError
from texpipe.formats import parse_name
from texpipe.formats.gliden64_cache import CacheEntry, write_htc
from texpipe.imaging.image_files import encode_png
from texpipe.imaging.texel_formats import quantise
from texpipe.packs.pack import write_pack
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.targets import Target
from texpipe.texture import Source
from texpipe.upkeep.any_pack import open_pack
from texpipe.upkeep.coverage import STATES, Coverage, coverage
from texpipe.upkeep.keys import TextureKey, key_of

GAME = "OWN GAME"
PLAIN = f"{GAME}#0A000001#0#2_all.png"
RED, BLUE = (f"{GAME}#0A000002#2#0#{palette}_ciByRGBA.png" for palette in ("000000AA", "000000BB"))
FONT = f"{GAME}#0A000003#3#0_all.png"
DUMP = {PLAIN: (8, 8), RED: (16, 8), BLUE: (16, 8), FONT: (32, 32)}
PSX = "texupload-P4-18DDF9B731440D20-AF506869B80F5CE7-10x56-0-0-36x32-P0-15"
PSX_RED = "texupload-P4-18DDF9B731440D20-0DAE5F73C88719B1-10x56-0-0-36x32-P0-15"


def write(folder: Path, files: Sequence[str], size: tuple[int, int] = (8, 8)) -> Path:
    for number, name in enumerate(files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encode_png(noise(size, number)))
    return folder


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    for name, size in DUMP.items():
        write(tmp_path / "dump", [name], size)
    return tmp_path / "dump"


def states(found: Coverage) -> dict[str, str]:
    return {one.name: one.state for one in found.textures}


def test_each_texture_is_there_missing_in_other_colours_or_under_a_wrong_name(
    tmp_path: Path, dump: Path
) -> None:
    misnamed = f"{GAME}#0a000003#3#0_all.png"  # the loader compares upper case
    other = f"{GAME}#0BADBAD0#0#2_all.png"
    pack = write(tmp_path / "pack" / GAME, [f"walls/{PLAIN}", RED, misnamed, other, "my picture.png"])
    found = coverage(open_pack(pack.parent), [dump])
    assert states(found) == {PLAIN: "there", RED: "there", BLUE: "other palette", FONT: "wrong name"}
    by_name = {one.name: one for one in found.textures}
    assert by_name[BLUE].files == (f"{GAME}/{RED}",)
    assert by_name[FONT].files == (f"{GAME}/{misnamed}",)
    assert "not a name the loader accepts" in by_name[FONT].why
    assert found.unasked == {
        f"{GAME}/{other}": "not in the dump",
        f"{GAME}/my picture.png": "no texture name",
    }
    assert [found.count(state) for state in STATES] == [2, 1, 1, 0]
    assert [found.texels(state) for state in STATES] == [8 * 8 + 16 * 8, 16 * 8, 32 * 32, 0]


@pytest.mark.parametrize(
    "copied", [f"{PLAIN[:-4]} (1).png", f"{PLAIN[:-4]} - Copy.png", f"{PLAIN[:-4]}_copy.png"]
)
def test_a_copy_of_a_file_beside_the_dumps_name_is_a_wrong_name(
    tmp_path: Path, dump: Path, copied: str
) -> None:
    found = coverage(open_pack(write(tmp_path / "pack", [copied])), [dump])
    one = next(one for one in found.textures if one.name == PLAIN)
    assert (one.state, one.files, one.why) == ("wrong name", (copied,), f"the dump calls it {PLAIN}")
    assert not found.unasked


def test_a_file_of_another_game_is_not_found(tmp_path: Path, dump: Path) -> None:
    found = coverage(open_pack(write(tmp_path / "pack", [PLAIN.replace(GAME, "OTHER")])), [dump])
    one = next(one for one in found.textures if one.name == PLAIN)
    assert (one.state, one.why) == ("wrong name", "it is named for the game OTHER")


def test_the_rice_plugin_wants_other_names(tmp_path: Path, dump: Path) -> None:
    pack = open_pack(write(tmp_path / "pack", [f"{GAME}#0A000002#2#0_all.png", PLAIN]))
    assert states(coverage(pack, [dump], target="rice"))[PLAIN] == "there"
    wrong = write(tmp_path / "wrong", [RED.replace("_ciByRGBA", "_all")])
    assert states(coverage(open_pack(wrong), [dump], target="rice"))[RED] == "wrong name"


def test_any_palette_is_every_palette(tmp_path: Path, dump: Path) -> None:
    found = coverage(open_pack(write(tmp_path / "pack", [f"{GAME}#0A000002#2#0#$_ciByRGBA.png"])), [dump])
    assert [states(found)[name] for name in (RED, BLUE, PLAIN)] == ["there", "there", "missing"]
    assert not found.unasked


def test_two_files_for_one_texture(tmp_path: Path, dump: Path) -> None:
    found = coverage(open_pack(write(tmp_path / "pack", [f"a/{PLAIN}", f"b/{PLAIN}"])), [dump])
    assert states(found)[PLAIN] == "there"
    assert found.unasked == {f"b/{PLAIN}": "second file"}


@pytest.mark.parametrize(
    ("target", "dumped"),
    [
        (Target(name="gliden64"), DUMP),
        (Target(name="gliden64", container="hts"), DUMP),
        (Target(name="gliden64", container="htc"), DUMP),
        (Target(name="rice"), DUMP),
        (Target(name="folder"), {"walls/a.png": (8, 8), "b.png": (4, 4), "missing.png": (8, 8)}),
        (
            Target(name="duckstation", game="SLUS-00067"),
            dict.fromkeys((f"{PSX}.png", f"{PSX_RED}.png"), (36, 32)),
        ),
        (
            Target(name="beetle-psx", game="disc"),
            dict.fromkeys(("abcdef12-fedcba98.png", "abcdef13-0.png"), (8, 8)),
        ),
        (Target(name="rt64", images="png"), dict.fromkeys((f"{HASH}.png", f"{HASH[::-1]}.png"), (8, 8))),
        (
            Target(name="rt64", container="rtz", images="png"),
            dict.fromkeys((f"{HASH}.png", f"{HASH[::-1]}.png"), (8, 8)),
        ),
        (
            Target(name="dolphin", game="GZLE01"),
            {"tex1_8x8_0123456789abcdef_5.png": (8, 8), "tex1_8x8_0123456789abcde0_5.png": (8, 8)},
        ),
        (
            Target(name="ppsspp", game="ULUS10041"),
            {"08915b009fc7eb2c1bb5a1a9.png": (8, 8), "08915b009fc7eb2c1bb5a1a8.png": (8, 8)},
        ),
    ],
    ids=lambda one: f"{one.name}-{one.container}" if isinstance(one, Target) else "",
)
def test_a_pack_of_every_kind_covers_what_it_was_made_of(
    tmp_path: Path, target: Target, dumped: dict
) -> None:
    """All but the last texture are in the pack; texpipe's own writers place and name them."""
    for number, (name, size) in enumerate(dumped.items()):
        (tmp_path / "dump" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "dump" / name).write_bytes(encode_png(quantise(noise(size, number), "rgba16")))
    sources = scan(tmp_path / "dump").sources
    pictures = [finished(one, decode(one).rgba.repeat(2, 0).repeat(2, 1), 2) for one in sources]
    write_pack(target, pictures[:-1], tmp_path / "pack")
    found = coverage(open_pack(tmp_path / "pack"), [tmp_path / "dump"])
    assert {one.name for one in found.textures if one.state == "there"} == {one.name for one in sources[:-1]}
    assert not found.unasked
    whole = [path for path in (tmp_path / "pack").rglob("*") if path.suffix in (".hts", ".htc", ".rtz")]
    if whole:
        assert states(coverage(open_pack(whole[0]), [tmp_path / "dump"])) == states(found)


def test_equal_pictures_share_a_file_in_duckstation_packs(tmp_path: Path) -> None:
    write(tmp_path / "dump", [f"{PSX}.png"], (36, 32))
    (tmp_path / "dump" / f"{PSX_RED}.png").write_bytes((tmp_path / "dump" / f"{PSX}.png").read_bytes())
    pictures = [finished(one, decode(one).rgba, 1) for one in scan(tmp_path / "dump").sources]
    write_pack(Target(name="duckstation", game="SLUS-00067"), pictures, tmp_path / "pack")
    assert len(list((tmp_path / "pack").rglob("*.png"))) == 1
    assert set(states(coverage(open_pack(tmp_path / "pack"), [tmp_path / "dump"])).values()) == {"there"}


def test_texels_of_rt64_are_found_by_the_hash_that_they_give(tmp_path: Path) -> None:
    """Dumped by an older version of the hash, listed by the present one."""
    write_dump(tmp_path / "dump")
    (texture,) = scan(tmp_path / "dump").sources
    digest = dict(decode(texture).source.emulator.fields)["hash"]
    for suffix in ("tmem", "tile.json"):
        (tmp_path / "dump" / f"{HASH}.v5.{suffix}").rename(tmp_path / "dump" / f"{'0' * 16}.v4.{suffix}")
    (older,) = scan(tmp_path / "dump").sources
    current = dict(decode(older).source.emulator.fields)["v5"]
    assert digest == HASH
    write(tmp_path / "pack", ["walls/brick.png"])
    textures = [{"path": "walls/brick.png", "hashes": {"rt64": current, "rice": ""}}]
    (tmp_path / "pack" / "rt64.json").write_text(json.dumps({"textures": textures}))
    found = coverage(open_pack(tmp_path / "pack"), [tmp_path / "dump"])
    assert [one.state for one in found.textures] == ["there"]


def test_rice_names_in_a_list_of_rt64_cover_a_dump_of_gliden64(tmp_path: Path, dump: Path) -> None:
    write(tmp_path / "pack", ["brick.png", "coat.png"])
    textures = [
        {"path": "brick.png", "hashes": {"rt64": HASH, "rice": "0a000001#0#2"}},
        {"path": "coat.png", "hashes": {"rt64": "", "rice": "0a000002#2#0#000000aa"}},
    ]
    (tmp_path / "pack" / "rt64.json").write_text(json.dumps({"textures": textures}))
    found = states(coverage(open_pack(tmp_path / "pack"), [dump]))
    assert found == {PLAIN: "there", RED: "there", BLUE: "other palette", FONT: "missing"}


def test_replacements_of_ship_of_harkinian(tmp_path: Path) -> None:
    rgba = {name: quantise(noise((8, 8), number), "rgba16") for number, name in enumerate("ab")}
    game = {f"textures/{name}": original("rgba16", one) for name, one in rgba.items()}
    archive = write_archive(tmp_path / "oot.o2r", game)
    sources = scan(archive).sources
    write_pack(Target(name="soh"), [finished(sources[0], decode(sources[0]).rgba, 1)], tmp_path / "pack")
    found = coverage(open_pack(tmp_path / "pack"), [archive])
    assert sorted(states(found).values()) == ["missing", "there"]


def test_old_cache_files_do_not_say_the_format(tmp_path: Path, dump: Path) -> None:
    entry = CacheEntry(0xAA << 32 | 0x0A000002, noise((4, 4)), 2, 0)
    write_htc(tmp_path / f"{GAME}_HIRESTEXTURES.htc", [entry])
    data = gzip.decompress((tmp_path / f"{GAME}_HIRESTEXTURES.htc").read_bytes())
    old = data[4:8] + data[8 : 8 + 8 + 17] + data[8 + 8 + 19 :]  # no version, no numbers of the format
    (tmp_path / f"{GAME}_HIRESTEXTURES.htc").write_bytes(old)
    found = coverage(open_pack(tmp_path / f"{GAME}_HIRESTEXTURES.htc"), [dump])
    assert states(found) == {PLAIN: "missing", RED: "there", BLUE: "other palette", FONT: "missing"}


def test_a_zip_as_people_upload_it(tmp_path: Path, dump: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        archive.writestr(f"My pack/{GAME}/{PLAIN}", encode_png(noise((8, 8))))
        archive.writestr("__MACOSX/._x.png", b"")
        archive.writestr("../evil.png", b"")
    found = coverage(open_pack(tmp_path / "pack.zip"), [dump])
    assert states(found)[PLAIN] == "there"
    assert not found.unasked


def test_what_cannot_be_read_is_named_and_stops_nothing(tmp_path: Path, dump: Path) -> None:
    (dump / "torn.png").write_bytes(b"no picture")
    pack = write(tmp_path / "pack", [PLAIN])
    (pack / "torn.hts").write_bytes(b"no cache")
    (pack / "rt64.json").write_text("{")
    opened = open_pack(pack)
    found = coverage(opened, [dump])
    assert set(found.unreadable) == {"torn.png"}
    assert len(opened.problems) == 2
    assert states(found)[PLAIN] == "there"
    for path in (tmp_path / "nothing", dump / PLAIN):
        with pytest.raises(PackError):
            open_pack(path)


def test_links_that_are_not_followed_are_named(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/a.png").write_bytes(b"a")
    (tmp_path / "pack/b.png").symlink_to("a.png")
    (tmp_path / "pack/c.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "pack/more").symlink_to(tmp_path)
    pack = open_pack(tmp_path / "pack")
    assert [one.name for one in pack.entries] == ["a.png", "b.png"]
    assert [line.partition(",")[0] for line in pack.problems] == [
        f"{tmp_path / 'pack/c.png'} is a link that leads out of its folder",
        f"{tmp_path / 'pack/more'} is a link to a folder",
    ]


fields = st.tuples(*(st.integers(0, 3) for _ in range(4)))


@given(fields, fields)
def test_a_key_finds_itself_and_no_other(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    keys = [
        TextureKey("dolphin", (("a", x[0]), ("b", x[1])), (("c", x[2]), ("d", x[3]))) for x in (one, other)
    ]
    assert keys[0].finds(keys[1]) == (one == other)


def test_suffixes_are_not_part_of_a_key() -> None:
    names = [scan_name(f"{GAME}#0A000001#0#2_{suffix}.png") for suffix in ("all", "rgb", "allciByRGBA")]
    assert len({key_of(name) for name in names}) == 1


def scan_name(name: str):
    return Source(name, Path(name), parse_name(name)).emulator


def test_the_command(tmp_path: Path, dump: Path, texpipe: Callable) -> None:
    write(tmp_path / "pack", [PLAIN, "spare.png"])
    done = texpipe("coverage", tmp_path / "pack", "--dump", dump, "--list", "--html", tmp_path / "page")
    assert done.returncode == 0, done.stderr
    rows = {line.split("  ")[0]: line.split() for line in done.stdout.splitlines()[:5]}
    assert rows["there"][1:] == ["1", "25.0%", "64", "4.8%"]
    assert rows["missing"][1] == "3"
    assert "files that no texture of the dump asks for: 1" in done.stdout
    page = (tmp_path / "page" / "index.html").read_text()
    assert page.count("<li data-name=") == 4
    shown = set(re.findall(r"pictures/[0-9a-f]+\.png", page))
    assert {f"pictures/{one.name}" for one in (tmp_path / "page" / "pictures").iterdir()} == shown
    assert page.count("<img ") == 3
    made = json.loads(texpipe("coverage", tmp_path / "pack", "--dump", dump, "--json").stdout)
    assert made["summary"]["there"] == {"textures": 1, "texels": 64}
    assert made["unasked"] == [{"file": "spare.png", "why": "no texture name"}]
    assert texpipe("coverage", tmp_path / "nowhere", "--dump", dump).returncode == 5


def test_a_page_of_somebody_else_is_not_replaced(tmp_path: Path, dump: Path, texpipe: Callable) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<h1>mine</h1>")
    done = texpipe("coverage", dump, "--dump", dump, "--html", tmp_path / "page")
    assert done.returncode == 5
    assert (tmp_path / "page" / "index.html").read_text() == "<h1>mine</h1>"


def test_pixels_of_every_entry_can_be_read(tmp_path: Path, dump: Path) -> None:
    for one in open_pack(dump).entries:
        assert one.pixels is not None
        assert one.pixels().dtype == np.uint8
