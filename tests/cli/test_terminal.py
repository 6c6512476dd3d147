"""Every command on folders, textures, rules and models whose names a terminal would obey."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dumps import texture

from texpipe.cli import COMMANDS, texpipe
from texpipe.cli.console import exit_code_of
from texpipe.imaging.image_files import encode_png

CONTROL = "[blink]\x1b]0;pwned\x07\x9b2J\u202e\u2028"
"""Sets the title of a window, clears the screen, turns the direction of text, ends the line; markup of tables."""
NAMES = (
    f"a{CONTROL}",
    "x\nwrote 999 textures\rerror",
    "\x7f\u2066",
    "tab\tname",
    "half \udcff",
    "torn\x1b[31m",
)
MODEL = f"model{CONTROL}.safetensors"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows allows none of these names")


def obeyed(text: str) -> set[str]:
    """Return the characters of a text that a terminal obeys, apart from the end of a line."""
    bidi = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    control = {letter for letter in text if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}}
    return (control | bidi & set(text)) - {"\n"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A folder with a dump, a broken texture, a model and recipes, all with such names."""
    folder = tmp_path_factory.mktemp("place") / CONTROL
    (folder / CONTROL).mkdir(parents=True)
    for number, name in enumerate(NAMES):
        (folder / CONTROL / f"{name}.png").write_bytes(encode_png(texture(number, (16, 8))))
    (folder / CONTROL / f"{NAMES[-1]}.png").write_bytes(b"no picture")
    (folder / CONTROL / f"copy{CONTROL}.png").write_bytes(encode_png(texture(0, (16, 8))))
    (folder / MODEL).write_bytes(tiny_model.read_bytes())
    (folder / f"other{MODEL}").write_bytes(tiny_model.read_bytes())
    (folder / f"torn{MODEL}").write_bytes(b"no model")
    rule = {"match": {"name": f"nothing{CONTROL}"}, "edges": {"x": "wrap"}}
    recipe = {
        "version": 1,
        "name": CONTROL,
        "input": CONTROL,
        "output": f"out{CONTROL}",
        "model": f"./{MODEL}",
    }
    write(folder / "recipe.yaml", {**recipe, "targets": ["folder"], "rules": [rule]})
    write(
        folder / "wrong.yaml",
        {**recipe, CONTROL: 1, "targets": [CONTROL], "rules": [{"match": {CONTROL: 1}}]},
    )
    write(folder / "nowhere.yaml", {**recipe, "input": f"nowhere{CONTROL}", "targets": ["folder"]})
    write(folder / "no-model.yaml", {**recipe, "model": f"./torn{MODEL}", "targets": ["folder"]})
    write(folder / "unknown.yaml", {**recipe, "model": CONTROL, "targets": ["folder"]})
    return folder


def write(path: Path, recipe: dict[str, object]) -> None:
    path.write_text(yaml.safe_dump(recipe))


@pytest.fixture
def said(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: Path
) -> Callable[..., tuple[int, str]]:
    """Call a command in that folder; returns its exit code and what it wrote on both streams."""
    monkeypatch.chdir(place)

    def call(*arguments: str) -> tuple[int, str]:
        code = exit_code_of(texpipe, list(arguments))
        out, err = capfd.readouterr()
        return code, out + err

    return call


WALK = (
    ("-vv", "inspect", CONTROL),
    ("inspect", CONTROL, "--json"),
    ("inspect", "--recipe", "recipe.yaml"),
    ("inspect", "--recipe", "recipe.yaml", "--all"),
    ("init", CONTROL, "--output", f"made{CONTROL}.yaml"),
    ("run", "recipe.yaml", "--dry-run"),
    ("-vv", "run", "recipe.yaml"),
    ("run", "recipe.yaml", "--json"),
    ("verify", f"out{CONTROL}"),
    ("verify", f"out{CONTROL}", "--json"),
    ("report", f"out{CONTROL}"),
    ("report", f"out{CONTROL}", "--sheet", f"sheet{CONTROL}.png"),
    ("coverage", f"out{CONTROL}", "--dump", CONTROL, "--list"),
    ("coverage", f"out{CONTROL}", "--dump", CONTROL, "--html", f"page{CONTROL}"),
    (
        "complete",
        f"page{CONTROL}",
        "--dump",
        CONTROL,
        "--base",
        f"./{MODEL}",
        "--output",
        f"gaps{CONTROL}",
        "--list",
    ),
    ("compare", "recipe.yaml", "--model", f"./{MODEL}", "--model", f"./other{MODEL}"),
    ("archive", f"out{CONTROL}", "--into", f"zips{CONTROL}"),
    (
        "port",
        CONTROL,
        "--from",
        CONTROL,
        "--to",
        CONTROL,
        "--output",
        f"ported{CONTROL}",
        "--target",
        "folder",
        "--list",
    ),
    ("diff", CONTROL, f"out{CONTROL}", "--html", f"pairs{CONTROL}"),
    ("patch", "make", CONTROL, f"out{CONTROL}", "--output", f"p{CONTROL}.texpatch"),
    ("merge", CONTROL, f"page{CONTROL}", "--output", f"layers{CONTROL}", "--choose", f"{CONTROL}={CONTROL}"),
    ("adopt", f"out{CONTROL}", "--to", f"mine{CONTROL}"),
    ("merge", "recipe.yaml"),
    ("install", f"out{CONTROL}", "--into", f"emulator{CONTROL}"),
    ("probe", "recipe.yaml", "--output", f"shown{CONTROL}"),
    ("probe", "recipe.yaml", "--output", f"shown{CONTROL}", "--read", f"{CONTROL}/{NAMES[0]}.png"),
    ("models", "show", f"./{MODEL}"),
    ("models", "show", f"./torn{MODEL}"),
    ("models", "convert", f"./{MODEL}", f"made{MODEL}"),
    ("evaluate", "--textures", CONTROL, "--model", f"./{MODEL}", "--output", f"judged{CONTROL}"),
    ("finetune", "--textures", CONTROL, "--output", f"trained{CONTROL}", "--steps", "1"),
    ("doctor", "--seconds", "0", "--bundle", f"bundle{CONTROL}.zip", "--recipe", "recipe.yaml"),
)
"""Command lines in their order; later ones use what earlier ones wrote."""
MISTAKES = (
    ("run", "wrong.yaml"),
    ("run", "nowhere.yaml"),
    ("run", "no-model.yaml"),
    ("run", "unknown.yaml"),
    ("run", CONTROL),
    ("run", f"{CONTROL}.yaml"),
    ("run", "recipe.yaml", "--model", CONTROL),
    ("run", "recipe.yaml", f"--{CONTROL}"),
    ("compare", "recipe.yaml", "--model", CONTROL),
    ("compare", "unknown.yaml"),
    ("inspect", f"nowhere{CONTROL}"),
    ("verify", CONTROL),
    ("report", CONTROL),
    ("coverage", f"nowhere{CONTROL}", "--dump", CONTROL),
    ("complete", f"nowhere{CONTROL}", "--dump", CONTROL),
    ("archive", CONTROL),
    ("port", CONTROL, "--from", f"nowhere{CONTROL}", "--to", CONTROL, "--output", f"x{CONTROL}"),
    ("port", CONTROL, "--from", CONTROL, "--to", CONTROL, "--output", f"x{CONTROL}", "--target", CONTROL),
    ("diff", f"nowhere{CONTROL}", CONTROL),
    ("patch", "show", f"nowhere{CONTROL}"),
    ("patch", "apply", f"torn{MODEL}", CONTROL),
    ("merge", CONTROL, f"out{CONTROL}", "--output", f"x{CONTROL}", "--choose", f"a={MODEL}"),
    ("adopt", CONTROL),
    ("models", "show", CONTROL),
    ("models", CONTROL),
    ("evaluate", "--textures", f"nowhere{CONTROL}"),
    ("finetune", "--textures", f"nowhere{CONTROL}"),
    ("studio", f"nowhere{CONTROL}"),
    ("studio", "wrong.yaml"),
    ("probe", "recipe.yaml", "--output", f"shown{CONTROL}", "--read", f"nowhere{CONTROL}"),
    ("live", f"nowhere{CONTROL}"),
    ("live", "wrong.yaml"),
    (CONTROL,),
)


@pytest.mark.usefixtures("no_downloads")
@pytest.mark.parametrize("arguments", [*WALK, *MISTAKES], ids=lambda words: ascii(" ".join(words))[1:40])
def test_no_command_prints_what_a_terminal_obeys(
    said: Callable[..., tuple[int, str]], arguments: tuple[str, ...]
) -> None:
    code, text = said(*arguments)
    assert obeyed(text) == set(), text
    assert "pwned" not in text or "[blink]" in text, text
    assert text
    assert code != 70


def test_the_walk_knows_every_command() -> None:
    assert {word for words in (*WALK, *MISTAKES) for word in words if word in COMMANDS} == set(COMMANDS)
