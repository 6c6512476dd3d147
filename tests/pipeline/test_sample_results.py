"""What a sample has made, the run of the whole dump does not make again."""

from __future__ import annotations

from pathlib import Path

import pytest
from dumps import dump, tree, write_recipe

from texpipe.options import RunOptions
from texpipe.output.result import RunResult
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    dump(tmp_path / "dump", 12)
    return write_recipe(tmp_path)


def options(recipe: Path, model: Path, sample: int | None = None, output: str = "out") -> RunOptions:
    return load_options(
        recipe, output=recipe.parent / output, model=str(model), device="cpu", precision="fp32", sample=sample
    )


def stored(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in tree(folder / ".store").items() if name[2:3] == "/"}


def run(options: RunOptions) -> tuple[RunResult, int]:
    """Run, and count what was computed."""
    computed: list[object] = []
    result = run_recipe(options, finished=lambda _, job: computed.append(job))
    return result, len(computed)


def test_a_run_takes_what_its_sample_has_made(recipe: Path, tiny_model: Path) -> None:
    _, of_sample = run(options(recipe, tiny_model, 4))
    assert of_sample > 0
    before = tree(recipe.parent / "out-sample", ())
    result, computed = run(options(recipe, tiny_model))
    _, alone = run(options(recipe, tiny_model, output="alone"))
    assert computed == alone - of_sample
    assert result.cached == of_sample
    assert stored(recipe.parent / "out") == stored(recipe.parent / "alone")
    assert tree(recipe.parent / "out-sample", ()) == before


def test_what_is_torn_is_made_again_and_left_where_it_was(recipe: Path, tiny_model: Path) -> None:
    run(options(recipe, tiny_model, 4))
    store = recipe.parent / "out-sample" / ".store"
    torn = min(store.glob("??/*.png"))
    torn.write_bytes(torn.read_bytes()[:-1] + b"!")
    before = tree(store, ())
    run(options(recipe, tiny_model))
    run(options(recipe, tiny_model, output="alone"))
    assert stored(recipe.parent / "out") == stored(recipe.parent / "alone")
    assert tree(store, ()) == before


def test_a_sample_takes_nothing_from_the_whole(recipe: Path, tiny_model: Path) -> None:
    """Its time tells how long the whole would take."""
    run(options(recipe, tiny_model))
    result, computed = run(options(recipe, tiny_model, 4))
    assert computed > 0
    assert result.cached == 0
