"""Pictures on their way through the network: by threads, in windows, and with what fails named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from dumps import dump, repeated

from texpipe import passes as passes_module
from texpipe.analysis.survey import survey
from texpipe.errors import PackError
from texpipe.execution import compute as compute_module
from texpipe.execution import job_io
from texpipe.execution.compute import compute_jobs
from texpipe.planning.jobs import JobResult, Workload
from texpipe.planning.planner import plan_jobs
from texpipe.recipe.schema import Match, Recipe, Rule
from texpipe.storage.results import ResultStore
from texpipe.texture import Pass, Rgba8, RgbF

ENDS = Recipe.default().model_copy(update={"rules": (Rule.model_validate({"match": {}, "edges": "clamp"}),)})
"""Textures whose edges are decided: undecided ones have twice the passes."""


def work_of(folder: Path, count: int) -> Workload:
    dump(folder, count, (12, 8))
    return plan_jobs(survey(folder, ENDS), ENDS, ("none",))


def backwards(windows: Iterable[Sequence[Pass]], scale: int) -> Iterator[tuple[int, RgbF]]:
    """Give back each window's results in another order."""
    count = 0
    for window in windows:
        yield from reversed([(count + n, rgb) for n, rgb in repeated([window], scale)])
        count += len(window)


def stored(store: ResultStore, work: Workload) -> dict[str, bytes]:
    return {piece.key: store.get(piece.key).png for job in work.jobs for piece in job.pieces}


def test_neither_threads_nor_windows_nor_order_change_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = work_of(tmp_path / "in", 12)
    plain, other = ResultStore(tmp_path / "one"), ResultStore(tmp_path / "four")
    assert all(done.reason is None for done in compute_jobs(work, plain, repeated))
    monkeypatch.setattr(compute_module, "WINDOW_TEXELS", 3 * 12 * 8)
    done = list(compute_jobs(work, other, backwards, threads=4))
    assert {one.job.content for one in done} == {job.content for job in work.jobs}
    assert stored(other, work) == stored(plain, work)
    assert all(one.cached for one in compute_jobs(work, other, repeated))


def test_what_is_in_hand_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the one thread that finishes held back, results pile up to a window, and the network waits."""
    work = work_of(tmp_path / "in", 12)
    monkeypatch.setattr(compute_module, "WINDOW_TEXELS", 3 * 12 * 8)
    gate, came, plain = threading.Event(), [], compute_module._recombine

    def held(*args: object) -> JobResult:
        assert gate.wait(20)
        return plain(*args)

    def counted(windows: Iterable[Sequence[Pass]], scale: int) -> Iterator[tuple[int, RgbF]]:
        for number, rgb in repeated(windows, scale):
            came.append(number)
            if len(came) == 4:  # one more than a window: this one has to wait for the first
                threading.Timer(0.1, gate.set).start()
            assert gate.is_set() or len(came) <= 4
            yield number, rgb

    monkeypatch.setattr(compute_module, "_recombine", held)
    done = list(compute_jobs(work, ResultStore(tmp_path / "store"), counted))
    assert len(done) == 12
    assert len(came) > 8


def test_one_picture_that_is_gone_stops_no_other(tmp_path: Path) -> None:
    work = work_of(tmp_path / "in", 6)
    gone = work.jobs[2].pieces[0].item.source.name
    (tmp_path / "in" / gone).unlink()
    done = list(compute_jobs(work, ResultStore(tmp_path / "store"), repeated, threads=3))
    assert len(done) == 6
    assert [one.job.pieces[0].item.source.name for one in done if one.reason] == [gone]


@pytest.mark.parametrize(
    ("action", "what"), [("upscale", "planning.jobs.make_passes"), ("nearest", "execution.compute.nearest")]
)
def test_a_picture_that_memory_does_not_hold_enlarged_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, what: str
) -> None:
    dump(tmp_path / "in", 3, (12, 8))
    recipe = Recipe.default().model_copy(update={"rules": (Rule(match=Match(), action=action),)})
    work = plan_jobs(survey(tmp_path / "in", recipe), recipe, ("none",))
    module, _, name = what.rpartition(".")
    plain, calls = getattr(import_module(f"texpipe.{module}"), name), []

    def first_too_big(*args: object) -> object:
        calls.append(args)
        if len(calls) == 1:
            raise MemoryError
        return plain(*args)

    monkeypatch.setattr(f"texpipe.{what}", first_too_big)
    done = list(compute_jobs(work, ResultStore(tmp_path / "store"), repeated))
    reasons = [one.reason for one in done if one.reason]
    assert len(done) == 3
    assert reasons == ["there is not enough memory for it"]


def test_a_store_that_cannot_be_written_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = work_of(tmp_path / "in", 6)

    def full(*_: object) -> None:
        raise PackError("the disk is full")

    monkeypatch.setattr(ResultStore, "put", full)
    with pytest.raises(PackError, match="full"):
        list(compute_jobs(work, ResultStore(tmp_path / "store"), repeated, threads=2))


def test_a_result_too_big_for_memory_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, plain, calls = work_of(tmp_path / "in", 6), job_io.encode_png, []

    def too_big_once(result: Rgba8) -> bytes:
        calls.append(result.shape)
        if len(calls) == 2:
            raise MemoryError
        return plain(result)

    monkeypatch.setattr(job_io, "encode_png", too_big_once)
    done = list(compute_jobs(work, ResultStore(tmp_path / "store"), repeated))
    assert len(done) == 6
    assert [one.reason for one in done if one.reason] == [
        "could not be stored: there is not enough memory for it"
    ]


def test_passes_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleaning takes a good part of the time that a picture needs besides the network."""
    plain, cleaned = passes_module.clean, []

    def counted(picture: RgbF, *rest: object) -> RgbF:
        cleaned.append(picture.shape)
        return plain(picture, *rest)

    monkeypatch.setattr(passes_module, "clean", counted)
    dump(tmp_path / "in", 5, (12, 8))
    recipe = ENDS.model_copy(update={"clean": "auto"})
    work = plan_jobs(survey(tmp_path / "in", recipe), recipe, ("none",))
    done = list(compute_jobs(work, ResultStore(tmp_path / "store"), repeated))
    assert [one.reason for one in done] == [None] * 5
    assert cleaned == [(8, 12, 3)] * 5 or cleaned == [(12, 8, 3)] * 5


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda made: made, None),
        (lambda made: made[1:], "instead of"),
        (lambda made: np.where(np.arange(4) == 3, np.uint8(254), made), "texels of alpha 254"),
    ],
)
def test_a_result_that_no_pack_may_hold_is_not_stored(
    tmp_path: Path, spoil: Callable[[Rgba8], Rgba8], reason: str | None
) -> None:
    work, store = work_of(tmp_path / "in", 1), ResultStore(tmp_path / "store")
    job = work.jobs[0]
    picture = job_io.load_input(job)
    assert job.plan.alpha == "opaque"
    result = spoil(picture.repeat(job.plan.scale, axis=0).repeat(job.plan.scale, axis=1))
    found = job_io.store_result(job, picture, result, store).reason
    assert found == reason if reason is None else found is not None and reason in found
    assert store.has(job.pieces[0].key) == (reason is None)
