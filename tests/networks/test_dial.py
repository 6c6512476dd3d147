"""The dial: two ends of a model, blended when loaded, per recipe and per rule."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from texpipe.errors import ModelError, RecipeError
from texpipe.networks import catalogue, checkpoint, dial
from texpipe.networks.cards import Card, OtherEnd, write_card
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.texture import Edges, Pass
from texpipe.train import generators
from texpipe.train.evaluation.evaluate import load_upscaler
from texpipe.upscale.batching import upscale
from texpipe.upscale.engine import Engine

pytestmark = pytest.mark.usefixtures("one_thread")


def network(seed: int, blocks: int = 1) -> RRDBNet:
    torch.manual_seed(seed)
    made = RRDBNet(num_feat=8, num_block=blocks, num_grow_ch=4).eval()
    for parameter in made.parameters():
        parameter.data = parameter.data.half().float()
    return made


def save(folder: Path, name: str, seed: int, blocks: int = 1) -> str:
    return checkpoint.save_safetensors(folder / f"{name}.safetensors", network(seed, blocks).state_dict(), {})


def model_with_dial(folder: Path, detail: float = 0.25) -> Path:
    sha256, other = save(folder, "plain", 1), save(folder, "bold", 2)
    end = OtherEnd("bold.safetensors", other, detail)
    write_card(folder, Card("plain", "s", (), (), "MIT", "n", "t", sha256, {}, end))
    return folder / "plain.safetensors"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_with_dial(tmp_path)


def picture(seed: int = 0, side: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).random((side, side, 3), np.float32)


@pytest.mark.parametrize("detail", [0.0, 0.25, 0.5, 1.0])
def test_an_engine_at_a_detail_is_that_of_the_blended_weights(model: Path, detail: float) -> None:
    blended = checkpoint.interpolate(network(1), network(2), detail)
    expected = Engine(blended, "cpu", "fp32").run(picture()[None], Edges())
    found = Engine(dial.load(model), "cpu", "fp32").at(detail).run(picture()[None], Edges())
    assert np.array_equal(found, expected)


def test_each_place_of_the_dial_is_blended_once(model: Path) -> None:
    engine = Engine(dial.load(model), "cpu", "fp32")
    assert engine.at(0.5) is engine.at(0.5)
    assert engine.at(0) is engine
    assert engine.at(0.5) is not engine.at(0.25)


def test_passes_of_several_details_do_not_mix(model: Path) -> None:
    engine = Engine(dial.load(model), "cpu", "fp32")
    passes = [Pass(picture(i), Edges(), detail) for i, detail in enumerate([0.0, 1.0, 0.0, 0.5, 1.0])]
    results = dict(upscale([passes], engine, 4))
    for number, one in enumerate(passes):
        alone = engine.at(one.detail).run(one.rgb[None], one.edges)[0]
        assert np.array_equal(results[number], alone)


def test_a_model_without_a_dial_has_detail_0_only(tmp_path: Path) -> None:
    save(tmp_path, "plain", 1)
    loaded = dial.load(tmp_path / "plain.safetensors")
    assert loaded.at(0) is loaded.faithful
    with pytest.raises(ModelError, match="no inventive end"):
        loaded.at(0.5)


def test_the_catalogue_tells_of_the_dial_and_names_both_weights(model: Path) -> None:
    file = catalogue.resolve(str(model))
    assert file.detail == 0.25
    assert file.inventive is not None
    assert file.inventive in file.weights
    assert file.sha256 in file.weights


@pytest.mark.parametrize("named", ["../bold.safetensors", "", None, 3])
def test_a_dial_that_leaves_the_folder_is_refused(model: Path, named: object) -> None:
    card = model.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"dial": {"inventive": named}}))
    with pytest.raises(ModelError, match="names no file beside it"):
        catalogue.resolve(str(model))


def test_a_dial_beyond_its_ends_is_refused(tmp_path: Path) -> None:
    path = model_with_dial(tmp_path, 1.5)
    with pytest.raises(ModelError, match=r"stands at 1\.5"):
        catalogue.resolve(str(path))


def test_a_missing_or_replaced_end_is_told(model: Path) -> None:
    save(model.parent, "bold", 3)
    with pytest.raises(ModelError, match="not the file"):
        catalogue.resolve(str(model))
    (model.parent / "bold.safetensors").unlink()
    with pytest.raises(ModelError, match=r"bold\.safetensors is missing"):
        catalogue.resolve(str(model))


def test_ends_of_two_architectures_are_refused(model: Path) -> None:
    card = model.with_suffix(".json")
    other = save(model.parent, "bold", 2, blocks=2)
    facts = json.loads(card.read_text())
    facts["dial"]["sha256"] = other
    card.write_text(json.dumps(facts))
    with pytest.raises(ModelError, match="another architecture"):
        dial.load(model)


class Game:
    """A recipe over three textures, one of which has alpha."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model = folder, model
        (folder / "dump").mkdir(parents=True)
        for name, seed in (("wall", 1), ("floor", 2)):
            self._save(name, np.dstack([picture(seed, 16), np.ones((16, 16, 1), np.float32)]))
        self._save("leaf", np.dstack([picture(3, 16), picture(4, 16)[..., :1]]))

    def _save(self, name: str, rgba: np.ndarray) -> None:
        Image.fromarray((rgba * 255).astype(np.uint8)).save(self.folder / "dump" / f"{name}.png")

    def run(self, *lines: str, detail: float | None = None) -> dict[str, bytes]:
        recipe = self.folder / "r.yaml"
        said = [
            "version: 1",
            "name: r",
            "input: dump",
            "output: out",
            "targets: [folder]",
            "colour: off",
            *lines,
        ]
        recipe.write_text("\n".join([*said, f"model: {self.model}"]))
        order = load_options(recipe, detail=detail, device="cpu", precision="fp32")
        outcome = run_recipe(order)
        files = sorted(outcome.output.rglob("*.png"))
        return {path.stem: path.read_bytes() for path in files if ".store" not in path.parts}


@pytest.fixture
def game(tmp_path: Path, model: Path) -> Game:
    return Game(tmp_path / "game", model)


def test_recipe_rule_and_command_line_set_the_dial(game: Game) -> None:
    default, quarter = game.run(), game.run("detail: 0.25")
    assert default == quarter
    faithful = game.run("detail: 0.0")
    assert faithful["wall"] != default["wall"]
    assert game.run("detail: 0.9", detail=0.0) == faithful
    ruled = game.run("rules: [{match: {name: 'wall*'}, detail: 0.0}]")
    assert ruled["wall"] == faithful["wall"]
    assert ruled["floor"] == default["floor"]


def test_alpha_stays_with_the_faithful_end(game: Game) -> None:
    planes = []
    for detail in (0.0, 1.0):
        game.run(detail=detail)
        planes.append(np.asarray(Image.open(next((game.folder / "out").rglob("leaf.png")))))
    assert np.array_equal(planes[0][..., 3], planes[1][..., 3])
    assert not np.array_equal(planes[0][..., :3], planes[1][..., :3])


def test_a_dial_that_is_not_there_cannot_be_set(tmp_path: Path) -> None:
    save(tmp_path, "single", 1)
    game = Game(tmp_path / "game", tmp_path / "single.safetensors")
    game.run()
    with pytest.raises(ModelError, match="single has no dial"):
        game.run(detail=0.5)
    with pytest.raises(ModelError, match="single has no dial"):
        game.run("rules: [{match: {}, detail: 0.5}]")


@pytest.mark.parametrize("value", ["1.5", "-0.1", "bold", "true"])
def test_a_detail_outside_of_the_dial_is_a_mistake(game: Game, value: str) -> None:
    with pytest.raises(RecipeError):
        game.run(f"detail: {value}")


@pytest.mark.parametrize(("asked", "found"), [(None, 0.25), (0.0, 0.0), (1.0, 1.0)])
def test_training_and_evaluation_load_what_a_run_uses(model: Path, asked: float | None, found: float) -> None:
    expected = checkpoint.interpolate(network(1), network(2), found).state_dict()
    for name, value in generators.load(str(model), asked).network.state_dict().items():
        assert torch.equal(value, expected[name])


def test_evaluate_measures_models_without_a_dial_at_any_detail(tmp_path: Path) -> None:
    save(tmp_path, "single", 1)
    upscaler = load_upscaler(str(tmp_path / "single.safetensors"), 4, torch.device("cpu"), "off", 0.5)
    assert upscaler(picture(), Edges()).shape == (32, 32, 3)
