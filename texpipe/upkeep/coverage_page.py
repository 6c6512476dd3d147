"""The page of a coverage: what is missing, in pictures, largest first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texpipe.errors import SourceError
from texpipe.read.decode import decode
from texpipe.upkeep.coverage import STATES, Coverage, Covered, State
from texpipe.upkeep.pages import PageFolder

_MAX_PICTURES = 400
"""Number of textures of a group that are shown as pictures; the others are named."""

_GROUPS: dict[State, tuple[str, str]] = {
    "missing": ("Missing", "The pack has nothing for these textures. Largest first."),
    "wrong name": ("Wrong name", "A file is meant for these textures, but the emulator does not find it."),
    "other palette": ("Other palette", "The pack has the same texels in other colours."),
}


def write_coverage_page(found: Coverage, folder: Path, title: str) -> Path:
    """Write the page and return the path of its index.html.

    Args:
        found: from `coverage`.
        folder: replaced as far as it is an earlier page.
        title: what the page is called.

    Raises:
        PackError: something else is there, or the folder cannot be written to.
    """
    page = PageFolder(folder)
    groups = [
        {"title": heading, "hint": hint, "textures": list(_cards(found, state, page))}
        for state, (heading, hint) in _GROUPS.items()
        if found.count(state)
    ]
    if found.unasked:
        cards = [{"name": file, "note": why, "picture": None} for file, why in found.unasked.items()]
        hint = "Files of the pack that no texture of this dump asks for."
        groups.append({"title": "Not asked for", "hint": hint, "textures": cards})
    counts = [(state, found.count(state)) for state in STATES if found.count(state)]
    data = {"title": title, "kind": "coverage", "counts": counts, "rows": shares(found), "groups": groups}
    return page.write("coverage.html", data)


def shares(found: Coverage) -> list[dict[str, Any]]:
    """Return counts and shares of each state, as text."""
    textures, texels = len(found.textures), sum(one.texels for one in found.textures)
    return [
        {
            "state": state,
            "textures": f"{found.count(state):,}",
            "share": _percent(found.count(state), textures),
            "texels": f"{found.texels(state):,}",
            "texel_share": _percent(found.texels(state), texels),
        }
        for state in STATES
    ]


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "0.0%"


def _cards(found: Coverage, state: State, page: PageFolder) -> Iterator[dict[str, Any]]:
    chosen = sorted((one for one in found.textures if one.state == state), key=lambda one: -one.texels)
    for number, one in enumerate(chosen):
        picture = _picture(found, one, page) if number < _MAX_PICTURES else None
        yield {"name": one.name, "note": _note(one), "picture": picture}


def _picture(found: Coverage, one: Covered, page: PageFolder) -> str | None:
    try:
        return page.picture(decode(found.sources[one.name]).rgba)
    except SourceError:
        return None


def _note(one: Covered) -> str:
    size = f"{one.size[0]} x {one.size[1]}" if one.size else ""
    return "; ".join(filter(None, (size, one.why, ", ".join(one.files))))
