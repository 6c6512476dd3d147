"""Places in the user's home: paths that begin with `~`, texpipe's own folder, and that for what can be made again."""

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


def cache_folder() -> Path:
    """Return the folder of what texpipe measured or downloaded and can get again, whether it is there or not.

    It is `$XDG_CACHE_HOME/texpipe`, `%LOCALAPPDATA%\\texpipe\\cache` on Windows, else `~/.cache/texpipe`.
    """
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "texpipe"
    if os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "texpipe" / "cache"
    return from_home("~") / ".cache" / "texpipe"
