"""The generated reference pages say what the code does now."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator

import click
import pytest
from pages import REPOSITORY

from texpipe.cli import texpipe

DOCS = REPOSITORY / "docs"


def generated() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("generate_reference", DOCS / "generate_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


@pytest.mark.parametrize("name", ["reference-recipe.md", "reference-commands.md"])
def test_no_page_differs_from_the_code(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == generated()[name], "run: python docs/generate_reference.py"


def test_no_command_or_key_is_left_out() -> None:
    from texpipe.cli import COMMANDS
    from texpipe.recipe.group_rules import GroupRule
    from texpipe.recipe.schema import Match, Recipe, Rule

    made = generated()
    assert all(f"## texpipe {name}\n" in made["reference-commands.md"] for name in COMMANDS)
    keys = {key for model in (Recipe, Rule, Match, GroupRule) for key in model.model_fields}
    assert all(f"| `{key}` |" in made["reference-recipe.md"] for key in keys)


def options(command: click.Command, names: tuple[str, ...]) -> Iterator[tuple[str, click.Option]]:
    """Yield every option of a command and of those below it, with the command's whole name."""
    context = click.Context(command, info_name=names[-1])
    yield from ((" ".join(names), one) for one in command.params if isinstance(one, click.Option))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options(below, (*names, name))


def test_no_option_lacks_a_row_or_a_help_text() -> None:
    """Each stands in the section of its command, spelt as it is typed, with a sentence that says what it does."""
    page = (DOCS / "reference-commands.md").read_text("utf-8")
    sections = dict(re.findall(r"^#+ (texpipe.*?)\n(.*?)(?=^#+ texpipe|\Z)", page, flags=re.M | re.S))
    seen = 0
    for name, option in options(texpipe, ("texpipe",)):
        assert option.help, f"{name} {option.opts}"
        text = sections.get(name, page)
        assert all(re.search(rf"(?<![\w-]){spelt}(?![\w-])", text) for spelt in option.opts), (
            f"{name} {option.opts}"
        )
        seen += 1
    assert seen > 40
