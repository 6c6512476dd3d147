"""The pages of documentation, and the calls of texpipe in them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
COMMAND = re.compile(r"(?:^|&& |& |-m )(texpipe(?: +[^&;]+)?)")


def commands(page: Path) -> list[list[str]]:
    """Return the calls of texpipe in the blocks and code spans of a page, as arguments."""
    text = re.sub(r"^```(?:yaml|text).*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    code = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.startswith(("    ", "$ ")):
            code.append(re.split(r"\s#\s|\s{4,}", line.removeprefix("$ ").strip())[0])
        else:
            code += line.split("`")[1::2]
    return [shlex.split(call)[1:] for line in code for call in COMMAND.findall(line)]


def is_example(arguments: list[str]) -> bool:
    """Return whether a call is one to type: usage lines with [OPTIONS] and `COMMAND` stand for others."""
    return not any(re.search(r"[\[\]|]|^\.\.\.$|COMMAND", word) for word in arguments)
