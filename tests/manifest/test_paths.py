"""Paths and targets of a stranger's manifest: nothing that leads out of the output folder is ever opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.manifest.file import read_manifest, write_manifest
from texpipe.manifest.paths import path_problem, target_problem
from texpipe.manifest.schema import Entry, Manifest, ModelId, Output, PackFile, RecipeId, Summary

SHA = "ab" * 32

LEADING_ELSEWHERE = [
    "../secret/key.png",
    "folder/../../secret",
    "/etc/passwd",
    "C:/secret",
    "folder/x:stream",
    "folder\\..\\..\\x",
    "",
    ".",
    "..",
    "folder",
    "folder/",
    "folder//a",
    "folder/./a",
    "folder/a\n.png",
    "folder/a\0.png",
    "folder/" + "a" * 300,
    "folder/" + "/".join(["a" * 200] * 20),
    ".store/written",
    "other/a.png",
]


@pytest.mark.parametrize("path", LEADING_ELSEWHERE)
def test_a_path_that_leads_elsewhere_or_nowhere_is_a_problem(path: str) -> None:
    assert path_problem(path, "folder") is not None


@pytest.mark.parametrize(
    "name", ["/etc", "/", "..", ".", "", ".store", "a/b", "a\\b", "C:", "x" * 99, "folder.", "a\n"]
)
def test_a_target_that_is_no_name_is_a_problem(name: str) -> None:
    assert target_problem(name) is not None


@given(st.text(max_size=40))
def test_whatever_is_no_problem_lies_in_its_target(path: str) -> None:
    root = Path("/out")
    if path_problem(path, "folder") is None:
        assert (root / path).resolve().is_relative_to(root / "folder")


def manifest(path: str, target: str = "folder") -> Manifest:
    entry = Entry("a.png", "written", outputs=(Output(target, path, SHA, (4, 4)),))
    file = PackFile(target, path, SHA)
    known = ModelId("m", SHA, None)
    return Manifest("0", RecipeId("r", SHA), known, 4, (target,), (entry,), Summary(written=1), files=(file,))


@pytest.mark.parametrize("path", [path for path in LEADING_ELSEWHERE if path != "other/a.png"])
def test_whoever_reads_a_manifest_gets_no_such_path(tmp_path: Path, path: str) -> None:
    write_manifest(tmp_path / "manifest.json", manifest(path))
    found = read_manifest(tmp_path / "manifest.json")
    assert (found.textures[0].outputs, found.files) == ((), ())
    assert len(found.refused) == 2
    assert found.textures[0].reason is not None


def test_whoever_reads_a_manifest_gets_no_such_target(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", manifest("/etc/passwd", "/etc"))
    found = read_manifest(tmp_path / "manifest.json")
    assert found.targets == ()
    assert any("'/etc' leads out of the output folder" in line for line in found.refused)


def test_a_file_cannot_say_that_nothing_was_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", manifest("../x"))
    text = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**text, "refused": []}))
    assert read_manifest(tmp_path / "manifest.json").refused
