"""Limits can be raised, and the documentation lists every one of them."""

from __future__ import annotations

import ast
import re

import pytest
from pages import REPOSITORY

from texpipe.errors import UsageError
from texpipe.system.limits import limit

ROOT = REPOSITORY


def test_a_variable_raises_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limit("MAX_THINGS", 7) == 7
    monkeypatch.setenv("TEXPIPE_MAX_THINGS", "70")
    assert limit("MAX_THINGS", 7) == 70


@pytest.mark.parametrize("text", ["", "0", "-1", "1e9", "many", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_what_is_no_limit_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXPIPE_MAX_THINGS", text)
    with pytest.raises(UsageError, match="TEXPIPE_MAX_THINGS"):
        limit("MAX_THINGS", 7)


def test_the_documentation_lists_all_limits_and_their_defaults() -> None:
    table = re.findall(
        r"^\| `TEXPIPE_(\w+)` \| (\d+) \|", (ROOT / "docs" / "limits.md").read_text("utf-8"), re.M
    )
    called = [
        (call.args[0].value, str(eval(ast.unparse(call.args[1]))))
        for file in (ROOT / "texpipe").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "limit"
    ]
    assert len(called) >= 10
    assert sorted(table) == sorted(called)
