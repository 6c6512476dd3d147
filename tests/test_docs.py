"""The documents agree with the repository: links lead somewhere, recipes load, the README's commands stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from texpipe.recipe.load import load_recipe

REPOSITORY = Path(__file__).parent.parent
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
COMMANDS = (
    "python -m pip install -c constraints.txt . && texpipe run recipes/oot.yaml",
    'python -m pip install -c constraints.txt ".[dev]" && pytest',
)


def links(page: Path) -> list[str]:
    """Return the relative links and pictures of a page, without its code blocks."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    text = re.sub(r"^(?: {4}|\t).*$|`[^`\n]*`", "", text, flags=re.M)
    return [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead


def test_the_pattern_finds_links_and_pictures() -> None:
    assert "docs/recipes.md" in links(REPOSITORY / "README.md")
    assert "docs/pictures/before-after.png" in links(REPOSITORY / "README.md")


@pytest.mark.parametrize("path", sorted((REPOSITORY / "recipes").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_recipe_loads(path: Path) -> None:
    loaded = load_recipe(path)
    assert loaded.recipe.targets
    assert loaded.input.is_dir(), "its input comes with texpipe"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_has_the_commands_that_do_everything(command: str) -> None:
    assert f"    {command}\n" in (REPOSITORY / "README.md").read_text("utf-8")
