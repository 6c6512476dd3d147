"""`texpipe probe`: the real command line, from a dump to the names on a screenshot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dumps import dump, tree, write_recipe

from texpipe.imaging.image_files import decode, save_png


def texpipe(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = arguments if arguments[:1] == ("install",) else ("probe", "recipe.yaml", *arguments)
    command = [sys.executable, "-m", "texpipe", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with a recipe, and the names of its dump's textures."""
    folder = tmp_path_factory.mktemp("probe")
    names = dump(folder / "dump", 5, (32, 32))
    dump(folder / "dump" / "tiny", 1, (2, 2))
    write_recipe(folder, "rules: [{match: {name: '*1001*'}, action: skip}]\n")
    return folder, names


@pytest.fixture(scope="module")
def written(place: tuple[Path, list[str]]) -> subprocess.CompletedProcess[str]:
    return texpipe(place[0])


def shot_of(folder: Path, names: list[str]) -> Path:
    """Save a picture of some textures of the pack beside each other, the first one twice as wide."""
    files = [next((folder / "out-probe" / "gliden64").rglob(name)) for name in names]
    pictures = [decode(file.read_bytes(), name=file.name)[0] for file in files]
    pictures[0] = pictures[0].repeat(2, axis=1)
    save_png(folder / "shot.png", np.hstack(pictures))
    return folder / "shot.png"


def test_the_pack_has_a_number_for_each_texture_and_names_those_without_room(place, written):
    folder, names = place
    assert written.returncode == 0, written.stderr
    assert "6 textures show their numbers" in written.stderr
    assert f"1 are too small for a code and are grey: tiny/{names[0]}" in written.stderr
    assert "texpipe install out-probe" in written.stderr
    known = json.loads((folder / "out-probe" / "probe.json").read_text())["textures"]
    assert sorted(known) == sorted([*names, f"tiny/{names[0]}"])
    assert not (folder / "out").exists(), "the pack of the recipe is left alone"


def test_a_screenshot_is_read_into_a_list_for_order(place, written):
    folder, names = place
    done = texpipe(folder, "--read", str(shot_of(folder, [names[2], names[0]])))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [names[2], names[0]]
    assert "2 textures, on " in done.stderr
    saved = texpipe(folder, "-q", "--read", "shot.png", "--save", "seen.txt")
    assert saved.stdout == (folder / "seen.txt").read_text() == done.stdout
    told = json.loads(texpipe(folder, "--read", "shot.png", "--json").stdout)
    assert list(told["textures"]) == [names[2], names[0]]
    assert sum(told["textures"].values()) > 0.7


def test_a_list_that_is_there_is_replaced_only_when_asked(place, written):
    folder, names = place
    shot_of(folder, [names[1]])
    (folder / "mine.txt").write_text("my order\n")
    refused = texpipe(folder, "--read", "shot.png", "--save", "mine.txt")
    assert refused.returncode == 2
    assert "mine.txt already exists" in refused.stderr
    assert (folder / "mine.txt").read_text() == "my order\n"
    assert texpipe(folder, "--read", "shot.png", "--save", "mine.txt", "--force").returncode == 0
    assert (folder / "mine.txt").read_text() == f"{names[1]}\n"


def test_only_some_textures_get_numbers(place, tmp_path):
    folder, names = place
    (tmp_path / "some.txt").write_text(f"{names[3]}\nnothing.png\n")
    done = texpipe(folder, "--only", str(tmp_path / "some.txt"), "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "1 textures show their numbers" in done.stderr
    assert "1 were named and are not in the dump: nothing.png" in done.stderr
    assert json.loads((tmp_path / "out-probe" / "probe.json").read_text())["textures"] == [names[3]]
    other = next((tmp_path / "out-probe").rglob(names[0]))
    assert np.ptp(decode(other.read_bytes(), name="a.png")[0][..., :3]) == 0


def test_the_pack_is_installed_like_any_other(place, written, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    done = texpipe(place[0], "install", "out-probe", "--into", str(tmp_path / "emulator"))
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "emulator") == tree(place[0] / "out-probe" / "gliden64")


def test_what_is_missing_is_said(place, tmp_path):
    folder, _ = place
    save_png(tmp_path / "shot.png", np.zeros((9, 9, 4), np.uint8))
    done = texpipe(folder, "--read", str(tmp_path / "shot.png"), "--output", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "Write the pack first" in done.stderr


def test_a_file_that_is_no_picture_is_named(place, written):
    done = texpipe(place[0], "--read", "recipe.yaml")
    assert done.returncode == 3, done.stderr
    assert "recipe.yaml" in done.stderr
