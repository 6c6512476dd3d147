"""DuckStation's `config.yaml` of a game: the settings that a dump was made with, and names that share a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_FOLDERS = ("dumps", "replacements")
_MAX_BYTES = 1 << 20


def settings_of_dump(file: Path) -> dict[str, Any]:
    """Return the settings of a texture's dump, without its aliases: those files are not in the pack."""
    folder = file.parents[1] if file.parent.name in _FOLDERS else file.parent
    found = read_config(folder / "config.yaml")
    return {key: value for key, value in found.items() if isinstance(value, (bool, int, float, str))}


def read_config(file: Path) -> dict[Any, Any]:
    """Return the settings of a configuration file, or none if it cannot be read."""
    try:
        with file.open("rb") as stream:
            found = yaml.safe_load(stream.read(_MAX_BYTES))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
