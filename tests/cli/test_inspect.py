"""`texpipe inspect`, and which log lines -v and -q show."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dumps import GAME, dump, texture, write_recipe
from terminal import on_terminal, plain

from texpipe.cli import texpipe
from texpipe.cli.console import Console, set_log_level
from texpipe.errors import UsageError
from texpipe.imaging.image_files import encode_png

COPY, FLAT = f"{GAME}#00000001#0#2_all.png", f"{GAME}#00000002#0#2_all.png"
TWIN, BROKEN = f"{GAME}#FFFFFFF0#0#2_all.png", f"{GAME}#FFFFFFF1#0#2_all.png"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A dump of two split strips, two others, a copy, a flat texture, a duplicate and a broken file."""
    folder = tmp_path / "dump"
    strips = dump(folder, 4)[:2]
    flat = texture(0)
    flat[...] = (10, 20, 30, 255)
    for name, data in {
        COPY: encode_png(texture(8)),
        FLAT: encode_png(flat),
        TWIN: encode_png(texture(2)),
        BROKEN: b"\x89PNG\r\n\x1a\n",
    }.items():
        (folder / name).write_bytes(data)
    files = "".join(f"\n      - '{name}'" for name in strips)
    rules = f"rules:\n  - match: {{name: '{COPY}'}}\n    action: copy\n"
    group = f"groups:\n  - name: strips\n    columns: 1\n    rows: 2\n    overlap: 0\n    files:{files}\n"
    return write_recipe(tmp_path, rules + group)


def inspect(recipe: Path, *options: str) -> Result:
    return CliRunner().invoke(
        texpipe,
        ["inspect", str(recipe.parent / "dump"), "--recipe", str(recipe), *options],
        standalone_mode=False,
    )


def test_a_broken_file_a_duplicate_and_a_split_picture_are_told_in_json(recipe: Path) -> None:
    done = inspect(recipe, "--json")
    assert done.return_value == 7
    entries = {entry["source"]: entry for entry in json.loads(done.stdout)}
    assert entries[COPY]["status"] == "copied"
    assert entries[BROKEN]["status"] == "failed"
    assert {name: e["duplicate_of"] for name, e in entries.items() if e["duplicate_of"]} == {
        TWIN: f"{GAME}#00001002#0#2_all.png"
    }
    assert [entry["source"][-20:] for entry in entries.values() if entry["group"] == "strips"] == [
        "00001000#0#2_all.png",
        "00001001#0#2_all.png",
    ]


def test_a_piped_table_is_not_cut_to_a_narrow_terminal(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table = inspect(recipe, "--all").stdout
    rows = {
        line[: len(COPY)]: line[len(COPY) :].split() for line in table.splitlines() if line.startswith(GAME)
    }
    assert rows[COPY][:5] == ["8x8", "copy", "rgba16", "data", "opaque"]
    assert rows[COPY][5] in ("wrap", "clamp", "mirror", "wrap?")
    assert rows[FLAT][1] == "nearest"
    assert rows[BROKEN][0] == "failed"
    assert f"duplicate of {GAME}#00001002#0#2_all.png" in table
    assert "piece of strips" in table
    assert "texels: the file name says so, 1 colour, flat" in table


@pytest.mark.parametrize(
    ("options", "shown"), [((), False), (("-v",), True), (("-q",), False), (("-v", "-q"), False)]
)
def test_log_lines_are_shown_only_with_v_and_without_q(
    tmp_path: Path, options: tuple[str, ...], shown: bool
) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(texture(0)))
    done = CliRunner().invoke(texpipe, [*options, "inspect", str(tmp_path), "--json"])
    assert done.exit_code == 0
    assert logging.getLogger("texpipe.pipeline").isEnabledFor(logging.INFO) == shown
    assert not logging.getLogger("PIL").isEnabledFor(logging.INFO)


def test_q_behind_the_sub_command_silences_the_log_too() -> None:
    set_log_level(logging.INFO)
    console = Console()
    assert not console.quieter(False).quiet
    assert logging.getLogger("texpipe.pipeline").isEnabledFor(logging.INFO)
    assert console.quieter(True).quiet
    assert not logging.getLogger("texpipe.pipeline").isEnabledFor(logging.WARNING)
    assert not logging.getLogger("PIL").isEnabledFor(logging.WARNING)
    assert logging.getLogger("texpipe.pipeline").isEnabledFor(logging.ERROR)


def test_an_empty_folder_is_warned_of(tmp_path: Path) -> None:
    done = CliRunner().invoke(texpipe, ["inspect", str(tmp_path)], standalone_mode=False)
    assert done.return_value == 0
    assert "no textures" in done.stderr


def rows(done: Result) -> list[str]:
    """Return the names of the textures that a list has."""
    return [line[: len(COPY)] for line in done.stdout.splitlines() if line.startswith(GAME)]


def test_the_summary_counts_each_texture_once_and_names_what_is_wrong(recipe: Path) -> None:
    """What the list says of each texture, in numbers: the two agree on any dump."""
    entries = json.loads(inspect(recipe, "--json").stdout)
    done = inspect(recipe)
    assert done.return_value == 7
    summary = " ".join(done.stdout.split())
    assert summary.startswith(f"{len(entries)} textures, named as gliden64 names them")
    readable = [entry for entry in entries if entry["status"] != "failed"]
    for key in ("alpha", "format"):
        for value, count in Counter(entry[key] for entry in readable).items():
            assert f"{value} ({count})" in summary
    uncertain = sum(bool(entry["undecided"] or entry.get("repeats")) for entry in entries)
    assert f"may repeat, not certain ({uncertain})" in summary or not uncertain
    assert "1 split picture of 2 pieces, 1 duplicate" in summary
    assert f"{BROKEN}: " in summary
    assert not rows(done)


@pytest.mark.parametrize("columns", [80, 140])
def test_no_command_of_the_summary_is_broken_at_any_width(
    recipe: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """People paste them; all else is wrapped at the width of the terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = inspect(recipe).stdout.splitlines()
    calls = [shlex.split(line, comments=True) for line in lines if line.lstrip().startswith("texpipe")]
    assert [call[-1] for call in calls][-2:] == ["NAME", "--all"]
    assert all(call[2] == str(recipe.parent / "dump") for call in calls)
    assert all(len(line) <= columns for line in lines if "texpipe" not in line and BROKEN not in line)


def test_a_list_of_some_has_only_those(recipe: Path) -> None:
    entries = {entry["source"]: entry for entry in json.loads(inspect(recipe, "--json").stdout)}
    uncertain = [name for name, entry in entries.items() if entry["undecided"] or entry.get("repeats")]
    assert rows(inspect(recipe, "--uncertain")) == uncertain
    picked = json.loads(inspect(recipe, "--uncertain", "--json").stdout)
    assert [entry["source"] for entry in picked] == uncertain
    assert rows(inspect(recipe, "--all")) == list(entries)


@pytest.mark.parametrize("name", [TWIN, TWIN.removesuffix(".png"), "fffffff0"])
def test_those_like_one_begin_with_it_and_what_belongs_to_it(recipe: Path, name: str) -> None:
    """By its path, without the suffix, and by the hash alone; a duplicate comes before what only looks like it."""
    found = rows(inspect(recipe, "--like", name))
    assert found[:2] == [TWIN, f"{GAME}#00001002#0#2_all.png"]
    assert FLAT not in found


def test_a_name_that_no_texture_has_gets_the_closest_one(recipe: Path) -> None:
    done = inspect(recipe, "--like", TWIN.replace("FFFFFFF0", "FFFFFFF7"))
    assert isinstance(done.exception, UsageError)
    assert "closest name" in str(done.exception.hint)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
@pytest.mark.parametrize(("columns", "is_table"), [(80, False), (140, True)])
def test_no_line_of_a_list_is_wider_than_the_terminal(recipe: Path, columns: int, is_table: bool) -> None:
    """A row for each texture where there is room for its columns, else a paragraph."""
    dump = recipe.parent / "dump"
    code, shown = on_terminal(["inspect", dump, "--recipe", recipe, "--all", "-q"], columns)
    lines = plain(shown).splitlines()
    assert code == 7
    assert max(map(len, lines)) <= columns
    assert any(line.split()[:2] == ["texture", "size"] for line in lines) == is_table
    assert sum("kind: " in line for line in lines) == 7
    assert sum(line == COPY for line in lines) == (not is_table)


def test_a_log_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(texpipe, ["--log", str(tmp_path / "no" / "x.log"), "inspect", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert "cannot write the log" in str(done.exception)
