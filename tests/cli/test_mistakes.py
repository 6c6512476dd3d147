"""Usual mistakes: each has a line that helps, with a command that can be pasted."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dumps import GAME, dump, texture, write_recipe
from hypothesis import given
from hypothesis import strategies as st

from texpipe import pipeline
from texpipe.cli import summary, texpipe
from texpipe.cli.console import Console, exit_code_of
from texpipe.cli.mistakes import with_home, with_quotes
from texpipe.cli.needs import say_before
from texpipe.formats import known_targets
from texpipe.formats.emulator_folders import EmulatorFolder
from texpipe.imaging.image_files import encode_png
from texpipe.live import destination, installation
from texpipe.live.installed_files import InstallationRecord
from texpipe.options import RunOptions
from texpipe.output.result import RunResult
from texpipe.pipeline import run_recipe
from texpipe.planning import first_recipe
from texpipe.planning.amount import Forecast
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.load import load_recipe
from texpipe.system.shell import command

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command in an empty folder; returns its code and all that it says."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> tuple[int, str]:
        code = exit_code_of(texpipe, [str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_a_message_is_said_once(say: Say) -> None:
    code, said = say("run", "nowhere/dump")
    assert code == 2
    assert said.count("there is no such folder or recipe") == 1


@pytest.mark.parametrize("words", [[], ["models"], ["patch"]])
def test_a_command_without_arguments_shows_its_help(say: Say, words: list[str]) -> None:
    assert say(*words)[1] == say(*words, "--help")[1]


def test_a_missing_shard_is_computed_with_the_options_of_the_merge(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 2)
    recipe = quick(tmp_path)
    say("run", recipe, "--shard", "1/2")
    code, said = say("merge", recipe, "--remove", "--replace-edited", "all", "--json", "--quiet")
    assert code != 0
    assert (
        f"  {command('texpipe', 'run', recipe, '--remove', '--replace-edited', 'all', '--shard', '2/2')}\n"
        in said
    )


def test_a_recipe_in_the_place_of_a_picture_is_answered_with_its_option(say: Say, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    code, said = say("inspect", recipe)
    assert code == 3
    assert f"--recipe {command(recipe)}" in said


@pytest.mark.parametrize(
    "words",
    [["run"], ["init"], ["inspect"], ["run", "x.yaml", "--input"], ["probe"], ["diff", "GOOD"], []],
    ids=" ".join,
)
def test_a_mistyped_folder_above_is_named_as_it_is(say: Say, tmp_path: Path, words: list[str]) -> None:
    dump(tmp_path / "dumps" / "zelda", 1)
    write_recipe(tmp_path).rename(tmp_path / "x.yaml")
    code, said = say(*(word.replace("GOOD", "dumps/zelda") for word in words), "dmups/zelda")
    assert code in (2, 3, 5)
    assert "Did you mean dumps/zelda?" in said


def test_a_mistyped_output_is_named_as_it_is(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 1)
    say("run", quick(tmp_path))
    for word in ("report", "verify", "install"):
        code, said = say(word, "outt")
        assert code == 5
        assert "Did you mean out?" in said


def test_home_is_understood_between_quotes_too(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shells replace `~` only where there are no quotes, and some of Windows never."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    dump(tmp_path / "my dumps" / "zelda", 1)
    for words in (["inspect", "~/my dumps/zelda"], ["init", "~/my dumps/zelda", "--output=~/mine.yaml"]):
        code, said = say(*words)
        assert code == 0, said
    assert (tmp_path / "mine.yaml").is_file()
    (tmp_path / "~").mkdir()
    assert with_home(["~", "~/x", "~!~x", "~who/x", "--choose=~"]) == [
        "~",
        str(tmp_path / "x"),
        "~!~x",
        "~who/x",
        "--choose=~",
    ]


def quick(folder: Path) -> Path:
    """A recipe that computes nothing."""
    return write_recipe(folder, "rules: [{match: {}, action: nearest}]\n")


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_a_pasted_command_is_what_was_meant(words: list[str]) -> None:
    assert shlex.split(command("texpipe", *words)) == ["texpipe", *words]


@pytest.mark.parametrize(
    ("words", "helps"),
    [
        (["rnu", "x.yaml"], "Did you mean: texpipe run x.yaml"),
        (["zzzzz"], "`texpipe help` lists all commands"),
        (["dumps/zelda"], "dumps/zelda does not exist"),
        (["dump"], "`texpipe help` lists all commands"),
    ],
)
def test_a_command_that_is_none_is_named_with_what_was_meant(say: Say, words: list[str], helps: str) -> None:
    code, said = say(*words)
    assert code == 2
    assert helps in said


def test_help_and_version_are_found_where_people_look(say: Say) -> None:
    assert say("help") == say("--help")
    assert say("help", "run") == say("run", "--help")
    assert say("-V") == say("--version")


def test_a_path_that_the_shell_cut_at_its_spaces_is_quoted(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "My Dump" / "a b", 1)
    for words in (
        ["run", "My", "Dump/a", "b"],
        ["init", "My", "Dump/a", "b"],
        ["run", "x", "--input", "My", "Dump/a", "b"],
    ):
        code, said = say(*words)
        assert code != 0
        assert "texpipe " in said
        assert "'My Dump/a b'" in said, said
    assert with_quotes(["run", "My Dump"]) is None


def test_a_folder_or_another_suffix_where_a_recipe_is_due_says_what_is_there(
    say: Say, tmp_path: Path
) -> None:
    dump(tmp_path / "dump", 1)
    write_recipe(tmp_path)
    assert "texpipe init dump" in say("inspect", "--recipe", "dump")[1]
    assert "Did you mean recipe.yaml?" in say("run", "recipe.yml")[1]


def test_a_shipped_recipe_without_a_dump_says_how_to_give_one(say: Say) -> None:
    code, said = say("run", "recipes/psx")
    assert code == 3
    assert "texpipe run recipes/psx --input FOLDER" in said


@pytest.mark.parametrize("given", ["dump/empty", "dump/zelda/empty"])
def test_a_level_too_low_or_beside_names_the_folder_that_has_the_textures(
    say: Say, tmp_path: Path, given: str
) -> None:
    dump(tmp_path / "dump" / "zelda", 1)
    (tmp_path / given).mkdir()
    code, said = say("run", given)
    assert code == 3
    assert f"texpipe run {tmp_path / 'dump' / 'zelda'}" in said


def test_two_games_in_one_folder_are_named_with_a_command_for_each(say: Say, tmp_path: Path) -> None:
    """Also what a folder one level too high is."""
    dump(tmp_path / "my dumps" / "zelda", 2)
    (tmp_path / "my dumps" / "mario").mkdir()
    for name in dump(tmp_path / "spare", 1):
        (tmp_path / "my dumps" / "mario" / name.replace(GAME, "SUPER MARIO 64")).write_bytes(
            (tmp_path / "spare" / name).read_bytes()
        )
    said = say("init", "my dumps")[1]
    assert "textures of 2 games" in said
    assert f"{GAME}: alone with  texpipe run 'my dumps/zelda'" in said
    assert "SUPER MARIO 64: alone with  texpipe run 'my dumps/mario'" in said


def test_screenshots_and_names_of_no_emulator_are_no_dump(say: Say, tmp_path: Path) -> None:
    for name, size in (("screens", (320, 240)), ("renamed", (8, 8))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Zelda 1.png").write_bytes(encode_png(texture(1, size)))
    assert (
        "1 of 1 pictures have the size of a screen: these look like screenshots" in say("init", "screens")[1]
    )
    said = say("init", "renamed")[1]
    assert "none of the 1 names is one that an emulator gives" in said
    assert "screenshots" not in said


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_screenshots_are_not_computed_but_by_a_recipe_that_was_asked_for(
    say: Say, tmp_path: Path, more: list[str]
) -> None:
    shots = tmp_path / "my shots"
    shots.mkdir()
    for number in range(2):
        (shots / f"Screenshot {number}.png").write_bytes(encode_png(texture(number, (320, 240))))
    code, said = say("run", "my shots", *more)
    assert code == 3
    assert "all 2 pictures in my shots have the size of a screen" in said
    assert "these look like screenshots" in said
    assert "texpipe init 'my shots', and run the recipe that it writes" in said
    assert [one.name for one in tmp_path.iterdir()] == ["my shots"]
    assert say("init", "my shots")[0] == 0
    assert say("run", "my shots", "--dry-run")[0] == 0
    (shots / "renamed.png").write_bytes(encode_png(texture(1, TINY)))
    assert say("run", "my shots", "--dry-run")[0] == 0


def test_the_folder_of_texpipe_itself_is_no_dump(say: Say, tmp_path: Path) -> None:
    own = Path(pipeline.__file__).parents[1]
    if not (own / "pyproject.toml").is_file():
        pytest.skip("texpipe is installed, not unpacked")
    code, said = say("run", own)
    assert code == 2
    assert f"{own} is texpipe's own folder, not a dump" in said
    assert command("texpipe", "run", own / "recipes" / "oot.yaml") in said
    assert list(tmp_path.iterdir()) == []


def test_a_zip_is_read_as_if_it_was_unpacked_and_nothing_in_it_does_harm(tmp_path: Path) -> None:
    dump(tmp_path / "dump" / "inside", 2)
    with zipfile.ZipFile(tmp_path / "dump.zip", "w") as archive:
        for file in sorted((tmp_path / "dump").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path / "dump"))
        archive.writestr("../out.png", encode_png(texture(1)))
        archive.writestr("__MACOSX/._x.png", b"no picture")
        archive.writestr("notes.txt", b"notes")
    plain, zipped = scan(tmp_path / "dump"), scan(tmp_path / "dump.zip")
    assert [(one.name, one.emulator) for one in zipped.sources] == [
        (one.name, one.emulator) for one in plain.sources
    ]
    assert [(source.name, reason) for source, reason in zipped.unusable] == [
        ("entry 0", "its name leads out of its folder")
    ]
    for one, other in zip(zipped.sources, plain.sources, strict=True):
        assert (decode(one).rgba == decode(other).rgba).all()
        assert decode(one).sha256 == decode(other).sha256
    with zipfile.ZipFile(tmp_path / "dump" / "other.zip", "w") as archive:
        archive.writestr("x.png", encode_png(texture(1)))
    assert len(scan(tmp_path / "dump").sources) == 2, "archives that lie in a dump are left alone"


def test_results_as_a_dump_are_refused_or_named_and_an_old_report_too(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 2)
    recipe = quick(tmp_path)
    assert "older than the pack" not in say("run", recipe, "--report")[1]
    dump(tmp_path / "dump", 3)
    assert "is older than the pack: `texpipe report " in say("run", recipe)[1]
    code, said = say("run", "out/gliden64")
    assert code == 2
    assert "its textures are results, not a dump" in said
    said = say("run", recipe, "--input", "out/gliden64", "--output", "again")[1]
    assert "these are results, not a dump" in said


def test_a_dump_alone_gets_a_recipe_a_pack_and_a_report_and_nothing_is_overwritten(
    say: Say, tmp_path: Path
) -> None:
    """Also dropped on the program: there is no other word then."""
    names = dump(tmp_path / "my dump", 2, (2, 2))  # too small for a network: the recipe repeats their texels
    own = tmp_path / "the-legend-of-zelda.yaml"
    own.write_text("mine", "utf-8")
    code, said = say(tmp_path / "my dump")
    assert code == 0, said
    assert own.read_text("utf-8") == "mine"
    written = tmp_path / "the-legend-of-zelda-2.yaml"
    assert written.exists()
    assert f"wrote {written.name}, its recipe (because {own.name} is not this dump's)" in said
    assert f"wrote {len(names)} textures" in said
    output = Path("build", "the-legend-of-zelda-2")
    assert (output / "report" / "index.html").exists()
    assert f"Into the emulator: texpipe install {output}" in said
    written.write_text(written.read_text("utf-8") + "# mine\n", "utf-8")
    assert "it is used as it is" in say("run", "my dump")[1]
    assert written.read_text("utf-8").endswith("# mine\n")
    assert not (tmp_path / "the-legend-of-zelda-3.yaml").exists()


def test_a_dry_run_of_a_dump_writes_nothing(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 1, (2, 2))
    code, said = say("run", "dump", "--dry-run")
    assert code == 0
    assert "would write the-legend-of-zelda.yaml" in said
    assert [one.name for one in tmp_path.iterdir()] == ["dump"]
    assert say("run", "dump", "--input", "dump")[0] == 2


TINY = (2, 2)
"""Size of textures that are too small for a network: their recipe repeats their texels."""


def test_what_is_asked_of_a_new_recipe_stays_in_it(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 1, TINY)
    asked = [
        "--model",
        "texpipe-x4-fast",
        "--target",
        "gliden64",
        "--target",
        "folder",
        "--output",
        "my packs/one",
    ]
    code, said = say("run", "dump", *asked)
    assert code == 0, said
    assert ", with texpipe-x4-fast" in said
    text = (tmp_path / "the-legend-of-zelda.yaml").read_text("utf-8")
    assert text.startswith("# A first recipe for 1 textures")
    for line in ("model: texpipe-x4-fast", "targets: [gliden64, folder]", 'output: "my packs/one"'):
        assert f"\n{line}\n" in text
    assert (tmp_path / "my packs" / "one" / "folder").is_dir()
    code, said = say("run", "the-legend-of-zelda.yaml", "--dry-run")
    assert code == 0, said
    assert said.splitlines()[0].startswith("Computing on ")
    assert ", with texpipe-x4-fast" in said.splitlines()[0]
    assert "for this run alone" not in say("run", "dump", "--dry-run", *asked)[1]
    said = say("run", "dump", "--dry-run", "--model", "texpipe-x4", "--detail", "0.5")[1]
    assert (
        "--model texpipe-x4 --detail 0.5: for this run alone; the-legend-of-zelda.yaml says otherwise" in said
    )
    assert (tmp_path / "the-legend-of-zelda.yaml").read_text("utf-8") == text


@pytest.mark.parametrize(
    "words",
    [
        ["--model", "no-such-model"],
        ["--model", "texpipe-x4-fast", "--detail", "0.5"],
        ["--target", "no-such-target"],
        ["--output", "dump/packs"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_refused_before_a_recipe_says_it(
    say: Say, tmp_path: Path, words: list[str]
) -> None:
    dump(tmp_path / "dump", 1, TINY)
    code, said = say("run", "dump", *words)
    assert code > 0, said
    assert [one.name for one in tmp_path.iterdir()] == ["dump"]


@pytest.mark.parametrize(("below", "word"), [(".", "."), ("inner", "..")])
def test_from_within_the_dump_everything_goes_beside_it(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str, word: str
) -> None:
    dump(tmp_path / "games" / "dump", 1, TINY)
    inside = tmp_path / "games" / "dump" / below
    inside.mkdir(exist_ok=True)
    before = sorted((tmp_path / "games" / "dump").rglob("*"))
    monkeypatch.chdir(inside)
    recipe = tmp_path / "games" / "the-legend-of-zelda.yaml"
    said = say("run", word, "--dry-run")[1]
    assert f"would write {recipe}, its recipe (beside the dump, because you are in it)" in said
    assert not recipe.exists()
    code, said = say("run", word)
    assert code == 0, said
    assert f"wrote {recipe}, its recipe (beside the dump, because you are in it)" in said
    assert (tmp_path / "games" / "build" / "the-legend-of-zelda" / "report" / "index.html").exists()
    assert sorted((tmp_path / "games" / "dump").rglob("*")) == before
    code, said = say("run", recipe, "--dry-run")
    assert code == 0, said
    assert f"its recipe is {recipe}, which is here already" in say("run", word, "--dry-run")[1]
    recipe.unlink()
    assert say("init", word)[0] == 0
    assert recipe.exists()


def test_a_dump_beside_which_nothing_can_be_written_is_answered_with_a_command(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = dump(tmp_path / "my dump", 1, TINY) and tmp_path / "my dump"
    monkeypatch.chdir(folder)
    monkeypatch.setattr(first_recipe, "access", lambda *_: False)
    before = sorted(folder.iterdir())
    code, said = say("run", ".")
    assert code == 2
    assert command("texpipe", "run", folder) in said
    assert sorted(folder.iterdir()) == before


def test_a_dry_run_of_a_dump_uses_the_recipe_that_is_there(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 1, TINY)
    assert say("init", "dump")[0] == 0
    recipe = tmp_path / "the-legend-of-zelda.yaml"
    text = recipe.read_text("utf-8").replace("rules:\n", "rules:\n  - {match: {}, action: skip}\n")
    recipe.write_text(text + "model: texpipe-x4-fast\n", "utf-8")
    said = say("run", "dump", "--dry-run")[1]
    assert "its recipe is the-legend-of-zelda.yaml, which is here already" in said
    assert "would write the-legend" not in said
    assert "skipped 1: rule 1: skip" in said
    assert ", with texpipe-x4-fast" in said


@pytest.mark.parametrize("name", ["run", "compare", "live", "probe"])
def test_a_command_without_dump_or_recipe_asks_for_one(say: Say, name: str) -> None:
    code, said = say(name)
    assert code == 2
    assert f"error: texpipe {name} needs a dump or a recipe" in said
    assert f"texpipe {name} FOLDER" in said


def test_all_that_may_repeat_is_listed_by_a_command_that_can_be_typed(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(summary, "_name_uncertain", lambda _console, _result, line: lines.append(line))
    dump(tmp_path / "dump", 1, TINY)
    say("run", "dump", "--dry-run")
    say("init", "dump")
    say("run", "dump", "--dry-run")
    say("run", "the-legend-of-zelda.yaml", "--dry-run")
    say("run", "the-legend-of-zelda.yaml", "--input", "dump", "--dry-run")
    listers = [line.removesuffix("` lists all of them").removeprefix("`") for line in lines]
    assert listers == [
        "texpipe inspect dump --uncertain",
        "texpipe inspect --recipe the-legend-of-zelda.yaml --uncertain",
        "texpipe inspect --recipe the-legend-of-zelda.yaml --uncertain",
        "texpipe inspect dump --recipe the-legend-of-zelda.yaml --uncertain",
    ]
    for line in listers:
        assert say(*shlex.split(line)[1:])[0] == 0


def test_a_sample_is_not_offered_while_one_is_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    needed = Forecast(600.0, 0, 21)
    say_before(Console(), needed, tmp_path)
    assert "`--sample 20` makes a few first." in capsys.readouterr().err
    say_before(Console(), needed, tmp_path, is_sample=True)
    say_before(Console(), Forecast(600.0, 0, 20), tmp_path)
    assert "--sample" not in capsys.readouterr().err


def test_a_sample_is_not_offered_to_a_dump_that_is_no_larger(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 20, TINY)
    said = say("init", "dump")[1]
    assert "Read it, then run it: texpipe run the-legend-of-zelda.yaml --report" in said
    assert "--sample" not in said
    dump(tmp_path / "dump", 21, TINY)
    assert "texpipe run the-legend-of-zelda.yaml --sample 20" in say("init", "dump", "--force")[1]


def test_a_sample_of_a_finished_dump_says_that_all_is_made(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 6)
    recipe = quick(tmp_path)
    said = say("run", recipe, "--sample", "2")[1]
    assert "made already" not in said
    assert "To make all of it:" in said
    assert say("run", recipe)[0] == 0
    said = say("run", recipe, "--sample", "3")[1]
    assert "This was a sample: 3 of 6 pictures. All of the dump is made already." in said
    assert "would take" not in said
    assert "To make all of it" not in said


def test_a_sample_has_a_folder_of_its_own_and_says_what_all_would_take(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 12)
    code, said = say("run", quick(tmp_path), "--sample", "3")
    assert code == 0, said
    assert "wrote 3 textures" in said
    assert "This was a sample: 3 of 12 pictures" in said
    assert (tmp_path / "out-sample" / "report" / "index.html").exists()
    assert not (tmp_path / "out").exists()
    assert say("run", tmp_path / "recipe.yaml", "--sample", "3", "--dry-run")[0] == 2


def test_a_sample_names_the_command_that_makes_all(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(options: RunOptions, **how: Any) -> RunResult:
        return replace(run_recipe(options, **how), whole_seconds=360.0)

    dump(tmp_path / "dump", 12)
    recipe = quick(tmp_path)
    monkeypatch.setattr(pipeline, "run_recipe", measured)
    words = [
        "--output",
        "my out",
        "--model",
        "texpipe-x4-fast",
        "--target",
        "folder",
        "--target",
        "gliden64",
        "--report",
    ]
    _, said = say("run", recipe, "--sample", "3", *words)
    assert said.startswith("Computing on")
    assert "The sample goes to my out-sample.\n" in said
    whole = command("texpipe", "run", recipe, *words)
    assert f"To make all of it: {whole}\n" in said


def test_edited_files_become_a_source_by_commands_and_lines_that_can_be_pasted(
    say: Say, tmp_path: Path
) -> None:
    first = dump(tmp_path / "dump", 2)[0]
    recipe = quick(tmp_path)
    say("run", recipe)
    (changed,) = (tmp_path / "out").rglob(first)
    changed.write_bytes(encode_png(texture(9, (32, 32))))
    again = [line for line in say("run", recipe)[1].splitlines() if line.startswith("`texpipe adopt")]
    assert again == [
        f"`{command('texpipe', 'adopt', tmp_path / 'out', '--recipe', recipe)}` makes edited files a "
        "source of later runs"
    ]
    code, said = say("adopt", tmp_path / "out", "--recipe", recipe)
    assert code == 0
    assert f"copied 1 edited texture to {tmp_path / 'by-hand'}" in said
    assert (
        f"To use them, add this line to {recipe} (--add-to-recipe does that):\noverrides: by-hand\n" in said
    )
    recipe.write_text(recipe.read_text("utf-8") + said.splitlines()[-1] + "\n", "utf-8")
    assert "add this line" not in say("adopt", tmp_path / "out", "--recipe", recipe)[1]
    for words in ((), ("--add-to-recipe",)):
        said = say("adopt", tmp_path / "out", "--recipe", recipe, "--into", "my art", *words)[1]
        assert "add this line" not in said
        assert f"{recipe} has `overrides` already." in said
        assert said.endswith('put this in their place:\noverrides: ["my art", by-hand]\n')
    changed_line = recipe.read_text("utf-8").replace("overrides: by-hand", said.splitlines()[-1])
    recipe.write_text(changed_line, "utf-8")
    found = load_recipe(recipe, known_targets()).overrides
    assert [path.name for path in found] == ["my art", "by-hand"]


def test_a_dry_run_tells_no_time_of_a_pack_and_pieces_are_one_picture(say: Say, tmp_path: Path) -> None:
    names = dump(tmp_path / "dump", 3)
    listed = ", ".join(f'"{name}"' for name in names[:2])
    group = f"groups: [{{name: title, columns: 1, rows: 2, overlap: 0, files: [{listed}]}}]\n"
    recipe = write_recipe(tmp_path, f"rules: [{{match: {{}}, action: nearest}}]\n{group}")
    pieces = "3 textures (among them 2 pieces of split pictures)"
    said = say("run", recipe, "--dry-run")[1]
    assert f"would write {pieces}: 2 pictures to compute, 0 from earlier runs\n" in said
    said = say("run", recipe)[1]
    assert re.search(
        rf"wrote {re.escape(pieces)} in [0-9.]+ s: 2 pictures computed, 0 from earlier runs\n", said
    )


def test_one_piece_of_a_split_picture_is_told_as_one(say: Say, tmp_path: Path) -> None:
    names = dump(tmp_path / "dump", 2)
    listed = ", ".join(f'"{name}"' for name in names)
    group = f"groups: [{{name: title, columns: 1, rows: 2, overlap: 0, files: [{listed}]}}]\n"
    skipped = f'{{match: {{name: "{names[0]}"}}, action: skip}}'
    recipe = write_recipe(tmp_path, f"rules: [{skipped}, {{match: {{}}, action: nearest}}]\n{group}")
    assert "1 texture (among them 1 piece of a split picture)" in say("run", recipe, "--dry-run")[1]


def test_failures_are_counted_at_the_end(say: Say, tmp_path: Path) -> None:
    dump(tmp_path / "dump", 3)
    (tmp_path / "dump" / f"{GAME}#FFFFFFF1#0#2_all.png").write_bytes(b"")
    code, said = say("run", quick(tmp_path))
    assert code == 7
    assert "1 failed: the warnings above say why" in said
    assert said.count("the file is empty") == 1


@pytest.mark.parametrize(
    ("name", "head", "helps"),
    [
        ("my dump/a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "texpipe run 'my dump'"),
        (
            "my dump/zelda.z64",
            b"\x80\x37\x12\x40\0\0\0\x0f",
            "dumped the game's textures to: texpipe run FOLDER",
        ),
        ("my dump/data", bytes(2 << 20), "texpipe run FOLDER"),
    ],
)
def test_a_picture_or_a_game_in_the_place_of_a_recipe_is_called_what_it_is(
    say: Say, tmp_path: Path, name: str, head: bytes, helps: str
) -> None:
    (tmp_path / "my dump").mkdir()
    (tmp_path / name).write_bytes(head)
    code, said = say("run", name)
    assert code == 2
    assert "not a recipe" in said
    assert "UTF-8" not in said
    assert helps in said.replace('"', "'")


@pytest.mark.parametrize("word", ["report", "verify", "install", "archive", "adopt"])
def test_a_recipe_in_the_place_of_its_output_stands_for_it(say: Say, tmp_path: Path, word: str) -> None:
    recipe = write_recipe(tmp_path)
    code, said = say(word, recipe, *(["--into", tmp_path / "mine"] if word == "adopt" else []))
    assert code == 5
    assert f"cannot read {tmp_path / 'out' / 'manifest.json'}: no run was finished there" in said


def test_another_file_in_the_place_of_an_output_is_called_a_file(say: Say, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    code, said = say("verify", "notes.txt")
    assert code == 5
    assert "notes.txt is a file, not the output of a run" in said


def test_a_mistyped_emulator_folder_is_not_made_and_uninstall_knows_where_the_pack_is(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    dump(tmp_path / "dump", 1)
    (tmp_path / "emulator" / "textures").mkdir(parents=True)
    say("run", quick(tmp_path))
    code, said = say("install", "out", "--into", "emulatr/textures/new")
    assert code == 2
    assert "Did you mean" not in said  # `new` is like nothing there
    code, said = say("install", "out", "--into", "emulatr/textures")
    assert code == 2
    assert f"Did you mean {tmp_path / 'emulator' / 'textures'}?" in said
    assert not (tmp_path / "emulatr").exists()
    code, said = say("install", "out", "--into", "out/../emulator/textures/new")
    assert code == 0
    assert f"{tmp_path / 'emulator' / 'textures' / 'new'} is not there yet: it is made" in said
    assert ".." not in said
    assert list((tmp_path / "emulator").rglob("*.png"))
    code, said = say("install", "out", "--uninstall")
    assert code == 0, said
    assert not list((tmp_path / "emulator").rglob("*.png"))
    code, said = say("install", "out", "--uninstall")
    assert code == 0, said
    assert said == "out is not installed anywhere: there is nothing to take out\n"


def test_a_pack_in_several_folders_is_taken_out_of_the_one_that_is_named(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    dump(tmp_path / "dump", 1)
    say("run", quick(tmp_path))
    for folder in ("a", "b"):
        say("install", "out", "--into", folder)
    code, said = say("install", "out", "--uninstall")
    assert code == 2
    assert all(f"--into {command(tmp_path / folder)}" in said for folder in ("a", "b"))
    assert list((tmp_path / "a").rglob("*.png"))


@pytest.fixture
def pack(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack in the folder `out`, of somebody who installed nothing yet; returns the folder of the records."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    dump(tmp_path / "dump", 1)
    say("run", quick(tmp_path))
    return InstallationRecord(tmp_path).file.parent


@pytest.mark.parametrize("spelling", ["dump/../out", "link"])
@pytest.mark.usefixtures("pack")
def test_a_pack_is_taken_out_however_its_folder_is_written(say: Say, tmp_path: Path, spelling: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "out", target_is_directory=True)
    for first, then in ((spelling, "out"), ("out", spelling)):
        assert say("install", first, "--into", "emulator")[0] == 0
        assert list((tmp_path / "emulator").rglob("*.png"))
        code, said = say("install", then, "--uninstall")
        assert code == 0
        assert "1 removed" in said
        assert not list((tmp_path / "emulator").rglob("*.png"))


def test_a_damaged_record_of_installed_files_is_no_empty_one(say: Say, tmp_path: Path, pack: Path) -> None:
    say("install", "out", "--into", "emulator")
    (record,) = pack.iterdir()
    record.write_text(record.read_text("utf-8")[:20], "utf-8")
    code, said = say("install", "out", "--uninstall")
    assert code == 2
    assert str(record) in said
    assert "texpipe install out --uninstall --into FOLDER" in said
    code, said = say("install", "out", "--uninstall", "--into", "emulator")
    assert code not in (0, 2)
    assert f"{record}" in said
    assert "by hand" in said
    assert record.exists()
    assert list((tmp_path / "emulator").rglob("*.png"))


@pytest.mark.parametrize("is_old", [False, True], ids=["", "notes of older versions"])
def test_a_first_installation_that_was_killed_is_taken_out(
    say: Say, tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch, is_old: bool
) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(installation, "sync_disk", die)
        say("install", "out", "--into", "emulator")
    (notes,) = pack.iterdir()
    assert notes.suffix == ".notes"
    where: list[str] = []
    if is_old:
        notes.write_text("".join(notes.read_text("utf-8").splitlines(keepends=True)[1:]), "utf-8")
        code, said = say("install", "out", "--uninstall")
        assert code == 2
        assert f"{notes}: does not say" in said
        where = ["--into", "emulator"]
    code, said = say("install", "out", "--uninstall", *where)
    assert code == 0
    assert "1 removed" in said
    assert not list((tmp_path / "emulator").rglob("*.png"))
    assert not list(pack.iterdir())


def test_notes_that_name_no_folder_are_looked_for_in_the_emulators_usual_place(
    say: Say, tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "emulator").mkdir()
    emulator = EmulatorFolder("An emulator", "gliden64", "linux", str(tmp_path / "emulator"), "textures")
    monkeypatch.setattr(destination, "found_emulators", lambda: iter([emulator]))
    assert say("install", "out")[0] == 0
    (record,) = pack.iterdir()
    files = json.loads(record.read_text("utf-8"))["files"]
    notes = "".join(json.dumps([path, *one]) + "\n" for path, one in files.items())
    record.with_suffix(".notes").write_text(notes, "utf-8")
    record.unlink()
    code, said = say("install", "out", "--uninstall")
    assert code == 0
    assert "1 removed" in said
    assert not list((tmp_path / "emulator").rglob("*.png"))


def test_a_missing_option_is_shown_in_a_whole_command(say: Say, tmp_path: Path) -> None:
    code, said = say("coverage", tmp_path, tmp_path)
    assert code == 2
    assert "For example: texpipe coverage build/oot --dump ~/dumps/oot" in said


def test_a_warning_of_a_scan_looks_as_others_do(say: Say, tmp_path: Path) -> None:
    dump(tmp_path, 1)
    dump(tmp_path / "dump", 1)
    say("run", quick(tmp_path))
    words = [sys.executable, "-m", "texpipe", "inspect", "."]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: out: made by texpipe")
    assert "texpipe.read" not in done.stderr


def test_help_is_found_behind_the_command_and_a_part_of_a_models_name_is_enough(
    say: Say, tmp_path: Path
) -> None:
    assert say("run", "help") == say("run", "--help")
    dump(tmp_path / "dump", 1)
    code, said = say("run", quick(tmp_path), "--model", "fast")
    assert code != 0
    assert "Did you mean texpipe-x4-fast?" in said


def test_a_count_of_textures_names_what_cannot_be_read_only_where_there_is_some(
    say: Say, tmp_path: Path
) -> None:
    dump(tmp_path / "dump", 2)
    _, said = say("inspect", "dump")
    assert "\n2 textures\n" in said
    assert max(map(len, said.splitlines())) <= 80 + 2 * len(f"{GAME}#FFFFFFF1#0#2_all.png")
    (tmp_path / "dump" / f"{GAME}#FFFFFFF1#0#2_all.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    _, said = say("inspect", "dump")
    assert "\n3 textures, 1 cannot be read\n" in said


@pytest.mark.parametrize(
    ("words", "says", "helps"),
    [
        (["run", "--modle", "x"], "there is no option --modle", "Did you mean --model?"),
        (["run", "x.yaml", "--sample", "x"], "invalid value for '--sample'", "`texpipe run --help`"),
        (["run", "x.yaml", "--model"], "option '--model' requires an argument", ""),
        (["install"], "missing argument 'OUTPUT_DIR'", "For example: texpipe install ~/packs/oot"),
        (["models", "nope"], "no such command 'nope'", "`texpipe models --help`"),
    ],
)
def test_a_mistyped_option_is_told_as_all_other_errors_are(
    say: Say, words: list[str], says: str, helps: str
) -> None:
    code, said = say(*words)
    assert code == 2
    assert said.startswith(f"error: {says}")
    assert helps in said
    assert "Usage:" not in said


def test_a_recipe_that_is_not_there_says_how_one_is_made(say: Say) -> None:
    code, said = say("run", "starwing.yaml")
    assert code == 2
    assert "starwing.yaml: there is no such recipe" in said
    assert "To make one: texpipe init DUMP_FOLDER; or texpipe run DUMP_FOLDER" in said


def test_a_changed_file_does_not_count_among_those_that_agree(say: Say, tmp_path: Path) -> None:
    first = dump(tmp_path / "dump", 3)[0]
    say("run", quick(tmp_path))
    assert "3 files agree with the manifest and with the emulator's rules\n" in say("verify", "out")[1]
    (changed,) = (tmp_path / "out").rglob(first)
    changed.write_bytes(encode_png(texture(9, (32, 32))))
    code, said = say("verify", "out")
    assert code == 0
    assert "2 files agree with the manifest and with the emulator's rules; 1 not, as said above" in said


def test_uninstall_is_an_option_of_install(say: Say) -> None:
    code, said = say("uninstall", "build/my game")
    assert code == 2
    assert "Did you mean: texpipe install 'build/my game' --uninstall" in said


@pytest.mark.parametrize("kinds", [3, 8, 9, 40])
def test_of_many_kinds_of_ignored_files_those_of_most_are_named(say: Say, tmp_path: Path, kinds: int) -> None:
    dump(tmp_path / "dump", 1)
    for kind in range(kinds):
        for number in range(1 + kind):
            (tmp_path / "dump" / f"{number}.k{kind:02}").touch()
    _, said = say("run", "dump", "--dry-run")
    (line,) = [line for line in said.splitlines() if line.startswith("ignored other files")]
    assert line.count(" .k") == min(kinds, 8)
    assert f"{kinds} .k{kinds - 1:02}" in line
    assert ("more kind" in line) == (kinds > 8)
