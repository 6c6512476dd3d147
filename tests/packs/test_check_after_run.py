"""Packs are checked by their emulators' rules at the end of each run, not only when somebody asks."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from dumps import dump, write_recipe

from texpipe import formats
from texpipe.cli.console import Console
from texpipe.cli.summary import SHOWN_PROBLEMS, show
from texpipe.cli.told import told
from texpipe.errors import PackError
from texpipe.manifest.file import read_manifest
from texpipe.output.result import RunResult
from texpipe.packs.verify import broken_rules, verify_pack
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options


def run(folder: Path, model: Path) -> RunResult:
    dump(folder / "dump", 3)
    recipe = write_recipe(folder, "rules: [{match: {}, action: nearest}]\n")
    return run_recipe(load_options(recipe, model=str(model), device="cpu"))


def test_a_sound_pack_breaks_no_rule(tmp_path: Path, tiny_model: Path) -> None:
    done = run(tmp_path, tiny_model)
    assert (done.problems, done.exit_code, done.as_json()["problems"]) == ((), 0, [])


def test_a_run_says_which_file_breaks_which_rule(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    strict = replace(
        formats.TARGETS["gliden64"],
        pixel_problems=lambda path, rgba: ["is not green"] if "1001" in path.name else [],
        check=lambda folder, files: ["pack: has no list"],
    )
    monkeypatch.setattr(formats, "TARGETS", formats.TARGETS | {"gliden64": strict})
    done = run(tmp_path, tiny_model)
    name = "THE LEGEND OF ZELDA"
    lines = (f"gliden64/{name}/{name}#00001001#0#2_all.png: is not green", "gliden64/pack: has no list")
    assert done.problems == lines
    assert done.exit_code == PackError.exit_code
    assert show(Console(), told(done), as_json=False) == PackError.exit_code
    said = capsys.readouterr().err
    assert all(line in said for line in lines)
    many = replace(done, problems=lines * SHOWN_PROBLEMS)
    show(Console(), told(many), as_json=False)
    assert f"{SHOWN_PROBLEMS} more; `texpipe verify` names them all" in capsys.readouterr().err


def test_files_that_somebody_added_break_no_rule(tmp_path: Path, tiny_model: Path) -> None:
    """They are `texpipe verify`'s to tell, and no reason for a run to fail."""
    run(tmp_path, tiny_model)
    output = tmp_path / "out"
    (output / "gliden64" / "readme.txt").write_text("mine")
    assert broken_rules(output, read_manifest(output / "manifest.json")) == []
    found = verify_pack(output)
    assert (found.problems, found.notes) == ((), ("gliden64/readme.txt: not ours, harmless",))


def test_a_folder_that_the_disk_does_not_give_is_an_error_and_not_an_empty_one(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, tiny_model)
    plain = os.scandir

    def broken(path: str | Path) -> object:
        if Path(path).name == "THE LEGEND OF ZELDA":
            raise OSError(errno.EIO, "Input/output error")
        return plain(path)

    monkeypatch.setattr(os, "scandir", broken)
    with pytest.raises(PackError, match=r"cannot list .*gliden64: Input/output error"):
        verify_pack(tmp_path / "out")
