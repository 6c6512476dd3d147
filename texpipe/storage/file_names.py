"""Names of files as text that every file can hold."""

from __future__ import annotations

import os


def utf8_name(name: str) -> str:
    """Return a file's name with bytes that are not UTF-8 written as `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
