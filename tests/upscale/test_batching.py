"""Batches of one shape and edge mode: sizes, order, memory, and results that do not depend on them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.errors import DeviceError, ModelError
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.texture import Edges, Pass
from texpipe.upscale import batching
from texpipe.upscale.batching import box_reduce, plan_batches, scaling_steps, upscale
from texpipe.upscale.device import Device
from texpipe.upscale.engine import Engine

MODES = ("wrap", "mirror", "clamp")


def make_engine(scale=4):
    torch.manual_seed(1)
    network = RRDBNet(num_feat=8, num_block=1, num_grow_ch=4, scale=scale).eval()
    with torch.no_grad():
        for value in network.parameters():
            value.mul_(3)
    return Engine(network, "cpu", "fp32")


ENGINE = make_engine()


def make_passes(count, seed=0, largest=9):
    random = np.random.default_rng(seed)
    return [
        Pass(
            random.random((*random.integers(1, largest + 1, 2), 3), dtype=np.float32),
            Edges(random.choice(MODES), random.choice(MODES)),
        )
        for _ in range(count)
    ]


class Nearest:
    """Stands for an engine: repeats texels, remembers its batches, and runs out of memory above a size."""

    scale = 4
    overlap = 4

    def __init__(self, limit=10**9, error=MemoryError, workers=2):
        self.device = Device("cpu", "fp32", "none")
        self.limit, self.error, self.batches = limit, error, []

    def at(self, detail):
        return self

    def run(self, batch, edges):
        if batch[..., 0].size > self.limit:
            raise self.error("DefaultCPUAllocator: can't allocate memory")
        self.batches.append(batch.shape)
        return batch.repeat(4, 1).repeat(4, 2)


@pytest.mark.parametrize("scale", [1, 2, 4, 8, 16])
def test_every_pass_comes_back_once_at_its_size(scale):
    passes = make_passes(12, largest=5)
    results = list(upscale([passes], ENGINE, scale))
    assert sorted(number for number, _ in results) == list(range(12))
    for number, result in results:
        height, width = passes[number].rgb.shape[:2]
        assert result.shape == (height * scale, width * scale, 3)
        assert result.dtype == np.float32
        assert 0 <= result.min() <= result.max() <= 1


def test_a_result_does_not_depend_on_the_others_to_the_bit():
    passes = (
        make_passes(25) + [Pass(p.rgb[::-1], Edges("wrap", "wrap")) for p in make_passes(6, largest=3)] * 3
    )
    together = dict(upscale([passes], ENGINE, 4))
    backwards = dict(upscale([passes[::-1]], ENGINE, 4))
    for number, item in enumerate(passes):
        ((_, alone),) = upscale([[item]], ENGINE, 4)
        np.testing.assert_array_equal(alone, together[number])
        np.testing.assert_array_equal(backwards[len(passes) - 1 - number], together[number])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 70), st.sampled_from(MODES)), max_size=30))
def test_batches_hold_every_pass_once_and_nothing_mixed(shapes):
    passes = [Pass(np.zeros((h, w, 3), np.float32), Edges(mode, "wrap")) for h, w, mode in shapes]
    batches = plan_batches(dict(enumerate(passes)), 256)
    assert sorted(n for batch in batches for n in batch.numbers) == list(range(len(passes)))
    for batch in batches:
        kinds = {(passes[n].rgb.shape, passes[n].edges) for n in batch.numbers}
        assert len(kinds) == 1
        assert len(batch.numbers) == 1 or batch.texels * len(batch.numbers) <= 256
    texels = [batch.texels for batch in batches]
    assert texels == sorted(texels, reverse=True)


@pytest.mark.parametrize(
    ("factor", "scale", "expected"),
    [
        (4, 1, (1, 4)),
        (4, 2, (1, 2)),
        (4, 4, (1, 1)),
        (4, 8, (2, 2)),
        (4, 16, (2, 1)),
        (2, 16, (4, 1)),
        (1, 1, (1, 1)),
        (2, 1, (1, 2)),
    ],
)
def test_the_way_to_a_scale(factor, scale, expected):
    assert scaling_steps(factor, scale) == expected


def test_a_scale_that_no_repetition_reaches_is_a_model_error():
    with pytest.raises(ModelError, match=r"1x model .* scale of 4"):
        scaling_steps(1, 4)


def test_box_reduction_is_the_mean_of_squares():
    picture = np.arange(2 * 4 * 4 * 3, dtype=np.float32).reshape(2, 4, 4, 3)
    reduced = box_reduce(picture, 2)
    assert reduced.shape == (2, 2, 2, 3)
    np.testing.assert_allclose(reduced[1, 0, 1], picture[1, 0:2, 2:4].mean((0, 1)))


@pytest.mark.parametrize("error", [MemoryError, RuntimeError, torch.OutOfMemoryError])
def test_out_of_memory_halves_the_batch(error):
    engine = Nearest(limit=40, error=error)
    passes = [Pass(np.full((4, 4, 3), k / 16, np.float32), Edges()) for k in range(16)]
    results = dict(upscale([passes], engine, 4))
    assert {shape[0] for shape in engine.batches} == {2}
    assert all((results[k] == np.float32(k / 16)).all() for k in range(16))


def test_out_of_memory_on_a_gpu_empties_torch_s_cache_and_goes_on(monkeypatch):
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    engine = Nearest(limit=40, error=torch.OutOfMemoryError)
    engine.device = Device("cuda", "bf16", "a chip")
    passes = [Pass(np.full((4, 4, 3), k / 16, np.float32), Edges()) for k in range(16)]
    results = dict(upscale([passes], engine, 4))
    assert all((results[k] == np.float32(k / 16)).all() for k in range(16))
    assert {shape[0] for shape in engine.batches} == {2}
    assert emptied


def test_out_of_memory_with_one_picture_cuts_it_into_tiles():
    engine = Nearest(limit=80 * 80)
    picture = np.random.default_rng(0).random((200, 200, 3), dtype=np.float32)
    ((_, result),) = upscale([[Pass(picture, Edges("wrap", "clamp"))]], engine, 4)
    np.testing.assert_allclose(result, picture.repeat(4, 0).repeat(4, 1), atol=1e-6)


def test_too_little_memory_for_anything_is_a_device_error():
    with pytest.raises(DeviceError, match="out of memory") as caught:
        list(upscale([[Pass(np.zeros((300, 300, 3), np.float32), Edges())]], Nearest(limit=10), 4))
    assert caught.value.hint


def test_other_errors_are_not_taken_for_memory():
    with pytest.raises(RuntimeError, match="broken"):
        list(upscale([make_passes(1)], Broken(), 4))


class Broken(Nearest):
    def run(self, batch, edges):
        raise RuntimeError("broken")


def test_a_picture_above_the_limit_is_cut_into_tiles():
    engine = Nearest()
    picture = np.random.default_rng(0).random((40, 64, 3), dtype=np.float32)
    ((_, result),) = upscale([[Pass(picture, Edges())]], engine, 4, tile=16)
    assert len(engine.batches) > 1
    np.testing.assert_allclose(result, picture.repeat(4, 0).repeat(4, 1), atol=1e-6)


def test_tiles_of_the_real_engine_stay_within_one_level_of_the_whole(monkeypatch):
    monkeypatch.setattr(ENGINE, "overlap", 16)
    picture = np.random.default_rng(0).random((48, 90, 3), dtype=np.float32)
    for edges in (Edges("wrap", "clamp"), Edges("mirror", "wrap")):
        ((_, whole),) = upscale([[Pass(picture, edges)]], ENGINE, 4)
        ((_, tiled),) = upscale([[Pass(picture, edges)]], ENGINE, 4, tile=20)
        assert 0 < np.abs(tiled - whole).max() < 1 / 255


@given(st.lists(st.integers(0, 9), max_size=6), st.sampled_from([1, 2, 3]))
@settings(max_examples=25, deadline=None)
def test_windows_change_no_result(sizes, cores):
    passes = make_passes(sum(sizes), largest=12)
    ends = np.cumsum(sizes).tolist()
    windows = [passes[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    together = dict(upscale([passes], Nearest(), 4, cores=cores))
    apart = dict(upscale(iter(windows), Nearest(), 4, cores=cores))
    assert sorted(apart) == list(range(len(passes)))
    for number, result in together.items():
        np.testing.assert_array_equal(result, apart[number])


def test_a_window_is_fetched_while_the_one_before_is_computed():
    fetched = []

    def windows():
        for number in range(4):
            fetched.append(number)
            yield make_passes(8, seed=number, largest=30)

    running = upscale(windows(), Nearest(), 4, cores=1)
    for done, _ in enumerate(running, start=1):
        assert len(fetched) <= done // 8 + 2, "no more than the next one"
        if done == 7:
            assert len(fetched) == 2, "the next one is there before this one ends"
    assert done == 32


def test_the_smallest_batch_comes_first():
    passes = [Pass(np.zeros((side, side, 3), np.float32), Edges()) for side in (80, 70, 90, 64)]
    engine = Nearest()
    ((first, _), *_) = upscale([passes], engine, 4, cores=1)
    assert first == 3
    assert engine.batches[0] == (1, 64, 64, 3)
    assert engine.batches[1] == (1, 90, 90, 3)


def test_results_come_out_before_everything_is_done():
    engine = Nearest()
    passes = make_passes(200, largest=30)
    running = upscale([passes], engine, 4)
    next(running)
    assert len(engine.batches) < len(plan_batches(dict(enumerate(passes)), engine.device.batch_texels))
    running.close()


def test_the_caller_s_threads_stay_as_they_were():
    before = torch.get_num_threads()
    list(upscale([make_passes(3)], ENGINE, 4))
    assert torch.get_num_threads() == before


def test_nothing_to_do_is_nothing():
    assert list(upscale([], ENGINE, 4)) == []
    assert batching.plan_batches({}, 4096) == []
