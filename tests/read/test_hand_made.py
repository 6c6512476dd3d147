"""Folders of hand-made pictures are strangers' files: what is listed, what is refused, and why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from packs import noise

from texpipe.errors import SourceError
from texpipe.imaging.image_files import encode_png
from texpipe.read import hand_made
from texpipe.read.hand_made import HandMade, find_hand_made, links_to_folders

PICTURE = encode_png(noise((8, 4)))


def found(folder: Path) -> dict[str, HandMade]:
    return {one.name: one for one in find_hand_made(folder)}


def test_pictures_of_any_kind_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a.PNG", "sub/b.png", ".hidden.png", ".backup/2026/old.png", "layers.psd", "Thumbs.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(PICTURE)
    known = found(tmp_path)
    assert set(known) == {"a.PNG", "sub/b.png"}
    assert known["a.PNG"].size == (8, 4)
    assert known["a.PNG"].data() == PICTURE
    assert known["a.PNG"].problem is None


def test_what_cannot_be_used_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes(PICTURE)
    folder = tmp_path / "hd"
    folder.mkdir()
    (folder / "link.png").symlink_to(outside)
    (folder / "torn.png").write_bytes(PICTURE[:20])
    (folder / "empty.png").write_bytes(b"")
    (folder / "page.png").write_bytes(b"<html>")
    os.mkfifo(folder / "pipe.png")
    monkeypatch.setattr(hand_made, "MAX_BYTES", 100)
    (folder / "large.png").write_bytes(bytes(101))
    problems = {name: str(one.problem) for name, one in found(folder).items()}
    assert "leads out of its folder" in problems["link.png"]
    assert "truncated" in problems["torn.png"]
    assert "empty" in problems["empty.png"]
    assert "not a PNG" in problems["page.png"]
    assert "not a regular file" in problems["pipe.png"]
    assert "larger than the limit of 100 bytes" in problems["large.png"]


def test_links_to_folders_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "hd"
    for path in (folder / "sub/a.png", tmp_path / "art/b.png"):
        path.parent.mkdir(parents=True)
        path.write_bytes(PICTURE)
    (folder / "sub/art").symlink_to(tmp_path / "art")
    (folder / "drive").symlink_to(tmp_path / "not mounted")
    (folder / "gone.png").symlink_to("nowhere.png")
    (folder / "again.png").symlink_to("sub/a.png")
    (folder / ".hidden").symlink_to(tmp_path / "art")
    first, second = sorted(links_to_folders(folder))
    assert first.startswith(f"{folder / 'drive'} is a link to what is missing")
    assert second.startswith(f"{folder / 'sub/art'} is a link to a folder, which is not followed")
    assert second.endswith("name that folder in `overrides`, too")
    assert set(found(folder)) == {"sub/a.png", "gone.png", "again.png"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(PICTURE)
    (one,) = find_hand_made(tmp_path)
    assert one.name == "\\xff.png"
    assert "UTF-8" in str(one.problem)


def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    (one,) = find_hand_made(tmp_path)
    (tmp_path / "a.png").write_bytes(encode_png(noise((8, 4), 1)))
    with pytest.raises(SourceError, match="changed while"):
        one.data()


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_no_folder_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(SourceError, match=name):
        find_hand_made(tmp_path / name)
