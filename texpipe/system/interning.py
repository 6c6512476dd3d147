"""One value in place of many equal ones."""

from __future__ import annotations

import functools
from typing import TypeVar, cast

_MAX_INTERNED = 1 << 13
T = TypeVar("T")


def interned(value: T) -> T:
    """Return the one of all equal values that was met first: most textures have a size, edges and a reason like others.

    Args:
        value: frozen, all of it: a string, a tuple of such, or a value whose fields all take part in comparison. Some
            thousands are remembered, those last asked for.
    """
    return cast(T, _first_equal(value))


@functools.lru_cache(_MAX_INTERNED, typed=True)
def _first_equal(value: object) -> object:
    return value
