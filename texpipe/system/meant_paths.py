"""What a path that does not exist was meant to be: each of its parts may be mistyped."""

from __future__ import annotations

import difflib
from itertools import islice
from pathlib import Path

from texpipe.system.shell import quoted

_LOOKED_AT = 10_000
"""Largest number of names in a folder among which a mistyped one is looked for."""
_LIKENESS = 0.6
"""Least likeness of a name to a mistyped one, of 1 for equal names in whatever letter case."""


def meant_path(path: Path) -> Path | None:
    """Return the path that exists and is most like one that does not; None if nothing there is like it.

    Its folders are followed from the first one. A part that is not there stands for the name in its folder that is most
    like it.
    """
    found = Path(path.anchor)
    for part in path.parts[len(found.parts) :]:
        if _exists(found / part):
            found /= part
            continue
        names = {name.lower(): name for name in _names_in(found)}
        like = difflib.get_close_matches(part.lower(), names, n=1, cutoff=_LIKENESS)
        if not like:
            return None
        found /= names[like[0]]
    return found


def did_you_mean(path: Path) -> str:
    """Return the sentence for a hint that names what a path was meant to be, with a space behind it; or nothing."""
    meant = meant_path(path)
    return "" if meant is None or meant == path else f"Did you mean {quoted(meant)}? "


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # as for a name that is too long
        return False


def _names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none where it cannot be listed."""
    try:
        return sorted(one.name for one in islice(folder.iterdir(), _LOOKED_AT))
    except OSError:
        return []
