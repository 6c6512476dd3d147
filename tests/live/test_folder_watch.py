"""New and changed files are found by events and without any, whatever happens to the folder, and at little cost."""

import os
import queue
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from texpipe.live.folder_watch import FolderWatch, _Tree, system_events


class Clock:
    """A clock that waiting moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(tmp_path: Path, clock: Clock) -> FolderWatch:
    (tmp_path / "dump").mkdir()
    return FolderWatch([tmp_path / "dump"], tmp_path / "dump/out", clock=clock)


def write(file: Path, data: bytes = b"x") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def looked(watch: FolderWatch, clock: Clock, seconds: float) -> set[Path]:
    clock.now += seconds
    return watch.wait(0)


def test_at_first_all_textures_are_new_and_nothing_else_is(tmp_path, watch, clock):
    dump = tmp_path / "dump"
    wanted = {write(dump / "a.png"), write(dump / "sub/deep/b.BMP"), write(dump / "game.o2r")}
    for other in ("notes.txt", ".hidden.png", ".part/c.png", "out/gliden64/d.png"):
        write(dump / other)
    write(dump / "old/manifest.json", b'{"schema": "texpipe-manifest/1"}')
    assert watch.wait(0) == wanted
    assert watch.count == 3


def test_without_events_a_new_name_is_found_at_the_next_look_and_changed_bytes_at_a_whole_one(
    tmp_path, watch, clock
):
    known = write(tmp_path / "dump/a.png")
    watch.wait(0)
    assert watch.wait(0) == set()
    new = write(tmp_path / "dump/sub/b.png")
    known.write_bytes(b"longer")
    os.utime(tmp_path / "dump", ns=(1, 2))  # on a coarse clock two changes have one time
    assert watch.wait(0) == set(), "it is not looked at all the time"
    assert looked(watch, clock, 1.5) == {new}
    assert looked(watch, clock, 10) == {known}
    assert looked(watch, clock, 10) == set()


def test_a_look_that_takes_long_is_taken_seldom(tmp_path, clock, monkeypatch):
    (tmp_path / "dump").mkdir()
    scandir = os.scandir

    def slow(folder: str) -> object:
        clock.now += 2  # a network drive
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", slow)
    watch = FolderWatch([tmp_path / "dump"], clock=clock)
    watch.wait(0)
    for name, changed in (("a.png", 1), ("b.png", 2)):
        write(tmp_path / "dump" / name)
        os.utime(tmp_path / "dump", ns=(changed, changed))
    assert looked(watch, clock, 1.5) == {tmp_path / "dump/a.png", tmp_path / "dump/b.png"}
    write(tmp_path / "dump/c.png")
    assert looked(watch, clock, 150) == set()
    assert looked(watch, clock, 60) == {tmp_path / "dump/c.png"}


def test_new_names_are_found_soon_where_a_look_at_every_file_takes_long(tmp_path, clock, monkeypatch):
    write(tmp_path / "dump/a.png")
    whole = _Tree.whole

    def slow(tree: _Tree) -> set[str]:
        clock.now += 10  # 100,000 files
        return whole(tree)

    monkeypatch.setattr(_Tree, "whole", slow)
    watch = FolderWatch([tmp_path / "dump"], clock=clock)
    watch.wait(0)
    new = write(tmp_path / "dump/b.png")
    os.utime(tmp_path / "dump", ns=(1, 2))
    assert looked(watch, clock, 1.5) == {new}


def test_a_folder_that_is_cleared_gives_the_same_names_again(tmp_path, watch, clock):
    file = write(tmp_path / "dump/a.png")
    assert watch.wait(0) == {file}
    file.unlink()
    assert looked(watch, clock, 10) == set()
    assert watch.count == 0
    assert looked(watch, clock, 10) == set()
    write(file)
    assert looked(watch, clock, 10) == {file}


def test_a_folder_that_is_renamed_is_missing_and_another_of_its_name_is_taken(tmp_path, watch, clock):
    file = write(tmp_path / "dump/a.png")
    watch.wait(0)
    (tmp_path / "dump").rename(tmp_path / "away")
    assert looked(watch, clock, 10) == set()
    assert watch.missing == (tmp_path / "dump",)
    write(tmp_path / "dump/b.png")
    assert looked(watch, clock, 10) == {tmp_path / "dump/b.png"}
    assert watch.missing == ()
    shutil.rmtree(tmp_path / "dump")
    (tmp_path / "away").rename(tmp_path / "dump")
    assert looked(watch, clock, 10) == {file}


def test_events_are_believed_only_about_files_that_are_textures_and_new(tmp_path, clock):
    dump = tmp_path / "dump"
    known = write(dump / "a.png")
    told: list[queue.SimpleQueue] = []
    watch = FolderWatch([dump], dump / "out", lambda root, told_, stop: told.append(told_), clock)
    watch.wait(0)
    while not told:
        pass
    new = write(dump / "new/b.png")
    write(dump / "out/c.png")
    write(dump / ".x/d.png")
    for name in (
        known,
        new,
        new,
        dump / "gone.png",
        dump / "out/c.png",
        dump / ".x/d.png",
        tmp_path / "e.png",
    ):
        told[0].put(str(name))
    assert watch.wait(0) == {new}
    assert watch.wait(0) == set()


def test_a_listener_is_stopped_when_its_folder_goes_and_another_starts_when_it_comes(tmp_path, clock):
    stops: list[threading.Event] = []
    started = threading.Semaphore(0)

    def listen(root: Path, told: object, stop: threading.Event) -> None:
        stops.append(stop)
        started.release()

    watch = FolderWatch([tmp_path / "dump"], None, listen, clock)
    watch.wait(0)
    assert not stops
    (tmp_path / "dump").mkdir()
    looked(watch, clock, 10)
    assert started.acquire(timeout=10)
    (tmp_path / "dump").rmdir()
    looked(watch, clock, 10)
    assert stops[0].is_set()
    (tmp_path / "dump").mkdir()
    looked(watch, clock, 10)
    assert started.acquire(timeout=10)
    assert [stop.is_set() for stop in stops] == [True, False]


def test_the_system_tells_of_a_new_file_long_before_it_would_be_found(tmp_path):
    listen = system_events()
    if listen is None:
        pytest.skip("watchfiles is not installed")
    (tmp_path / "dump").mkdir()
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    stop = threading.Event()
    thread = threading.Thread(target=listen, args=(tmp_path / "dump", told, stop))
    thread.start()
    try:
        for number in range(1000):  # events begin some time after the thread
            write(tmp_path / f"dump/{number}.png")
            try:
                name = told.get(timeout=0.05)
            except queue.Empty:
                continue
            break
        assert Path(name).parent == tmp_path / "dump"
    finally:
        stop.set()
        thread.join()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["write", "half", "remove", "clear", "rename", "come back", "wait"]),
            st.integers(0, 5),
            st.booleans(),
        ),
        max_size=25,
    )
)
def test_whatever_happens_to_the_folder_the_last_bytes_of_every_file_are_told(tmp_path_factory, steps):
    """Events are lost at random; files are written by halves, the folder is cleared, renamed and made again."""
    folder = tmp_path_factory.mktemp("watch")
    dump, clock, told = folder / "dump", Clock(), queue.SimpleQueue()
    dump.mkdir()
    watch = FolderWatch([dump], events=lambda _, events, __: told.put(events), clock=clock)
    seen: dict[str, bytes] = {}

    def look(seconds: float) -> None:
        for file in looked(watch, clock, seconds):
            if file.exists():
                seen[file.name] = file.read_bytes()

    look(0)
    events = told.get(timeout=10)
    for number, (what, name, is_told) in enumerate(steps):
        file = dump / f"{name}.png"
        if what in ("write", "half") and dump.exists():
            write(file, b"x" * (number + 1) if what == "write" else b"x")
            if is_told:
                events.put(str(file))
        elif what == "remove":
            file.unlink(missing_ok=True)
        elif what == "clear" and dump.exists():
            shutil.rmtree(dump)
            dump.mkdir()
        elif what == "rename" and dump.exists():
            dump.rename(folder / f"away{number}")
        elif what == "come back":
            dump.mkdir(exist_ok=True)
        look(0.3)
    look(1000)
    there = {file.name: file.read_bytes() for file in dump.glob("*.png")} if dump.exists() else {}
    assert there.items() <= seen.items()
    watch.close()


def test_many_files_are_found_once_and_cost_little_afterwards(tmp_path, watch, clock, monkeypatch):
    for number in range(3000):
        (tmp_path / "dump" / f"{number}.png").touch()
    assert len(watch.wait(0)) == 3000
    looks = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looks.append(path) or scandir(path))
    for _ in range(100):
        assert looked(watch, clock, 0.1) == set()
    assert len(looks) <= 2, "a folder whose list of names has not changed is not listed"
    write(tmp_path / "dump/new.png")
    assert looked(watch, clock, 1.1) == {tmp_path / "dump/new.png"}
