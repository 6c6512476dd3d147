"""From a folder to texture sources, in the same order on every machine."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from texpipe.errors import SourceError
from texpipe.formats import parse_name
from texpipe.texture import Source

PICTURES = frozenset({".png", ".tga", ".bmp", ".dds"})
"""Suffixes of texture files, in any case."""


@dataclass(frozen=True)
class Scan:
    """What a folder holds.

    Attributes:
        sources: textures, sorted by name as bytes.
        unusable: textures whose very name or place cannot be dealt with, and why.
        ignored: how many other files there are, by suffix (or name, without one).
    """

    sources: tuple[Source, ...]
    unusable: tuple[tuple[Source, str], ...]
    ignored: Mapping[str, int]


def scan(root: Path, *, exclude: Path | None = None) -> Scan:
    """List the textures below a folder.

    Args:
        root: a folder, searched recursively, or one picture. Links are followed as long as they stay inside.
        exclude: a folder inside that is left out: where an earlier run wrote to.

    Raises:
        SourceError: `root` is missing, not readable, or a file that is no picture.
    """
    if root.is_file():
        if root.suffix.lower() not in PICTURES:
            raise SourceError(f"{root} is not a picture", hint=f"Known: {', '.join(sorted(PICTURES))}.")
        return Scan((Source(root.name, root, parse_name(root.name)),), (), {})
    if not root.is_dir():
        raise SourceError(f"{root} does not exist", hint="Check the recipe's input, or give --input DIR.")
    sources: list[Source] = []
    unusable: list[tuple[Source, str]] = []
    ignored: Counter[str] = Counter()
    for file in _files(root, exclude):
        name = file.relative_to(root).as_posix()
        if file.suffix.lower() not in PICTURES or file.name.startswith("."):
            ignored[_kind(file)] += 1
        elif not _is_text(name):
            readable = os.fsencode(name).decode("utf-8", "backslashreplace")
            unusable.append((Source(readable, file), "its name is not valid UTF-8: rename the file"))
        elif not file.resolve().is_relative_to(root.resolve()):
            unusable.append((Source(name, file), "is a link that leads out of the input folder"))
        else:
            sources.append(Source(name, file, parse_name(name)))
    sources.sort(key=lambda source: source.name.encode())
    return Scan(tuple(sources), tuple(unusable), dict(sorted(ignored.items())))


def _files(root: Path, exclude: Path | None) -> Iterator[Path]:
    """Yield all files; each folder once, however many links lead to it."""
    base = root.resolve()
    left_out = exclude.resolve() if exclude is not None else None
    visited: set[Path] = set()

    def refuse(error: OSError) -> None:
        raise SourceError(f"cannot list {error.filename}: {error.strerror or error}") from error

    for folder, folders, files in os.walk(root, followlinks=True, onerror=refuse):
        place = Path(folder).resolve()
        if place in visited or place == left_out or not place.is_relative_to(base):
            folders.clear()
            continue
        visited.add(place)
        folders.sort(key=os.fsencode)
        yield from (Path(folder) / file for file in sorted(files, key=os.fsencode))


def _kind(file: Path) -> str:
    return file.suffix.lower() or file.name


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
