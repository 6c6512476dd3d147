"""Paths that begin with `~`, and the folder for what texpipe keeps for a user."""

from __future__ import annotations

import os
from pathlib import Path


def from_home(path: str) -> Path:
    """Return a path with a leading `~` or `~NAME` replaced by that home folder; as it is if there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def data_folder() -> Path:
    """Return texpipe's folder in the user's data folder, whether or not it is there."""
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        if os.environ.get(variable):
            return Path(os.environ[variable]) / "texpipe"
    return Path.home() / ".local" / "share" / "texpipe"
