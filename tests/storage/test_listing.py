"""Listings tell whether files changed without reading them, but those that changed within a tick of a clock."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from texpipe.storage import listing as module
from texpipe.storage.listing import Listing, listing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a" / "below").mkdir(parents=True)
    for name in ("one", "two", "below/three"):
        (tmp_path / "a" / name).write_bytes(name.encode())
    (tmp_path / "a" / "link").symlink_to("one")
    return tmp_path / "a"


def rewritten(file: Path, data: bytes) -> None:
    """Write other bytes and put the time back, as tools do that keep times."""
    times = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_nothing_changed(folder: Path) -> None:
    before = listing([str(folder)])
    (folder / "one").read_bytes()
    assert before.still_holds(listing([str(folder)]))
    assert listing([str(folder)]).digest == before.digest


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "new").write_bytes(b""),
        lambda folder: (folder / "one").unlink(),
        lambda folder: (folder / "below" / "three").rename(folder / "below" / "four"),
        lambda folder: (folder / "one").write_bytes(b"longer than before"),
        lambda folder: os.utime(folder / "two", ns=(0, 0)),
        lambda folder: (folder / "empty").mkdir(),
        lambda folder: ((folder / "link").unlink(), (folder / "link").symlink_to("two")),
        lambda folder: (folder / "below").rename(folder / "elsewhere"),
        pytest.param(
            lambda folder: rewritten(folder / "one", b"eno"),
            marks=pytest.mark.skipif(sys.platform == "win32", reason="keeps no time of changes"),
        ),
    ],
)
def test_any_change_shows(folder: Path, change: Callable[[Path], object]) -> None:
    before = listing([str(folder)])
    change(folder)
    assert not before.still_holds(listing([str(folder)]))


def test_a_change_within_a_tick_shows_by_its_bytes(folder: Path) -> None:
    """Equal size and equal times: only reading the file tells that it changed after it was listed."""
    before = listing([str(folder)])
    assert set(before.unsettled) == {str(folder / name) for name in ("one", "two", "below/three", "link")}
    rewritten(folder / "one", b"eno")
    assert not before.still_holds(replace(listing([str(folder)]), digest=before.digest))


def test_files_that_settled_are_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLED_SECONDS", -1.0)
    monkeypatch.setattr(module, "digest_of", lambda path: pytest.fail(f"{path} was read"))
    before = listing([str(folder)])
    assert before.unsettled == {}
    assert before.still_holds(listing([str(folder)]))


def test_a_time_in_the_future_never_settles(folder: Path) -> None:
    later = 2 * (folder / "one").stat().st_mtime_ns
    os.utime(folder / "one", ns=(later, later))
    assert str(folder / "one") in listing([str(folder)]).unsettled


@pytest.mark.parametrize(("enter", "name_counts"), [(False, True), (None, False)])
def test_folders_can_be_left_out(folder: Path, enter: bool | None, name_counts: bool) -> None:
    def look() -> Listing:
        return listing([str(folder)], descend=lambda entry: enter if entry.name == "below" else True)

    before = look()
    (folder / "below" / "three").write_bytes(b"3")
    assert before.still_holds(look())
    (folder / "below").rename(folder.parent / "below")
    assert before.still_holds(look()) is not name_counts


def test_missing_and_unreadable_places_are_listed_as_such(tmp_path: Path) -> None:
    before = listing([str(tmp_path / "later")])
    assert before.still_holds(listing([str(tmp_path / "later")]))
    (tmp_path / "later").write_bytes(b"")
    assert not before.still_holds(listing([str(tmp_path / "later")]))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert listing([str(folder)]).still_holds(listing([str(folder)]))
