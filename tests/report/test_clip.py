"""Clips: the frames show what they should, and the file is a GIF that lasts as long as it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from dumps import texture
from PIL import Image
from reportable import finished_pack

from texpipe.errors import PackError
from texpipe.passes.resample import repeat
from texpipe.report.clip import (
    CELL,
    HOLD_MS,
    MAX_TEXTURES,
    WIPE_MS,
    WIPE_STEPS,
    clip_of_pack,
    encode_gif,
    wipe,
)
from texpipe.report.sheet import BLACK, GAP, Sample, over
from texpipe.texture import Edges

TIMES = CELL // 32


def sample(seed: int, size: tuple[int, int] = (8, 8), alpha: str = "opaque") -> Sample:
    source = texture(seed, size, alpha)
    result = repeat(source, 4)
    result[..., :3] = 255 - result[..., :3]
    return Sample(source, result, Edges())


@pytest.mark.parametrize("alpha", ["opaque", "binary"])
def test_it_begins_with_sources_and_has_results_in_the_middle(alpha: str) -> None:
    samples = [sample(seed, alpha=alpha) for seed in (0, 1)]
    frames, times = wipe(samples)
    assert len(frames) == len(times) == 2 * WIPE_STEPS
    assert (times[0], times[1], times[WIPE_STEPS]) == (HOLD_MS, WIPE_MS, HOLD_MS)
    assert frames[0].shape == (CELL + 2 * GAP, 2 * CELL + 3 * GAP, 3)
    for number, one in enumerate(samples):
        left = GAP + number * (CELL + GAP)
        cells = [frames[at][GAP:-GAP, left : left + CELL] for at in (0, WIPE_STEPS)]
        assert (cells[0] == over(repeat(one.source, 4 * TIMES), BLACK)).all()
        assert (cells[1] == over(repeat(one.result, TIMES), BLACK)).all()


def test_halfway_the_left_half_is_the_result() -> None:
    one = sample(3)
    frames, _ = wipe([one])
    cell = frames[WIPE_STEPS // 2][GAP:-GAP, GAP:-GAP]
    middle = CELL // 2
    assert (cell[:, : middle - 1] == over(repeat(one.result, TIMES), BLACK)[:, : middle - 1]).all()
    assert (cell[:, middle + 1 :] == repeat(one.source, 4 * TIMES)[:, middle + 1 :, :3]).all()
    assert (cell[:, middle - 1 : middle + 1] == 255).all()


def test_there_and_back_is_the_same_way() -> None:
    frames, _ = wipe([sample(0)])
    for step in range(1, WIPE_STEPS):
        assert (frames[step] == frames[-step]).all()


def test_pictures_of_unlike_sizes_lie_on_shelves() -> None:
    samples = [sample(number, size) for number, size in enumerate([(8, 8), (80, 4), (3, 16)])]
    frames, _ = wipe(samples, width=400)
    assert frames[0].shape == (256 + 256 + 3 * GAP, 320 + 48 + 3 * GAP, 3)


def test_the_file_runs_forever_with_these_times() -> None:
    frames, times = wipe([sample(0)])
    gif = encode_gif(frames, times)
    assert gif.startswith(b"GIF89a")


def test_a_clip_of_a_pack(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    assert clip_of_pack(output, tmp_path / "clip.gif") == 2
    assert clip_of_pack(output, tmp_path / "one.gif", names=["b.png"]) == 1
    with Image.open(tmp_path / "clip.gif") as clip:
        assert clip.size == (2 * CELL + 3 * GAP, CELL + 2 * GAP)
        assert clip.info["loop"] == 0
        assert clip.info["duration"] == HOLD_MS
    with pytest.raises(PackError, match="no texture 'x'"):
        clip_of_pack(output, tmp_path / "clip.gif", names=["x"])


def test_of_many_textures_some_are_picked_and_no_strips(tmp_path: Path) -> None:
    from texpipe.report.clip import _pick

    strips = [sample(0, (64, 1)) for _ in range(50)]
    many = [sample(0, (4, 4)) for _ in range(60)]
    assert len(_pick([*strips, *many])) == MAX_TEXTURES
    assert all(one.source.shape == (4, 4, 4) for one in _pick([*strips, *many]))
    assert _pick(strips[:3]) == strips[:3]
