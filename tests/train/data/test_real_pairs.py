"""Real pairs: matched by name, and crops whose two sides show the same part in the same colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packs import noise

from texpipe.errors import SourceError
from texpipe.imaging.image_files import encode_png
from texpipe.passes.resample import repeat
from texpipe.texture import Rgba8
from texpipe.train.data.real_pairs import PairCrops, collect_pairs, held_out_pairs, pair_examples
from texpipe.train.schema import Data

SCALE = 4


def save(path: Path, rgba: Rgba8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(rgba))


def write_pairs(folder: Path, count: int = 4, size: tuple[int, int] = (12, 16)) -> tuple[Path, Path]:
    """Pairs whose originals are their textures, repeated."""
    small, large = folder / "lr", folder / "hr"
    for number in range(count):
        rgba = noise(size, number)
        if number % 2:
            rgba[: size[1] // 2, :, 3] = 0
        save(small / "sub" / f"{number}.png", rgba)
        save(large / "sub" / f"{number}.png", repeat(rgba, SCALE))
    return small, large


def test_files_are_matched_by_path_and_what_does_not_fit_is_named(tmp_path: Path) -> None:
    small, large = write_pairs(tmp_path)
    save(small / "alone.png", noise((8, 8)))
    for number in (7, 8):
        save(large / f"more{number}.png", noise((8, 8), number))
    save(small / "other.png", noise((12, 12), 30))
    save(large / "other.png", repeat(noise((12, 12), 31), SCALE))
    save(small / "odd.png", noise((12, 12), 32))
    save(large / "odd.png", repeat(noise((12, 12), 32), 3))
    save(small / "tiny.png", noise((4, 4), 33))
    save(large / "tiny.png", noise((16, 16), 33))
    save(small / "twice.png", noise((12, 16), 0))
    save(large / "twice.png", repeat(noise((12, 16), 0), SCALE))
    (small / "damaged.png").write_bytes(b"no picture")
    save(large / "damaged.png", noise((16, 16)))
    found = collect_pairs(small, large, SCALE)
    assert [one.name for one in found.pictures] == [f"sub/{number}.png" for number in range(4)]
    assert found.alone == (1, 2)
    reasons = {one.name: one.reason for one in found.skipped}
    assert "another picture" in reasons["other.png"]
    assert reasons["odd.png"] == "it is 3x as large, and the model makes 4x"
    assert "smaller than 8" in reasons["tiny.png"]
    assert "the same pixels as" in reasons["twice.png"]
    assert "damaged.png" in reasons
    assert not found.shifted


def test_folders_without_a_pair_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "lr" / "a.png", noise((8, 8)))
    save(tmp_path / "hr" / "b.png", noise((32, 32)))
    with pytest.raises(SourceError, match="no file name in common"):
        collect_pairs(tmp_path / "lr", tmp_path / "hr", SCALE)
    save(tmp_path / "hr" / "a.png", noise((9, 9)))
    with pytest.raises(SourceError, match=r"first reason: a\.png: 9x9 is no whole number"):
        collect_pairs(tmp_path / "lr", tmp_path / "hr", SCALE)
    with pytest.raises(SourceError, match="there is no folder"):
        collect_pairs(tmp_path / "gone", tmp_path / "hr", SCALE)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_pairs(tmp_path_factory.mktemp("pairs"))


@settings(max_examples=40)
@given(st.integers(0, 1 << 40), st.sampled_from([4, 8, 24]))
def test_both_sides_of_a_crop_show_the_same(folders: tuple[Path, Path], number: int, side: int) -> None:
    """Originals are repeated texels, so every crop must be, turned, recoloured and on whatever ground it is shown."""
    pairs = collect_pairs(*folders, SCALE)
    data = Data(crop=side, jitter_chance=1, grey_chance=0.3, darken_chance=0.3)
    crops = PairCrops(pairs, pairs.pictures, data, SCALE, seed=1)
    lr, hr = (side.numpy().transpose(1, 2, 0) for side in crops[number])
    assert lr.shape == (side, side, 3)
    # Hidden colours are bled from the nearest visible pixel, which is not always of the nearest texel.
    differing = np.abs(repeat(lr, SCALE) - hr).max(axis=2) > 1e-6
    assert not differing.mean() > 0.3
    assert np.array_equal(crops[number][0], crops[number][0]), "the seed and the number decide"


def test_opaque_crops_are_equal_to_the_last_texel(folders: tuple[Path, Path]) -> None:
    pairs = collect_pairs(*folders, SCALE)
    opaque = [one for one in pairs.pictures if pairs.load(one).lr[..., 3].min() == 255]
    crops = PairCrops(pairs, opaque, Data(crop=24, jitter_chance=1, grey_chance=0.3), SCALE, seed=2)
    for number in range(40):
        lr, hr = (side.numpy().transpose(1, 2, 0) for side in crops[number])
        assert np.allclose(repeat(lr, SCALE), hr, atol=1e-6)


def test_the_judge_gets_held_out_pairs_on_grey(folders: tuple[Path, Path]) -> None:
    pairs = collect_pairs(*folders, SCALE)
    training, held = pairs.split(0.3)
    assert held
    assert not set(training) & set(held)
    for pair in held_out_pairs(pairs, held, 8, side=10):
        assert pair.lr.shape[:2] == (10, 10)
        assert np.allclose(repeat(pair.lr, SCALE), pair.hr)
    titles, rows = pair_examples(pairs)
    assert titles == ["LR", "HR reduced", "HR"]
    assert all(np.allclose(row[0], row[2]) for row in rows)
