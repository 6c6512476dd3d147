"""What a run tells besides its counts: rules that decide nothing, and packs that are empty."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import dump, texture, write_recipe

from texpipe.imaging.image_files import encode_png
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options

Run = Callable[..., subprocess.CompletedProcess[str]]


def said(recipe: Path, *, dry_run: bool = True, **options: object) -> tuple[list[str], int]:
    result = run_recipe(load_options(recipe, **options), dry_run=dry_run)  # type: ignore[arg-type]
    return [*result.warnings, *result.problems], result.exit_code


def test_a_rule_that_decides_nothing_is_named_with_its_line(tmp_path: Path, tiny_model: Path) -> None:
    dump(tmp_path / "dump", 2)
    recipe = write_recipe(
        tmp_path,
        f"model: {tiny_model}\nrules:\n"
        "  - match: {name: '*#00001000#*'}\n    action: nearest\n"
        "  - match: {folder: hud}\n    action: copy\n"
        "  - match: {max_side: 8}\n    edges: wrap\n"
        "  - match: {max_side: 9}\n    edges: clamp\n",
    )
    lines, code = said(recipe)
    assert lines == [
        f"{recipe}:11: rule 2 matches no texture",
        f"{recipe}:15: rule 4 decides nothing: earlier rules match all of its textures",
    ]
    assert code == 0


def test_of_many_idle_rules_the_first_are_named(tmp_path: Path, tiny_model: Path) -> None:
    dump(tmp_path / "dump", 1)
    rules = "".join(f"  - match: {{folder: f{n}}}\n    action: copy\n" for n in range(20))
    lines, _ = said(write_recipe(tmp_path, f"model: {tiny_model}\nrules:\n{rules}"))
    assert len(lines) == 4
    assert lines[-1] == "... and 17 more rules decide nothing"


def test_a_rule_for_a_joined_picture_alone_is_not_called_idle(tmp_path: Path, tiny_model: Path) -> None:
    names = dump(tmp_path / "dump", 2)
    files = "".join(f"\n      - '{name}'" for name in names)
    recipe = write_recipe(
        tmp_path,
        f"model: {tiny_model}\nrules:\n  - match: {{size: 8x16}}\n    edges: wrap\n"
        f"groups:\n  - name: strips\n    columns: 1\n    rows: 2\n    files:{files}\n",
    )
    assert said(recipe)[0] == []


def test_of_a_shipped_recipe_for_another_dump_one_line_says_it(tmp_path: Path, tiny_model: Path) -> None:
    dump(tmp_path / "dump", 1)
    lines, _ = said(Path("sm64"), input_=tmp_path / "dump", output=tmp_path / "out", model=str(tiny_model))
    (line,) = (one for one in lines if "rules" in one)
    assert line == "3 of the 3 rules of sm64.yaml match no texture here"


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ("rules: [{match: {}, action: skip}]\n", "rule 1: skip"),
        ("", "its name is not a DuckStation texture name"),
    ],
)
def test_a_pack_without_a_texture_is_no_success(
    tmp_path: Path, tiny_model: Path, extra: str, why: str, dry_run: bool
) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "wall.png").write_bytes(encode_png(texture(1)))
    recipe = write_recipe(tmp_path, f"model: {tiny_model}\n{extra}")
    lines, code = said(recipe, dry_run=dry_run, targets=["duckstation"])
    assert code == 5
    assert any(line.startswith("there is no pack for duckstation") and why in line for line in lines), lines


def test_a_pack_of_damaged_textures_alone_is_no_success(
    tmp_path: Path, tiny_model: Path, texpipe: Run
) -> None:
    (name,) = dump(tmp_path / "dump", 1)
    (tmp_path / "dump" / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    done = texpipe("run", write_recipe(tmp_path), "--model", tiny_model)
    assert done.returncode == 5, done.stderr
    assert "there is no pack for gliden64" in done.stderr
