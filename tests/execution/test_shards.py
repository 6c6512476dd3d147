"""Parts of a run: disjoint, complete, the same pack in the end; where they are said to be, and what is missing."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from dumps import GAME, dump, texture, tree, write_recipe

from texpipe.cli import texpipe
from texpipe.cli.console import exit_code_of
from texpipe.errors import UsageError
from texpipe.imaging.image_files import encode_png
from texpipe.options import RunOptions
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options

ROWS = [f"{GAME}#{0x4000 + row:08X}#0#2_all.png" for row in range(3)]


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A folder with a dump that has duplicates and a split picture, and the pack of one run in `whole`."""
    folder = tmp_path_factory.mktemp("game")
    names = dump(folder / "dump", 9)
    shutil.copy(folder / "dump" / names[0], folder / "dump" / f"{GAME}#00009999#0#2_all.png")
    picture = texture(99, (16, 18))
    for row, name in enumerate(ROWS):
        (folder / "dump" / name).write_bytes(encode_png(picture[6 * row : 6 * row + 6]))
    files = ", ".join(f"'{name}'" for name in ROWS)
    write_recipe(folder, f"groups:\n  - {{name: title, columns: 1, rows: 3, overlap: 0, files: [{files}]}}\n")
    run_recipe(order(folder, tiny_model, "whole"))
    return folder


def order(folder: Path, model: Path, output: str, shard: str | None = None) -> RunOptions:
    return load_options(
        folder / "recipe.yaml", output=folder / output, model=str(model), precision="fp32", shard=shard
    )


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_shards_make_the_pack_of_one_run(parts: int, game: Path, tiny_model: Path) -> None:
    output = f"of{parts}"
    done = [run_recipe(order(game, tiny_model, output, f"{part}/{parts}")) for part in range(1, parts + 1)]
    assert sum(one.computed for one in done) == 10, "nothing twice: 9 textures and one picture of three"
    assert sum(one.cached for one in done) == 0
    merged = run_recipe(order(game, tiny_model, output), merge=True)
    assert (merged.computed, merged.cached) == (0, 10)
    assert tree(game / output) == tree(game / "whole")


def test_each_missing_shard_is_named_with_the_command_that_does_it(
    game: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--output", str(game / "some room"), "--model", str(tiny_model), "--precision", "fp32"]
    recipe = str(game / "recipe.yaml")
    assert exit_code_of(texpipe, ["run", recipe, *options, "--shard", "2/3"]) == 0
    assert exit_code_of(texpipe, ["merge", recipe, "-q", *options]) == 5
    lines = capsys.readouterr().err.splitlines()
    commands = [shlex.split(line) for line in lines if line.strip().startswith("texpipe run")]
    assert [command[-1] for command in commands] == ["1/3", "3/3"]
    for command in commands:
        assert exit_code_of(texpipe, command[1:]) == 0
    assert exit_code_of(texpipe, ["merge", recipe, *options]) == 0
    assert tree(game / "some room") == tree(game / "whole")


@pytest.mark.parametrize(
    ("task", "first", "last", "count", "shard"),
    [(1, 1, 8, 8, (1, 8)), (8, 1, 8, 8, (8, 8)), (0, 0, 3, 4, (1, 4)), (12, 10, 12, 3, (3, 3))],
)
def test_auto_is_the_place_in_a_slurm_array(
    task: int,
    first: int,
    last: int,
    count: int,
    shard: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_recipe(tmp_path)
    for name, value in (("ID", task), ("MIN", first), ("MAX", last), ("COUNT", count)):
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))
    assert order(tmp_path, Path("m.safetensors"), "out", "auto").shard == shard


@pytest.mark.parametrize(
    ("values", "says"),
    [({}, "needs the task"), ({"ID": "3", "MIN": "3", "MAX": "7", "COUNT": "2"}, "2 tasks from 3 to 7")],
)
def test_auto_without_a_whole_array_is_refused(
    values: dict[str, str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(tmp_path)
    for name in ("ID", "MIN", "MAX", "COUNT"):
        monkeypatch.delenv(f"SLURM_ARRAY_TASK_{name}", raising=False)
        if name in values:
            monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", values[name])
    with pytest.raises(UsageError, match=says):
        order(tmp_path, Path("m.safetensors"), "out", "auto")
