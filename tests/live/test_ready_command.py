"""The user's own command: started when textures are ready, one at a time, and told what is there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from texpipe.formats import known_targets
from texpipe.live.events import Event
from texpipe.live.pick_up import PICK_UP, pick_up_of
from texpipe.live.ready_command import ReadyCommand

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a Unix shell")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def wait_for(file: Path, lines: int) -> list[str]:
    end = time.monotonic() + 60
    while not file.exists() or len(file.read_text().splitlines()) < lines:
        assert time.monotonic() < end, "the command did not run"
        time.sleep(0.01)
    return file.read_text().splitlines()


@pytest.fixture
def ready(tmp_path: Path) -> tuple[ReadyCommand, Clock, Path]:
    clock, file = Clock(), tmp_path / "said"
    return ReadyCommand(f'echo "$TEXPIPE_TEXTURES $TEXPIPE_STATE" >> "{file}"', clock), clock, file


def start(command: ReadyCommand) -> None:
    """Start the command, and wait until it has ended."""
    command.start_if_due()
    process = command._process
    if process is not None:
        process.wait(60)


def test_it_is_told_how_many_textures_are_new_and_of_which_kind(ready):
    command, clock, file = ready
    start(command)
    assert not file.exists(), "nothing is ready"
    command.take(Event("preview", ("a.png", "b.png")))
    command.take(Event("found", count=7))
    start(command)
    assert wait_for(file, 1) == ["2 preview"]
    clock.now += 10
    start(command)
    command.take(Event("refined", ("a.png",)))
    start(command)
    assert wait_for(file, 2) == ["2 preview", "1 refined"]


def test_textures_that_come_within_a_second_share_a_start(ready):
    command, clock, file = ready
    for _ in range(5):
        command.take(Event("preview", ("a.png",)))
        start(command)
        clock.now += 0.1
    assert wait_for(file, 1) == ["1 preview"]
    clock.now += 1
    start(command)
    assert wait_for(file, 2)[1] == "4 preview"


def test_an_archive_that_is_written_as_a_whole_counts_as_one(ready):
    command, _, file = ready
    command.take(Event("idle", count=500))
    start(command)
    assert wait_for(file, 1) == ["1 refined"]


def test_while_it_runs_it_is_not_started_again(tmp_path):
    clock = Clock()
    command = ReadyCommand("sleep 60", clock)
    command.take(Event("preview", ("a.png",)))
    command.start_if_due()
    first = command._process
    assert isinstance(first, subprocess.Popen)
    clock.now += 10
    command.take(Event("preview", ("b.png",)))
    command.start_if_due()
    assert command._process is first
    first.kill()
    first.wait()
    command.start_if_due()
    assert command._process is not first
    command._process.kill()
    command._process.wait()


def test_every_emulator_has_a_row_that_says_what_to_do():
    known = {target for target in known_targets() if target not in ("folder", "decomp")}
    assert {one.target for one in PICK_UP} == known
    for one in PICK_UP:
        assert pick_up_of(one.target) is one
        assert one.what.endswith(".")
    assert pick_up_of("folder") is None


def test_the_docs_have_these_rows():
    page = (Path(__file__).parents[2] / "docs" / "live.md").read_text("utf-8")
    for one in PICK_UP:
        assert f"| {one.emulator} | `{one.target}` |" in page
        assert f"| {one.what} | {one.source or 'not checked'} |" in page
