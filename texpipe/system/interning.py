"""One value in place of many equal ones."""

from __future__ import annotations

import functools
from typing import TypeVar, cast

_MAX_INTERNED = 1 << 13
"""Largest number of values that are remembered."""
T = TypeVar("T")


def interned(value: T) -> T:
    """Return the first of all equal values, to save memory: most textures share size, edges and reasons with others.

    The 8,192 values last used are remembered.

    Args:
        value: a string, or a tuple or frozen value whose fields all take part in comparison.
    """
    return cast(T, _first_equal(value))


@functools.lru_cache(_MAX_INTERNED, typed=True)
def _first_equal(value: object) -> object:
    return value
