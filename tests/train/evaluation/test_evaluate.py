"""Models side by side: figures, pairs, and the command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file

from texpipe.cli.console import Console
from texpipe.cli.evaluate import evaluate as command
from texpipe.errors import SourceError, UsageError
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.passes.resample import box_reduce, repeat
from texpipe.texture import Edges
from texpipe.train.data.dataset import TexturePair
from texpipe.train.data.degradation import Degradation
from texpipe.train.evaluation import metrics
from texpipe.train.evaluation.baselines import bicubic
from texpipe.train.evaluation.evaluate import degraded, evaluate, real_pairs
from texpipe.train.evaluation.metrics import Judge, average, luma, psnr, seam, ssim
from texpipe.train.evaluation.sheets import sheet
from texpipe.train.evaluation.validation import Validation, Verdict, judge_result, toned
from texpipe.train.losses import weights

pytestmark = pytest.mark.usefixtures("one_thread", "no_downloads")

FETCHED = weights.cache_folder()
"""The user's own cache; tests run with one of theirs."""
METRIC_WEIGHTS = ("alexnet", "vgg16", "stlpips", "dists")


def picture(seed: int = 0, side: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).random((side, side, 3), np.float32)


@pytest.fixture
def textures(tmp_path: Path) -> Path:
    folder = tmp_path / "textures"
    folder.mkdir()
    for i in range(3):
        Image.fromarray((picture(i) * 255).astype(np.uint8)).save(folder / f"t{i}.png")
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_safetensors(tmp_path / "tiny.safetensors", RRDBNet(3, 3, 4, 4, 1, 2).state_dict(), {})
    return tmp_path / "tiny.safetensors"


def test_psnr_of_a_known_error() -> None:
    assert psnr(np.zeros((4, 4)), np.full((4, 4), 255.0)) == 0
    assert psnr(np.zeros((4, 4)), np.full((4, 4), 25.5)) == pytest.approx(20)
    assert psnr(np.zeros((4, 4)), np.zeros((4, 4))) == 100


def test_luma_is_bt601_in_studio_range() -> None:
    corners = np.array([[[0, 0, 0], [1, 1, 1], [1, 0, 0]]], np.float32)
    assert luma(corners)[0] == pytest.approx([16, 235, 81.481], abs=1e-3)


def test_ssim_is_one_for_equal_pictures_and_less_otherwise() -> None:
    a, b = luma(picture(0)), luma(picture(1))
    assert ssim(a, a) == pytest.approx(1)
    assert -0.2 < ssim(a, b) < 0.2
    assert ssim(a, a + 20) == pytest.approx(
        np.mean((2 * 130 * 150) / (130**2 + 150**2)), abs=0.02
    )  # structure is the same, brightness is not
    with pytest.raises(ValueError, match="11 x 11"):
        ssim(a[:8], a[:8])


def test_a_seamless_texture_has_a_seam_near_one() -> None:
    wave = np.sin(np.arange(64) * 2 * np.pi / 16).astype(np.float32)[:, None, None] / 2 + 0.5
    image = np.broadcast_to(wave, (64, 64, 3))
    assert seam(image) == pytest.approx(1, abs=0.6)
    assert seam(np.sort(image, axis=0)) > 20


def test_a_perfect_result_scores_perfectly() -> None:
    hr = picture()
    scores = Judge().measure(hr, TexturePair("x", box_reduce(hr, 4), hr, Edges("wrap", "wrap")))
    assert (scores["psnr_y"], scores["l1"]) == (100, 0)
    assert scores["ssim_y"] == pytest.approx(1)
    assert scores["colour_drift"] == pytest.approx(0, abs=1e-4)
    assert "seam" in scores
    assert "lpips_alex" not in scores


@pytest.mark.skipif(
    not all((FETCHED / f"{name}.safetensors").is_file() for name in METRIC_WEIGHTS),
    reason="the metrics' weights were never fetched here",
)
def test_perceptual_figures_of_seeded_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "weights", lambda name: load_file(FETCHED / f"{name}.safetensors"))
    lr = np.random.default_rng(7).random((16, 16, 3), np.float32)
    hr = bicubic(lr, 4)
    scores = Judge().measure(repeat(lr, 4), TexturePair("x", lr, hr, Edges()))
    # Recorded with this code, to notice when a metric changes; not from the metrics' own programs.
    recorded = {"lpips_alex": 0.227, "lpips_vgg": 0.364, "st_lpips": 0.158, "dists": 0.311}
    assert {name: scores[name] for name in recorded} == pytest.approx(recorded, abs=2e-3)


def test_pictures_too_small_for_ssim_have_none() -> None:
    hr = picture(side=8)
    assert "ssim_y" not in Judge().measure(hr, TexturePair("x", box_reduce(hr, 4), hr, Edges()))


def test_drift_is_measured_in_levels() -> None:
    hr = picture() * 0.5
    pair = TexturePair("x", box_reduce(hr, 4), hr, Edges())
    assert Judge().measure(hr + 10 / 255, pair)["colour_drift"] == pytest.approx(10, abs=1e-3)
    assert "seam" not in Judge().measure(hr, pair)


def tone(result: np.ndarray, lr: np.ndarray) -> float:
    return float(np.abs(result.mean(axis=(0, 1)) - lr.mean(axis=(0, 1))).mean())


def test_matched_colours_have_less_drift() -> None:
    lr = picture(side=8)
    shifted = (bicubic(lr, 4) * 0.8).astype(np.float32)
    before = tone(shifted, lr)
    for way in ("match", "histogram"):
        assert tone(toned(shifted, lr, Edges(), way), lr) < 0.3 * before
    assert toned(shifted, lr, Edges(), "off") is shifted


def test_averages_are_over_those_that_have_a_metric() -> None:
    assert average([{"seam": 1.0, "l1": 2.0}, {"l1": 4.0}]) == {"seam": 1.0, "l1": 3.0}


def spread(scores: dict) -> list[dict]:
    """Twelve textures with these figures on average, some worse and some better, before and after alike."""
    return [{name: value + 0.01 * (i - 5.5) for name, value in scores.items()} for i in range(12)]


@pytest.mark.parametrize(
    ("after", "better"),
    [
        ({"lpips_alex": 0.3, "dists": 0.2, "colour_drift": 2.0}, True),
        ({"lpips_alex": 0.41, "dists": 0.1, "colour_drift": 2.0}, True),
        ({"lpips_alex": 0.399, "dists": 0.25, "colour_drift": 2.0}, False),
        ({"lpips_alex": 0.3, "dists": 0.3, "colour_drift": 2.0}, False),
        ({"lpips_alex": 0.5, "dists": 0.3, "colour_drift": 1.0}, False),
        ({"lpips_alex": 0.3, "dists": 0.1, "colour_drift": 2.2}, False),
    ],
)
def test_the_guard_wants_a_better_look_and_no_more_drift(after: dict, better: bool) -> None:
    before = {"lpips_alex": 0.4, "dists": 0.2, "colour_drift": 2.0}
    assert judge_result(spread(before), spread(after)).better is better


def test_a_gain_counts_only_for_those_who_judge() -> None:
    before, after = (
        {"lpips_alex": 0.4, "dists": 0.2, "colour_drift": 2.0},
        {"lpips_alex": 0.4, "dists": 0.1, "colour_drift": 2.0},
    )
    assert judge_result(spread(before), spread(after)).better
    assert not judge_result(spread(before), spread(after), judges=("lpips_alex",)).better
    assert judge_result(spread(before), spread(after | {"lpips_alex": 0.3}), judges=("lpips_alex",)).better


@pytest.mark.parametrize(("theirs", "better"), [(1.0, False), (2.3, True)])
def test_what_the_originals_drift_is_no_fault(theirs: float, better: bool) -> None:
    before = {"lpips_alex": 0.4, "dists": 0.2, "colour_drift": 2.0}
    after = {"lpips_alex": 0.3, "dists": 0.1, "colour_drift": 2.2}
    originals = spread({"colour_drift": theirs})
    assert judge_result(spread(before), spread(after), originals=originals).better is better


@pytest.mark.parametrize(
    ("after", "accepted", "word"),
    [
        ({"lpips_alex": 0.41, "dists": 0.209, "colour_drift": 2.0}, True, "faster and not worse"),
        ({"lpips_alex": 0.39, "dists": 0.209, "colour_drift": 2.0}, True, "better"),
        ({"lpips_alex": 0.43, "dists": 0.1, "colour_drift": 2.0}, False, "not better"),
        ({"lpips_alex": 0.41, "dists": 0.2, "colour_drift": 2.09}, True, "faster and not worse"),
        ({"lpips_alex": 0.41, "dists": 0.2, "colour_drift": 2.11}, False, "not better"),
    ],
)
def test_a_faster_model_may_look_a_twentieth_worse(after: dict, accepted: bool, word: str) -> None:
    before = {"lpips_alex": 0.4, "dists": 0.2, "colour_drift": 2.0}
    verdict = judge_result(spread(before), spread(after), faster=True)
    assert verdict.better is accepted
    assert verdict.reason.startswith(word + ":")


def test_without_weights_the_guard_says_what_it_looked_at() -> None:
    def judged(l1: float, lr_psnr: float) -> Verdict:
        before = {"l1": 3.0, "lr_psnr": 30.0, "colour_drift": 2.0}
        return judge_result(spread(before), spread({"l1": l1, "lr_psnr": lr_psnr, "colour_drift": 2.0}))

    assert judged(2.0, 31.0).better
    assert "LPIPS and DISTS are missing" in judged(2.0, 31.0).reason
    assert not judged(2.0, 29.0).better
    assert not judged(3.1, 31.0).better


@pytest.mark.parametrize(("pictures", "better"), [(8, False), (400, True)])
def test_a_gain_that_may_be_chance_is_none(pictures: int, better: bool) -> None:
    """LPIPS falls by 0.01 on average and by -0.09 to 0.11 on single textures."""
    random = np.random.default_rng(0)
    before = [{"lpips_alex": 0.4, "dists": 0.2, "colour_drift": 1.0} for _ in range(pictures)]
    gains = random.uniform(-0.1, 0.1, pictures)
    gains += 0.01 - gains.mean()
    after = [one | {"lpips_alex": 0.4 - gain} for one, gain in zip(before, gains, strict=True)]
    verdict = judge_result(before, after)
    assert verdict.better is better
    assert ("tell from chance" in verdict.reason) is not better
    found = re.search(
        r"lpips_alex \S+ -> \S+ \(better by (\S+), 95 % interval (\S+) to (\S+)\)", verdict.reason
    )
    assert found is not None
    mean, low, high = map(float, found.groups())
    assert mean == pytest.approx(0.01, abs=1e-3)
    assert low < mean < high
    assert (low > 0) is better
    assert judge_result(before, after, faster=True).better


def test_one_texture_alone_proves_nothing() -> None:
    before = [{"lpips_alex": 0.4, "dists": 0.2, "colour_drift": 1.0}]
    assert not judge_result(before, [before[0] | {"lpips_alex": 0.1}]).better


def test_figures_of_the_first_pairs_are_over_those_pairs_alone() -> None:
    seen = Validation((), ({"l1": 1.0}, {"l1": 3.0}, {"l1": 8.0}))
    assert (seen.scores["l1"], seen.first(2).scores["l1"]) == (4.0, 2.0)


def test_results_compared_together_score_as_each_alone() -> None:
    rng = np.random.default_rng(5)
    hr = rng.random((32, 32, 3), np.float32)
    pair = TexturePair("x", box_reduce(hr, 4), hr, Edges("wrap", "wrap"))
    results = [rng.random((32, 32, 3), np.float32), hr]
    assert Judge().compare(results, pair) == tuple(Judge().measure(result, pair) for result in results)


def test_models_stand_beside_bicubic_and_nearest(textures: Path, model: Path) -> None:
    pairs = degraded(textures, Degradation(), seed=3)
    done = []
    result = evaluate(pairs, [str(model)], seed=3, device="cpu", progress=lambda *x: done.append(x))
    assert [m.name for m in result.measured] == ["nearest", "bicubic", "scale2x", "tiny"]
    assert result.titles == ("LR", "bicubic", "scale2x", "tiny", "HR")
    assert all(len(row) == 5 for row in result.rows)
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert result.best("psnr_y") in {"nearest", "bicubic", "scale2x"}
    again = evaluate(degraded(textures, Degradation(), seed=3), [str(model)], seed=3, device="cpu")
    assert again.as_json() == result.as_json()
    other = evaluate(degraded(textures, Degradation(), seed=4), [], seed=4, device="cpu")
    assert other.measured[0].scores != result.measured[0].scores


def test_real_pairs_are_matched_by_name(tmp_path: Path) -> None:
    for part, side in (("lr", 8), ("hr", 32)):
        (tmp_path / part).mkdir()
        rgba = np.random.default_rng(0).integers(0, 256, (side, side, 4), np.uint8)
        Image.fromarray(rgba).save(tmp_path / part / "a.png")
        Image.fromarray(rgba[::-1]).save(tmp_path / part / f"only-{part}.png")
    (pair,) = real_pairs(tmp_path)
    assert (pair.name, pair.lr.shape, pair.hr.shape) == ("a.png", (8, 8, 3), (32, 32, 3))


def save_pair(folder: Path, name: str, lr: np.ndarray, hr: np.ndarray) -> None:
    for part, image in (("lr", lr), ("hr", hr)):
        (folder / part).mkdir(exist_ok=True)
        Image.fromarray((image * 255).astype(np.uint8)).save(folder / part / name)


def test_equal_console_textures_keep_their_different_originals(tmp_path: Path) -> None:
    for i in range(2):
        save_pair(tmp_path, f"{i}.png", picture(side=8), picture(i))
    assert [pair.name for pair in real_pairs(tmp_path)] == ["0.png", "1.png"]


def test_pairs_of_several_scales_are_an_error(tmp_path: Path) -> None:
    save_pair(tmp_path, "a.png", picture(side=8), picture(side=32))
    save_pair(tmp_path, "b.png", picture(side=8), picture(side=16))
    with pytest.raises(SourceError, match=r"2x \(b.png\), 4x \(a.png\)"):
        real_pairs(tmp_path)


def test_files_left_out_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_pair(tmp_path, "a.png", picture(side=8), picture(side=32))
    (tmp_path / "lr" / "b.png").write_bytes(b"no picture")
    real_pairs(tmp_path)
    assert "b.png" in caplog.text


def test_transparent_pairs_are_laid_on_grey(tmp_path: Path) -> None:
    for part, side in (("lr", 8), ("hr", 32)):
        (tmp_path / part).mkdir()
        rgba = np.full((side, side, 4), 255, np.uint8)
        rgba[:, side // 2 :, 3] = 0
        Image.fromarray(rgba).save(tmp_path / part / "a.png")
    (pair,) = real_pairs(tmp_path)
    assert pair.lr[0, 0, 0] == 1
    assert pair.lr[0, -1, 0] == 0.5


def test_pairs_that_do_not_fit_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no folder"):
        real_pairs(tmp_path)
    for part, side in (("lr", 8), ("hr", 30)):
        (tmp_path / part).mkdir()
        Image.fromarray((picture(side=side) * 255).astype(np.uint8)).save(tmp_path / part / "a.png")
    with pytest.raises(SourceError, match="30x30"):
        real_pairs(tmp_path)


def test_sheets_show_every_picture_where_it_belongs() -> None:
    a, b = np.ones((8, 8, 3), np.float32), np.zeros((8, 8, 3), np.float32)
    laid = sheet(["a", "b"], [[a, b]], side=8)
    assert (laid[..., 3] == 255).all()
    assert (laid[20:28, 4:12, :3] == 255).all()
    assert (laid[20:28, 16:24, :3] == 0).all()


def test_the_command_prints_json_and_writes_a_sheet(textures: Path, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    arguments = [
        "--textures",
        textures,
        "--model",
        model,
        "--output",
        output,
        "--limit",
        2,
        "--json",
        "--device",
        "cpu",
    ]
    done = CliRunner().invoke(command, list(map(str, arguments)), obj=Console(quiet=True))
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["pictures"] == 2
    assert [m["name"] for m in report["models"]] == ["nearest", "bicubic", "scale2x", "tiny"]
    assert json.loads((output / "evaluation.json").read_text()) == report
    assert (output / "sheet.png").is_file()


def test_the_command_prints_a_table(textures: Path, model: Path) -> None:
    arguments = ["--textures", str(textures), "--limit", "1", "--model", str(model), "--colour", "match"]
    done = CliRunner().invoke(command, arguments, obj=Console())
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    for word in ("bicubic", "nearest", "tiny", "colour_drift", "psnr_y ↑", "l1 ↓", "--model tiny"):
        assert word in done.stderr


def test_the_better_of_two_models_is_named_with_its_interval(
    textures: Path, model: Path, tmp_path: Path
) -> None:
    """By as much as the means differ; of two equal models neither is called better for certain."""
    other = tmp_path / "other.safetensors"
    other.write_bytes(model.read_bytes())
    arguments = ["--textures", textures, "--model", model, "--model", other, "--output", tmp_path / "out"]
    done = CliRunner().invoke(command, list(map(str, arguments)), obj=Console())
    assert done.exit_code == 0, done.output
    assert "by 0.000 in l1 (95 %: 0.000 to 0.000), which may be chance" in done.stderr
    assert f"the sheet {tmp_path / 'out' / 'sheet.png'}" in done.stderr


def test_the_command_wants_one_source() -> None:
    done = CliRunner().invoke(command, [], obj=Console())
    assert isinstance(done.exception, UsageError)


def test_small_pictures_are_repeated_for_alexnet() -> None:
    tensor = metrics._tensor(picture(side=12), torch.device("cpu"))
    assert tensor.shape == (1, 3, 36, 36)
