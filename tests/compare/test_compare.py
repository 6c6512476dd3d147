"""`texpipe compare` as people call it: pictures, times, rules that can be pasted, and what it leaves alone."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from dumps import texture

from texpipe.cli import texpipe as texpipe_command
from texpipe.cli.console import exit_code_of
from texpipe.compare.page import require_own
from texpipe.errors import PackError
from texpipe.imaging.image_files import decode, save_png
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.planning.load_options import load_options
from texpipe.recipe.rules import rule_for
from texpipe.studio.rule_text import with_rules

RECIPE = """version: 1
name: walk
input: dump
output: out
model: ./a.safetensors
targets: [folder]
"""
RULES = """rules:
- {match: {name: brick.png}, edges: {x: wrap, y: mirror}, model: ./b.safetensors}
"""


def network(file: Path, seed: int) -> None:
    torch.manual_seed(seed)
    tiny = RRDBNet(num_feat=8, num_block=1, num_grow_ch=4).eval()
    save_safetensors(file, tiny.state_dict(), {"licence": "MIT" if seed else "CC-BY-NC-SA-4.0"})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A recipe with three textures, and two models beside it."""
    for number, name in enumerate(("brick.png", "grass.png", "leaf.png")):
        alpha = "binary" if name == "leaf.png" else "opaque"
        save_png(tmp_path / "dump" / name, texture(number, (16 << number % 2, 16), alpha))
    network(tmp_path / "a.safetensors", 0)
    network(tmp_path / "b.safetensors", 1)
    (tmp_path / "recipe.yaml").write_text(RECIPE + RULES)
    return tmp_path


def called(place: Path, *arguments: str) -> tuple[int, str]:
    """Call it in this process, which is quicker; returns its exit code and what it wrote on both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(place), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = exit_code_of(texpipe_command, ["compare", "recipe.yaml", *arguments])
    return code, out.getvalue() + err.getvalue()


def compare(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "texpipe", "compare", "recipe.yaml", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=place)


BOTH = ("--model", "a.safetensors", "--model", "b.safetensors")


def data_of(page: Path) -> dict[str, object]:
    text = page.read_text("ascii")
    start = text.index('id="data">') + len('id="data">')
    return json.loads(text[start : text.index("</script>", start)])


def test_each_column_is_what_a_run_with_that_model_alone_makes(
    place: Path, texpipe: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = compare(place, *BOTH, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [one["label"] for one in said["columns"]] == ["a", "b"]
    assert all(one["seconds"] > 0 for one in said["columns"])
    assert "CC-BY-NC-SA-4.0, forbids commercial use" in done.stderr
    (place / "alone.yaml").write_text(RECIPE + RULES.replace(", model: ./b.safetensors", ""))
    shown = data_of(place / "out-compare" / "index.html")
    assert [one["title"] for one in shown["textures"]] == ["brick.png", "grass.png", "leaf.png"]
    for number, model in enumerate("ab"):
        run = texpipe(
            "run", place / "alone.yaml", "--model", place / f"{model}.safetensors", "--output", place / model
        )
        assert run.returncode == 0, run.stderr
        for one in shown["textures"]:
            file = place / "out-compare" / "pictures" / one["results"][number]["file"]
            made = decode(file.read_bytes(), name="made")[0]
            whole = decode((place / model / "folder" / one["title"]).read_bytes(), name="whole")[0]
            np.testing.assert_array_equal(made, whole, one["title"])


def test_a_second_comparison_computes_nothing_and_remembers_the_time(place: Path) -> None:
    first = json.loads(compare(place, *BOTH, "--json").stdout)
    files = {one: one.read_bytes() for one in (place / "out-compare").rglob("*.png")}
    again = compare(place, *BOTH, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["columns"] == first["columns"]
    assert {one: one.read_bytes() for one in (place / "out-compare").rglob("*.png")} == files
    fewer = compare(place, *BOTH, "--sample", "1")
    assert fewer.returncode == 0, fewer.stderr
    assert len(list((place / "out-compare" / "pictures").glob("*.png"))) == 3  # a source and two results
    assert len(data_of(place / "out-compare" / "index.html")["textures"]) == 1


def test_pasted_rules_take_what_was_picked_and_keep_what_rules_decided_before(place: Path) -> None:
    done = compare(place, *BOTH)
    assert done.returncode == 0, done.stderr
    shown = data_of(place / "out-compare" / "index.html")
    picked = {one["title"]: one["rules"][0] for one in shown["textures"]}
    head, tail = RULES.splitlines(keepends=True)
    (place / "recipe.yaml").write_text(
        RECIPE + head + "".join(f"{line}\n" for lines in picked.values() for line in lines) + tail
    )
    recipe = load_options(place / "recipe.yaml").recipe
    for number, (rule, name) in enumerate(zip(recipe.rules, picked, strict=False), start=1):
        assert Path(rule.model[0]).name == "a.safetensors"
        size, facts = facts_of(place, name)
        assert rule_for(recipe, name, size, facts) == number
    assert (recipe.rules[0].edges.x, recipe.rules[0].edges.y) == ("wrap", "mirror")
    example = next(iter(shown["kinds"].values()), shown["textures"][0]["rules"])[-1]
    assert all(line in done.stderr for line in example)


def facts_of(place: Path, name: str):
    from texpipe.analysis.survey import survey
    from texpipe.recipe.schema import Recipe

    seen = survey(place / "dump", Recipe.default())
    item = next(one for one in seen.items if one.source.name == name)
    return item.size, seen.fingerprints[name].facts


@pytest.mark.parametrize(
    ("rules", "at"),
    [
        ("", "new"),
        ("rules: []\n", "new"),
        (RULES, "below"),
        ("rules:\n    - {match: {}, outline: hard}\n", "below"),
        ("rules: [{match: {name: brick.png}, outline: hard}]\n", "brackets"),
    ],
)
def test_lines_fit_into_the_recipe_however_its_rules_are_written(place: Path, rules: str, at: str) -> None:
    (place / "recipe.yaml").write_text(RECIPE + rules)
    assert called(place, *BOTH, "--sample", "1")[0] == 0
    shown = data_of(place / "out-compare" / "index.html")
    assert shown["place"] == at
    (line,) = shown["textures"][0]["rules"][1]
    text = RECIPE + rules
    if at == "new":
        text = RECIPE + f"rules:\n{line}\n"
    elif at == "below":
        text = text.replace("rules:\n", f"rules:\n{line}\n")
    else:
        text = text.replace("[", f"[{line}", 2).replace(f"targets: [{line}", "targets: [")
    (place / "recipe.yaml").write_text(text)
    assert Path(load_options(place / "recipe.yaml").recipe.rules[0].model[0]).name == "b.safetensors"


def test_the_dial_makes_columns(place: Path) -> None:
    card = {"licence": "MIT", "dial": {"inventive": "b.safetensors", "detail": 0.5}}
    (place / "a.json").write_text(json.dumps(card))
    code, text = called(place, "--model", "a.safetensors", "--detail", "0", "--detail", "1", "--json")
    assert code == 0, text
    said = json.loads(text[text.index("{") : text.rindex("\n}") + 2])["columns"]
    assert [one["label"] for one in said] == ["a, detail 0", "a, detail 1"]
    assert said[1]["settings"] == {"model": "./a.safetensors", "detail": 1}
    first = data_of(place / "out-compare" / "index.html")["textures"][0]
    assert first["results"][0] != first["results"][1]


def test_one_model_alone_is_nothing_to_compare(place: Path) -> None:
    code, text = called(place, "--model", "a.safetensors")
    assert code == 2
    assert "there is nothing to compare: a alone" in text
    assert not (place / "out-compare").exists()


def test_the_textures_of_others_are_left_alone(place: Path) -> None:
    (place / "out-compare").mkdir()
    (place / "out-compare" / "index.html").write_text("mine")
    code, text = called(place, *BOTH)
    assert code == 5
    assert "has files that are not texpipe's" in text
    assert (place / "out-compare" / "index.html").read_text() == "mine"
    with pytest.raises(PackError):
        require_own(place / "out-compare")


def test_a_texture_that_cannot_be_made_is_told_and_stops_no_other(place: Path) -> None:
    (place / "dump" / "torn.png").write_bytes(b"no picture")
    code, text = called(place, *BOTH)
    assert code == 0, text
    assert len(data_of(place / "out-compare" / "index.html")["textures"]) == 3


def test_the_recipe_and_the_pack_stay_as_they_are(place: Path) -> None:
    before = (place / "recipe.yaml").read_bytes()
    assert called(place, *BOTH)[0] == 0
    assert (place / "recipe.yaml").read_bytes() == before
    assert not (place / "out" / "manifest.json").exists()
    assert with_rules(before.decode(), []) == before.decode()
