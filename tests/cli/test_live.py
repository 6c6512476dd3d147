"""`texpipe live` and `texpipe install`: the real command lines."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dumps import dump, tree, write_recipe

from texpipe.cli import texpipe
from texpipe.cli.console import exit_code_of
from texpipe.live import installation


@pytest.fixture
def place(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe, where the commands are typed; its dump is not there yet."""
    write_recipe(tmp_path, f"model: {tiny_model}\n")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_it_waits_for_the_dump_upscales_it_says_when_it_is_ready_and_ends_with_ctrl_c(place):
    words = ["live", "recipe.yaml", "--into", "emulator", "--json", "--device", "cpu"]
    words += ["--on-ready", 'echo "$TEXPIPE_STATE" >> ready.txt']
    live = subprocess.Popen(
        [sys.executable, "-m", "texpipe", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert live.stdout is not None
    events = map(json.loads, live.stdout)
    assert next(events)["event"] == "missing"
    names = dump(place / "dump", 3)
    told = [next(events)]
    while told[-1]["event"] != "idle":
        told.append(next(events))
    live.send_signal(signal.SIGINT)
    _, said = live.communicate(timeout=120)
    assert live.returncode == 130
    kinds = [one["event"] for one in told]
    assert kinds.index("preview") < kinds.index("refining") < kinds.index("idle")
    assert {name for one in told if one["event"] == "preview" for name in one["textures"]} == set(names)
    assert tree(place / "emulator") == tree(place / "out" / "gliden64")
    assert set((place / "ready.txt").read_text().split()) <= {"preview", "refined"}
    assert "To see new textures: Press R" in said
    assert "the same command" in said


def test_what_cannot_be_is_refused_before_anything_is_loaded(place, capsys):
    def said(*words: str) -> str:
        assert exit_code_of(texpipe, ["live", "recipe.yaml", *words]) == 2
        return capsys.readouterr().err

    assert "the recipe has no target rice" in said("--target", "rice", "--into", "x")
    assert "lies in the dump" in said("--into", "dump/packs")
    assert "lie in each other" in said("--into", "out/packs")
    recipe = place / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("[gliden64]", "[gliden64, rice]"))
    assert "Choose with --target: gliden64, rice" in said("--into", "x")


@pytest.fixture
def packed(place: Path) -> Path:
    dump(place / "dump", 2)
    assert exit_code_of(texpipe, ["-q", "run", "recipe.yaml", "--device", "cpu"]) == 0
    return place


def test_install_copies_says_what_to_switch_on_and_takes_out_what_it_put_in(packed, capsys):
    emulator = packed / "emulator"
    (emulator / "notes").mkdir(parents=True)
    (emulator / "notes" / "mine.txt").write_text("mine")
    assert exit_code_of(texpipe, ["install", "out", "--into", "emulator", "--dry-run"]) == 0
    assert "2 would be copied" in capsys.readouterr().err
    assert set(tree(emulator)) == {"notes/mine.txt"}
    assert exit_code_of(texpipe, ["install", "out", "--into", "emulator"]) == 0
    said = capsys.readouterr().err
    assert "2 copied" in said
    assert "Switch on" in said
    assert tree(packed / "out" / "gliden64").items() <= tree(emulator).items()
    assert exit_code_of(texpipe, ["install", "out", "--into", "emulator", "--uninstall"]) == 0
    assert set(tree(emulator)) == {"notes/mine.txt"}


def test_files_of_others_are_replaced_only_when_asked_and_are_kept_in_the_backup(packed, capsys):
    path = next(iter(tree(packed / "out" / "gliden64")))
    own = packed / "emulator" / path
    own.parent.mkdir(parents=True)
    own.write_bytes(b"drawn by hand")
    assert exit_code_of(texpipe, ["install", "out", "--into", "emulator"]) == 2
    assert "nothing was changed" in capsys.readouterr().err
    assert own.read_bytes() == b"drawn by hand"
    assert exit_code_of(texpipe, ["install", "out", "--into", "emulator", "--replace"]) == 0
    kept = [file.read_bytes() for file in (packed / "out" / ".backup").rglob("*.png")]
    assert kept == [b"drawn by hand"]
    assert own.read_bytes() == (packed / "out" / "gliden64" / path).read_bytes()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="makes the folders of Linux")
def test_an_old_cache_that_would_hide_the_pack_goes_to_the_backup(packed, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(packed))
    (packed / ".local/share/mupen64plus").mkdir(parents=True)
    caches = packed / ".cache/mupen64plus/cache"
    caches.mkdir(parents=True)
    game = next((packed / "out" / "gliden64").iterdir()).name
    (caches / f"{game}_HIRESTEXTURES.hts").write_bytes(b"old")
    assert exit_code_of(texpipe, ["install", "out", "--replace"]) == 0
    assert "What was in the way is in" in capsys.readouterr().err
    assert not list(caches.iterdir())
    assert [file.read_bytes() for file in (packed / "out" / ".backup").rglob("*.hts")] == [b"old"]
    assert (packed / ".local/share/mupen64plus/hires_texture" / game).is_dir()


def test_a_link_that_is_not_installed_is_named(packed, capsys):
    link = packed / "out" / "gliden64" / "hand.png"
    link.symlink_to(packed / "hand.png")
    assert exit_code_of(texpipe, ["install", "out", "--into", "emulator"]) == 0
    assert "hand.png is a link to a file that is missing, so it is left out" in capsys.readouterr().err


def test_the_files_of_another_pack_are_replaced_only_when_asked_and_then_belong_to_the_new_one(
    packed, capsys
):
    (path, other) = tree(packed / "out" / "gliden64")
    shutil.copytree(packed / "out", packed / "two")
    (packed / "two" / "gliden64" / path).write_bytes(b"another upscaling")
    assert exit_code_of(texpipe, ["install", "out", "--into", "emulator"]) == 0
    assert exit_code_of(texpipe, ["install", "two", "--into", "emulator"]) == 2
    said = capsys.readouterr().err
    assert f"{packed / 'emulator' / path} belongs to the pack {packed / 'out'}" in said
    assert f"texpipe install {packed / 'out'} --uninstall" in said
    assert (packed / "emulator" / path).read_bytes() != b"another upscaling"
    assert exit_code_of(texpipe, ["install", "two", "--into", "emulator", "--replace"]) == 0
    assert exit_code_of(texpipe, ["install", "out", "--uninstall"]) == 0
    assert "1 kept, as another pack has them, too" in capsys.readouterr().err
    assert set(tree(packed / "emulator")) == {path, other}
    assert (packed / "emulator" / path).read_bytes() == b"another upscaling"
    assert exit_code_of(texpipe, ["install", "two", "--uninstall"]) == 0
    assert tree(packed / "emulator") == {}


def test_notes_of_a_killed_installation_do_not_outlast_the_pack(packed, capsys, monkeypatch):
    def die() -> None:
        raise KeyboardInterrupt

    shutil.copytree(packed / "out", packed / "two")
    assert exit_code_of(texpipe, ["install", "out", "--into", "emulator"]) == 0
    with monkeypatch.context() as killed:
        killed.setattr(installation, "sync_disk", die)
        assert exit_code_of(texpipe, ["install", "two", "--into", "emulator"]) == 130
    assert exit_code_of(texpipe, ["install", "two", "--uninstall"]) == 0
    capsys.readouterr()
    assert exit_code_of(texpipe, ["install", "two", "--uninstall"]) == 0
    assert "is not installed anywhere" in capsys.readouterr().err
    assert len(tree(packed / "emulator")) == 2
