"""Differences of packs: what changed, how much, and who made it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import chromium, require_browser, screen, within
from hypothesis import given, settings
from pack_trees import GAME, NAMES, picture, trees, write_container, write_tree
from packs import finished, in_manifest
from PIL import Image

from texpipe.formats import parse_name
from texpipe.imaging.image_files import encode_png
from texpipe.manifest.file import read_manifest, write_manifest
from texpipe.manifest.schema import Provenance
from texpipe.packs.pack import write_pack
from texpipe.recipe.targets import Target
from texpipe.texture import Source
from texpipe.upkeep.any_pack import open_pack
from texpipe.upkeep.differences import Differences, differences
from texpipe.upkeep.differences_page import write_differences_page


def changes(found: Differences) -> dict[str, str]:
    return {one.name: one.change for one in found.files}


def test_each_kind_of_change(tmp_path: Path) -> None:
    one = write_tree(tmp_path / "a", {"": {0: 0, 1: 2, 2: 0, 3: 0}})
    other = write_tree(tmp_path / "b", {"": {0: 0, 1: 4, 3: 1, 4: 0}})  # 3 goes to a sub-folder and changes
    for folder, text in ((one, "old"), (other, "new")):
        (folder / "readme.txt").write_text(text)
    Image.open(other / GAME / NAMES[0]).save(other / GAME / NAMES[0], compress_level=0)
    (other / GAME / "far").mkdir()
    (other / GAME / NAMES[4]).rename(other / GAME / "far" / NAMES[4])
    write = one / GAME / NAMES[4]
    write.write_bytes(encode_png(picture(0)))
    found = differences(open_pack(one), open_pack(other))
    assert changes(found) == {
        f"{GAME}/{NAMES[0]}": "same pixels",
        f"{GAME}/{NAMES[1]}": "changed",
        f"{GAME}/{NAMES[2]}": "removed",
        f"{GAME}/sub/{NAMES[3]}": "changed",
        f"{GAME}/far/{NAMES[4]}": "moved",
        "readme.txt": "other file",
    }
    by_name = {one.name: one for one in found.files}
    assert by_name[f"{GAME}/sub/{NAMES[3]}"].was == f"{GAME}/{NAMES[3]}"
    assert found.equal == 0


def test_the_difference_is_measured_where_it_is_visible(tmp_path: Path) -> None:
    rgba = picture(0)
    other = rgba.copy()
    other[0, :2, :3] = rgba[0, :2, :3] ^ 8
    hidden = rgba.copy()
    hidden[..., 3] = 0
    garbage = hidden.copy()
    garbage[..., :3] = 7
    for folder, pictures in (("a", (rgba, hidden)), ("b", (other, garbage))):
        (tmp_path / folder).mkdir()
        for name, one in zip(NAMES, pictures, strict=False):
            (tmp_path / folder / name).write_bytes(encode_png(one))
    found = differences(open_pack(tmp_path / "a"), open_pack(tmp_path / "b"))
    assert changes(found) == {NAMES[0]: "changed", NAMES[1]: "same pixels"}
    assert found.files[0].share == 2 / 16
    assert found.files[0].levels == pytest.approx(2 * 3 * 8 / (16 * 4))


@settings(max_examples=25)
@given(trees, trees)
def test_laws(before: dict, after: dict) -> None:
    """A pack does not differ from itself; the other way round, added is removed."""
    with tempfile.TemporaryDirectory() as name:
        one, other = (open_pack(write_tree(Path(name) / x, y)) for x, y in (("a", before), ("b", after)))
        assert differences(one, one).files == ()
        there, back = differences(one, other), differences(other, one)
        assert there.count("added") == back.count("removed")
        assert there.count("changed") == back.count("changed")
        assert {change: there.count(change) for change in ("moved", "same pixels")} == {
            change: back.count(change) for change in ("moved", "same pixels")
        }
        assert there.equal == back.equal
        assert not there.problems


@pytest.mark.parametrize("suffix", [".hts", ".rtz", ".zip"])
def test_containers_are_compared_entry_by_entry_whatever_they_are_called(tmp_path: Path, suffix: str) -> None:
    one = write_container(tmp_path / f"{GAME}_HIRESTEXTURES{suffix}", {0: 0, 1: 1, 2: 2})
    (tmp_path / "new").mkdir()
    name = f"{GAME}_HIRESTEXTURES{suffix}" if suffix == ".hts" else f"version 2{suffix}"
    other = write_container(tmp_path / "new" / name, {3: 0, 1: 3, 0: 0})
    found = differences(open_pack(one), open_pack(other))
    assert changes(found) == {NAMES[1]: "changed", NAMES[2]: "removed", NAMES[3]: "added"}


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs of one dump by two models; of the second one picture was painted over, one result is copied."""
    for number, model in enumerate(("tiny", "other")):
        output, pictures = tmp_path / model, []
        for place, name in enumerate(NAMES[:3]):
            source = Source(name, tmp_path / name, parse_name(name))
            pictures.append(finished(source, picture(place + number * 10 * (place < 2)), 2))
        pack = write_pack(Target(name="gliden64"), pictures, output)
        in_manifest(output, {"gliden64": pack}, pictures)
        manifest = read_manifest(output / "manifest.json")
        makers = [Provenance("model", model, 0.5), Provenance("model", model), Provenance("copied")]
        entries = [replace(one, by=by) for one, by in zip(manifest.textures, makers, strict=True)]
        write_manifest(output / "manifest.json", replace(manifest, textures=tuple(entries)))
        (output / "run.json").write_text("{}")
    (tmp_path / "other" / "gliden64" / GAME / NAMES[1]).write_bytes(encode_png(picture(20)))
    return tmp_path / "tiny", tmp_path / "other"


def test_who_made_either_picture(runs: tuple[Path, Path]) -> None:
    found = differences(open_pack(runs[0]), open_pack(runs[1]))
    by_name = {Path(one.name).name: one for one in found.files}
    first, painted = by_name[NAMES[0]], by_name[NAMES[1]]
    assert (first.before, first.after) == ("tiny, detail 0.5", "other, detail 0.5")
    assert first.why == "upscaled again by another model"
    assert painted.after == "edited by hand"
    assert painted.why == "edited by hand since the run"
    assert NAMES[2] not in by_name
    assert by_name["manifest.json"].change == "other file"
    assert "run.json" not in by_name


def test_the_command(tmp_path: Path, texpipe: Callable) -> None:
    one = write_tree(tmp_path / "a", {"": {0: 0, 1: 1}})
    other = write_tree(tmp_path / "b", {"": {0: 2, 1: 1}})
    (other / "torn.hts").write_bytes(b"no cache")
    done = texpipe("diff", one, other, "--html", tmp_path / "page", "--json")
    assert done.returncode == 7
    assert json.loads(done.stdout)["summary"]["changed"] == 1
    assert (tmp_path / "page" / "index.html").is_file()


@pytest.fixture(scope="module")
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    require_browser(request.config)
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.mark.slow
def test_the_slider_shows_more_of_either_picture(driver, tmp_path: Path) -> None:
    """In a real browser: all of the first picture at its end, all of the second at its beginning; names are found."""
    for folder, colour in (("a", (255, 0, 0)), ("b", (0, 0, 255))):
        (tmp_path / folder).mkdir()
        for name in ("<img src=x onerror=document.title=1>.png", "other.png"):
            flat = np.full((16, 16, 4), (*colour, 255), np.uint8)
            (tmp_path / folder / name).write_bytes(encode_png(flat))
    found = differences(open_pack(tmp_path / "a"), open_pack(tmp_path / "b"))
    page = write_differences_page(found, tmp_path / "page", "a and b")
    driver.get(page.as_uri())
    assert driver.title == "a and b · texpipe"
    shares = []
    for value in (0, 50, 100):
        driver.execute_script(
            "const s = document.querySelector('input[data-compare]'); s.value = arguments[0];"
            "s.dispatchEvent(new Event('input'));",
            value,
        )
        shown = within(driver, ".compare")
        middle = shown[shown.shape[0] // 2]
        red, blue = (int((middle == colour).all(axis=-1).sum()) for colour in ((255, 0, 0), (0, 0, 255)))
        shares.append(red / (red + blue))
    assert shares[0] < 0.05
    assert 0.4 < shares[1] < 0.6
    assert shares[2] > 0.95
    search = driver.find_element("id", "find")
    search.send_keys("other")
    cards = driver.find_elements("css selector", "[data-name]")
    assert [card.is_displayed() for card in cards].count(True) == 1
    assert driver.find_element("id", "found").text == "1 of 2"
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert screen(driver).size
