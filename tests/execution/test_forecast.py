"""What a run needs is told before it: by what runs have shown, else by a probe, and not at all where nobody knows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import GAME, dump, texture, write_recipe

from texpipe.analysis.cache import AnalysisCache
from texpipe.cli import texpipe as texpipe_command
from texpipe.cli.console import exit_code_of
from texpipe.execution import forecast as module
from texpipe.execution.forecast import forecast, learn
from texpipe.imaging.image_files import save_png
from texpipe.pipeline import run_recipe
from texpipe.planning.amount import Forecast, network_texels
from texpipe.planning.jobs import JobResult
from texpipe.planning.load_options import load_options
from texpipe.planning.run_plan import RunPlan
from texpipe.storage.home import cache_folder

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def plan(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> RunPlan:
    """The plan of a run over four textures."""
    dump(tmp_path / "dump", 4)
    seen: list[RunPlan] = []

    def see(run: RunPlan, **_: object) -> None:
        seen.append(run)

    with monkeypatch.context() as patch:
        patch.setattr("texpipe.pipeline.forecast", see)
        run_recipe(load_options(write_recipe(tmp_path), model=str(tiny_model), device="cpu"), dry_run=True)
    return seen[0]


def texels(run: RunPlan) -> int:
    return sum(network_texels(job) for job in run.work.jobs)


def test_nothing_is_said_where_no_speed_is_known_and_a_probe_does_not_pay_off(plan: RunPlan) -> None:
    assert forecast(plan) is None
    assert not cache_folder().exists()


def test_a_run_teaches_the_next_one(plan: RunPlan) -> None:
    """Twice the time for the same work is twice the forecast; a moment teaches nothing."""
    done = [JobResult(job) for job in plan.work.jobs] * 2000
    learn(plan, done, 1.0)
    assert forecast(plan) is None
    for seconds in (100.0, 200.0):
        learn(plan, done, seconds)
        needed = forecast(plan)
        assert needed is not None
        assert needed.seconds == pytest.approx(seconds / 2000)
        assert needed.pictures == sum(network_texels(job) > 0 for job in plan.work.jobs)


def test_what_the_store_had_and_what_failed_teaches_nothing(plan: RunPlan) -> None:
    learn(plan, [JobResult(job, cached=True) for job in plan.work.jobs] * 2000, 100.0)
    learn(plan, [JobResult(job, reason="torn") for job in plan.work.jobs] * 2000, 100.0)
    assert forecast(plan) is None


def test_a_probe_is_made_once_and_kept(plan: RunPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAST_TEXELS", 1)
    monkeypatch.setattr(module, "_PROBE_SECONDS", 0.0)
    assert forecast(plan, probe=False) is None
    first = forecast(plan)
    assert first is not None
    assert first.seconds > 0
    monkeypatch.setattr(module, "_network_seconds", pytest.fail)
    assert forecast(plan) == first
    for note in (cache_folder() / "speed").iterdir():
        note.write_text(json.dumps({"seconds_per_texel": "fast"}))
    monkeypatch.setattr(module, "_network_seconds", lambda *_: 1.0)
    again = forecast(plan)
    assert again is not None
    assert again.seconds == pytest.approx(texels(plan), rel=0.1), "a damaged note counts as none"


@pytest.fixture
def known_speed(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def know(per_texel: float) -> None:
        monkeypatch.setattr(module._Speed, "recall", lambda *_: per_texel)

    return know


def test_disk_and_time_grow_with_what_is_left_to_make(
    tmp_path: Path, tiny_model: Path, known_speed: Callable[[float], None]
) -> None:
    """Twice the textures need twice as much; after a run nothing is needed."""
    known_speed(1e-3)
    recipe, needs = write_recipe(tmp_path), []
    for number in (1, 2):
        save_png(tmp_path / "dump" / f"{GAME}#{number:08X}#0#2_all.png", texture(number, (32, 32)))
        options = load_options(recipe, model=str(tiny_model), device="cpu")
        needs.append(run_recipe(options, dry_run=True).forecast)
    one, two = needs
    assert one is not None
    assert two is not None
    assert one.disk > 0
    assert two.disk == pytest.approx(2 * one.disk, abs=1)
    assert two.seconds > one.seconds
    told: list[Forecast] = []
    run_recipe(options, foreseen=told.append)
    assert told == [two]
    planned = run_recipe(options, dry_run=True)
    assert planned.forecast == Forecast(0.0, 0, 0)
    assert planned.expected is not None
    assert planned.expected > two.disk / 4, "the pack is as large, whatever of it is there already"


def test_init_and_a_dry_run_name_no_report_and_no_time_that_nobody_knows(
    tmp_path: Path, texpipe: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    dump(tmp_path / "dump", 3)
    done = texpipe("init", tmp_path / "dump", "--output", tmp_path / "mine.yaml")
    assert done.returncode == 0, done.stderr
    assert "--sample" not in done.stderr, "there are fewer textures than a sample has"
    planned = texpipe("run", tmp_path / "mine.yaml", "--dry-run", "--json")
    assert "report has" not in planned.stderr
    assert "forecast" not in json.loads(planned.stdout), (
        "three small textures: nobody knows, and nobody waits"
    )


def test_a_run_of_a_dump_analyses_each_texture_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump(tmp_path / "dump", 3)
    analysed: list[str] = []
    add = AnalysisCache.add
    monkeypatch.setattr(AnalysisCache, "add", lambda *words: (analysed.append(words[1]), add(*words))[1])
    monkeypatch.chdir(tmp_path)
    assert exit_code_of(texpipe_command, ["run", "dump", "--dry-run"]) == 0
    assert len(analysed) == len(set(analysed)) == 3
