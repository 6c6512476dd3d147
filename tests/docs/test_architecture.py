"""docs/architecture.md shows the package as it is: each package and root module once, no path that does not exist."""

from __future__ import annotations

import re

from pages import REPOSITORY

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
PACKAGE = REPOSITORY / "texpipe"


def test_no_package_or_root_module_is_missing_from_the_tree() -> None:
    tree = re.search(r"^    texpipe/\n((?:      .+\n)+)", PAGE, flags=re.M)
    assert tree is not None
    names = re.findall(r"^ {6}(\w+(?:/|\.py)) ", tree[1], flags=re.M)
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py", "__main__.py"}
    packages = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(names) == sorted(modules | packages)
    assert all(len(line) <= 120 for line in tree[1].splitlines()), "one line each"


def test_no_module_that_the_page_names_is_missing() -> None:
    named = re.findall(r"`([a-z_]+/[\w/]*(?:\.py)?)`", PAGE)
    assert len(named) > 20
    assert [one for one in named if not any((root / one).exists() for root in (PACKAGE, REPOSITORY))] == []


def test_no_function_that_the_page_names_is_missing() -> None:
    for function, path in re.findall(r"`(\w+)` in `texpipe/([\w/]+\.py)`", PAGE):
        assert f"def {function}(" in (PACKAGE / path).read_text("utf-8")


def test_the_layers_of_the_page_are_those_of_the_contract() -> None:
    contract = re.search(
        r"^layers = \[(.*?)^\]", (REPOSITORY / "pyproject.toml").read_text("utf-8"), re.M | re.S
    )
    drawn = re.search(r"^    (cli > .*?)\n\n", PAGE, flags=re.M | re.S)
    assert contract is not None
    assert drawn is not None
    layers = [set(re.findall(r"\w+", layer)) for layer in re.findall(r'"(.+)"', contract[1])]
    assert [set(re.findall(r"\w+", layer)) for layer in drawn[1].split(">")] == layers[1:], "without __main__"
