"""No command writes over a file that a person made: what it would write is there already, so it asks for --force."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import dump, write_recipe
from packs import noise

from texpipe.cli import texpipe as command_line
from texpipe.cli.console import exit_code_of
from texpipe.imaging.image_files import save_png

Run = Callable[..., "subprocess.CompletedProcess[str]"]
MINE = b"\x89PNG mine: weeks of work"


def call(*arguments: object) -> int:
    return exit_code_of(command_line, ["-q", *map(str, arguments)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A folder with a pack, a dump and modern textures."""
    folder = tmp_path_factory.mktemp("made")
    dump(folder / "dump", 2)
    for number in range(2):
        save_png(folder / "modern" / f"{number}.png", noise((128, 128), number))
    recipe = write_recipe(folder, "rules: [{match: {}, action: nearest}]\n")
    assert call("run", recipe, "--model", tiny_model, "--output", folder / "pack") == 0
    return folder


COMMANDS: dict[str, Callable[[Path, Path, Path], list[object]]] = {
    "sheet.png": lambda made, _, out: ["report", made / "pack", "--sheet", out / "sheet.png"],
    "clip.gif": lambda made, _, out: ["report", made / "pack", "--gif", out / "clip.gif"],
    "shown.png": lambda made, _, out: [
        "finetune",
        "--textures",
        made / "modern",
        "--sheet",
        out / "shown.png",
    ],
    "evaluation.json": lambda made, model, out: evaluate(made, model, out),
    "a.safetensors": lambda _, model, out: ["models", "convert", model, out / "a.safetensors"],
    "b.safetensors": lambda _, model, out: [
        "models",
        "interpolate",
        model,
        model,
        0.5,
        "-o",
        out / "b.safetensors",
    ],
    "recipe.yaml": lambda made, _, out: ["init", made / "dump", "--output", out / "recipe.yaml"],
}
"""A file that a command writes -> the command."""

REMADE = {"sheet.png", "clip.gif", "shown.png", "evaluation.json"}
"""Files that say that texpipe made them, and are made anew without being asked."""


def evaluate(made: Path, model: Path, out: Path) -> list[object]:
    return ["evaluate", "--textures", made / "modern", "--limit", 1, "--model", model, "--output", out]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_of_somebody_is_only_replaced_when_asked(
    made: Path, tiny_model: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = COMMANDS[name](made, tiny_model, tmp_path)
    (tmp_path / name).write_bytes(MINE)
    assert call(*words) == 2
    assert f"{tmp_path / name} already exists" in capsys.readouterr().err
    assert (tmp_path / name).read_bytes() == MINE
    assert call(*words, "--force") == 0
    assert (tmp_path / name).read_bytes() != MINE
    assert call(*words) == (0 if name in REMADE else 2)


def test_onnx_is_only_replaced_when_asked(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(MINE)
    assert call("models", "export", tiny_model, "--onnx", tmp_path / "x.onnx") == 2
    assert (tmp_path / "x.onnx").read_bytes() == MINE


def test_a_training_writes_over_no_card(made: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(MINE)
    words = [
        "finetune",
        "--textures",
        made / "modern",
        "--base",
        tiny_model,
        "--steps",
        1,
        "--output",
        tmp_path,
    ]
    assert call(*words, "--name", "README") == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"README.md": MINE}


def test_a_page_of_somebody_is_no_earlier_report(made: Path, tmp_path: Path) -> None:
    page, picture = made / "pack" / "report" / "index.html", made / "pack" / "report" / "pictures" / "me.png"
    picture.parent.mkdir(parents=True)
    page.write_text("<html>mine</html>")
    picture.write_bytes(MINE)
    assert call("report", made / "pack") == 5
    assert page.read_text() == "<html>mine</html>"
    page.unlink()
    assert call("report", made / "pack") == call("report", made / "pack") == 0
    assert picture.read_bytes() == MINE


def test_a_lock_file_of_somebody_stays_as_it_is(made: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / ".lock").write_bytes(MINE)
    assert call("run", made / "recipe.yaml", "--model", tiny_model, "--output", tmp_path) == 0
    assert (tmp_path / ".lock").read_bytes() == MINE
