"""Many dumps, one pack: the command line with several input folders, in this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dumps import GAME, dump, texture, tree, write_recipe

from texpipe.imaging.image_files import save_png

Run = Callable[..., subprocess.CompletedProcess[str]]
NEAREST = "rules: [{match: {}, action: nearest}]\n"


def name_of(number: int) -> str:
    return f"{GAME}#{number:08X}#0#2_all.png"


def put(folder: Path, number: int, seed: int | None = None, hour: int = 0) -> None:
    file = folder / name_of(number)
    save_png(file, texture(number if seed is None else seed))
    os.utime(file, (3600 * hour, 3600 * hour))


def manifest_in(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "manifest.json").read_text())
    assert isinstance(found, dict)
    return found


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path) -> Path:
    """Two textures in `dump`; one of them other and newer in `second`, with one more."""
    put(tmp_path / "dump", 1, hour=1)
    put(tmp_path / "dump", 2, hour=1)
    put(tmp_path / "second", 2, seed=22, hour=2)
    put(tmp_path / "second", 3, hour=2)
    return write_recipe(tmp_path, f"model: {tiny_model}\n{NEAREST}")


def with_inputs(recipe: Path, *folders: str) -> Path:
    text = recipe.read_text().replace("input: dump\n", f"input: [{', '.join(folders)}]\n")
    recipe.write_text(text)
    return recipe


def test_the_packs_of_a_list_of_inputs_of_added_ones_and_of_given_ones_are_equal(
    tmp_path: Path, recipe: Path, texpipe_here: Run
) -> None:
    second = tmp_path / "second"
    added = texpipe_here("run", recipe, "--add", second, "--output", tmp_path / "added")
    given = texpipe_here(
        "run", recipe, "--input", tmp_path / "dump", "--input", second, "--output", tmp_path / "given"
    )
    assert (added.returncode, given.returncode) == (0, 0), added.stderr + given.stderr
    assert tree(tmp_path / "added") == tree(tmp_path / "given")
    listed = texpipe_here("run", with_inputs(recipe, "dump", "second"), "--output", tmp_path / "listed")
    assert listed.returncode == 0, listed.stderr
    assert tree(tmp_path / "added" / "gliden64") == tree(tmp_path / "listed" / "gliden64")
    assert texpipe_here("verify", tmp_path / "listed").returncode == 0


def test_each_texture_says_which_input_it_is_from_and_what_it_stands_for(
    tmp_path: Path, recipe: Path, texpipe_here: Run
) -> None:
    done = texpipe_here("run", recipe, "--add", tmp_path / "second")
    found = manifest_in(tmp_path / "out")
    assert found["inputs"] == ["dump", "second"]
    assert [(one["input"], one.get("instead_of")) for one in found["textures"]] == [
        ("dump", None),
        ("second", ["dump"]),
        ("second", None),
    ]
    assert found["summary"]["conflicts"] == 1
    assert "1 texture has other pixels in another input; the newest file counts" in done.stderr
    assert f"{name_of(2)} (of second, not dump)" in done.stderr
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()
    # The same dump again is no conflict, and a report finds the textures of both.
    shutil.copytree(tmp_path / "dump", tmp_path / "copy")
    again = texpipe_here(
        "run", recipe, "--add", tmp_path / "copy", "--output", tmp_path / "twice", "--report"
    )
    assert again.returncode == 0, again.stderr
    assert "other pixels" not in again.stderr
    assert "conflicts" not in manifest_in(tmp_path / "twice")["summary"]
    assert not [
        one for one in (tmp_path / "twice" / "report" / "pictures").iterdir() if one.stat().st_size == 0
    ]


def test_a_list_of_one_input_changes_no_byte(tmp_path: Path, recipe: Path, texpipe_here: Run) -> None:
    assert texpipe_here("run", recipe).returncode == 0
    before = tree(tmp_path / "out")
    assert (
        texpipe_here("run", recipe, "--input", tmp_path / "dump", "--add", tmp_path / "dump").returncode == 0
    )
    assert tree(tmp_path / "out") == before
    assert b'"input' not in before["manifest.json"]


def test_the_recipe_says_which_input_counts(tmp_path: Path, recipe: Path, texpipe_here: Run) -> None:
    recipe.write_text(recipe.read_text() + "on_conflict: first\n")
    done = texpipe_here("run", recipe, "--add", tmp_path / "second", "--dry-run")
    assert "the first input counts" in done.stderr
    assert f"{name_of(2)} (of dump, not second)" in done.stderr


@pytest.mark.parametrize("lost", ["dump", "second"])
def test_an_input_that_lost_all_its_textures_does_not_take_them_from_the_pack(
    tmp_path: Path, recipe: Path, texpipe_here: Run, lost: str
) -> None:
    """A disk that is not connected leaves an empty folder, or one with something else in it."""
    both = with_inputs(recipe, "dump", "second")
    assert texpipe_here("run", both).returncode == 0
    before = tree(tmp_path / "out" / "gliden64")
    for file in (tmp_path / lost).iterdir():
        file.unlink()
    empty = texpipe_here("run", both)
    assert (empty.returncode, f"no textures in {tmp_path / lost}" in empty.stderr) == (3, True), empty.stderr
    put(tmp_path / lost, 9)
    other = texpipe_here("run", both)
    assert other.returncode == 5, other.stderr
    assert f"nothing is left of the input {lost}" in other.stderr
    assert tree(tmp_path / "out" / "gliden64") == before
    left_out = texpipe_here("run", both, "--input", tmp_path / ({"dump", "second"} - {lost}).pop())
    assert left_out.returncode == 5, left_out.stderr
    assert "--add" in left_out.stderr
    assert texpipe_here("run", both, "--remove").returncode == 0


def test_no_output_lies_in_over_or_around_any_input(tmp_path: Path, recipe: Path, texpipe_here: Run) -> None:
    both = with_inputs(recipe, "dump", "out/gliden64/x")
    shutil.move(tmp_path / "second", tmp_path / "out/gliden64/x")
    done = texpipe_here("run", both, "--output", tmp_path / "out")
    assert done.returncode == 2, done.stderr
    assert "holds the input" in done.stderr


def test_an_input_inside_of_another_is_refused(tmp_path: Path, recipe: Path, texpipe_here: Run) -> None:
    put(tmp_path / "dump" / "later", 7)
    done = texpipe_here("run", recipe, "--add", tmp_path / "dump" / "later")
    assert done.returncode == 2, done.stderr
    assert "lies in" in done.stderr


def test_shards_of_several_inputs_merge_into_the_pack_of_one_run(
    tmp_path: Path, recipe: Path, texpipe_here: Run
) -> None:
    add = ("--add", tmp_path / "second")
    assert texpipe_here("run", recipe, *add, "--output", tmp_path / "whole").returncode == 0
    assert texpipe_here("run", recipe, *add, "--shard", "1/2").returncode == 0
    missing = texpipe_here("merge", recipe, *add)
    assert f"texpipe run {recipe} --add {tmp_path / 'second'} --shard 2/2" in missing.stderr
    assert texpipe_here("run", recipe, *add, "--shard", "2/2").returncode == 0
    assert texpipe_here("merge", recipe, *add).returncode == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_inspect_reads_what_a_run_of_the_recipe_would(
    tmp_path: Path, recipe: Path, texpipe_here: Run
) -> None:
    done = texpipe_here("inspect", "--recipe", recipe, "--add", tmp_path / "second", "--json")
    assert done.returncode == 0, done.stderr
    assert [(one["source"], one["input"]) for one in json.loads(done.stdout)] == [
        (name_of(1), "dump"),
        (name_of(2), "second"),
        (name_of(3), "second"),
    ]
    assert texpipe_here("inspect").returncode == 2


def test_init_writes_a_recipe_for_several_dumps(tmp_path: Path, recipe: Path, texpipe_here: Run) -> None:
    made = tmp_path / "made.yaml"
    done = texpipe_here("init", tmp_path / "dump", tmp_path / "second", "--output", made)
    assert done.returncode == 0, done.stderr
    planned = texpipe_here("run", made, "--dry-run")
    assert "would write 3 textures" in planned.stderr


def test_a_wrong_input_is_told_before_the_model(tmp_path: Path, texpipe_here: Run) -> None:
    dump(tmp_path / "dump", 1)
    (tmp_path / "empty").mkdir()
    recipe = write_recipe(tmp_path, "model: missing.safetensors\n")
    for wrong, said in (
        ("gone", "does not exist"),
        ("empty", "no textures"),
        ("recipe.yaml", "is not a picture"),
    ):
        done = texpipe_here("run", recipe, "--add", tmp_path / wrong)
        assert done.returncode == 3, done.stderr
        assert f"{tmp_path / wrong}" in done.stderr
        assert said in done.stderr
    assert texpipe_here("run", recipe).returncode == 4
