"""Paths that begin with `~`."""

from __future__ import annotations

from pathlib import Path


def from_home(path: str) -> Path:
    """Return a path with a leading `~` or `~NAME` replaced by that home folder; as it is if there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)
