"""Files and folders that a user names by a link: the link stays, and what it leads to gets the new content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from texpipe.errors import PackError
from texpipe.storage.atomic import open_atomic, write_atomic
from texpipe.storage.whole_folder import put_back, whole_folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """A link to a link to something in another folder, which is not there yet."""
    (tmp_path / "far").mkdir()
    (tmp_path / "near").mkdir()
    (tmp_path / "far" / "first").symlink_to("real")
    (tmp_path / "near" / "link").symlink_to(Path("..", "far", "first"))
    return tmp_path / "near" / "link"


@pytest.mark.parametrize("old", [b"old", None])
def test_a_file_is_written_through_a_link(tmp_path: Path, link: Path, old: bytes | None) -> None:
    real = tmp_path / "far" / "real"
    if old is not None:
        real.write_bytes(old)
    with open_atomic(link, any_link=True) as file:
        file.write(b"new")
        file.flush()
        assert old is None or real.read_bytes() == old
    assert link.is_symlink()
    assert (tmp_path / "far" / "first").is_symlink()
    assert real.read_bytes() == b"new"
    assert names_in(tmp_path / "near") == ["link"]
    assert names_in(tmp_path / "far") == ["first", "real"]


def test_a_link_in_a_folder_of_a_pack_is_replaced(tmp_path: Path, link: Path) -> None:
    (tmp_path / "far" / "real").write_bytes(b"mine")
    write_atomic(link, b"new")
    assert not link.is_symlink()
    assert (tmp_path / "far" / "real").read_bytes() == b"mine"


def test_a_folder_is_written_through_a_link(tmp_path: Path, link: Path) -> None:
    for text in ("old", "new"):
        with whole_folder(link) as folder:
            (folder / text).write_text(text)
    assert link.is_symlink()
    assert names_in(tmp_path / "far" / "real") == ["new"]
    assert names_in(tmp_path / "near") == ["link"]
    assert names_in(tmp_path / "far") == ["first", "real"]


def test_links_that_lead_to_each_other_are_told_and_stay(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(PackError, match="cannot write"):
        write_atomic(one, b"new", any_link=True)
    with pytest.raises(PackError, match="cannot write"), whole_folder(one):
        pass
    assert one.is_symlink()
    assert names_in(tmp_path) == ["one", "other"]


def test_what_killed_processes_left_is_removed_beside_the_link_and_beside_its_target(
    tmp_path: Path, link: Path
) -> None:
    """A half-written file, a folder and a link."""
    (tmp_path / "far" / ".real.999999999-00ff.part").write_bytes(b"half")
    (tmp_path / "far" / ".real.999999998-00ff.part").mkdir()
    (tmp_path / "near" / ".link.999999999-00ff.part").symlink_to("nowhere")
    (tmp_path / "far" / f".real.{os.getpid()}-00ff.part").write_bytes(b"of this process")
    put_back(link)
    assert names_in(tmp_path / "near") == ["link"]
    assert names_in(tmp_path / "far") == [f".real.{os.getpid()}-00ff.part", "first"]
