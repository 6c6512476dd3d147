"""One process for each GPU, here with two for the processor: the same bytes as one, and what becomes of the dead."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias

import pytest
import torch
from dumps import dump, tree, write_recipe
from hypothesis import given
from hypothesis import strategies as st

from texpipe.errors import DeviceError, ModelError
from texpipe.execution import executors, multi_gpu
from texpipe.execution.chunks import Chunk, chunks
from texpipe.execution.executors import LocalExecutor, executor_for
from texpipe.execution.multi_gpu import DeviceSlot, MultiGpuExecutor
from texpipe.execution.retries import MAX_TRIES, retry
from texpipe.options import RunOptions
from texpipe.output.result import RunResult
from texpipe.pipeline import run_recipe
from texpipe.planning.jobs import Job
from texpipe.planning.load_options import load_options
from texpipe.progress import Progress
from texpipe.upscale import device, hardware
from texpipe.upscale.hardware import TorchBuild

Run: TypeAlias = Callable[..., RunResult]

COUNT = 9
TWO = (DeviceSlot("slot 1"), DeviceSlot("slot 2", {"TEXPIPE_SEAT": "2"}))


def order(tmp_path: Path, model: Path, output: str) -> RunOptions:
    recipe = write_recipe(tmp_path)
    return load_options(
        recipe, output=tmp_path / output, model=str(model), device="cpu", precision="fp32", memory="4G"
    )


@pytest.fixture
def whole(tmp_path: Path, tiny_model: Path, one_thread: None) -> dict[str, bytes]:
    """What one process makes of the dump."""
    dump(tmp_path / "dump", COUNT)
    run_recipe(order(tmp_path, tiny_model, "whole"))
    return tree(tmp_path / "whole")


@pytest.fixture
def run(tmp_path: Path, tiny_model: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Do the same in two processes."""

    @contextmanager
    def two(asked: RunOptions) -> Iterator[MultiGpuExecutor]:
        yield MultiGpuExecutor(TWO, asked.device, asked.precision, asked.memory)

    monkeypatch.setattr("texpipe.pipeline.executor_for", two)
    return lambda progress=lambda _: None: run_recipe(order(tmp_path, tiny_model, "out"), progress=progress)


def test_two_processes_of_which_one_dies_write_the_same_bytes(
    tmp_path: Path,
    whole: dict[str, bytes],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[Progress] = []
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if progress.stage == "upscale":
            seen.append(progress)
        if progress.stage == "upscale" and progress.done and not killed:
            victim = multiprocessing.active_children()[0]
            killed.append(victim.pid)
            victim.kill()

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with caplog.at_level(logging.WARNING):
        outcome = run(kill_one)
    assert (outcome.computed, outcome.exit_code) == (COUNT, 0)
    assert [one.done for one in seen] == list(range(COUNT + 1))
    assert tree(tmp_path / "out") == whole
    assert not multiprocessing.active_children()
    assert "the process for slot" in caplog.text


class InThread:
    """Stands for a process: a thread with an end of the pipe of its own."""

    exitcode = -9

    def __init__(self, target, args, daemon: bool) -> None:
        pipe, *others = args
        self.pipe = Connection(os.dup(pipe.fileno()))
        self.thread = threading.Thread(target=self._run, args=(target, others), daemon=daemon)

    def _run(self, target, others) -> None:
        target(self.pipe, *others)
        self.pipe.close()

    def start(self) -> None:
        self.thread.start()

    def join(self, timeout: float | None = None) -> None:
        self.thread.join(timeout)

    def kill(self) -> None:
        assert not self.thread.is_alive()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[InThread]:
    """Threads in place of processes, as they are started."""
    started: list[InThread] = []

    def process(**options) -> InThread:
        started.append(InThread(**options))
        return started[-1]

    context = SimpleNamespace(Pipe=multiprocessing.Pipe, Process=process)
    monkeypatch.setattr(multi_gpu.multiprocessing, "get_context", lambda _: context)
    monkeypatch.setattr(multi_gpu.signal, "signal", lambda *_: None)
    monkeypatch.setenv("TEXPIPE_SEAT", "")
    return started


def deadly(monkeypatch: pytest.MonkeyPatch, kills) -> None:
    """Let processes die of some jobs."""
    plain = multi_gpu._compute

    def compute(jobs: tuple[Job, ...], *rest):
        if any(kills(job) for job in jobs):
            raise BrokenPipeError
        yield from plain(jobs, *rest)

    monkeypatch.setattr(multi_gpu, "_compute", compute)


def test_a_job_that_kills_is_given_up_alone(
    run: Run, threads: list[InThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly(monkeypatch, lambda job: "1004" in job.pieces[0].item.source.name)
    outcome = run()
    failed = [entry for entry in outcome.manifest.textures if entry.status == "failed"]
    assert ["1004" in entry.source for entry in failed] == [True]
    assert f"died {MAX_TRIES} times" in str(failed[0].reason)
    assert outcome.computed == COUNT - 1
    assert len(threads) > 2


def test_when_all_die_the_run_ends(
    run: Run, threads: list[InThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly(monkeypatch, lambda _: True)
    with pytest.raises(DeviceError, match="slot"):
        run()
    assert not any(one.thread.is_alive() for one in threads)


def test_an_error_that_ends_a_run_ends_it_here(
    run: Run, threads: list[InThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_, **__):
        raise ModelError("the model is broken", hint="get another one")

    monkeypatch.setattr(multi_gpu, "compute_jobs", broken)
    with pytest.raises(ModelError, match="broken") as caught:
        run()
    assert caught.value.hint == "get another one"
    assert not any(one.thread.is_alive() for one in threads)


def test_ctrl_c_ends_the_processes_and_the_store_starts_none(
    tmp_path: Path, whole: dict[str, bytes], run: Run, threads: list[InThread]
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.stage == "upscale" and progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupt)
    assert not any(one.thread.is_alive() for one in threads)
    assert run().cached >= 1
    assert tree(tmp_path / "out") == whole
    threads.clear()
    assert run().cached == COUNT
    assert not threads


def fake_cuda(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(hardware, "torch_build", lambda: TorchBuild("2.13.0", "13.0"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(names))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number=0: names[number])


@pytest.mark.parametrize(
    ("visible", "names", "expected"),
    [
        (None, (), ()),
        (None, ("A", "A"), ("0", "1")),
        ("3, 5", ("A", "A"), ("3", "5")),
        ("GPU-ab,GPU-cd,GPU-ef", ("A", "B", "A"), ("GPU-ab", "GPU-ef")),
        ("", ("A",), ("0",)),
    ],
)
def test_gpus_are_those_that_are_visible_and_alike(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, names: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    fake_cuda(monkeypatch, *names)
    assert device.gpus() == expected


@pytest.mark.parametrize(("asked", "count"), [("auto", 2), ("cuda", 2), ("cpu", 0)])
def test_several_gpus_are_several_processes(monkeypatch: pytest.MonkeyPatch, asked: str, count: int) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    fake_cuda(monkeypatch, "A", "A")
    wanted = SimpleNamespace(executor="local", device=asked, precision="auto", memory=None)
    with executor_for(wanted) as chosen:
        assert isinstance(chosen, MultiGpuExecutor if count else LocalExecutor)
        environments = [dict(slot.environment) for slot in getattr(chosen, "slots", ())]
        assert environments == [{"CUDA_VISIBLE_DEVICES": str(number)} for number in range(count)]


def test_one_gpu_is_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_cuda(monkeypatch, "A")
    wanted = SimpleNamespace(executor="local", device="auto", precision="auto", memory=7)
    assert isinstance(executors._local_executor(wanted), LocalExecutor)


def job(content: str, side: int) -> Job:
    return SimpleNamespace(content=content, pieces=[SimpleNamespace(item=SimpleNamespace(size=(side, side)))])


jobs = st.lists(st.builds(job, st.sampled_from("abcdefgh"), st.integers(1, 600)), max_size=30)


@given(jobs, st.integers(1, 5))
def test_chunks_hold_every_job_once_and_families_together(found: list[Job], processes: int) -> None:
    made = list(chunks(found, processes))
    assert Counter(map(id, (one for chunk in made for one in chunk.jobs))) == Counter(map(id, found))
    homes = Counter(content for chunk in made for content in {one.content for one in chunk.jobs})
    assert all(count == 1 for count in homes.values())


@given(jobs.filter(bool), st.data())
def test_what_is_left_of_a_chunk(found: list[Job], data: st.DataObject) -> None:
    (chunk,) = [Chunk(tuple((one,) for one in found))]
    done = data.draw(st.sets(st.integers(0, len(found) - 1)))
    assert list(chunk.without(done).jobs) == [one for at, one in enumerate(found) if at not in done]
    begun, waiting = 0, [chunk]
    while waiting:
        begun += 1
        waiting += retry(waiting.pop())
    assert begun == MAX_TRIES if len(found) == 1 else begun == MAX_TRIES * (1 + len(found))
