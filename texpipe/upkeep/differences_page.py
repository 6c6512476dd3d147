"""The page of a difference: changed pictures under a slider, added and removed ones beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texpipe.errors import PackError, SourceError
from texpipe.upkeep.any_pack import PackEntry
from texpipe.upkeep.differences import CHANGES, Change, Difference, Differences
from texpipe.upkeep.pages import PageFolder

_MAX_PICTURES = 400
"""Number of files of a group that are shown as pictures; the others are named."""
_TITLES: dict[Change, str] = {
    "changed": "Changed",
    "added": "Added",
    "removed": "Removed",
    "moved": "Moved",
    "same pixels": "Same pixels in other files",
    "other file": "Other files",
}


def write_differences_page(found: Differences, folder: Path, title: str) -> Path:
    """Write the page and return the path of its index.html.

    Args:
        found: from `differences`; what changed most comes first.
        folder: replaced as far as it is an earlier page.
        title: what the page is called.

    Raises:
        PackError: something else is there, or the folder cannot be written to.
    """
    page = PageFolder(folder)
    groups = [
        {
            "title": heading,
            "hint": "",
            "wide": change == "changed",
            "items": list(_cards(found, change, page)),
        }
        for change, heading in _TITLES.items()
        if found.count(change)
    ]
    counts = [(change, found.count(change)) for change in CHANGES if found.count(change)]
    data = {
        "title": title,
        "kind": "differences",
        "counts": [*counts, ("equal", found.equal)],
        "groups": groups,
    }
    return page.write("pairs.html", data)


def _cards(found: Differences, change: Change, page: PageFolder) -> Iterator[dict[str, Any]]:
    chosen = [one for one in found.files if one.change == change]
    for number, one in enumerate(sorted(chosen, key=lambda one: -_weight(one))):
        shown = number < _MAX_PICTURES
        pictures = [picture_of(entry, page) if shown else None for entry in one.pictures]
        alone = change not in ("changed", "same pixels")
        yield {
            "name": one.name,
            "note": describe(one),
            "first": None if alone else pictures[0],
            "second": pictures[1] or pictures[0] if alone else pictures[1],
            "sides": ("before", "after"),
        }


def _weight(one: Difference) -> float:
    return 255.0 if one.levels is None else one.levels


def describe(one: Difference) -> str:
    """Say in one line what happened to a file."""
    parts = [] if one.was is None else [f"was {one.was}"]
    sizes = [f"{size[0]} x {size[1]}" for size in one.sizes if size is not None]
    parts += [" to ".join(dict.fromkeys(sizes))] if sizes else []
    if one.change == "changed" and one.levels is not None and one.share is not None:
        parts.append(f"{one.levels:.1f} levels, {one.share:.0%} of its pixels")
    makers = [maker for maker in (one.before, one.after) if maker not in (None, "unknown")]
    parts += [" to ".join(dict.fromkeys(map(str, makers)))] if makers else []
    return "; ".join([*parts, *([one.why] if one.why else [])])


def picture_of(entry: PackEntry | None, page: PageFolder) -> str | None:
    """Put a picture of a pack on a page; return its address, or None if it is none or cannot be read."""
    if entry is None or entry.pixels is None:
        return None
    try:
        return page.picture(entry.pixels())
    except (PackError, SourceError):
        return None
