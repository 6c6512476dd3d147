"""Pack formats that other installed packages announce: their names, without importing any of them.

A package announces a format by an entry point of the group `texpipe.formats`: the name is that of the target in
recipes, the value a `PackFormat`. This is the one place where entry points are read, and only when a name is met that
is not one of texpipe's own.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

GROUP = "texpipe.formats"


@functools.cache
def announced_formats() -> Mapping[str, EntryPoint]:
    """Return target name -> entry point, in the order of names; of two packages with one name, the first by name."""
    found: dict[str, EntryPoint] = {}
    for one in sorted(entry_points(group=GROUP), key=lambda one: (one.name, package_of(one))):
        found.setdefault(one.name, one)
    return found


def package_of(found: EntryPoint) -> str:
    """Return the name of the package that an entry point comes from, and its version."""
    return f"{found.dist.name} {found.dist.version}" if found.dist is not None else found.value
