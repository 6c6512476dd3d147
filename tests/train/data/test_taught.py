"""Crops whose high resolution a teacher makes: what it sees, how often, and what stays the original's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from texpipe.texture import Edges
from texpipe.train.data.collection import Collection, TrainingPicture
from texpipe.train.data.dataset import TextureCrops
from texpipe.train.data.degradation import Degradation
from texpipe.train.data.taught import TaughtCrops, turned
from texpipe.train.schema import Data, Teacher

MODERN, DUMP = 64, 16


class Pupil:
    """A teacher that repeats texels and inverts them, and counts its lessons."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.seen += len(batch)
        return 1 - batch.repeat(4, axis=1).repeat(4, axis=2)


def noise(side: int, value: int) -> Collection:
    """One texture of noise, around a grey by which it is known."""
    pixels = np.random.default_rng(value).integers(value - 20, value + 20, (side, side, 4)).astype(np.uint8)
    pixels[..., 3] = 255
    return Collection((TrainingPicture("a.png", Edges()),), (), (), {"a.png": lambda: pixels})


def crops(folder: Path, teacher: Pupil, flips: bool = False, **options: object) -> TaughtCrops:
    still = {"grey_chance": 0, "alpha_chance": 0, "jitter_chance": 0, "darken_chance": 0, "min_sharpness": 0}
    modern = noise(MODERN, 60)
    plain = TextureCrops(modern, modern.pictures, Data(crop=8, flips=flips, **still), Degradation(), 0)
    wanted = Teacher.model_validate({"model": "any", "crops": 6, "share": 1, "unlabelled": 0} | options)
    return TaughtCrops(plain, noise(DUMP, 200), teacher, wanted, folder)


def inverts(lr: torch.Tensor, hr: torch.Tensor) -> bool:
    repeated = lr.repeat_interleave(4, 1).repeat_interleave(4, 2)
    return bool(((1 - repeated - hr).abs() < 0.01).all())


def test_the_teacher_sees_each_crop_of_the_pool_once(tmp_path: Path) -> None:
    teacher = Pupil()
    made = crops(tmp_path, teacher)
    first = [made[n] for n in range(6)]
    assert teacher.seen == 6
    assert all(inverts(*pair) for pair in first)
    for n in range(6, 18):
        assert torch.equal(made[n][0], first[n % 6][0])
    assert teacher.seen == 6


def test_a_pool_that_was_begun_is_continued(tmp_path: Path) -> None:
    begun = crops(tmp_path, Pupil())
    expected = [begun[n] for n in range(3)]
    teacher = Pupil()
    again = crops(tmp_path, teacher)
    for n in range(3):
        assert all(torch.equal(a, b) for a, b in zip(again[n], expected[n], strict=True))
    assert teacher.seen == 0
    again[3]
    assert teacher.seen == 1


def test_a_share_keeps_its_originals(tmp_path: Path) -> None:
    teacher = Pupil()
    made = crops(tmp_path, teacher, share=0.5, crops=24)
    taught = [inverts(*made[n]) for n in range(24)]
    assert 4 < sum(taught) < 20
    assert teacher.seen == sum(taught)


def test_real_textures_are_taken_as_they_are(tmp_path: Path) -> None:
    made = crops(tmp_path, Pupil(), share=0, unlabelled=0.5, crops=24)
    pairs = [made[n] for n in range(24)]
    real = [lr.mean() > 0.6 for lr, _ in pairs]
    assert 4 < sum(real) < 20
    assert [inverts(*pair) for pair in pairs] == real
    texture = noise(DUMP, 200).load(TrainingPicture("a.png", Edges()))[..., :3]
    windows = np.lib.stride_tricks.sliding_window_view(texture, (8, 8), (0, 1))
    lr = (next(lr for (lr, _), is_real in zip(pairs, real, strict=True) if is_real) * 255).round().numpy()
    assert (windows == lr).all(axis=(2, 3, 4)).any()


def test_a_crop_comes_back_turned_with_what_belongs_to_it(tmp_path: Path) -> None:
    made = crops(tmp_path, Pupil(), flips=True, crops=1)
    pairs = [made[n] for n in range(40)]
    assert all(inverts(*pair) for pair in pairs)
    assert len({lr.numpy().tobytes() for lr, _ in pairs}) == 8
    assert torch.equal(made[5][1], crops(tmp_path, Pupil(), flips=True, crops=1)[5][1])


@given(st.integers(0, 7))
def test_turning_keeps_all_texels(turn: int) -> None:
    image = np.arange(5 * 5 * 3, dtype=np.uint8).reshape(5, 5, 3)
    assert sorted(turned(image, turn).ravel()) == sorted(image.ravel())


def test_all_eight_turns_differ() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(3, 3, 1)
    assert len({turned(image, turn).tobytes() for turn in range(8)}) == 8


@pytest.mark.parametrize("bad", [{"share": 1.1}, {"crops": 0}, {"detail": 2}, {"who": "?"}])
def test_options_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Teacher.model_validate(bad)
