"""The page of conflicts between layers: what was taken, beside what was not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texpipe.upkeep.differences_page import picture_of
from texpipe.upkeep.layers import Conflict, Merged
from texpipe.upkeep.pages import PageFolder

_MAX_PICTURES = 400
"""Number of conflicts that are shown as pictures; the others are named."""


def write_conflicts_page(merged: Merged, folder: Path, title: str) -> Path:
    """Write the page and return the path of its index.html.

    Args:
        merged: from `merge_layers`.
        folder: replaced as far as it is an earlier page.
        title: what the page is called.

    Raises:
        PackError: something else is there, or the folder cannot be written to.
    """
    page = PageFolder(folder)
    hint = "On the left what was taken, on the right what the last of the other layers has."
    cards = list(_cards(merged.conflicts, page))
    groups = [{"title": "Conflicts", "hint": hint, "wide": True, "items": cards}]
    counts = [
        ("conflicts", len(cards)),
        *((f"files of {name}", count) for name, count in merged.files.items()),
    ]
    return page.write("pairs.html", {"title": title, "kind": "layers", "counts": counts, "groups": groups})


def _cards(conflicts: tuple[Conflict, ...], page: PageFolder) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(conflicts):
        pictures = [picture_of(entry, page) if number < _MAX_PICTURES else None for entry in one.entries]
        yield {
            "name": one.name,
            "note": describe(one),
            "first": pictures[0],
            "second": pictures[1],
            "sides": (one.taken, one.others[-1]),
        }


def describe(one: Conflict) -> str:
    """Say in one line what was taken, and what not."""
    why = " by choice" if one.chosen else ""
    return f"taken from {one.taken}{why}, not from {', '.join(one.others)}"
