"""Links of a stranger's folder are seen, whether each file is asked for alone or many after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from texpipe.storage.links import KnownFolders, leads_out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "own" / "below").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for file in (root / "own" / "file", root / "own" / "below" / "file", tmp_path / "elsewhere" / "file"):
        file.write_bytes(b"")
    (root / "out").symlink_to(tmp_path / "elsewhere")
    (root / "in").symlink_to("own")
    (root / "own" / "link-out").symlink_to(tmp_path / "elsewhere" / "file")
    (root / "own" / "link-in").symlink_to("below/file")
    (root / "own" / "loop").symlink_to("loop")
    return root


PATHS = (
    "own/file",
    "own/below/file",
    "own/link-out",
    "own/link-in",
    "own/loop",
    "own/loop/file",
    "out/file",
    "in/file",
    "in/link-out",
    "in/link-in",
    "missing/file",
    "own/missing",
    "../elsewhere/file",
)


def test_many_files_are_told_as_each_alone(folder: Path) -> None:
    known = KnownFolders(folder)
    for _ in range(2):
        for path in PATHS:
            assert known.leads_out(folder / path) == leads_out(folder / path, folder), path


def test_a_folder_that_is_missing_is_looked_at_again(folder: Path, tmp_path: Path) -> None:
    known = KnownFolders(folder)
    assert not known.leads_out(folder / "later" / "file")
    (folder / "later").symlink_to(tmp_path / "elsewhere")
    assert known.leads_out(folder / "later" / "file")
