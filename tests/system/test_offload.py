"""Processes that do some of the work: it is what this one would have done, and nothing is lost when they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from dumps import dump, repeated, texture, tree

from texpipe.analysis import pool
from texpipe.analysis.survey import survey
from texpipe.classify.analysis import analyse
from texpipe.errors import PackError
from texpipe.execution.compute import compute_jobs
from texpipe.planning.planner import plan_jobs
from texpipe.read.decode import decode
from texpipe.recipe.schema import Recipe
from texpipe.storage.results import ResultStore
from texpipe.system import offload_policy
from texpipe.system.offload import SubprocessPool, command
from texpipe.texture import Pass, RgbF, Source, Texture


@pytest.fixture
def textures(tmp_path: Path) -> list[Texture]:
    names = dump(tmp_path / "in", 4, (12, 8))
    return [decode(Source(name, tmp_path / "in", below=name)) for name in names]


def test_a_process_returns_the_same(textures: list[Texture]) -> None:
    with SubprocessPool() as elsewhere, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(elsewhere.call, repeat(analyse), textures)) == [analyse(one) for one in textures]


@pytest.mark.parametrize(
    "start",
    [
        ["no such program"],
        [sys.executable, "-c", ""],
        [sys.executable, "-c", "print('no answer', flush=True); input()"],
        [sys.executable, "-c", "import os, sys; sys.stdin.buffer.read(10); os.kill(os.getpid(), 9)"],
    ],
    ids=["none", "ends", "babbles", "killed"],
)
def test_without_an_answer_it_is_done_here(start: list[str], textures: list[Texture]) -> None:
    with SubprocessPool(start) as elsewhere:
        assert [elsewhere.call(analyse, one) for one in textures] == [analyse(one) for one in textures]


def test_a_process_goes_on_after_an_error(textures: list[Texture]) -> None:
    broken = replace(textures[0], rgba=textures[0].rgba[..., :2])
    with SubprocessPool() as elsewhere:
        with pytest.raises(IndexError, match="out of bounds"):
            elsewhere.call(analyse, broken)
        assert elsewhere.call(analyse, textures[1]) == analyse(textures[1])


def test_no_process_outlives_its_use(textures: list[Texture], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    plain = subprocess.Popen

    def noted(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(plain(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    with suppress(KeyboardInterrupt), SubprocessPool() as elsewhere:
        elsewhere.call(analyse, textures[0])
        assert started[0].poll() is None
        if hasattr(os, "getsid"):  # where Ctrl-C goes to all processes of a session, to this one it does not
            assert os.getsid(started[0].pid) == started[0].pid
        raise KeyboardInterrupt
    assert [one.returncode for one in started] == [0]


def test_no_process_outlives_one_that_is_killed() -> None:
    code = (
        "import os; from texpipe.system.offload import SubprocessPool; pool = SubprocessPool();"
        " print(pool.call(os.getpid), flush=True); input()"
    )
    start = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(start, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as script:
        assert script.stdout is not None
        assert int(script.stdout.readline()) != script.pid
        script.kill()
        # The other process holds the standard error, too, so this ends with it.
        assert script.communicate(timeout=60) == ("", "")


def test_enough_textures_are_looked_at_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump(tmp_path / "in", 12, (12, 8))
    wanted = survey(tmp_path / "in", Recipe.default(), workers=2)
    calls = counted(monkeypatch)
    monkeypatch.setattr(offload_policy, "MIN_CALLS", 1)
    monkeypatch.setattr(pool, "MAX_TEXTURES_AHEAD", 4)
    assert survey(tmp_path / "in", Recipe.default(), workers=2) == wanted
    assert calls == ["_analysed"] * 2  # of three windows, each of one size, the first shows that it pays off
    monkeypatch.setattr(offload_policy, "can_spawn", lambda: False)
    assert survey(tmp_path / "in", Recipe.default(), workers=2) == wanted
    assert len(calls) == 2


def test_enough_results_are_finished_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump(tmp_path / "in", 12, (12, 8))
    work = plan_jobs(survey(tmp_path / "in", Recipe.default()), Recipe.default(), ("none",))
    here, there = ResultStore(tmp_path / "here"), ResultStore(tmp_path / "there")
    assert len(list(compute_jobs(work, here, repeated, threads=2))) == 12
    calls = counted(monkeypatch)
    monkeypatch.setattr(offload_policy, "MIN_CALLS", 3)
    assert [(one.reason, one.cached) for one in compute_jobs(work, there, repeated, threads=2)] == [
        (None, False)
    ] * 12
    assert len(calls) > 3
    assert set(calls) == {"_recombine"}
    assert tree(there.root) == tree(here.root)


def test_what_processes_cannot_finish_has_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that are no numbers; and a store that cannot be written, which ends the run."""
    dump(tmp_path / "in", 4, (12, 8))
    work = plan_jobs(survey(tmp_path / "in", Recipe.default()), Recipe.default(), ("none",))
    monkeypatch.setattr(offload_policy, "MIN_CALLS", 3)
    done = list(compute_jobs(work, ResultStore(tmp_path / "store"), broken, threads=2))
    assert {one.job.content for one in done} == {job.content for job in work.jobs}
    assert len(done) == len(work.jobs)
    assert all(one.reason and "not numbers" in one.reason for one in done)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PackError, match="cannot write"):
        list(compute_jobs(work, ResultStore(tmp_path / "file"), repeated, threads=2))


def broken(windows: Iterable[Sequence[Pass]], scale: int) -> Iterator[tuple[int, RgbF]]:
    for number, rgb in repeated(windows, scale):
        yield number, rgb * np.float32("nan")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of functions that are called elsewhere from now on."""
    names: list[str] = []
    plain = SubprocessPool.call

    def noted(self: SubprocessPool, function: Callable[..., object], *args: object) -> object:
        names.append(function.__name__)
        return plain(self, function, *args)

    monkeypatch.setattr(SubprocessPool, "call", noted)
    return names


def test_a_script_is_not_run_again(tmp_path: Path) -> None:
    """Not even one without `if __name__ == "__main__"`, of which multiprocessing would run a copy in each process."""
    dump(tmp_path / "in", 6)
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\nfrom texpipe.recipe.schema import Recipe\n"
        "from texpipe.analysis.survey import survey\nfrom texpipe.system import offload_policy\n"
        "offload_policy.MIN_CALLS = 1\n"
        f"print(len(survey(Path({str(tmp_path / 'in')!r}), Recipe.default(), workers=2).items))\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("6\n", "")


def test_modules_are_found_where_this_process_finds_them(tmp_path: Path) -> None:
    """A folder of the name in the current folder is none of them."""
    (tmp_path / "texpipe").mkdir()
    (tmp_path / "texpipe" / "__init__.py").write_text("raise SystemExit(3)", encoding="utf-8")
    done = subprocess.run(command(), cwd=tmp_path, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0


def test_the_size_of_a_texture_does_not_matter(textures: list[Texture]) -> None:
    """More than a pipe holds."""
    large = replace(textures[0], rgba=np.ascontiguousarray(texture(1, (200, 300))))
    with SubprocessPool() as elsewhere:
        assert elsewhere.call(analyse, large) == analyse(large)
