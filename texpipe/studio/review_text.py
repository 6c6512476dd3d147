"""The text of a file of reviews: entries are changed in it, and all else that stands there stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import yaml

from texpipe.recipe.yaml_positions import Document
from texpipe.studio.rule_text import flow

HEAD = "# What was thought of each texture in `texpipe studio`: one line each, sorted, so that git can merge them.\n"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BOM = "\ufeff"
_DOCUMENT_END = re.compile(r"^\.\.\.\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Review:
    """What somebody thinks of a texture: one of `MARKS` or "", and a note or ""."""

    mark: str = ""
    note: str = ""


class Entry(NamedTuple):
    """A texture in the file.

    Attributes:
        name: of the texture.
        above: blank lines and comments before it.
        own: its lines.
    """

    name: str
    above: str
    own: str


class Change(NamedTuple):
    """What was thought of a texture, and what is now; an empty review has no entry."""

    before: Review
    after: Review


class UnchangeableError(ValueError):
    """An entry is written so that it cannot be changed by itself."""


@dataclass(frozen=True)
class ReviewText:
    """A file of reviews, taken apart.

    Attributes:
        head: what stands before the first entry.
        entries: in the order of the file.
        tail: blank lines and comments behind the last entry.
        end: how lines end.
    """

    head: str = HEAD
    entries: tuple[Entry, ...] = ()
    tail: str = ""
    end: str = "\n"

    @staticmethod
    def written(reviews: Mapping[str, Review]) -> ReviewText:
        """Return the text that texpipe writes by itself."""
        return ReviewText(
            entries=tuple(Entry(name, "", f"{_line(name, one)}\n") for name, one in sorted(reviews.items()))
        )

    @staticmethod
    def read(text: str, document: Document) -> ReviewText:
        """Take a text apart.

        Args:
            text: of the file, with its byte order mark if it has one.
            document: what the YAML parser says of it, without that mark.

        Raises:
            UnchangeableError: textures do not have lines of their own, or one of them is there twice.
        """
        bom = _BOM if text.startswith(_BOM) else ""
        end = "\r\n" if "\r\n" in text else "\n"
        lines = text.removeprefix(_BOM).splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += end
        begins = _begins(document, lines)
        if not begins:
            return ReviewText(bom + "".join(lines), end=end)
        head, above = _parted(lines[: begins[0][0]])
        entries: list[Entry] = []
        for (begin, name), (following, _) in pairwise([*begins, (len(lines), "")]):
            last = following
            while last > begin + 1 and _is_between(lines[last - 1]):
                last -= 1
            entries.append(Entry(name, above, "".join(lines[begin:last])))
            above = "".join(lines[last:following])
        return ReviewText(bom + head, tuple(entries), above, end)

    def whole(self) -> str:
        """Return the text of the file."""
        return "".join([self.head, *(part for entry in self.entries for part in entry[1:]), self.tail])

    def changed(self, changes: Mapping[str, Change]) -> ReviewText:
        """Return the text with other entries of some textures.

        All other lines stay. Of an entry that has a comment in it, and that cannot stay in it, the old lines stay as
        comments. A new entry goes before the first one that comes after it in the order of names.

        Args:
            changes: by texture.

        Raises:
            UnchangeableError: an entry cannot be changed by itself.
        """
        known = {entry.name for entry in self.entries}
        new = sorted(set(changes) - known, reverse=True)
        entries: list[Entry] = []
        gone = ""  # comments of entries that are no more: they stand above the next one

        def put(name: str) -> None:
            entries.append(Entry(name, "", _line(name, changes[name].after) + self.end))

        for entry in self.entries:
            while new and new[-1] < entry.name:
                put(new.pop())
            comment, own = (
                _changed(entry, changes[entry.name], self.end) if entry.name in changes else ("", entry.own)
            )
            gone += entry.above + comment
            if own:
                entries.append(Entry(entry.name, gone, own))
                gone = ""
        while new:
            put(new.pop())
        return ReviewText(self.head, tuple(entries), gone + self.tail, self.end)


def _begins(document: Document, lines: Sequence[str]) -> list[tuple[int, str]]:
    """Return the line, from 0, and the name of each entry, in their order.

    Raises:
        UnchangeableError: as `ReviewText.read`.
    """
    marks = {mark: place[0] for place, mark in document.key_marks.items() if len(place) == 1}
    if not marks:
        if all(_is_between(line) or line.rstrip() == "---" for line in lines):
            return []
        raise UnchangeableError
    if (
        document.marks[()] != min(marks)  # all of it is in braces
        or any(mark.column != 1 for mark in marks)
        or any(fault.mark in marks for fault in document.faults)  # a texture is there twice
        or _DOCUMENT_END.search("".join(lines))
    ):
        raise UnchangeableError
    return [(mark.line - 1, str(name)) for mark, name in sorted(marks.items())]


def _is_between(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _parted(lines: Sequence[str]) -> tuple[str, str]:
    """Part what stands before the first entry into what is about the file and the comment that is about the entry."""
    place = len(lines)
    while place and lines[place - 1].startswith("#") and lines[place - 1].rstrip() != HEAD.rstrip():
        place -= 1
    place = place or len(lines)
    return "".join(lines[:place]), "".join(lines[place:])


def _changed(entry: Entry, change: Change, end: str) -> tuple[str, str]:
    """Return comments to stand above a changed entry, and its lines; none if it is empty now."""
    wanted = f"{_line(entry.name, change.after)}{end}" if change.after != Review() else ""
    if entry.own.rstrip("\r\n") == _line(entry.name, change.before):
        return "", wanted
    begin, last, is_flow = _value_of(entry)
    has_comment = "#" in entry.own[last:]
    hides_comment = "#" in entry.own[begin:last] and "\n" in entry.own[begin:last].rstrip()
    if wanted and is_flow and not hides_comment:
        return "", entry.own[:begin] + _value(change.after) + entry.own[last:]
    if has_comment or hides_comment:
        return "".join(f"# {line}" for line in entry.own.splitlines(keepends=True)), wanted
    return "", wanted


def _value_of(entry: Entry) -> tuple[int, int, bool]:
    """Return where the value of an entry begins and ends in its lines, and whether it is written in braces.

    Raises:
        UnchangeableError: the lines are not that one entry.
    """
    try:
        root = yaml.compose(entry.own, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise UnchangeableError from error
    if not isinstance(root, yaml.MappingNode) or [key.value for key, _ in root.value] != [entry.name]:
        raise UnchangeableError
    value = root.value[0][1]
    return value.start_mark.index, value.end_mark.index, bool(value.flow_style)


@lru_cache(maxsize=1 << 17)
def _line(name: str, review: Review) -> str:
    return f"{_key(name)}: {_value(review)}"


def _value(review: Review) -> str:
    return flow({key: value for key, value in vars(review).items() if value})


def _key(name: str) -> str:
    """Return a texture's name in quotes, whatever is in it."""
    quoted = flow(f"{name}\n")  # the line break makes it a quoted text
    return quoted.removesuffix('\\n"') + '"'
