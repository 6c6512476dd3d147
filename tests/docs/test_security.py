"""SECURITY.md promises what tests hold, and no dependency may have a version that is known to be vulnerable."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator

import pytest
from pages import REPOSITORY

sys.path.append(str(REPOSITORY / ".ci"))
vulnerabilities = importlib.import_module("known_vulnerabilities")
TEXT = (REPOSITORY / "SECURITY.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[a-z_/]+\.py)(?:::(\w+))?`", TEXT)))


def test_promises_name_tests() -> None:
    assert len(NAMED) > 10


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_is_named_exists(file: str, name: str) -> None:
    tree = ast.parse((REPOSITORY / file).read_text("utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name in tests if name else any(test.startswith("test_") for test in tests)


def promises() -> Iterator[tuple[str, str]]:
    """Yield what is not trusted, and what protects from it."""
    table = TEXT[TEXT.index("| what |") :].split("\n\n")[0]
    for row in table.splitlines()[2:]:
        what, trusted, protection = (cell.strip() for cell in row.strip("|").split("|"))
        if trusted.startswith("no") and what != "model files":  # a section of its own
            yield what, protection


@pytest.mark.parametrize(("what", "protection"), list(promises()))
def test_each_protection_from_strangers_names_its_test(what: str, protection: str) -> None:
    assert "`tests/" in protection, what


def texts() -> tuple[str, str]:
    return tuple((REPOSITORY / name).read_text("utf-8") for name in ("pyproject.toml", "constraints.txt"))


def test_no_allowed_version_is_known_to_be_vulnerable() -> None:
    known = vulnerabilities.advisories(REPOSITORY / ".ci" / "advisories.csv")
    assert vulnerabilities.problems(known, *texts()) == []
    needed = {name for name, _, _ in vulnerabilities.requirements(*texts())}
    assert {row["package"] for row in known} <= needed, "an advisory for what is not needed any more"


def test_a_version_that_is_vulnerable_is_named() -> None:
    row = {"package": "pillow", "fixed_in": "12.3.0", "advisory": "CVE-1", "what": "x"}
    (line,) = vulnerabilities.problems([row], '"pillow>=12.2"', "")
    assert line == "pyproject.toml allows pillow 12.2, but CVE-1 is fixed in 12.3.0: x"
    assert vulnerabilities.problems([row], '"pillow>=12.3"', "pillow==13.0.0") == []
    assert vulnerabilities.problems([{**row, "fixed_in": vulnerabilities.NOT_OURS}], '"pillow>=1"', "") == []
