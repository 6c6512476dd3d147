"""YAML text to plain values that remember where they stand.

PyYAML's parser delivers events; the tree is built here and not by its composer, for four reasons: every
value's line and column are kept; repeated keys are seen; nothing but text, whole numbers, true, false and
null can come out, so `off` is a word and no tag creates an object; nesting is bounded, where the composer
of libyaml overruns the stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import yaml

Key: TypeAlias = "str | int"
Place: TypeAlias = tuple[Key, ...]
Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value] | None"

_MAX_DEPTH = 16
_MAX_VALUES = 150_000
"""Largest number of values in a document, unless the caller sets another."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_WINDOWS_PATH = re.compile(r'"[A-Za-z]:\\(?!\\)')
"""A path in double quotes in which a backslash begins an escape, as in "C:\\new"."""
_PATH_HINT = (
    "Write C:/Users/me with forward slashes, or use single quotes; "
    "in double quotes a backslash means something else."
)
_STAR_HINT = "Put it in quotes, as in '*ui*': without them * begins an alias of YAML."
_COLON_HINT = "Write `key: value`, with a colon and a space."
_MISSING_HINT = (
    "Is a colon, a comma or a bracket missing here or on the line before, or is a line indented differently?"
)
_HINTS = (
    ("escape character", _PATH_HINT),
    ("hexdecimal", _PATH_HINT),  # as libyaml spells it
    ("hexadecimal", _PATH_HINT),
    ("scanning an alias", _STAR_HINT),
    ("could not find expected ':'", _COLON_HINT),
    ("mapping values are not allowed", "Put a value that has a colon in it into quotes."),
    ("quoted scalar found unexpected end", "A quote is opened and not closed."),
    ("cannot start any token", "Put the value into quotes."),
    ("did not find expected", _MISSING_HINT),
    ("expected <block end>", _MISSING_HINT),  # as PyYAML itself says it, without libyaml
    ("expected ',' or", _MISSING_HINT),
)
"""Part of a parser's message -> what to do about it; the first that fits."""
_AT_CONTEXT = (_STAR_HINT, _COLON_HINT)
"""Hints of mistakes that lie where the context begins: the parser notices them later."""


class Mark(NamedTuple):
    """A place in the text; both count from 1."""

    line: int
    column: int


class Fault(NamedTuple):
    """A mistake in the YAML itself."""

    mark: Mark
    message: str
    hint: str | None = None


@dataclass
class Document:
    """A YAML document while it is read and after.

    Attributes:
        value: plain lists, dicts, strings, whole numbers, bools and None.
        marks: where the value at each place starts.
        key_marks: where the key of each value in a mapping starts.
        faults: mistakes that left the values readable, such as repeated keys.
        max_values: largest number of values that are read.
        text: the whole file.
    """

    value: Value = None
    marks: dict[Place, Mark] = field(default_factory=dict)
    key_marks: dict[Place, Mark] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    max_values: int = _MAX_VALUES
    text: str = ""


class Unreadable(Exception):
    """The text is not a YAML document, or has something that recipes must not have; carries the one Fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def read_yaml(text: str, *, max_values: int = _MAX_VALUES) -> Document:
    """Read one YAML document.

    Args:
        text: the whole file.
        max_values: largest number of values that are read.

    Raises:
        Unreadable: a syntax error, a second document, an alias, nesting deeper than 16, or too many values.
    """
    bad = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if bad:
        before = text[: bad.start()]
        mark = Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise Unreadable(Fault(mark, f"character {bad.group()!r} cannot be in a YAML file"))
    document = Document(max_values=max_values, text=text)
    events = yaml.parse(text, Loader=_LOADER)
    try:
        _read_stream(events, document)
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_fault_of(error, text)) from error
    return document


def _fault_of(error: yaml.MarkedYAMLError, text: str) -> Fault:
    """Say what the parser stumbled over, with a remedy for what people often write."""
    what = " ".join(part for part in (error.context, error.problem) if part)
    hint = next((hint for part, hint in _HINTS if part in what), None)
    at = error.context_mark if hint in _AT_CONTEXT else error.problem_mark
    at = at or error.context_mark or error.problem_mark
    if at is None:
        return Fault(Mark(1, 1), f"not valid YAML: {what}", hint)
    line = text.split("\n")[at.line] if at.line < text.count("\n") + 1 else ""
    if line[: at.column + 1].strip(" ").startswith("\t"):
        hint = "Begin lines with spaces: YAML takes no tabs there."
    return Fault(Mark(at.line + 1, at.column + 1), f"not valid YAML: {what}", hint)


def _read_stream(events: Iterator[yaml.Event], document: Document) -> None:
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise Unreadable(Fault(_mark(event), "a second document: a recipe is only one"))
        elif isinstance(event, yaml.NodeEvent):
            document.value = _read_node(event, events, (), document)


def _read_node(event: yaml.Event, events: Iterator[yaml.Event], place: Place, document: Document) -> Value:
    mark = _mark(event)
    if isinstance(event, yaml.AliasEvent):
        raise Unreadable(
            Fault(
                mark, f"alias *{event.anchor}: recipes have no aliases", f"Write the value out. {_STAR_HINT}"
            )
        )
    if len(place) > _MAX_DEPTH:
        raise Unreadable(Fault(mark, "nested too deeply"))
    if len(document.marks) >= document.max_values:
        raise Unreadable(Fault(mark, f"more than the limit of {document.max_values:,} values"))
    tag = getattr(event, "tag", None)
    if tag not in (None, "!"):
        document.faults.append(Fault(mark, f"tag {tag}: recipes have no tags", "Remove it."))
    document.marks[place] = mark
    if isinstance(event, yaml.SequenceStartEvent):
        return _read_sequence(events, place, document)
    if isinstance(event, yaml.MappingStartEvent):
        return _read_mapping(events, place, document)
    assert isinstance(event, yaml.ScalarEvent), "there are four kinds of nodes"
    if event.start_mark is not None and _WINDOWS_PATH.match(document.text, event.start_mark.index):
        document.faults.append(Fault(mark, f"{event.value!r} is not the path that it looks like", _PATH_HINT))
    return _scalar(event)


def _read_sequence(events: Iterator[yaml.Event], place: Place, document: Document) -> Value:
    items: list[Value] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        items.append(_read_node(event, events, (*place, len(items)), document))
    return items


def _read_mapping(events: Iterator[yaml.Event], place: Place, document: Document) -> Value:
    values: dict[str, Value] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        mark = _mark(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise Unreadable(Fault(mark, "a key must be a word"))
        key = str(event.value)
        if key in values:
            first = document.key_marks[(*place, key)].line
            document.faults.append(
                Fault(mark, f"key {key!r} is here twice, first in line {first}", "Remove one of them.")
            )
        document.key_marks[(*place, key)] = mark
        values[key] = _read_node(next(events), events, (*place, key), document)
    return values


def _scalar(event: yaml.ScalarEvent) -> Value:
    text = str(event.value)
    if not event.implicit[0]:  # quoted, or a block of text
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _WHOLE.fullmatch(text) else text


def _mark(event: yaml.Event) -> Mark:
    assert event.start_mark is not None, "the parser marks every event"
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)
