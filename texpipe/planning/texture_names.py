"""Which texture a file of another folder is meant for: by its path, its file name or the emulator's hash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import TypeAlias

from texpipe.formats import parse_name
from texpipe.formats.portable_names import folded
from texpipe.read.scan import PICTURES

_Fields: TypeAlias = Mapping[str, "str | int | None"]

_HASH = re.compile(r"[0-9A-Fa-f]{6,}")
_PALETTES = ("palette", "tlut")
"""Fields of an emulator's name that say which colours a texture has, not which texture it is."""
_WORDS = ("symbol",)
"""Fields of an emulator's name that are a short name, though no hash."""


class TextureNames:
    """Textures by everything that a file for one may be called; upper and lower case are one.

    Args:
        textures: name -> what the emulator's name says of it, as the manifest's `id`; None if nothing.
    """

    def __init__(self, textures: Mapping[str, _Fields | None]) -> None:
        self._exact: dict[str, set[str]] = {}
        self._titles: dict[str, set[str]] = {}
        self._hashes: dict[str, set[str]] = {}
        for name, fields in textures.items():
            for form in {name, title_of(name)}:
                self._exact.setdefault(form, set()).add(name)
                self._titles.setdefault(_last(folded(form)), set()).add(name)
            for short in _short_names(fields or {}):
                self._hashes.setdefault(folded(short), set()).add(name)

    def find(self, path: str) -> tuple[str, ...]:
        """Return the textures that a file may be meant for, sorted: one, none, or several among which nothing decides.

        The whole path counts first, then the textures whose path ends like it, then the file's name alone, then the
        emulator's hash in it.

        Args:
            path: of the file below its folder, with forward slashes; a picture's suffix does not count.
        """
        for form in (path, title_of(path)):
            if len(exact := self._exact.get(form, ())) == 1:
                return tuple(exact)
        title = folded(title_of(path))
        named = self._titles.get(_last(title), set())
        whole = {name for name in named if title in _folded_forms(name)}
        ending = {
            name for name in named if any(f"/{form}".endswith(f"/{title}") for form in _folded_forms(name))
        }
        return tuple(sorted(whole or ending or named or self._by_hash(path)))

    def _by_hash(self, path: str) -> set[str]:
        """Return the textures of the hash that a file's name is, or that the emulator would read in it."""
        parsed = parse_name(path)
        of_name = () if parsed is None else tuple(_short_names(dict(parsed.fields)))
        forms = (_last(title_of(path)), *reversed(of_name))  # together with the palette it says more
        return next((self._hashes[key] for form in forms if (key := folded(form)) in self._hashes), set())


def title_of(path: str) -> str:
    """Return a path without the suffix of a picture."""
    pure = PurePosixPath(path)
    return str(pure.with_suffix("")) if pure.suffix.lower() in PICTURES else path


def shown(names: Iterable[str], most: int = 4) -> str:
    """Return names for a message: all of them, or the first few and how many more there are."""
    known = tuple(names)
    return ", ".join(known[:most]) + (f" and {len(known) - most} more" if len(known) > most else "")


def _folded_forms(name: str) -> set[str]:
    return {folded(name), folded(title_of(name))}


def _short_names(fields: _Fields) -> Iterator[str]:
    """Yield the hashes of a texture, each alone and then together with that of its palette."""
    palettes = [str(fields[key]) for key in _PALETTES if fields.get(key) is not None]
    for key, value in fields.items():
        if key in _PALETTES or not isinstance(value, str):
            continue
        if key in _WORDS or _HASH.fullmatch(value):
            yield value
            yield from (f"{value}{mark}{palette}" for palette in palettes for mark in "#-_")


def _last(path: str) -> str:
    return path.rpartition("/")[2]
