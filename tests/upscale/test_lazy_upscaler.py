"""The network is loaded once: with the first pass, or before it by a thread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dumps import dump, write_recipe

from texpipe.errors import ModelError
from texpipe.networks import checkpoint
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.texture import Edges, Pass
from texpipe.upscale.lazy_upscaler import LazyUpscaler

PASSES = [Pass(np.full((8, 8, 3), 0.5, np.float32), Edges())]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Which files were loaded."""
    loaded: list[Path] = []
    plain = checkpoint.load

    def noted(path: Path) -> checkpoint.LoadedNetwork:
        loaded.append(path)
        return plain(path)

    monkeypatch.setattr(checkpoint, "load", noted)
    return loaded


def test_whoever_prepares_gets_the_same_and_loads_once(tiny_model: Path, loads: list[Path]) -> None:
    lazy, prepared = (LazyUpscaler(tiny_model, "cpu", "fp32") for _ in range(2))
    assert loads == []
    prepared.prepare()
    prepared.prepare()
    ((_, one),) = prepared([PASSES], 4)
    ((_, again),) = prepared([PASSES], 4)
    assert len(loads) == 1
    ((_, other),) = lazy([PASSES], 4)
    assert np.array_equal(one, other)
    assert np.array_equal(one, again)


def test_a_damaged_model_is_told_with_the_first_passes(tmp_path: Path) -> None:
    file = tmp_path / "damaged.safetensors"
    file.write_bytes(b"no weights")
    upscaler = LazyUpscaler(file, "cpu", "fp32")
    upscaler.prepare()
    with pytest.raises(ModelError, match="not a complete safetensors"):
        list(upscaler([PASSES], 4))


@pytest.mark.parametrize("windows", [[], [[]], [[], []]])
def test_without_passes_no_model_is_needed(windows: list[list[Pass]]) -> None:
    assert list(LazyUpscaler(Path("there is none"), "cpu", "fp32")(windows, 4)) == []


def test_empty_windows_are_no_end(tiny_model: Path) -> None:
    upscaler = LazyUpscaler(tiny_model, "cpu", "fp32")
    assert sorted(dict(upscaler([[], PASSES, [], PASSES * 2], 4))) == [0, 1, 2]


def test_a_run_that_computes_nothing_loads_nothing(
    tmp_path: Path, tiny_model: Path, loads: list[Path]
) -> None:
    dump(tmp_path / "dump", 2)
    order = load_options(write_recipe(tmp_path), model=str(tiny_model), device="cpu")
    run_recipe(order, dry_run=True)
    assert loads == []
    run_recipe(order)
    run_recipe(order)
    assert len(loads) == 1
