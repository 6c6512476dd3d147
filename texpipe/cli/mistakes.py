"""Usual mistakes on the command line, and for each a line that helps."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from texpipe.storage.home import from_home
from texpipe.system.shell import command

_LOOKED_AT = 2_000
"""Largest number of entries of a folder that are looked at to find out what was meant."""

_PICTURES = (".png", ".dds", ".tga", ".bmp", ".tmem", ".tim")
"""Suffixes of textures, in lower case: enough to tell a dump's folder from others."""


def with_quotes(words: Sequence[str]) -> str | None:
    """Return the command with a path that the shell cut at its spaces put together, or None.

    Args:
        words: what followed `texpipe`.
    """
    for start, end in combinations(range(len(words) + 1), 2):
        joined = " ".join(words[start:end])
        if end - start > 1 and not _exists(words[start]) and _exists(joined):
            return command("texpipe", *words[:start], joined, *words[end:])
    return None


def _exists(text: str) -> bool:
    return bool(text) and not text.startswith("-") and os.path.exists(from_home(text))  # noqa: PTH110 a word may be no path


def hint_for(words: Sequence[str]) -> str | None:
    """Return a line that helps with words that the shell cut at spaces, or None."""
    whole = with_quotes(words)
    return f"A path with spaces needs quotes: {whole}" if whole else None


def textures_nearby(folder: Path) -> Path | None:
    """Return the folder above, or beside what was named, that has textures in it; None if there is none near."""
    above = folder.resolve().parent
    if _has_pictures(above):
        return above
    return next((one for one in _folders(above) if _has_pictures(one)), None)


def _has_pictures(folder: Path) -> bool:
    return any(Path(entry.name).suffix.lower() in _PICTURES for entry in _entries(folder))


def _folders(folder: Path) -> Iterable[Path]:
    return sorted(Path(entry.path) for entry in _entries(folder) if entry.is_dir(follow_symlinks=False))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            return [entry for _, entry in zip(range(_LOOKED_AT), listing, strict=False)]
    except OSError:
        return []
