"""Paths that a manifest or a run's notes may name: below the output folder, inside their target, and nowhere else."""

from __future__ import annotations

import re
import unicodedata

_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAX_PART_BYTES = 255
"""Longest name of a file or folder on every file system in use, in bytes of UTF-8."""
_MAX_PATH_BYTES = 2048
"""Longest path below an output folder, in bytes of UTF-8."""


def target_problem(name: str) -> str | None:
    """Say why a text cannot be the name of a target, and so of its folder; None if it can."""
    if _TARGET.fullmatch(name) and not name.endswith("."):
        return None
    return f"{shown(name)} leads out of the output folder: it is no target's name"


def path_problem(path: str, target: str | None = None) -> str | None:
    """Say why a path must not be used below an output folder; None if it may.

    Args:
        path: with forward slashes, as a manifest has it.
        target: the target whose folder the path must lie in; None for any folder of a possible target's name.
    """
    parts = path.split("/")
    if _leads_out(path, parts):
        return f"{shown(path)} leads out of the output folder"
    if any(not part or part in (".", "..") for part in parts):
        return f"{shown(path)} leads nowhere: it has an empty part"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in path):
        return f"{shown(path)} holds characters that no file's name has"
    if len(_encoded(path)) > _MAX_PATH_BYTES or any(len(_encoded(part)) > _MAX_PART_BYTES for part in parts):
        return f"{shown(path)} is longer than a file's name can be"
    if len(parts) < 2 or target_problem(parts[0]) or target not in (None, parts[0]):
        return f"{shown(path)} lies outside of its target's folder"
    return None


def shown(text: str) -> str:
    """Return a stranger's text for a message: quoted, on one line, at most 80 characters of it."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _leads_out(path: str, parts: list[str]) -> bool:
    # A backslash separates folders on Windows, and a colon ends the name of a drive or begins that of a stream.
    return path.startswith("/") or ".." in parts or "\\" in path or ":" in path


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
