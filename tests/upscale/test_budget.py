"""What is planned fits into memory, unless nothing does; and a run under a tiny budget writes the same bytes."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import pytest
from dumps import dump, texture, tree, write_recipe
from hypothesis import given
from hypothesis import strategies as st

from texpipe.cli import main
from texpipe.execution import executors
from texpipe.execution.compute import WINDOW_SHARE, WINDOW_TEXELS, window_texels
from texpipe.execution.executors import LocalExecutor
from texpipe.imaging.image_files import encode_png
from texpipe.pipeline import run_recipe
from texpipe.planning.jobs import RECORD_BYTES, Workload
from texpipe.planning.load_options import load_options
from texpipe.storage.results import ResultStore
from texpipe.texture import Edges, Pass
from texpipe.upscale.batching import upscale
from texpipe.upscale.budget import MIN_BATCH_TEXELS, Budget, Parallelism
from texpipe.upscale.device import Device
from texpipe.upscale.engine import Engine
from texpipe.upscale.lazy_upscaler import LazyUpscaler

rooms = st.integers(0, 1 << 36)
cores = st.integers(1, 64)
texels = st.sampled_from([4096, 65536])


@given(rooms, cores, texels, st.sampled_from([24, 192, 384]))
def test_what_is_planned_fits_unless_it_is_the_least(room: int, most: int, full: int, channels: int) -> None:
    budget = Budget(room, channels)
    share = budget.parallelism(most, full)
    assert 1 <= share.workers <= most
    assert MIN_BATCH_TEXELS <= share.texels <= full
    assert budget.bytes_for(share) <= room or share == Parallelism(1, MIN_BATCH_TEXELS)


@given(rooms, rooms, cores, texels)
def test_more_room_is_never_less_work_at_a_time(less: int, more: int, most: int, full: int) -> None:
    few, many = (Budget(room).parallelism(most, full) for room in sorted((less, more)))
    assert few.workers * few.texels <= many.workers * many.texels


def test_with_room_enough_nothing_is_held_back() -> None:
    assert Budget(1 << 34).parallelism(16, 4096) == Parallelism(16, 4096)


@given(rooms, st.sampled_from([1, 2, 4, 8, 16]))
def test_a_window_takes_its_share(memory: int, scale: int) -> None:
    window = window_texels(memory, scale)
    assert 1 <= window <= WINDOW_TEXELS
    passes_and_results = 2 * 3 * 4 * window * (1 + scale**2)
    assert window == 1 or passes_and_results <= memory * WINDOW_SHARE


class Counting:
    """Repeats texels, and counts those in work at a time."""

    scale, overlap, channels = 4, 4, 192

    def __init__(self) -> None:
        self.device = Device("cpu", "fp32", "none")
        self.now = self.most = self.workers = 0
        self.lock = threading.Lock()

    def at(self, detail: float) -> Counting:
        assert detail == 0
        return self

    def run(self, batch: np.ndarray, edges: Edges) -> np.ndarray:
        size = batch[..., 0].size
        with self.lock:
            self.now += size
            self.most = max(self.most, self.now)
        try:
            return batch.repeat(4, 1).repeat(4, 2)
        finally:
            with self.lock:
                self.now -= size


def passes() -> list[Pass]:
    random = np.random.default_rng(0)
    sizes = [(64, 64)] * 5 + [(200, 150)] * 3 + [(8, 8)] * 40 + [(3, 70)] * 5
    return [Pass(random.random((*size, 3), dtype=np.float32), Edges()) for size in sizes]


@pytest.mark.parametrize("room", [0, 40 << 20, 300 << 20])
def test_batches_in_work_fit_or_are_alone(room: int) -> None:
    engine, budget, wanted = Counting(), Budget(room), passes()
    results = dict(upscale([wanted], engine, 4, cores=4, budget=budget))
    np.testing.assert_array_equal(results[0], wanted[0].rgb.repeat(4, 0).repeat(4, 1))
    assert len(results) == len(wanted)
    assert engine.most == 200 * 150 or budget.bytes_for_batch(engine.most) <= room


def test_a_second_round_counts_by_what_it_reads() -> None:
    engine = Counting()
    wanted = [Pass(np.zeros((40, 40, 3), np.float32), Edges()) for _ in range(6)]
    budget = Budget(500 << 20)
    assert budget.bytes_for_batch(160 * 160) < 400 << 20 < 2 * budget.bytes_for_batch(160 * 160)
    assert len(list(upscale([wanted], engine, 16, cores=4, budget=budget))) == 6
    assert engine.most <= 160 * 160


def test_channels_are_those_of_the_network() -> None:
    import torch

    from texpipe.networks.rrdbnet import RRDBNet

    torch.manual_seed(0)
    assert Engine(RRDBNet(num_feat=8, num_block=1, num_grow_ch=4), "cpu", "fp32").channels == 24


def test_a_tiny_budget_warns_and_writes_the_same_bytes(
    tmp_path: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture, one_thread: None
) -> None:
    dump(tmp_path / "dump", 9)
    for number, size in enumerate([(40, 24), (6, 70), (33, 33)]):
        (tmp_path / "dump" / f"big{number}.png").write_bytes(encode_png(texture(number, size)))
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text().replace("gliden64", "folder"))
    for name, memory in (("roomy", None), ("tight", "64M")):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            run_recipe(
                load_options(
                    recipe, output=tmp_path / name, model=str(tiny_model), device="cpu", memory=memory
                )
            )
        assert ("too little memory" in caplog.text) == (name == "tight")
    assert tree(tmp_path / "roomy") == tree(tmp_path / "tight")


def test_what_the_textures_will_take_is_not_for_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    monkeypatch.setattr(executors, "compute_jobs", lambda *_, memory, **more: given.append(memory))
    here = LocalExecutor("cpu", "fp32", 1 << 30)
    for count in (0, 100_000):
        known = dict.fromkeys(map(str, range(count)), None)
        here.compute(Workload((), known), ResultStore(tmp_path), {(): (tmp_path / "model",)})  # type: ignore[arg-type]
    assert given == [1 << 30, (1 << 30) - 100_000 * RECORD_BYTES]


def test_a_bound_that_comes_later_counts(tiny_model: Path, caplog: pytest.LogCaptureFixture) -> None:
    wanted = [Pass(np.full((8, 8, 3), 0.5, np.float32), Edges())]
    roomy, tight = (LazyUpscaler(tiny_model, "cpu", "fp32", memory=1 << 40) for _ in range(2))
    tight.stay_below(-1)
    results = [dict(upscaler([wanted], 4)) for upscaler in (roomy, tight)]
    assert np.array_equal(results[0][0], results[1][0])
    assert caplog.text.count("too little memory") == 1


def test_a_memory_that_is_no_size_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump(tmp_path / "dump", 1)
    with pytest.raises(SystemExit) as caught:
        main(["run", str(write_recipe(tmp_path)), "--memory", "2"])
    assert caught.value.code == 2
    assert "--memory 2 is not a size" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
