"""Textures of several inputs under one name: which of them counts, and what is told of the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dumps import texture
from hypothesis import given
from hypothesis import strategies as st

from texpipe.analysis.inventory import Survey
from texpipe.analysis.survey import survey
from texpipe.imaging.image_files import save_png
from texpipe.read.inputs import input_names
from texpipe.recipe.schema import Recipe
from texpipe.texture import Winner

NAMES = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=4).map(
    lambda parts: "/".join(parts)
)


def put(folder: Path, name: str, seed: int, hour: int = 0) -> None:
    save_png(folder / name, texture(seed))
    os.utime(folder / name, (3600 * hour, 3600 * hour))


def read(*folders: Path, on_conflict: Winner = "newest") -> Survey:
    return survey(folders, Recipe.default().model_copy(update={"on_conflict": on_conflict}))


@pytest.mark.parametrize(("rule", "wanted"), [("newest", "b"), ("first", "a"), ("last", "c")])
def test_of_other_pixels_under_one_name_the_recipe_s_choice_counts(
    tmp_path: Path, rule: Winner, wanted: str
) -> None:
    for folder, seed, hour in (("a", 1, 1), ("b", 2, 3), ("c", 3, 2)):
        put(tmp_path / folder, "x/wall.png", seed, hour)
    (item,) = read(tmp_path / "a", tmp_path / "b", tmp_path / "c", on_conflict=rule).items
    assert item.origin.input == wanted
    assert item.source.file == tmp_path / wanted / "x/wall.png"
    assert item.origin.instead_of == tuple(sorted({"a", "b", "c"} - {wanted}))


def test_equal_pixels_under_one_name_are_one_texture_without_a_word(tmp_path: Path) -> None:
    put(tmp_path / "a", "wall.png", 1, 1)
    put(tmp_path / "b", "wall.png", 1, 2)
    (tmp_path / "b" / "wall.png").write_bytes((tmp_path / "b" / "wall.png").read_bytes() + b"other bytes")
    seen = read(tmp_path / "a", tmp_path / "b")
    (item,) = seen.items
    assert (item.origin.input, item.origin.instead_of, item.warnings) == ("a", (), ())
    assert len(seen.fingerprints) == 1


def test_a_picture_that_can_be_read_counts_before_a_newer_damaged_one(tmp_path: Path) -> None:
    put(tmp_path / "a", "wall.png", 1)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "wall.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    seen = read(tmp_path / "a", tmp_path / "b")
    (item,) = seen.items
    assert not seen.failures
    assert item.origin.input == "a"
    assert any("b has it, too" in line for line in item.warnings)


def test_a_name_that_nobody_can_read_fails_once(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "wall.png").write_bytes(b"nothing")
    seen = read(tmp_path / "a", tmp_path / "b")
    assert [one.source.name for one in seen.failures] == ["wall.png"]


def test_one_texture_in_other_folders_is_taken_from_the_newest(tmp_path: Path) -> None:
    """A pack takes the first of the textures that its emulator cannot tell apart."""
    name = "G#00000001#0#2_all.png"
    put(tmp_path / "a", f"GLideNHQ/{name}", 1, 1)
    put(tmp_path / "b", name, 2, 2)
    old, new = read(tmp_path / "a", tmp_path / "b", on_conflict="first").items
    assert (old.origin.input, new.origin.input) == ("a", "b")
    first, second = read(tmp_path / "a", tmp_path / "b").items
    assert (first.origin.input, second.origin.input) == ("b", "a")


def test_a_single_input_is_read_as_ever(tmp_path: Path) -> None:
    put(tmp_path / "a", "wall.png", 1)
    assert read(tmp_path / "a") == survey(tmp_path / "a", Recipe.default())
    assert read(tmp_path / "a").items[0].origin.input == ""


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_names_of_inputs_are_short_different_and_no_absolute_paths(paths: list[str]) -> None:
    roots = [Path("/dumps", path) for path in paths]
    names = input_names(roots)
    assert len(set(names)) == len(paths)
    if len(paths) > 1:
        assert all(f"{root}".endswith(f"/{name}") for root, name in zip(roots, names, strict=True))
