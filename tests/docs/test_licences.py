"""Whatever is shipped stands in the table of licences, and its text travels along."""

from __future__ import annotations

import json
import re

import pytest
from pages import REPOSITORY

ROOT = REPOSITORY
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "licences.md").read_text("utf-8").splitlines()
    if line.startswith("|") and "`" in line
]
LICENCE_OF = {where.strip("`"): licence for _, where, licence, _ in ROWS}


def test_no_model_is_listed_under_another_licence_than_its_card_says() -> None:
    models = sorted((ROOT / "models").glob("*.safetensors"))
    assert models
    for model in models:
        card = json.loads(model.with_suffix(".json").read_text("utf-8"))
        assert LICENCE_OF[f"models/{model.name}"] == card["licence"]


@pytest.mark.parametrize("parent", ["recipes/samples", "docs"])
def test_no_folder_of_pictures_is_left_out(parent: str) -> None:
    folders = {
        path.parent.relative_to(ROOT).as_posix()
        for path in (ROOT / parent).rglob("*")
        if path.suffix in {".png", ".gif", ".jpg"}
    }
    assert folders
    assert folders <= LICENCE_OF.keys()


def test_no_row_names_a_missing_file() -> None:
    for _, where, _, origin in ROWS:
        for name in (where, *re.findall(r"`[^`]+`", origin)):
            assert (ROOT / name.strip("`")).exists(), name


def test_no_listed_licence_is_missing_from_the_package() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    expression = re.search(r'^license = "(.+)"$', project, re.M)
    patterns = re.search(r"^license-files = \[(.+)\]$", project, re.M)
    assert expression
    assert patterns
    listed = {licence.removeprefix("parts ") for each in LICENCE_OF.values() for licence in each.split("; ")}
    assert set(expression[1].split(" AND ")) == listed
    files = [file for pattern in re.findall('"([^"]+)"', patterns[1]) for file in ROOT.glob(pattern)]
    texts = " ".join(file.read_text("utf-8") for file in files)
    for sign in ("MIT License", "Apache License", "Redistribution and use"):
        assert sign in texts
