"""Training presets: all that are shipped load, and mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from texpipe.errors import RecipeError, UsageError
from texpipe.train.loop.schedule import rate_factor, stage_at
from texpipe.train.presets import load_preset, preset_names, with_changes
from texpipe.train.schema import Data, Preset, Stage

SHIPPED = {
    "texture-esrgan",
    "texture-gan",
    "esrgan",
    "srgan",
    "srgan-mse",
    "srgan-nearest",
    "srwgan-gp",
    "srresnet",
    "preview",
    "pack-style",
}
MINIMAL = "name: mine\nstages: [{name: all, share: 1, losses: {l1: 1}}]\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_shipped_presets_are_these() -> None:
    assert set(preset_names()) == SHIPPED


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_shipped_preset_loads_under_its_own_name(name: str) -> None:
    preset = load_preset(name)
    assert preset.name == name
    assert preset.about


def test_the_presets_are_the_methods_they_are_named_after() -> None:
    default, paper, srgan = load_preset("texture-esrgan"), load_preset("esrgan"), load_preset("srgan")
    assert default.base
    assert default.stages[-1].learning_rate == 5e-5
    assert 0 < default.stages[-1].losses.adversarial <= 0.1
    assert (paper.adversarial.loss, paper.perceptual.activation) == ("relativistic", "before")
    assert [stage.losses.adversarial > 0 for stage in paper.stages] == [False, True]
    assert srgan.data.crop * srgan.degradation.scale == 96
    mse, nearest = load_preset("srgan-mse"), load_preset("srgan-nearest")
    assert (mse.generator.blocks, mse.generator.upsampler, mse.data.crop) == (8, "transposed", 64)
    assert (nearest.generator.padding, nearest.adversarial.dense, nearest.colour) == (
        "reflect",
        256,
        "histogram",
    )
    critic = load_preset("srwgan-gp")
    assert (critic.adversarial.loss, critic.stages[-1].losses.adversarial) == ("wasserstein", 1e-3)
    assert not load_preset("srresnet").adversarial_used


def test_a_preset_may_be_a_file(tmp_path: Path) -> None:
    assert load_preset(write(tmp_path / "mine.yaml", MINIMAL)).name == "mine"


def test_unknown_presets_name_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_preset("texture-esgran")
    assert "texture-esrgan" in str(caught.value.hint)
    with pytest.raises(RecipeError, match="no preset file"):
        load_preset(tmp_path / "nowhere.yaml")


def test_every_mistake_is_reported_with_its_place(tmp_path: Path) -> None:
    text = MINIMAL + "steps: 0\nstepps: 3\ndata: {crop: many}\ndegradation: {reductions: {bax: 1}}\n"
    with pytest.raises(RecipeError) as caught:
        load_preset(write(tmp_path / "wrong.yaml", text))
    places = {problem.message.split(":")[0] for problem in caught.value.problems}
    assert {"steps", "stepps", "data.crop"} <= places
    assert any(place.startswith("degradation.reductions") for place in places)


def test_broken_yaml_is_reported_with_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_preset(write(tmp_path / "broken.yaml", "name: [\n"))
    assert caught.value.location is not None
    assert caught.value.location.line == 2


@pytest.mark.parametrize("data", [b"\xff\xfe", b"name: a\0", b"[" * 5000], ids=["bytes", "zero", "deep"])
def test_what_is_no_text_or_no_yaml_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_bytes(data)
    with pytest.raises(
        RecipeError, match=r"cannot be read|cannot be in a YAML file|nested too deeply"
    ) as caught:
        load_preset(tmp_path / "odd.yaml")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("generator: {scale: 2}\n", "must be equal"),
        ("perceptual: {layers: {conv6_1: 1}}\n", "conv6_1"),
        ("adversarial: {loss: wasserstein, discriminator: strided}\n", "batch norm"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_preset(write(tmp_path / "odd.yaml", MINIMAL + text))
    assert any(message in problem.message for problem in caught.value.problems)


def test_crops_must_suit_the_discriminator() -> None:
    stages = [{"name": "gan", "share": 1, "losses": {"l1": 1, "adversarial": 0.1}}]
    with pytest.raises(ValueError, match="multiple of 16"):
        Preset.model_validate(
            {"name": "x", "stages": stages, "data": {"crop": 10}, "adversarial": {"discriminator": "strided"}}
        )


def test_a_vgg19_needs_a_file() -> None:
    stages = [{"name": "p", "share": 1, "losses": {"perceptual": 1}}]
    with pytest.raises(ValueError, match="vgg19 needs a file"):
        Preset.model_validate(
            {"name": "x", "stages": stages, "perceptual": {"trunk": "vgg19", "layers": {"conv5_4": 1}}}
        )


def test_the_command_line_changes_a_preset_and_is_checked() -> None:
    changed = with_changes(load_preset("texture-esrgan"), base="other", crop=16, batch=1)
    assert (changed.base, changed.data.crop, changed.data.batch) == ("other", 16, 1)
    assert with_changes(changed) == changed
    with pytest.raises(UsageError, match="crop"):
        with_changes(load_preset("srgan"), crop=5)


def test_stages_follow_each_other_by_their_shares() -> None:
    stages = [Stage(name=n, share=s, losses={"l1": 1}) for n, s in (("a", 3), ("b", 1))]
    assert [stage_at(stages, done)[0].name for done in (0, 0.74, 0.76, 1.0)] == ["a", "a", "b", "b"]


def test_the_rate_warms_up_and_falls() -> None:
    preset = Preset(name="x", stages=[{"name": "a", "share": 1, "learning_rate": 1e-4, "losses": {"l1": 1}}],
                    warmup=10, final_rate=0.2, data=Data())  # fmt: skip
    rates = [preset.stages[0].learning_rate * rate_factor(preset, step, step / 100) for step in range(101)]
    assert rates[0] == pytest.approx(1e-5)
    assert max(rates) == pytest.approx(1e-4, rel=0.03)
    assert rates[100] == pytest.approx(2e-5)
    assert rates[10:] == sorted(rates[10:], reverse=True)
