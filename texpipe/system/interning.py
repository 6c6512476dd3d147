"""One value in place of many equal ones."""

from __future__ import annotations

import functools
from typing import TypeVar, cast

_MOST_SHARED = 1 << 13
T = TypeVar("T")


def shared(value: T) -> T:
    """Return the one of all equal values that was met first: most textures have a size, edges and a reason like others.

    Args:
        value: frozen, all of it: a string, a tuple of such, or a value whose fields all take part in comparison. Some
            thousands are remembered, those last asked for.
    """
    return cast(T, _first(value))


@functools.lru_cache(_MOST_SHARED, typed=True)
def _first(value: object) -> object:
    return value
