"""The generated reference pages say what the code does now."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def generated() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("generate_reference", DOCS / "generate_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


@pytest.mark.parametrize("name", ["reference-recipe.md", "reference-commands.md"])
def test_the_page_has_not_drifted(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == generated()[name], "run: python docs/generate_reference.py"


def test_it_names_every_option_and_key() -> None:
    from texpipe.cli import COMMANDS
    from texpipe.recipe.schema import GroupRule, Match, Recipe, Rule

    made = generated()
    assert all(f"## texpipe {name}\n" in made["reference-commands.md"] for name in COMMANDS)
    keys = {key for model in (Recipe, Rule, Match, GroupRule) for key in model.model_fields}
    assert all(f"| `{key}` |" in made["reference-recipe.md"] for key in keys)
