"""Live progress: what a bar, a plain line and an event say, and when a line is due."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import dump, write_recipe
from hypothesis import given
from hypothesis import strategies as st
from terminal import on_terminal, plain

from texpipe import meter as clocks
from texpipe.cli import progress as module
from texpipe.cli.console import Console
from texpipe.cli.progress import Pace, ProgressBar, clock, describe, pace
from texpipe.meter import WORKED_OFF, Lump
from texpipe.progress import Progress

counts = st.integers(0, 10_000)


@given(counts, counts, counts, st.floats(0.001, 1e5))
def test_textures_from_the_store_do_not_shorten_the_time_left(
    fresh: int, cached: int, left: int, seconds: float
) -> None:
    now = pace(Progress("upscale", fresh + cached, fresh + cached + left, cached=cached), seconds)
    assert now.per_second == pytest.approx((fresh + cached) / seconds)
    if fresh:
        assert now.seconds_left == pytest.approx(left / (fresh / seconds))
    else:
        assert now.seconds_left == (None if left else 0)


def test_the_rate_ages_while_no_step_comes() -> None:
    step = Progress("upscale", 10, 20, 0, 0, 100, 1000, 200)
    left = [pace(step, 10 + waited, waited).seconds_left for waited in range(0, 200, 10)]
    assert left[0] == pytest.approx(90)
    assert left[1] == pytest.approx(80)
    assert all(b > a for a, b in itertools.pairwise(left[2:])), "nothing came where it was due"


def test_a_line_comes_every_ten_seconds_also_without_a_step(
    capsys: pytest.CaptureFixture[str], seconds: Callable[[float], None]
) -> None:
    with ProgressBar(Console()) as bar:
        seconds(0)
        bar(Progress("upscale", 1, 3, 0, 0, 10, 30, 10))
        for second in range(1, 31):
            seconds(second)
            bar.wait()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("upscale: 1/3, 33% of the work") for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")]
)
def test_durations_are_rounded_to_seconds_and_have_hours_if_needed(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_what_is_zero_or_unknown_is_left_out_of_a_line() -> None:
    everything = Progress("upscale", 30, 100, cached=10, failed=2)
    assert describe(everything, Pace(3.0, 70)) == "3.0 textures/s, 1:10 left, 2 failed, 10 from earlier runs"
    assert describe(Progress("write", 2, 2), Pace(3.0, 0)) == "3.0 textures/s"


def test_the_first_textures_that_are_read_say_nothing_of_the_time_left(
    capsys: pytest.CaptureFixture[str], seconds: Callable[[float], None]
) -> None:
    """To start takes longer than to read a few."""
    with ProgressBar(Console()) as bar:
        seconds(0)
        bar(Progress("read", 1, 176))
        for after, done in ((11, 2), (22, 40)):
            seconds(after)
            bar(Progress("read", done, 176))
    assert capsys.readouterr().err.splitlines() == ["read: 2/176", "read: 40/176, 1.8 textures/s, 1:15 left"]


def test_the_share_of_the_work_moves_within_a_picture_and_never_back(
    capsys: pytest.CaptureFixture[str], seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of 640 x 480 takes minutes."""
    used = [0.0]
    monkeypatch.setattr(clocks.time, "process_time", lambda: used[0])
    texels = 640 * 480
    WORKED_OFF.restart([Lump(texels, texels)] * 3, 0.0)
    shares = []
    with ProgressBar(Console()) as bar:
        seconds(0)
        bar(Progress("upscale", 0, 3, 0, 0, 0, 3 * texels, texels))
        WORKED_OFF.add(texels * 0.01)
        for second in range(10, 101, 10):
            seconds(second)
            used[0] = second
            WORKED_OFF.add(texels / 10)
            bar.wait()
        for second, done in ((110, 1), (120, 1)):
            seconds(second)
            bar(Progress("upscale", done, 3, 0, 0, texels, 3 * texels, texels))
    for line in capsys.readouterr().err.splitlines():
        found = re.match(r"upscale: [01]/3, (\d+)% of the work", line)
        assert found, line
        shares.append(int(found[1]))
    WORKED_OFF.restart()
    assert shares == sorted(shares)
    assert shares[:3] == [4, 7, 10]
    assert shares[-1] == 34


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    WORKED_OFF.restart()  # runs of other tests in this process were counted
    return lambda value: now.__setitem__(0, 100.0 + value)


def test_the_time_left_is_honest_from_the_first_third_on(seconds: Callable[[float], None]) -> None:
    """100 flat textures that cost nothing, 40 small and 2 large ones.

    A texel of a small one costs a tenth more: docs/performance.md measured 4 % between sides of 16 and 64.
    """
    small, large, texel = 32 * 32, 256 * 256, 1e-3
    batches = [(16, small, 1.1), (1, large, 1.0), (1, large, 1.0), (16, small, 1.1), (8, small, 1.1)]
    total = 40 * small + 2 * large
    ends = list(itertools.accumulate((count * size * price * texel for count, size, price in batches)))
    waiting, done, work, errors = list(zip(ends, batches, strict=True)), 100, 0, []
    with ProgressBar(Console()) as bar:
        seconds(0)
        bar(Progress("upscale", done, 142, 0, 0, 0, total, large))
        for tick in range(1, int(ends[-1])):
            seconds(tick)
            bar.wait()
            while waiting and waiting[0][0] <= tick:
                _, (count, size, _) = waiting.pop(0)
                for _ in range(count):
                    done, work = done + 1, work + size
                    ahead = max((size for _, (_, size, _) in waiting), default=0)
                    bar(Progress("upscale", done, 142, 0, 0, work, total, ahead))
            left, truth = bar.latest.seconds_left, ends[-1] - tick
            if tick > ends[-1] / 3 and truth > 5:
                assert left is not None
                errors.append(abs(left / truth - 1))
    assert max(errors) < 0.3, max(errors)


def test_a_stage_shorter_than_ten_seconds_has_no_plain_line(
    capsys: pytest.CaptureFixture[str], seconds: Callable[[float], None]
) -> None:
    with ProgressBar(Console()) as bar:
        for second in range(26):
            seconds(second)
            bar(Progress("upscale", second + 1, 26))
        bar(Progress("write", 1, 1))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "upscale: 11/26, 1.1 textures/s, 0:14 left",
        "upscale: 21/26, 1.1 textures/s, 0:05 left",
        "upscale: 26/26, 1.0 textures/s",
    ], "a stage that is quick has no line"


def test_the_last_step_of_a_short_stage_is_an_event_too(
    capsys: pytest.CaptureFixture[str], seconds: Callable[[float], None]
) -> None:
    with ProgressBar(Console(), events=True) as bar:
        bar(Progress("read", 1, 1))
        for step in range(10):
            seconds(step / 10)
            bar(Progress("upscale", step + 1, 10, cached=1, failed=1))
    captured = capsys.readouterr()
    assert captured.out == ""
    events = [json.loads(line) for line in captured.err.splitlines()]
    assert [(one["stage"], one["done"]) for one in events] == [("read", 1), ("upscale", 6), ("upscale", 10)]
    assert events[1] == {
        "event": "progress",
        "stage": "upscale",
        "done": 6,
        "total": 10,
        "cached": 1,
        "failed": 1,
        "per_second": 12.0,
        "seconds_left": 0.4,
    }


def test_quiet_shows_no_progress(
    capsys: pytest.CaptureFixture[str], seconds: Callable[[float], None]
) -> None:
    with ProgressBar(Console(quiet=True), events=True) as bar:
        bar(Progress("read", 1, 1))
    assert capsys.readouterr().err == ""


def test_a_new_stage_replaces_the_bar_of_the_old_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, seconds: Callable[[float], None]
) -> None:
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True)
    with ProgressBar(Console()) as bar:
        assert bar._bar is not None
        seconds(0)
        bar(Progress("read", 5, 5))
        bar(Progress("upscale", 0, 8))
        seconds(2)
        bar(Progress("upscale", 4, 8, failed=1))
        (task,) = bar._bar.tasks
        assert (task.description, task.completed, task.total) == ("upscale", 4, 8)
        assert task.fields["text"] == "2.0 textures/s, 0:02 left, 1 failed"


def test_a_run_with_json_has_no_progress_on_stdout(
    tmp_path: Path, tiny_model: Path, texpipe: Callable
) -> None:
    """stdout is one document as ever, and every line of progress on stderr is JSON."""
    dump(tmp_path / "dump", 3)
    done = texpipe("run", write_recipe(tmp_path), "--model", tiny_model, "--json")
    assert json.loads(done.stdout)["summary"]["written"] == 3
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [(one["stage"], one["done"], one["total"]) for one in events if one["done"] == one["total"]] == [
        ("read", 3, 3),
        ("upscale", 3, 3),
        ("write", 3, 3),
    ]


def test_failures_of_an_earlier_stage_are_not_forgotten(
    capsys: pytest.CaptureFixture[str], seconds: Callable[[float], None]
) -> None:
    """A texture that could not be read is a failure of the run, not only of the stage that met it."""
    with ProgressBar(Console(), events=True) as bar:
        bar(Progress("read", 5, 5, failed=2))
        bar(Progress("upscale", 3, 3, failed=1))
        bar(Progress("write", 2, 2))
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["failed"] for one in events] == [2, 3, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
def test_the_bar_of_a_real_run_is_complete_and_leaves_no_trace(tmp_path: Path, tiny_model: Path) -> None:
    """The bar of the real command names stage, pace, time left, store and failures, and leaves no trace of itself."""
    dump(tmp_path / "dump", 12)
    call = ["run", str(write_recipe(tmp_path)), "--model", str(tiny_model)]
    subprocess.run([sys.executable, "-m", "texpipe", *call], capture_output=True, timeout=300, check=True)
    dump(tmp_path / "dump", 240)  # enough for the bar to be drawn more than once on a fast machine
    (tmp_path / "dump" / "torn.png").write_bytes(b"no picture")
    code, shown = on_terminal(call)
    assert code == 7
    frames = re.split(r"\r|\n", plain(shown))
    bars = [frame for frame in frames if frame.startswith("upscale")]
    assert any(
        re.search(r"\d+/240 .*% of the work, \d:\d\d left, 1 failed, \d+ from earlier runs", bar)
        for bar in bars
    ), bars
    assert any(frame.startswith("wrote 240 textures") for frame in frames)
    assert shown.rstrip().endswith(f"texpipe install {tmp_path / 'out'}")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
def test_no_log_line_runs_into_the_bar(tmp_path: Path, tiny_model: Path) -> None:
    """With -v each line of the log begins where the bar was erased; a file gets all of them without the bar."""
    dump(tmp_path / "dump", 12)
    log = tmp_path / "run.log"
    log.write_text("kept\n")
    call = ["-v", "--log", str(log), "run", str(write_recipe(tmp_path)), "--model", str(tiny_model)]
    code, shown = on_terminal(call, columns=200)
    assert code == 0
    pieces = [plain(piece) for piece in re.split(r"\r|\n|\x1b\[2K|\x1b\[1A", shown)]
    lines = [piece for piece in pieces if "INFO texpipe" in piece]
    assert any("lazy_upscaler" in line for line in lines), "one that comes while the bar is shown"
    assert all(line.startswith("INFO texpipe") for line in lines), lines
    written = log.read_text("utf-8").splitlines()
    assert written[0] == "kept"
    assert all(re.match(r"\d{4}-\d\d-\d\d [\d:,]+ [A-Z]+ texpipe", line) for line in written[1:]), written
    assert all(any(line.split(" ", 1)[1] in entry for entry in written) for line in lines)
    assert any("texpipe.said: wrote 12 textures" in entry for entry in written)
    assert not any("━" in entry for entry in written)
