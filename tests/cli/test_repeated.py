"""A run that finds everything as the last one left it does nothing, and tells what that one told; else it does all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import dump, texture, tree, write_recipe

from texpipe import pipeline
from texpipe.cli import texpipe, told
from texpipe.cli.console import exit_code_of
from texpipe.imaging.image_files import encode_png
from texpipe.output import finished
from texpipe.storage import listing
from texpipe.storage.lock import Lock

RULES = "overrides: [mine]\nrules: [{match: {}, action: nearest}]\n"


class Game:
    """A small dump, its recipe and how often `texpipe run` went the whole way."""

    def __init__(self, folder: Path, model: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.output = folder, folder / "out"
        self.names = dump(folder / "dump", 3)
        (folder / "mine").mkdir()
        self.recipe = write_recipe(folder, RULES)
        self.model = folder / "own.safetensors"
        self.model.write_bytes(model.read_bytes())
        self.whole = 0
        plain = pipeline.run_recipe

        def counted(*given: object, **options: object) -> object:
            self.whole += 1
            return plain(*given, **options)  # type: ignore[arg-type]

        patch.setattr(pipeline, "run_recipe", counted)

    def run(self, *options: str) -> int:
        """Run the command; return how often it went the whole way: 1, or 0 if it answered at once."""
        before = self.whole
        words = ["run", str(self.recipe), "--model", str(self.model), "--device", "cpu", *options]
        assert exit_code_of(texpipe, words) == 0
        return self.whole - before

    def source(self) -> Path:
        return self.folder / "dump" / self.names[0]

    def written(self) -> Path:
        return sorted((self.output / "gliden64").rglob("*.png"))[0]


@pytest.fixture
def game(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Game:
    return Game(tmp_path, tiny_model, monkeypatch)


def _without_seconds(text: str) -> str:
    return re.sub(r"in [0-9.]+ s|\"seconds\": [0-9.]+", "", text)


def test_a_second_run_tells_the_same_without_looking_at_a_texture(
    game: Game, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert game.run() == 1
    capsys.readouterr()
    assert game.run("--json") == 0
    at_once, info, files = capsys.readouterr(), _run_info(game), tree(game.output)
    monkeypatch.setattr(finished.Beginning, "of", lambda _: None)
    assert game.run("--json") == 1
    whole = capsys.readouterr()
    assert _without_seconds(at_once.out) == _without_seconds(whole.out)
    told = [line for line in whole.err.splitlines() if not line.startswith("{")]
    assert _without_seconds(at_once.err).splitlines() == _without_seconds("\n".join(told)).splitlines()
    assert json.loads(at_once.out)["cached"] == 3
    assert _run_info(game) == info
    assert tree(game.output) == files


def _run_info(game: Game) -> dict[str, object]:
    info: dict[str, object] = json.loads((game.output / "run.json").read_text("utf-8"))
    del info["seconds"]
    return info


def _rewrite(file: Path, data: bytes) -> None:
    """Write other bytes and put the time back."""
    times = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


CHANGES: dict[str, Callable[[Game], object]] = {
    "another source": lambda game: _rewrite(game.source(), encode_png(texture(77))),
    "a new source": lambda game: (game.folder / "dump" / "new.png").write_bytes(encode_png(texture(78))),
    "a source less": lambda game: (game.folder / "dump" / "new.png").unlink(),
    "a file that is no texture": lambda game: (game.folder / "dump" / "notes.txt").write_text("mine"),
    "a hidden folder": lambda game: (game.folder / "dump" / ".git").mkdir(),
    "a picture by hand": lambda game: (game.folder / "mine" / game.names[0]).write_bytes(
        encode_png(texture(79, (32, 32)))
    ),
    "a comment in the recipe": lambda game: game.recipe.write_text(
        game.recipe.read_text("utf-8") + "# looked at\n", "utf-8"
    ),
    "a card of the model": lambda game: game.model.with_suffix(".json").write_text('{"licence": "MIT"}'),
    "a file of the pack less": lambda game: game.written().unlink(),
    "a damaged file of the pack": lambda game: _rewrite(
        game.written(), bytes(len(game.written().read_bytes()))
    ),
    "a file more in the pack": lambda game: (game.output / "gliden64" / "readme.txt").write_text("mine"),
    "no manifest": lambda game: (game.output / "manifest.json").unlink(),
    "a result less in the store": lambda game: next((game.output / ".store").glob("??/*.png")).unlink(),
    "no run.json": lambda game: (game.output / "run.json").unlink(),
    "a damaged record": lambda game: (game.output / ".store" / "finished").write_bytes(
        (game.output / ".store" / "finished").read_bytes().replace(b"duplicates", b"triplicates")
    ),
    "credits edited": lambda game: (game.output / "CREDITS.md").write_text("me"),
    "an emulator's list": lambda game: (game.folder / "textures.ini").write_text("[options]\nhash = quick\n"),
}


def test_whatever_changes_is_seen(game: Game) -> None:
    assert [game.run(), game.run()] == [1, 0]
    for what, change in CHANGES.items():
        change(game)
        assert game.run() == 1, what
        game.run()  # a run that mended something may have to be told from one that found nothing to mend
        assert game.run() == 0, what


@pytest.mark.parametrize("options", [("--strict",), ("--precision", "bf16"), ("--memory", "2G")])
def test_other_options_are_another_run(game: Game, options: tuple[str, ...]) -> None:
    assert game.run() == 1
    assert game.run(*options) == 1
    assert game.run(*options) == 0
    assert game.run() == 1


@pytest.mark.parametrize("options", [("--replace-edited", "all"), ("--remove",), ("--report",)])
def test_what_is_asked_for_is_done(game: Game, options: tuple[str, ...]) -> None:
    assert [game.run(), game.run(*options), game.run(*options)] == [1, 1, 1]


def test_a_dry_run_is_always_computed(game: Game) -> None:
    assert [game.run(), game.run("--dry-run"), game.run("--dry-run")] == [1, 1, 1]


def test_a_limit_of_the_environment_counts(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    assert game.run() == 1
    monkeypatch.setenv("TEXPIPE_MAX_PIXELS", "1000000")
    assert game.run() == 1


def test_nothing_is_taken_for_granted_beside_formats_of_other_packages(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They read names of textures, too, and may change without a new version."""
    assert game.run() == 1
    monkeypatch.setattr(finished, "announced_formats", lambda: {"theirs": None})
    assert [game.run(), game.run()] == [1, 1]


def test_a_file_that_is_changed_while_the_run_is_at_work_is_not_taken_for_its_own(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = finished.Beginning.keep

    def keep(*given: object) -> None:
        game.written().write_bytes(encode_png(texture(80, (32, 32))))
        plain(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(finished.Beginning, "keep", keep)
        assert game.run() == 1
    assert game.run() == 1


def test_a_source_that_changes_within_a_tick_is_seen(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk whose clock stands still: every file has the same times, size and number, whatever is in it."""
    monkeypatch.setattr(listing, "_file", lambda path, entry=None: ("a file", 1 << 62))
    assert [game.run(), game.run()] == [1, 0]
    game.source().write_bytes(encode_png(texture(81)))
    assert game.run() == 1


def test_what_to_look_at_is_named_once(
    game: Game, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{number}.png: Seam x 9.00" for number in range(5)]
    monkeypatch.setattr(told, "worst", lambda _, count: lines[:count])
    monkeypatch.setattr(told, "uncertain", lambda _: lines)
    monkeypatch.setattr(told, "may_repeat", lambda _: 5)
    opens, sort = f"`texpipe report {game.output} --open`", 'all of them: sort by "May repeat, not certain"'
    game.run()
    said = capsys.readouterr().err
    assert said.count("look at ") == 5
    assert f"{opens} shows {sort}" in said
    assert game.run() == 0
    said = capsys.readouterr().err
    assert f"Nothing new to look at: {opens} shows all (5 may repeat, not certain)" in said
    assert "Seam x" not in said
    game.source().write_bytes(encode_png(texture(82)))
    game.run("--report")
    assert f"the report has {sort}" in capsys.readouterr().err


def test_a_run_with_a_failure_is_tried_again(game: Game) -> None:
    (game.folder / "dump" / "broken.png").write_bytes(b"no picture")
    words = ["run", str(game.recipe), "--model", str(game.model), "--device", "cpu"]
    assert {exit_code_of(texpipe, words) for _ in range(2)} == {7}
    assert game.whole == 2


def test_a_warning_of_a_licence_is_given_each_time(game: Game, caplog: pytest.LogCaptureFixture) -> None:
    game.model.with_suffix(".json").write_text('{"licence": "CC-BY-NC-SA-4.0"}')
    for whole in (1, 0, 0):
        caplog.clear()
        assert game.run() == whole
        assert [one for one in caplog.messages if "forbids commercial use" in one]


def test_a_quiet_run_is_known_by_the_next(game: Game) -> None:
    assert [game.run("-q"), game.run("-q"), game.run()] == [1, 0, 0]


def test_no_answer_while_another_run_is_writing(game: Game) -> None:
    game.run()
    with Lock(game.output):
        words = ["run", str(game.recipe), "--model", str(game.model), "--device", "cpu"]
        assert exit_code_of(texpipe, words) != 0
    assert game.run() == 0
