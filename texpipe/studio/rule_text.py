"""Rules put into a recipe's text: every other character of it stays as it is.

A round trip through a YAML library keeps comments, but not quotes, indentation and line breaks; text that is inserted
where the parser says keeps all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from texpipe.errors import RecipeError

Raw = Mapping[str, Any]
"""A rule as a recipe's file has it: plain values, with its `match`."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*|[1-9][0-9]*x[1-9][0-9]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def with_rules(text: str, rules: Sequence[Raw]) -> str:
    """Return a recipe's text with some rules more, before all others, in the order in which they decide.

    Raises:
        RecipeError: as `with_entries`.
    """
    return with_entries(text, "rules", rules)


def with_entries(text: str, name: str, entries: Sequence[Raw]) -> str:
    """Return a recipe's text with some entries more in one of its lists, before all others.

    Args:
        text: a recipe that can be read.
        name: of the list, which may be missing, or have one word in place of a list.
        entries: in their order.

    Raises:
        RecipeError: the whole recipe is written in one pair of braces, so that there is no line to put an entry on.
    """
    if not entries:
        return text
    root = _root(text)
    found = next((pair for pair in root.value if pair[0].value == name), None)
    if found is None:
        return _with_section(text, root, name, entries)
    key, section = found
    begin, end = section.start_mark.index, section.end_mark.index
    column = root.value[0][0].start_mark.column + 2
    if isinstance(section, yaml.ScalarNode):
        if not section.value:
            return _into_lines(text, _after_line(text, key.end_mark.index), column, entries)
        return f"{text[:begin]}[{', '.join(map(flow, entries))}, {text[begin:end]}]{text[end:]}"
    if not section.flow_style:
        return _into_lines(text, _after_line(text, key.end_mark.index), section.start_mark.column, entries)
    if section.value:
        return text[: begin + 1] + ", ".join([*map(flow, entries), ""]) + text[begin + 1 :]
    bare = text[:begin].rstrip(" ") + text[end:]
    return _into_lines(bare, _after_line(bare, key.end_mark.index), column, entries)


def without_entry(text: str, name: str, number: int) -> str:
    """Return a recipe's text without one entry of one of its lists; comments above it stay.

    Args:
        text: a recipe that can be read and has the list.
        name: of the list.
        number: of the entry, from 0.
    """
    key, section = next(pair for pair in _root(text).value if pair[0].value == name)
    entry = section.value[number]
    begin, end = entry.start_mark.index, entry.end_mark.index
    if section.flow_style:
        after = re.compile(r"\s*,\s*").match(text, end)
        before = re.compile(r"\s*,\s*$").search(text, 0, begin)
        if after is not None:
            return text[:begin] + text[after.end() :]
        return text[: before.start() if before and number else begin] + text[end:]
    first = text.rfind("\n", 0, begin) + 1
    # The parser sees a block end where the next thing begins.
    is_block = not isinstance(entry, yaml.ScalarNode) and not entry.flow_style
    last = text.rfind("\n", 0, end) + 1 if is_block and end < len(text) else _after_line(text, end)
    lines = text[first:last].splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()  # what stands above the next entry
    rest = text[:first] + text[first + sum(map(len, lines)) :]
    if len(section.value) > 1:
        return rest
    colon = text.index(":", key.end_mark.index)
    return f"{rest[: colon + 1]} []{rest[colon + 1 :]}"


def frame_of_rule(text: str) -> tuple[str, str]:
    """Return what stands before and behind a rule that somebody puts first into a recipe's text by hand.

    Args:
        text: a recipe that can be read.
    """
    found = next((pair[1] for pair in _root(text).value if pair[0].value == "rules"), None)
    if found is None or not found.value:
        return "  - ", ""
    return ("", ",") if found.flow_style else (f"{' ' * found.start_mark.column}- ", "")


def with_rule(text: str, number: int, rule: Raw) -> str | None:
    """Return a recipe's text with another rule in place of one that is written in braces; None if it is not.

    Args:
        text: a recipe that can be read.
        number: of the rule, from 1.
        rule: what stands there then.
    """
    section = next(value for key, value in _root(text).value if key.value == "rules")
    old = section.value[number - 1]
    if not old.flow_style:
        return None
    begin, end = old.start_mark.index, old.end_mark.index
    if "#" in text[begin:end] and "\n" in text[begin:end]:  # a comment inside of it would be lost
        return None
    return text[:begin] + flow(rule) + text[end:]


def flow(value: object) -> str:
    """Return a value as YAML writes it in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        return _word(value)
    return json.dumps(value)


def _word(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)


def _root(text: str) -> yaml.MappingNode:
    root = yaml.compose(text, Loader=_LOADER)
    assert isinstance(root, yaml.MappingNode), "the recipe was read before"
    if root.flow_style:
        raise RecipeError(
            "the recipe is written in one pair of braces, and rules are put on lines of their own",
            hint="Write it as lines of `key: value`, as docs/recipes.md shows.",
        )
    return root


def _with_section(text: str, root: yaml.MappingNode, name: str, entries: Sequence[Raw]) -> str:
    """Put a list behind the last line of the recipe."""
    column = root.value[0][0].start_mark.column
    head = text if text.endswith(("\n", "\r")) else text + _line_end(text)
    section = " " * column + f"{name}:" + _line_end(text)
    return _into_lines(head + section, len(head + section), column + 2, entries)


def _into_lines(text: str, place: int, column: int, entries: Sequence[Raw]) -> str:
    end = _line_end(text)
    lines = "".join(f"{' ' * column}- {flow(entry)}{end}" for entry in entries)
    before = text[:place]
    return before + ("" if before.endswith("\n") else end) + lines + text[place:]


def _after_line(text: str, place: int) -> int:
    """Return where the line after a place begins; the end of the text if there is none."""
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
