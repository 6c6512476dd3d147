"""The report's folder: which pictures it holds, what it says, and that hostile names stay names."""

from __future__ import annotations

import json
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from dumps import texture
from packs import finished
from reportable import finished_pack, pack_of_dump

from texpipe.errors import PackError
from texpipe.formats.gliden64_cache import CacheEntry, write_htc, write_hts
from texpipe.imaging.image_files import decode, save_png
from texpipe.manifest.file import read_manifest, write_run_info
from texpipe.manifest.schema import Entry, Output, Summary
from texpipe.packs.pack import write_pack
from texpipe.passes.resample import repeat
from texpipe.recipe.targets import Target
from texpipe.relations import Flip, Mirror
from texpipe.report.page import ASSETS, render, write_report
from texpipe.report.page_data import fold_duplicates
from texpipe.report.sources import dump_of, source_of
from texpipe.report.stamp import STAMP

HOSTILE = [
    '"><img src=x onerror=alert(1)>.png',
    "</script><script>alert(2)</script>.png",
    "<!--<script>.png",
    "it's & {{ 7*7 }} {% raw %}.png",
    "名前 \u2028 é.png",
]


def data_of(page: Path) -> dict:
    """Return the JSON that the page's scripts read."""
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', page.read_text("ascii"), re.S
    )
    assert found is not None
    return json.loads(found[1])


def texture_of(page: Path, name: str) -> dict:
    return next(one for one in data_of(page)["textures"] if one["source"] == name)


class Tags(HTMLParser):
    """Collects what a browser would take for elements and handlers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_folder_is_complete(tmp_path: Path) -> None:
    page = write_report(finished_pack(tmp_path))
    assert page == tmp_path / "out" / "report" / "index.html"
    assert all((page.parent / name).is_file() for name in ASSETS)
    links = re.findall(r'(?:src|href)="([^"#][^"]*)"', page.read_text("ascii"))
    assert {link for link in links if link != "data:,"} == {*ASSETS, STAMP}, "nothing from anywhere else"
    for shown in data_of(page)["textures"]:
        for which in ("before", "after"):
            assert (page.parent / "pictures" / shown[which]["file"]).is_file()


def test_the_pictures_are_the_pixels(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    page = write_report(output)
    for entry in read_manifest(output / "manifest.json").textures[:2]:
        shown = texture_of(page, entry.source)
        for which, expected in (
            ("before", source_of(entry, dump_of(output, {entry.source}))),
            ("after", decode((output / entry.outputs[0].path).read_bytes(), name="x.png")[0]),
        ):
            file = page.parent / "pictures" / shown[which]["file"]
            assert (decode(file.read_bytes(), name="x.png")[0] == expected).all()


def test_colour_without_alpha_is_a_picture_of_its_own(tmp_path: Path) -> None:
    """Browsers multiply colour by alpha when they decode: under alpha 0 only a second picture can show it."""
    output = finished_pack(tmp_path, alpha="binary")
    page = write_report(output)
    entry = read_manifest(output / "manifest.json").textures[0]
    shown = texture_of(page, entry.source)["before"]["colour"]
    colour = decode((page.parent / "pictures" / shown).read_bytes(), name="x.png")[0]
    source = source_of(entry, dump_of(output, {entry.source}))
    assert (source[..., 3] == 0).any()
    assert (colour[..., :3] == source[..., :3]).all()
    assert (colour[..., 3] == 255).all()


def test_duplicates_are_folded(tmp_path: Path) -> None:
    shown = data_of(write_report(finished_pack(tmp_path)))["textures"]
    assert [one["source"] for one in shown] == ["a.png", "b.png"]
    assert shown[0]["duplicates"] == ["c.png"]
    assert "duplicates" not in shown[1]


def test_a_duplicate_alone_stands_for_itself() -> None:
    alone = Entry("c.png", "written", duplicate_of="a.png")
    assert fold_duplicates([alone]) == [(alone, ())]


def test_palettes_and_pieces_are_families(tmp_path: Path) -> None:
    names = [f"GAME#0000000{crc}#2#1#{palette:08X}_ciByRGBA.png" for crc in (1, 2) for palette in (7, 8, 9)]
    page = write_report(
        finished_pack(tmp_path, names=[*names[:4], "x.png", "y.png"], group=("x.png", "y.png"))
    )
    families = {one["source"]: one.get("family") for one in data_of(page)["textures"]}
    assert len({families[name] for name in names[:3]}) == 1
    assert families[names[3]] is None, "one palette is no family"
    assert families["x.png"] == families["y.png"] == "group pieces"


def test_mirror_images_are_a_family(tmp_path: Path) -> None:
    for number, name in enumerate(("left.png", "right.png", "other.png")):
        save_png(tmp_path / "dump" / name, texture(number))

    def related(entry: Entry) -> Entry:
        axis: Flip = "none" if entry.source == "left.png" else "x"
        return replace(entry, mirror=None if entry.source == "other.png" else Mirror("left.png", axis, "why"))

    textures = data_of(write_report(pack_of_dump(tmp_path, change=related)))["textures"]
    assert {one["source"]: one.get("family") for one in textures} == {
        "left.png": "image of left.png",
        "right.png": "image of left.png",
        "other.png": None,
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(name: str) -> None:
    facts = {"source": name, "status": "failed", "before": {}, "after": {}, "duplicates": [name]}
    summary = vars(Summary(written=1, failed=1))
    pack = {
        "name": name,
        "model": {"name": name, "licence": name, "sha256": ""},
        "scale": 4,
        "targets": [name],
    }
    harmless = pack | {"name": "a", "model": {"name": "a", "licence": "a", "sha256": ""}, "targets": ["a"]}
    more = {"texpipe": "0", "summary": summary, "manifest": "0" * 64, "date": "2000-01-01 00:00 UTC"}
    text = render({"pack": pack | more, "textures": [facts]})
    plain = render({"pack": harmless | more, "textures": []})
    shapes = [[(tag, sorted(attributes)) for tag, attributes in Tags(page).found] for page in (text, plain)]
    assert shapes[0] == shapes[1], "no name makes an element or an attribute"
    inside = re.search(r'id="data">(.*?)</script>', text, re.S)
    assert inside is not None
    assert json.loads(inside[1])["textures"][0]["source"] == name
    assert not set("<>&'") & set(inside[1])


def test_no_script_in_the_page_itself(tmp_path: Path) -> None:
    """The page's policy allows no inline script, so the page must need none."""
    text = write_report(finished_pack(tmp_path)).read_text("ascii")
    for tag, attributes in Tags(text).found:
        assert not any(name.startswith("on") for name in attributes)
        if tag == "script":
            assert "src" in attributes or attributes["type"] == "application/json"
    assert "script-src 'self' file:" in text


def test_no_path_of_this_machine(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    (tmp_path / "dump").rename(tmp_path / "moved")
    assert str(tmp_path) not in write_report(output).read_text("ascii")


def test_sources_stay_in_the_report_when_the_dump_moves(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    write_report(output)
    (tmp_path / "dump").rename(tmp_path / "moved")
    assert "file" in texture_of(write_report(output), "a.png")["before"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda root: root.rename(root.with_name("moved")), "the input folder is gone"),
        (lambda root: (root / "a.png").write_bytes((root / "b.png").read_bytes()), "changed since"),
        (lambda root: (root / "a.png").write_bytes(b""), "empty"),
        (lambda root: (root / "a.png").unlink(), "gone from the input folder"),
    ],
)
def test_the_page_says_which_source_is_gone(
    tmp_path: Path, change: Callable[[Path], object], reason: str
) -> None:
    output = finished_pack(tmp_path)
    change(tmp_path / "dump")
    shown = texture_of(write_report(output), "a.png")
    assert reason in shown["before"]["missing"]
    assert "file" in shown["after"]


@pytest.mark.parametrize("alpha", ["opaque", "binary"])
def test_the_page_says_which_result_is_gone(tmp_path: Path, alpha: str) -> None:
    output = finished_pack(tmp_path, alpha=alpha)
    (output / "folder" / "a.png").unlink()
    shown = texture_of(write_report(output), "a.png")
    assert "folder/a.png cannot be read" in shown["after"]["missing"]
    assert "file" in shown["before"]


def test_failed_and_skipped_textures_are_there(tmp_path: Path) -> None:
    output = finished_pack(tmp_path, others=[Entry("x.png", "failed", reason="the file is empty")])
    shown = texture_of(write_report(output), "x.png")
    assert shown["before"]["missing"] == shown["reason"] == "the file is empty"


def test_results_cost_no_room_where_the_disk_has_links(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    page = write_report(output)
    link = page.parent / "pictures" / texture_of(page, "a.png")["after"]["file"]
    assert link.samefile(output / "folder" / "a.png") or link.stat().st_nlink == 1


def test_a_disk_without_links_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    output = finished_pack(tmp_path)
    page = write_report(output)
    copy = page.parent / "pictures" / texture_of(page, "a.png")["after"]["file"]
    assert copy.read_bytes() == (output / "folder" / "a.png").read_bytes()
    assert not copy.samefile(output / "folder" / "a.png")


def test_pictures_of_earlier_reports_are_removed(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    write_report(output)
    page = write_report(output, names=["b.png"])
    assert len(list((page.parent / "pictures").iterdir())) == 2
    assert [one["source"] for one in data_of(page)["textures"]] == ["b.png"]


def test_two_reports_are_the_same_bytes(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    first = write_report(output).read_bytes()
    assert write_report(output).read_bytes() == first


def sources_of_every_kind(folder: Path) -> None:
    """Write one source file of every kind that is no plain picture."""
    folder.mkdir(parents=True)
    for number, half in enumerate(("rgb", "a")):
        save_png(folder / f"GAME#00000001#0#2_{half}.png", texture(number))
    (folder / "door.tim").write_bytes(two_palettes())
    write_hts(folder / "GAME_HIRESTEXTURES.hts", [CacheEntry(2, texture(2), 0, 2)])
    write_htc(folder / "MORE_HIRESTEXTURES.htc", [CacheEntry(3, texture(3), 0, 2)])
    rgba32 = struct.pack("<IIII", 1, 8, 8, 256) + texture(4).tobytes()
    header = struct.pack("<BBHIIQ", 0, 1, 0, 0x4F544558, 0, 0xDEADBEEFDEADBEEF).ljust(64, b"\0")
    with zipfile.ZipFile(folder / "oot.o2r", "w") as archive:
        archive.writestr("objects/gKeyTex", header + rgba32)
    (folder / f"{7:016x}.v5.tmem").write_bytes(bytes(range(256)) * 16)
    tile = {"fmt": 4, "siz": 1, "line": 2, "tmem": 0, "palette": 0}
    tile |= {"cms": 0, "cmt": 0, "masks": 3, "maskt": 3}
    (folder / f"{7:016x}.v5.tile.json").write_text(
        json.dumps({"tile": tile, "width": 8, "height": 8, "tlut": "None"})
    )


def two_palettes() -> bytes:
    """A PS1 picture, 8 x 8 texels of 4 bits, with two palettes."""
    palettes = np.arange(1, 33, dtype="<u2") * 901
    texels = np.random.default_rng(0).integers(0, 256, 32, np.uint8)
    sections = [(16, 2, palettes.tobytes()), (2, 8, texels.tobytes())]
    data = b"".join(struct.pack("<IHHHH", 12 + len(body), 0, 0, w, h) + body for w, h, body in sections)
    return struct.pack("<II", 0x10, 8) + data


def test_sources_of_every_kind_are_shown(tmp_path: Path) -> None:
    sources_of_every_kind(tmp_path / "dump")
    output = pack_of_dump(tmp_path)
    page, entries = write_report(output), read_manifest(output / "manifest.json").textures
    dump = dump_of(output, {entry.source for entry in entries})
    suffixes = [
        PurePosixPath(name).suffix for name in sorted(entry.source.split("/")[0] for entry in entries)
    ]
    assert sorted(suffixes) == [".htc", ".hts", ".o2r", ".png", ".tim", ".tim", ".tmem"]
    for entry in entries:
        file = page.parent / "pictures" / texture_of(page, entry.source)["before"]["file"]
        assert np.array_equal(decode(file.read_bytes(), name="x.png")[0], source_of(entry, dump)), (
            entry.source
        )


def test_pictures_of_one_file_are_told_apart(tmp_path: Path) -> None:
    sources_of_every_kind(tmp_path / "dump")
    page = write_report(pack_of_dump(tmp_path))
    shown = [texture_of(page, f"door.tim/clut0{number}")["before"]["file"] for number in (0, 1)]
    assert shown[0] != shown[1]


@pytest.mark.parametrize("meaning", ["opaque", "semi"])
def test_bit_15_of_a_tim_means_what_the_run_took_it_for(tmp_path: Path, meaning: str) -> None:
    (tmp_path / "dump").mkdir()
    colours = (0x8000 | np.arange(1, 65, dtype="<u2") * 997).astype("<u2")
    tim = struct.pack("<IIIHHHH", 0x10, 2, 12 + 128, 0, 0, 8, 8) + colours.tobytes()
    (tmp_path / "dump" / "a.tim").write_bytes(tim)
    output = pack_of_dump(tmp_path)
    write_run_info(output / "run.json", {"input": str(tmp_path / "dump"), "stp": meaning})
    entry = read_manifest(output / "manifest.json").textures[0]
    assert (source_of(entry, dump_of(output, {entry.source}))[..., 3].max() == 255) == (meaning == "opaque")


@pytest.mark.parametrize(
    ("name", "target", "options"),
    [
        ("GAME#00000001#0#2_all.png", "gliden64", {"container": "hts"}),
        ("GAME#00000001#0#2_all.png", "gliden64", {"container": "htc"}),
        ("assets/objects/gKeyTex.rgba16.png", "soh", {}),
        (f"{7:016x}.v5.png", "rt64", {"container": "rtz", "images": "png"}),
        (f"{7:016x}.v5.png", "rt64", {"container": "rtz", "images": "dds"}),
    ],
)
def test_results_are_taken_out_of_archives(
    tmp_path: Path, name: str, target: str, options: dict[str, str]
) -> None:
    save_png(tmp_path / "dump" / name, texture(0))
    output = pack_of_dump(tmp_path)
    (source,) = dump_of(output, {name}).sources[name]
    rgba = repeat(texture(0), 4)
    pack = write_pack(Target(name=target, **options), [finished(source, rgba, 4)], output)
    output = pack_of_dump(tmp_path, change=lambda entry: replace(entry, outputs=pack.outputs[name]))
    page = write_report(output)
    file = page.parent / "pictures" / texture_of(page, name)["after"]["file"]
    lossy = 12 if options.get("images") == "dds" else 0
    assert np.abs(decode(file.read_bytes(), name="x.png")[0].astype(int) - rgba).max() <= lossy


def test_archives_that_cannot_be_opened_or_read_are_named(tmp_path: Path) -> None:
    for path, said in (("other/pack.7z", "inside other/pack.7z"), ("other/pack.o2r", "cannot be read")):
        archive = Output("other", path, "1" * 64, (32, 32))
        page = write_report(finished_pack(tmp_path, written=lambda _, one=archive: one))
        assert said in texture_of(page, "a.png")["after"]["missing"]


def test_unknown_names_and_unfinished_packs(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"cannot read .*manifest\.json"):
        write_report(tmp_path)
    with pytest.raises(PackError, match="no texture 'x'"):
        write_report(finished_pack(tmp_path), names=["x"])
