"""Changes to a recipe's text that leave everything else in it as it is, comments too."""

from __future__ import annotations

import json
import re
from pathlib import PurePath

_OUTPUT = re.compile(r"^output:.*$", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z.][A-Za-z0-9._/-]*")


def overrides_line(*folders: PurePath) -> str:
    """Return the line of YAML that names folders of hand-made pictures: one alone, or a list."""
    words = [_as_yaml(folder.as_posix()) for folder in folders]
    return f"overrides: {words[0] if len(words) == 1 else '[' + ', '.join(words) + ']'}"


def _as_yaml(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in (
        "true",
        "false",
        "null",
        "yes",
        "no",
        "on",
        "off",
    )
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def with_line(text: str, line: str) -> str:
    """Return a recipe with one more line of its own: behind that of the output, or else at the end."""
    end = "\r\n" if "\r\n" in text else "\n"
    found = _OUTPUT.search(text)
    if found is None:
        return text.rstrip("\r\n") + end + line + end
    place = found.end() - (found[0].endswith("\r"))
    return text[:place] + end + line + text[place:]
