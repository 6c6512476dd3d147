"""Links of a stranger's folder are seen, whether each file is asked for alone or many after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from texpipe.storage.links import KnownFolders, leads_out, why_not_followed


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


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("own/file", None),
        ("own/link-in", None),
        ("own/link-out", "is a link that leads out of its folder"),
        ("own/loop", "is a link that leads to itself"),
        ("in", "is a link to a folder"),
        ("out", "is a link to a folder"),
        ("own/gone", "is a link to a file that is missing"),
    ],
)
def test_a_link_that_is_not_followed_says_why(folder: Path, path: str, why: str | None) -> None:
    (folder / "own" / "gone").symlink_to("nowhere")
    assert why_not_followed(folder / path, folder) == why
