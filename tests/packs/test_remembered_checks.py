"""A run checks the files of its packs that may have changed; what an earlier one has checked is not read again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dumps import dump, write_recipe

from texpipe.imaging.image_files import encode_png
from texpipe.manifest.file import read_manifest
from texpipe.output.result import RunResult
from texpipe.packs import verify
from texpipe.packs.remembered_checks import RememberedChecks
from texpipe.packs.verify import broken_rules, verify_pack
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options


def run(folder: Path, model: Path) -> RunResult:
    if not (folder / "dump").exists():
        dump(folder / "dump", 3)
    recipe = write_recipe(folder, "rules: [{match: {}, action: nearest}]\n")
    return run_recipe(load_options(recipe, model=str(model), device="cpu"))


@contextmanager
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note the names of files that are read to check them, and read them."""
    names: list[str] = []
    plain = verify.read_small

    def noted(file: Path, *limits: int, **links: Any) -> bytes:
        names.append(file.name)
        return plain(file, *limits, **links)

    with monkeypatch.context() as patch:
        patch.setattr(verify, "read_small", noted)
        yield names


def pack_files(folder: Path) -> list[Path]:
    return sorted((folder / "out" / "gliden64").rglob("*.png"))


def test_what_has_not_changed_is_not_read_again(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with read(monkeypatch) as names:
        run(tmp_path, tiny_model)
        assert len(names) == 3
        run(tmp_path, tiny_model)
        assert len(names) == 3
        verify_pack(tmp_path / "out")
        assert len(names) == 6


def test_a_file_with_another_time_alone_is_checked_again(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, tiny_model)
    touched = pack_files(tmp_path)[1]
    os.utime(touched, ns=(1, 1))
    with read(monkeypatch) as names:
        run(tmp_path, tiny_model)
    assert names == [touched.name]


def test_a_file_that_broke_a_rule_is_said_in_every_run(tmp_path: Path, tiny_model: Path) -> None:
    run(tmp_path, tiny_model)
    output = tmp_path / "out"
    file = pack_files(tmp_path)[0]
    rgba, _, _ = verify.decode(file.read_bytes(), name="a.png")
    file.write_bytes(encode_png(rgba[1:]))
    manifest = read_manifest(output / "manifest.json")
    for _ in range(2):
        remembered = RememberedChecks(output)
        (problem,) = broken_rules(output, manifest, remembered)
        assert file.name in problem
        remembered.keep()


@pytest.mark.parametrize("damage", [b"", b"?" * 15, b"\0" * 1000])
def test_damaged_notes_mean_a_check(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    run(tmp_path, tiny_model)
    notes = tmp_path / "out" / ".store" / "checked"
    whole = notes.read_bytes()
    assert len(whole) == 3 * 16
    notes.write_bytes(damage)
    with read(monkeypatch) as names:
        run(tmp_path, tiny_model)
    assert len(names) == 3
    assert notes.read_bytes() == whole
