"""PPSSPP's `textures.ini`, read and looked up as PPSSPP does.

Source of every rule: PPSSPP's `Common/Data/Format/IniFile.cpp` (lines) and `GPU/Common/TextureReplacer.cpp` (what they
mean), as of 2026-08. Of sections of one name and of keys of one name the first counts; upper and lower case are the
same in names of sections and options; what is not a section or `key = value` means nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from texpipe.errors import Location
from texpipe.formats.archive import harm_in
from texpipe.storage.small_files import RefusedFileError, read_small, text_of

LIST = "textures.ini"
OPTIONS, HASHES, GAMES = "options", "hashes", "games"
HASH_KINDS = ("quick", "xxh32", "xxh64")

Texture: TypeAlias = tuple[int, int]
"""Key (address, palette) of 64 bits and hash of the texels of 32 bits, by which PPSSPP knows a texture."""
Name: TypeAlias = tuple[int, int, int]
"""Key, hash and mip level of an entry; parts that are zero stand for any."""

_MAX_LIST = 1 << 24
"""Largest list that is read, in bytes."""
_SECTIONS = ("hashranges", "filtering", "reducehashranges", GAMES)
_ENTRY = re.compile(r"([0-9a-fA-F]{16})([0-9a-fA-F]{8})(?:_([0-9]))?")
_PALETTE = 0xFFFFFFFF
"""Mask of the palette in a key; the rest is the address."""
_COMMENT = re.compile(r"(?<!\\)#.*")
_LATER_COMMENT = re.compile(r"\s*(?:;|//).*")


@dataclass(frozen=True)
class TextureList:
    """What a `textures.ini` says.

    Attributes:
        options: by name in lower case: the name as it is written, and the value.
        hashes: entry -> path of its file, with forward slashes; "" for a texture that is not to be replaced.
        sections: other sections by name in lower case: key -> value.
        odd: keys in `[hashes]` that are not entries, and entries that are there twice.
    """

    options: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    hashes: Mapping[Name, str] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    odd: tuple[str, ...] = ()

    @property
    def ignores_address(self) -> bool:
        """Whether textures at any address are the same; PPSSPP takes no notice of the option with quick hashes."""
        return self.option("ignoreaddress").lower() in ("true", "1") and self.option("hash") in HASH_KINDS[1:]

    def option(self, name: str) -> str:
        """Return the value of an option, "" if it is not set."""
        return self.options.get(name, ("", ""))[1]

    def known_as(self, texture: Texture) -> Texture:
        """Return a texture's key and hash without what the options ignore."""
        return (texture[0] & _PALETTE, texture[1]) if self.ignores_address else texture

    def entry_of(self, texture: Texture) -> Texture | None:
        """Return the entry by which PPSSPP finds a texture: its own, or one with parts that stand for any."""
        return next((one for one in self._looked_up(*self.known_as(texture)) if one in self._textures), None)

    @functools.cached_property
    def _textures(self) -> frozenset[Texture]:
        return frozenset(name[:2] for name in self.hashes)

    def _looked_up(self, key: int, digest: int) -> Iterator[Texture]:
        yield key, digest
        yield key & _PALETTE, 0
        if not self.ignores_address:
            yield key, 0
        yield key & _PALETTE, digest
        if not self.ignores_address:
            yield key & ~_PALETTE, digest
        yield 0, digest


def entry_name(name: Name) -> str:
    """Return an entry's key in `[hashes]`."""
    key, digest, level = name
    return f"{key:016x}{digest:08x}" + (f"_{level}" if level else "")


def read_list(file: Path) -> TextureList:
    """Read a list.

    Raises:
        RefusedFileError: it is missing, too large or no regular file, or its kind of hash is unknown.
    """
    return parse_list(read_small(file, _MAX_LIST), file)


def parse_list(data: bytes, file: Path) -> TextureList:
    """Read the bytes of a list; `file` says where they are from. Errors as `read_list`."""
    sections: dict[str, dict[str, tuple[str, str, int]]] = {}
    odd: list[str] = []
    lines = text_of(data).splitlines()
    current: dict[str, tuple[str, str, int]] = {}
    listing = False
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line.startswith("[") and "]" in line:
            name = line[1 : line.index("]")].lower()
            current, listing = ({} if name in sections else sections.setdefault(name, {})), name == HASHES
        elif (pair := _pair(line)) is not None:
            key = _entry_key(pair[0]) if listing else pair[0].lower()
            odd += [pair[0]] if listing and (key in current or _ENTRY.fullmatch(key) is None) else []
            current.setdefault(key, (*pair, number))
    return _list_of(file, sections, tuple(odd))


def _entry_key(key: str) -> str:
    """Entries are numbers: 0894ABCD and 0894abcd are one."""
    match = _ENTRY.fullmatch(key)
    return key if match is None else entry_name(_name_of(match))


def _name_of(match: re.Match[str]) -> Name:
    return int(match[1], 16), int(match[2], 16), int(match[3] or 0)


def _pair(line: str) -> tuple[str, str] | None:
    """Take a line apart: `#` begins a comment unless a backslash is before it, quotes around a value are dropped."""
    key, equals, value = line.partition("=")
    if not equals or not key or line.startswith((";", "//")) or _COMMENT.search(key):
        return None
    value = value.strip()
    quoted = len(value) >= 2 and value[0] == value[-1] == '"'
    value = value[1:-1] if quoted else _COMMENT.sub("", value).replace("\\#", "#").strip()
    return key.replace("\\#", "#").strip(), value


def _list_of(
    file: Path, sections: Mapping[str, Mapping[str, tuple[str, str, int]]], odd: tuple[str, ...]
) -> TextureList:
    options = {
        key: (name, _LATER_COMMENT.sub("", value), line)
        for key, (name, value, line) in sections.get(OPTIONS, {}).items()
    }
    name, kind, line = options.get("hash", ("hash", HASH_KINDS[0], 0))
    if kind.lower() not in HASH_KINDS:
        reason = f"{name} is {kind!r}, not {', '.join(HASH_KINDS[:-1])} or {HASH_KINDS[-1]}"
        raise RefusedFileError(reason, location=Location(file, line))
    if "hash" in options:
        options["hash"] = (name, kind.lower(), line)
    hashes = {
        _name_of(match): path.replace("\\", "/")
        for key, (_, path, _) in sections.get(HASHES, {}).items()
        if (match := _ENTRY.fullmatch(key)) is not None
    }
    others = {
        section: {key: value for key, value, _ in sections[section].values()}
        for section in _SECTIONS
        if sections.get(section)
    }
    return TextureList({key: pair[:2] for key, pair in options.items()}, hashes, others, odd)


def list_of_game(file: Path, game: str) -> TextureList:
    """Read a list with what another one changes for a game, which its section `[games]` names.

    Raises:
        RefusedFileError: as `read_list`, for either file.
    """
    first = read_list(file)
    games = {key.lower(): value for key, value in first.sections.get(GAMES, {}).items()}
    other = games.get(game.lower(), "")
    if not other or other == LIST:
        return first
    if (harm := harm_in(other)) is not None:
        raise RefusedFileError(f"[{GAMES}] {game}: {other!r} {harm}", location=Location(file))
    own = read_list(file.parent / other.replace("\\", "/"))
    sections = {name: {**first.sections.get(name, {}), **own.sections.get(name, {})} for name in _SECTIONS}
    sections[GAMES] = {key: value for key, value in sections[GAMES].items() if key.lower() != game.lower()}
    return replace(
        first,
        options={**first.options, **own.options},
        hashes={**first.hashes, **own.hashes},
        sections={name: pairs for name, pairs in sections.items() if pairs},
    )


def list_text(listed: TextureList) -> str:
    """Return the text of a list, its options first: `version = 1` and a kind of hash are always among them."""
    options = {"version": ("version", "1"), "hash": ("hash", HASH_KINDS[0])} | dict(listed.options)
    parts = [(OPTIONS, list(options.values()))]
    parts += [(name, list(pairs.items())) for name, pairs in listed.sections.items()]
    parts.append((HASHES, [(entry_name(name), path) for name, path in listed.hashes.items()]))
    return "".join(_section_text(name, pairs) for name, pairs in parts)


def _section_text(name: str, pairs: list[tuple[str, str]]) -> str:
    lines = (f"{key} = {value}".replace("#", "\\#").rstrip() for key, value in pairs)
    return "\n".join([f"[{name}]", *lines]) + "\n\n"
