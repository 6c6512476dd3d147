"""Real textures without originals: kernel distance, bands, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from texpipe.cli.console import Console
from texpipe.cli.evaluate import evaluate as command
from texpipe.errors import ModelError, SourceError, UsageError
from texpipe.passes.resample import box_reduce, repeat
from texpipe.train.evaluation import unpaired
from texpipe.train.evaluation.bands import BANDS, band_levels, energies
from texpipe.train.evaluation.kernel_distance import Reference, kernel_distance, patch_features
from texpipe.train.evaluation.unpaired import evaluate_unpaired
from texpipe.train.losses.features import Trunk

pytestmark = pytest.mark.usefixtures("one_thread", "no_downloads")


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    """VGG16 with random weights: features of edges and colours they are all the same."""
    torch.manual_seed(0)
    return Trunk("vgg16")


def drawn(random: np.random.Generator, count: int, shift: float = 0.0, patches: int = 6) -> list[np.ndarray]:
    """Sets of features whose pictures differ from each other, as pictures do."""
    return [random.normal(shift + random.normal(0, 0.5, 16), 1, (patches, 16)) for _ in range(count)]


def test_the_distance_of_two_sets_of_one_kind_is_zero_on_average() -> None:
    random = np.random.default_rng(0)
    found = [kernel_distance(Reference.of(drawn(random, 20)), drawn(random, 20)) for _ in range(30)]
    values = [one.mean for one in found]
    assert abs(np.mean(values)) < 2 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0
    assert np.mean([one.low <= 0 <= one.high for one in found]) >= 0.8


def test_a_set_further_away_has_a_larger_distance_beyond_chance() -> None:
    random = np.random.default_rng(1)
    reference = Reference.of(drawn(random, 30))
    near, far = (kernel_distance(reference, drawn(random, 30, shift)) for shift in (0.3, 1.0))
    assert far.low > 0
    assert near.mean < far.mean


def test_pictures_with_more_patches_have_no_more_say() -> None:
    """Twice the same patches in every picture change nothing."""
    random = np.random.default_rng(2)
    ours, reference = drawn(random, 8, 0.5), Reference.of(drawn(random, 8))
    twice = [np.concatenate([one, one]) for one in ours]
    assert kernel_distance(reference, twice).mean == pytest.approx(kernel_distance(reference, ours).mean)


def test_features_are_those_of_patches(trunk: Trunk) -> None:
    picture = np.random.default_rng(0).random((70, 100, 3), np.float32)
    found = patch_features(trunk, picture)
    assert found.shape == (2 * 3, 896)
    assert np.isfinite(found).all()
    flat = patch_features(trunk, np.full((64, 64, 3), 0.5, np.float32))
    assert np.abs(flat).mean() < np.abs(found).mean()
    with pytest.raises(ValueError, match="a patch has 32"):
        patch_features(trunk, picture[:20])


@pytest.mark.parametrize(("frequency", "band"), [(0.75, 0), (1.25, 1), (1.75, 2), (2.5, 3), (3.5, 4)])
def test_a_wave_is_in_the_band_of_its_frequency(frequency: float, band: int) -> None:
    """In units of the source's Nyquist frequency, an eighth of a cycle per pixel at 4 times."""
    wave = 0.5 + 0.2 * np.sin(2 * np.pi * frequency / 8 * np.arange(128))
    picture = np.broadcast_to(wave[:, None, None], (128, 96, 3)).astype(np.float32)
    found = energies(picture, 4, BANDS)
    assert found.argmax() == band
    assert found[band] == pytest.approx((0.2 * 255) ** 2 / 2, rel=0.05)


def test_bands_do_not_depend_on_contrast_and_see_what_is_blurred() -> None:
    picture = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(band_levels(picture * 0.5 + 0.2, 4), band_levels(picture, 4), atol=1e-3)
    coarse = repeat(box_reduce(picture, 4), 4)
    assert (band_levels(coarse, 4)[2:] < band_levels(picture, 4)[2:] - 3).all()
    assert np.isfinite(band_levels(np.full((32, 32, 3), 0.5, np.float32), 4)).all()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Three small textures and three modern ones, one of them large."""
    random = np.random.default_rng(0)
    for folder, sides in (("dump", (8, 16, 12)), ("modern", (64, 40, 520))):
        (tmp_path / folder).mkdir()
        for number, side in enumerate(sides):
            noise = random.integers(0, 256, (side, side, 3), np.uint8)
            Image.fromarray(noise).save(tmp_path / folder / f"{number}.png")
    return tmp_path / "dump", tmp_path / "modern"


@pytest.fixture
def with_trunk(trunk: Trunk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpaired, "_trunk", lambda: trunk)


@pytest.mark.usefixtures("with_trunk")
def test_the_command_compares_models_on_real_textures(
    folders: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    dump, modern = folders
    words = ["--textures", str(dump), "--unpaired", str(modern), "--model", str(tiny_model), "--json"]
    out = tmp_path / "out"
    result = CliRunner().invoke(command, [*words, "--output", str(out)], obj=Console())
    assert result.exit_code == 0, result.output
    found = json.loads((out / "evaluation.json").read_text())
    assert (found["pictures"], found["references"]) == (3, 3)
    ways = {one["name"]: one for one in found["models"]}
    assert list(ways)[:2] == ["nearest", "bicubic"]
    assert tiny_model.stem in ways or tiny_model.parent.name in ways
    assert ways["nearest"]["box_distance"] == pytest.approx(0, abs=1e-3)
    assert ways["bicubic"]["bands"]["3+"]["mean"] < ways["nearest"]["bands"]["3+"]["mean"]
    assert set(ways["nearest"]["kernel_distance"]) == {"mean", "low", "high"}
    assert (out / "sheet.png").is_file()


@pytest.mark.usefixtures("with_trunk")
def test_the_table_names_every_measure(folders: tuple[Path, Path]) -> None:
    dump, modern = folders
    words = ["--textures", str(dump), "--unpaired", str(modern)]
    result = CliRunner().invoke(command, words, obj=Console())
    assert result.exit_code == 0, result.output
    for word in ("kernel distance", "energy 0.5-1", "box distance", "colour drift", "3 real textures"):
        assert word in result.output


def test_unpaired_without_textures_says_what_to_give(folders: tuple[Path, Path]) -> None:
    result = CliRunner().invoke(
        command, ["--pairs", str(folders[0]), "--unpaired", str(folders[1])], obj=Console()
    )
    assert isinstance(result.exception, UsageError)
    assert "--textures" in result.exception.message


def test_without_weights_there_is_no_kernel_distance(folders: tuple[Path, Path]) -> None:
    with pytest.raises(ModelError, match="VGG16"):
        evaluate_unpaired(*folders, [])


@pytest.mark.usefixtures("with_trunk")
def test_a_folder_with_one_texture_is_refused(folders: tuple[Path, Path]) -> None:
    dump, modern = folders
    with pytest.raises(SourceError, match="fewer than two"):
        evaluate_unpaired(dump, modern, [], limit=1)
    for file in sorted(modern.iterdir())[1:]:
        file.unlink()
    with pytest.raises(SourceError, match="at least 32 x 32"):
        evaluate_unpaired(dump, modern, [])
