"""What a recipe can say of its targets: which options each emulator's pack has, and which go together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from texpipe.recipe.plugins import announced_formats

Container: TypeAlias = Literal["folder", "hts", "htc", "rtz", "o2r"]
Images: TypeAlias = Literal["dds", "png"]
CONTAINERS: Mapping[str, tuple[Container, ...]] = {
    "gliden64": ("folder", "hts", "htc"),
    "folder": ("folder",),
    "duckstation": ("folder",),
    "beetle-psx": ("folder",),
    "rt64": ("folder", "rtz"),
    "soh": ("o2r",),
    "dolphin": ("folder",),
    "ppsspp": ("folder",),
    "rice": ("folder",),
}
"""Texpipe's own targets, and the containers that each can be written to, the usual one first."""

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "gliden64": (),
    "folder": (),
    "duckstation": ("game",),
    "beetle-psx": ("game",),
    "rt64": ("game", "images", "hashes"),
    "soh": ("game",),
    "dolphin": ("game", "mipmaps"),
    "ppsspp": ("game",),
    "rice": (),
}
"""The options that each target has besides `container`."""

_FOREIGN_CONTAINERS: tuple[Container, ...] = ("folder",)
_FOREIGN_OPTIONS = ("game",)
"""What targets of other packages have: they may still write one archive of their own."""

_FILE_NAME = r'[^\\/:*?"<>|\x00]+(?<!\.)'
_GAMES: Mapping[str, tuple[str, str]] = {
    "duckstation": (r"[A-Z]{4}-\d{5}", "a disc serial such as SLUS-00067"),
    "beetle-psx": (_FILE_NAME, "the name of the disc image without its suffix"),
    "rt64": (_FILE_NAME, "a name for the .rtz file"),
    "soh": (_FILE_NAME, "a name for the .o2r file"),
    "dolphin": (r"[A-Z0-9]{3}(?:[A-Z0-9]{3})?", "a game ID such as GZLE01 or GZL"),
    "ppsspp": (r"[A-Z]{4}\d{5}", "a game ID such as ULUS10041"),
}
"""How each emulator names a game: a pattern and words for it."""


class Target(BaseModel):
    """An emulator to write for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="The pack format.")
    container: Container = Field(
        default=None, validate_default=True, description="A folder of files, or one file that holds the pack."
    )
    game: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="What this emulator calls the game, where that differs from the recipe's game.",
    )
    images: Images | None = Field(
        default=None, description="Kind of picture: dds (compressed, with mip levels; the usual) or png."
    )
    hashes: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")] | None = Field(
        default=None, description="A rt64.json of the game, relative to this file: which hash each name has."
    )
    mipmaps: bool | None = Field(
        default=None,
        strict=True,
        description="Write mip levels too, as files of their own (_mip1 and so on).",
    )

    @field_validator("name", mode="before")
    @classmethod
    def _a_format_that_is_there(cls, name: object) -> object:
        if isinstance(name, str) and (name in CONTAINERS or name in announced_formats()):
            return name
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, known_targets()))})

    @field_validator("container", mode="before")
    @classmethod
    def _the_usual_one(cls, container: object, info: ValidationInfo) -> object:
        return _containers(info.data.get("name"))[0] if container is None else container

    @field_validator("container")
    @classmethod
    def _known_to_the_target(cls, container: Container, info: ValidationInfo) -> Container:
        name: str | None = info.data.get("name")  # None if it was wrong, which is reported already
        if name is not None and container not in _containers(name):
            raise ValueError(
                f"{name} cannot be written as {container}, only as {', '.join(_containers(name))}"
            )
        return container

    @field_validator("game", "images", "hashes", "mipmaps")
    @classmethod
    def _an_option_of_the_target(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        name: str | None = info.data.get("name")
        known = OPTIONS.get(str(name), _FOREIGN_OPTIONS)
        if name is not None and value is not None and info.field_name not in known:
            has = ", ".join(("container", *known))
            raise ValueError(f"{name} has no option {info.field_name}, only {has}")
        return value

    @field_validator("game")
    @classmethod
    def _as_the_emulator_names_games(cls, game: str | None, info: ValidationInfo) -> str | None:
        name: str | None = info.data.get("name")
        if game is not None and name is not None and name in _GAMES and not _names_a_game(name, game):
            raise ValueError(f"{name} wants {_GAMES[name][1]}, not {game!r}")
        return game

    def relative_to(self, folder: Path) -> Target:
        """Return the target with the path among its options relative to the recipe's folder."""
        if self.hashes is None:
            return self
        return self.model_copy(update={"hashes": str(folder / Path(self.hashes).expanduser())})

    def of_game(self, game: str | None) -> Target:
        """Return the target for the recipe's game, unless it has a game of its own or names games in another way."""
        if game is None or self.game is not None or not _names_a_game(self.name, game):
            return self
        return self.model_copy(update={"game": game})


def known_targets() -> tuple[str, ...]:
    """Return the names of all targets: texpipe's own, then those of other installed packages."""
    return (*CONTAINERS, *(name for name in announced_formats() if name not in CONTAINERS))


def _containers(name: str | None) -> tuple[Container, ...]:
    return CONTAINERS.get(str(name), _FOREIGN_CONTAINERS)


def _names_a_game(name: str, game: str) -> bool:
    """Formats of other packages see for themselves whether they can use the recipe's name of the game."""
    return name not in CONTAINERS or (name in _GAMES and re.fullmatch(_GAMES[name][0], game) is not None)


def listed_targets(item: object) -> list[object]:
    """Return the targets of one entry of a list: a name, or names with their options."""
    if isinstance(item, dict):
        return [target_with(name, options) for name, options in item.items()]
    return [target_with(item, None)]


def target_with(name: object, options: object) -> object:
    """Return one target as a mapping; options that are no mapping are left for pydantic to refuse."""
    if options is None:
        return {"name": name}
    if isinstance(options, dict) and "name" in options:
        raise ValueError(f"unknown key 'name' in {name}")
    return {"name": name, **options} if isinstance(options, dict) else options


def targets_schema(target: dict[str, Any], description: str) -> dict[str, Any]:
    """Return the JSON Schema of a recipe's `targets`, with the options that each target has.

    Args:
        target: the schema of `Target`.
        description: of the key.
    """
    options = {
        "type": "object",
        "properties": {name: _options_schema(target, name) for name in CONTAINERS},
        "minProperties": 1,
        "additionalProperties": False,
    }
    listed = {"anyOf": [{"enum": list(CONTAINERS)}, options]}
    lists = {"type": "array", "items": listed, "minItems": 1, "uniqueItems": True}
    return {"description": description, "anyOf": [lists, options]}


def _options_schema(target: dict[str, Any], name: str) -> dict[str, Any]:
    known = target["properties"]
    usual = {"default": CONTAINERS[name][0], "enum": list(CONTAINERS[name])}
    options = {"container": {**known["container"], **usual}} | {key: known[key] for key in OPTIONS[name]}
    return {"type": ["object", "null"], "properties": options, "additionalProperties": False}
