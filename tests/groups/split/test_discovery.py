"""Split pictures found in a folder: the proposal, the recipe section and `groups: auto`."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dumps import GAME, texture
from split_scenes import SKY, cut, others, planks, scene

from texpipe.analysis.survey import survey
from texpipe.cli import texpipe
from texpipe.formats import known_targets
from texpipe.groups.split.discovery import groups_for, propose, recipe_section
from texpipe.imaging.image_files import encode_png
from texpipe.recipe.load import load_recipe
from texpipe.recipe.schema import Recipe
from texpipe.relations import Group

HEAD = "version: 1\nname: oot\ninput: dump\noutput: out\ntargets: [gliden64]\n"
AUTO = Recipe.default().model_copy(update={"groups": ("auto",)})


def crc(name: str) -> str:
    """A dump's file name for a piece, in an order that tells nothing."""
    return f"{GAME}#{(hash_of(name) & 0xFFFFFFFF):08X}#0#2_all.png"


def hash_of(name: str) -> int:
    return int.from_bytes(name.encode()[-4:], "big") * 2654435761


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Five strips of a background, one of them twice, and other textures."""
    folder = tmp_path / "dump"
    (folder / "copy").mkdir(parents=True)
    strips = cut(scene(320, 30, 7), (320, 6), 0, "sky")
    for name, rgba in strips.items():
        (folder / crc(name)).write_bytes(encode_png(rgba))
    (folder / "copy" / crc("sky-2-0")).write_bytes(encode_png(strips["sky-2-0"]))
    for number in range(4):
        (folder / crc(f"other-{number}")).write_bytes(encode_png(texture(number, (32, 32))))
    return folder


STRIPS = tuple(crc(f"sky-{row}-0") for row in range(5))


def found(folder: Path, *declared: Group) -> tuple[Group, ...]:
    seen = survey(folder, AUTO)
    return propose(seen.items, seen.fingerprints, declared)


def test_the_strips_are_proposed_with_the_reason(dump: Path) -> None:
    (group,) = found(dump)
    assert (group.columns, group.rows, group.overlap, group.files) == (1, 5, 0, STRIPS)
    assert group.why.startswith("found: 5 pieces whose colours continue across the cuts, confidence ")


@pytest.mark.parametrize(("apart", "sizes"), [(10**6, [10, 40]), (0, [40])])
def test_the_dates_of_files_tell_what_was_drawn_in_turn(tmp_path: Path, apart: int, sizes: list[int]) -> None:
    """Checksums as names; milliseconds between the textures, or none."""
    for number, (name, rgba) in enumerate((SKY | others(5) | planks()).items()):
        file = tmp_path / f"{GAME}#{zlib.crc32(name.encode()):08X}#0#2_all.png"
        file.write_bytes(encode_png(rgba))
        os.utime(file, ns=(0, 10**18 + apart * number))
    assert sorted(len(group.files) for group in found(tmp_path)) == sizes


def test_what_is_declared_is_not_found_again(dump: Path) -> None:
    declared = Group("mine", 1, 2, 0, STRIPS[:2])
    (group,) = found(dump, declared)
    assert group.files == STRIPS[2:]


def test_only_a_recipe_that_asks_for_it_finds_groups(dump: Path) -> None:
    seen = survey(dump, AUTO)
    assert [group.rows for group in groups_for(seen.items, seen.fingerprints, AUTO)] == [5]
    assert groups_for(seen.items, seen.fingerprints, Recipe.default()) == ()


def test_the_section_is_a_recipe(dump: Path, tmp_path: Path) -> None:
    groups = found(dump)
    (tmp_path / "recipe.yaml").write_text(HEAD + recipe_section(groups))
    (again,) = load_recipe(tmp_path / "recipe.yaml", known_targets()).recipe.picture_groups()
    assert (again.name, again.rows, again.files) == (groups[0].name, 5, STRIPS)
    (tmp_path / "none.yaml").write_text(HEAD + recipe_section(()))
    assert load_recipe(tmp_path / "none.yaml", known_targets()).recipe.picture_groups() == ()


def inspect(*arguments: str) -> Result:
    return CliRunner().invoke(texpipe, ["inspect", *arguments], standalone_mode=False)


def test_inspect_prints_the_proposal(dump: Path) -> None:
    shown = inspect(str(dump), "--groups")
    assert shown.return_value == 0
    assert shown.stdout == recipe_section(found(dump))
    (group,) = json.loads(inspect(str(dump), "--groups", "--json").stdout)
    assert tuple(group["files"]) == STRIPS


def test_auto_joins_and_the_entries_say_so(dump: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(HEAD + "groups: auto\n")
    shown = inspect(str(dump), "--recipe", str(tmp_path / "recipe.yaml"), "--json")
    entries = {entry["source"]: entry for entry in json.loads(shown.stdout)}
    third = entries[STRIPS[2]]
    assert third["group"] == "found-1"
    assert (third["spot"]["row"], third["spot"]["y"], third["spot"]["picture"]) == (2, 12, [320, 30])
    assert third["spot"]["why"].startswith("found: 5 pieces")
