"""Two changes of one text put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple


class _Change(NamedTuple):
    """Lines of a text, from `begin` to before `end`, that others take the place of."""

    begin: int
    end: int
    lines: tuple[str, ...]


def merged(base: str, one: str, other: str) -> str | None:
    """Return a text with what two others changed in it.

    Args:
        base: what both began with.
        one, other: what became of it.

    Returns:
        The text; None if both changed the same lines or lines next to each other, and not alike.
    """
    lines = base.splitlines(keepends=True)
    changes = sorted({*_changes(lines, one), *_changes(lines, other)})
    if any(after.begin <= before.end for before, after in pairwise(changes)):
        return None
    for change in reversed(changes):
        lines[change.begin : change.end] = change.lines
    return "".join(lines)


def _changes(base: Sequence[str], text: str) -> Iterator[_Change]:
    lines = text.splitlines(keepends=True)
    for what, begin, end, first, last in SequenceMatcher(None, base, lines).get_opcodes():
        if what != "equal":
            yield _Change(begin, end, tuple(lines[first:last]))
