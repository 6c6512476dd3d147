"""DuckStation's `config.yaml` of a game: the settings that a dump was made with, and names that share a file.

Source of the settings' names: DuckStation's `src/core/settings.cpp`, as of 2026-08.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from texpipe.errors import Location
from texpipe.recipe.yaml_positions import Unreadable, Value, read_yaml
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_small, text_of

log = logging.getLogger(__name__)

Setting: TypeAlias = bool | int | str

CONFIG = "config.yaml"

_FOLDERS = ("dumps", "replacements")
_ALIASES = "Aliases"
_REDUCES = "ReducePaletteRange"
"""Setting that names depend on, true unless it is set: palettes in them are as long as a texture needs."""
_MAX_BYTES = 1 << 26
"""Largest file that is read, in bytes: an alias takes about 150."""
_MAX_VALUES = 180_000
"""Largest number of values in a file."""
_MAX_TEXT = 200
"""Largest number of characters of a setting."""
_SETTING = re.compile(
    r"(Dump(?:TexturePages|FullTexturePages|C16Textures|(?:Texture|VRAMWrite)(?:ForceAlphaChannel|(?:Width|Height)Threshold))"
    r"|ReducePaletteRange|ConvertCopiesToWrites|ReplacementScaleLinearFilter"
    r"|MaxVRAMWrite(?:Splits|CoalesceWidth|CoalesceHeight)"
    r"|Max(?:HashCacheEntries|HashCacheVRAMUsageMB|ReplacementCacheVRAMUsage)) *: *(\w+) *(?:#.*)?"
)
"""A line that sets one of DuckStation's settings, wherever the rest of the file is wrong."""
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE


@dataclass(frozen=True)
class Config:
    """What a `config.yaml` says: settings by name, and aliases: name of a texture -> file in `replacements/`."""

    settings: Mapping[str, Setting] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)


def settings_of_dumps(files: Iterable[Path]) -> Mapping[str, Setting]:
    """Return the settings of the dumps of a game, without their aliases: those files are not in the pack.

    Where dumps differ the first counts, with a warning in the log if names depend on it. Of a file that cannot be
    read as a whole the lines that set something are taken, with a warning, too.

    Args:
        files: a texture of each folder.
    """
    settings: dict[str, Setting] = {}
    first: Path | None = None
    for config in dict.fromkeys(map(_config_of, files)):
        found = _settings_of(config)
        reduces = found.get(_REDUCES, True)
        if first is not None and reduces != settings.get(_REDUCES, True):
            log.warning(
                "%s: %s is %s here, but not in %s. DuckStation finds only textures that were dumped as the latter says",
                config,
                _REDUCES,
                str(reduces).lower(),
                first,
            )
        first = first or config
        settings = {**found, **settings}
    return settings


def _config_of(file: Path) -> Path:
    return (file.parents[1] if file.parent.name in _FOLDERS else file.parent) / CONFIG


def _settings_of(config: Path) -> Mapping[str, Setting]:
    try:
        status = config.lstat()
    except OSError:
        return {}
    return _read_once(config, (status.st_size, status.st_mtime_ns))


@functools.lru_cache(maxsize=16)
def _read_once(file: Path, _stamp: tuple[int, int]) -> Mapping[str, Setting]:
    """Warn once of a file that is damaged."""
    try:
        return read_config(file).settings
    except MissingFileError:
        return {}
    except RefusedFileError as error:
        found = _salvaged(file)
        kept = f"only {', '.join(found)} taken from it" if found else "nothing is taken from it"
        log.warning(
            "%s; %s. DuckStation may not find textures that were dumped with other settings", error, kept
        )
        return found


def read_config(file: Path) -> Config:
    """Read a configuration file.

    Raises:
        RefusedFileError: it is missing, too large, not YAML, not a mapping of settings, or its aliases are not a
            mapping of names to files.
    """
    return parse_config(read_small(file, _MAX_BYTES), file)


def parse_config(data: bytes, file: Path) -> Config:
    """Read the bytes of a configuration file; `file` says where they are from. Errors as `read_config`."""
    text = _UNPRINTABLE.sub("?", text_of(data))
    try:
        document = read_yaml(text, max_values=_MAX_VALUES)
    except Unreadable as error:
        raise RefusedFileError(error.fault.message, location=Location(file, *error.fault.mark)) from error
    if document.faults:
        fault = document.faults[0]
        raise RefusedFileError(fault.message, location=Location(file, *fault.mark))
    top = {} if document.value is None else document.value
    if not isinstance(top, dict):
        raise RefusedFileError("is not settings, one `Name: value` on each line", location=Location(file, 1))
    aliases = top.get(_ALIASES) or {}
    if not isinstance(aliases, dict) or not all(isinstance(target, str) for target in aliases.values()):
        place = Location(file, document.marks[(_ALIASES,)].line)
        raise RefusedFileError(f"{_ALIASES} is not a mapping of names to files", location=place)
    return Config(_settings_in(top), {title: str(target) for title, target in aliases.items()})


def _settings_in(top: Mapping[str, Value]) -> dict[str, Setting]:
    """Return what is one word or number; lists, mappings and long texts are not settings of DuckStation."""
    short = {key: value for key, value in top.items() if isinstance(value, (bool, int, str))}
    return {key: value for key, value in short.items() if len(str(value)) <= _MAX_TEXT}


def _salvaged(file: Path) -> Mapping[str, Setting]:
    try:
        lines = text_of(read_small(file, _MAX_BYTES)).splitlines()
    except RefusedFileError:
        return {}
    found = (_SETTING.fullmatch(line.rstrip()) for line in lines)
    return {match[1]: _typed(match[2]) for match in found if match is not None}


def _typed(word: str) -> Setting:
    lower = word.lower()
    if lower in ("true", "false"):
        return lower == "true"
    return int(word) if re.fullmatch(r"[0-9]{1,18}", word) else word


def config_text(config: Config) -> str:
    """Return the text of a configuration file; aliases must be titles and file names of textures."""
    settings = yaml.safe_dump(dict(config.settings), width=_MAX_TEXT + 100) if config.settings else ""
    aliases = "".join(f"  {title}: {file}\n" for title, file in config.aliases.items())
    return settings + (f"{_ALIASES}:\n{aliases}" if aliases else "")
