"""Files that are written only where nothing is, and what a killed process left of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from texpipe.errors import PackError
from texpipe.storage.atomic import part_of, write_new
from texpipe.storage.stale_parts import remove_parts_of


def refused(*_: object) -> None:
    raise OSError(95, "Operation not supported")


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_is_written_whole_and_an_old_one_stays(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a disk without hard links."""
    if not links:
        monkeypatch.setattr(os, "link", refused)
    file = tmp_path / "made" / "a.png"
    write_new(file, b"first")
    with pytest.raises(FileExistsError):
        write_new(file, b"second")
    assert file.read_bytes() == b"first"
    assert [one.name for one in file.parent.iterdir()] == ["a.png"]


def test_a_link_that_leads_nowhere_is_something_too(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "gone")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a.png", b"new")
    assert not (tmp_path / "gone").exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PackError, match="cannot write"):
        write_new(tmp_path / "file" / "a.png", b"new")


def test_only_parts_of_the_named_files_are_removed(tmp_path: Path) -> None:
    ours, other = part_of(tmp_path / "a.png"), part_of(tmp_path / "b.png")
    for one in (ours, other, tmp_path / ".a.png.mine.part"):
        one.write_bytes(b"half")
    remove_parts_of([tmp_path / "a.png", tmp_path / "nowhere" / "c.png"])
    assert {one.name for one in tmp_path.iterdir()} == {other.name, ".a.png.mine.part"}
