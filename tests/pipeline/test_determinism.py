"""One recipe, one output, to the byte: whatever the threads, batches, shards and the order of the file system."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from dumps import dump, tree, write_recipe

from texpipe.options import RunOptions
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.upscale import device
from texpipe.upscale.device import Device

TARGETS = "targets: {gliden64: {container: htc}, folder: }\n"


@dataclass(frozen=True)
class Game:
    """Textures of three sizes in two folders, every third a duplicate, and the output of an undisturbed run."""

    folder: Path
    model: Path
    wanted: dict[str, bytes]

    def order(self, output: str, shard: str | None = None) -> RunOptions:
        model, path = str(self.model), self.folder / "recipe.yaml"
        return load_options(path, output=self.folder / output, model=model, precision="fp32", shard=shard)


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Game:
    folder = tmp_path_factory.mktemp("game")
    for count, size, name in ((6, (8, 8), "dump/a"), (5, (12, 4), "dump/b"), (2, (20, 20), "dump/b/c")):
        dump(folder / name, count, size)
    recipe = write_recipe(folder)
    recipe.write_text(recipe.read_text("utf-8").replace("targets: [gliden64]\n", TARGETS), "utf-8")
    game = Game(folder, tiny_model, {})
    run_recipe(game.order("wanted"))
    return Game(folder, tiny_model, tree(folder / "wanted"))


@pytest.mark.parametrize("cores", [1, 2, 5])
@pytest.mark.parametrize("texels", [1, 200, 1 << 20])
def test_threads_and_batches(game: Game, monkeypatch: pytest.MonkeyPatch, cores: int, texels: int) -> None:
    monkeypatch.setattr(device, "available_cores", lambda: cores)
    monkeypatch.setattr(Device, "batch_texels", property(lambda _: texels))
    output = f"threads-{cores}-{texels}"
    run_recipe(game.order(output))
    assert tree(game.folder / output) == game.wanted


class Shuffled:
    """Lists a folder as `os.scandir` does, in another order each time."""

    mixed = random.Random(0)

    def __init__(self, *folder: object) -> None:
        with LISTED(*folder) as entries:
            found = list(entries)
        self.mixed.shuffle(found)
        self._entries = iter(found)

    def __enter__(self) -> Shuffled:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Shuffled:
        return self

    def __next__(self) -> os.DirEntry[str]:
        return next(self._entries)

    def close(self) -> None:
        pass


LISTED = os.scandir


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_the_file_system(game: Game, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(Shuffled, "mixed", random.Random(seed))
    monkeypatch.setattr(os, "scandir", Shuffled)
    run_recipe(game.order(f"order-{seed}"))
    monkeypatch.undo()
    assert tree(game.folder / f"order-{seed}") == game.wanted


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_shards(game: Game, parts: int) -> None:
    output = f"shards-{parts}"
    for part in range(parts, 0, -1):
        run_recipe(game.order(output, f"{part}/{parts}"))
    merged = run_recipe(game.order(output), merge=True)
    assert merged.computed == 0
    assert tree(game.folder / output) == game.wanted
