"""What a recipe can say of its targets: which options each emulator's pack has, and which go together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from texpipe.storage.home import from_home

Images: TypeAlias = Literal["dds", "png"]
FILE_NAME = r'[^\\/:*?"<>|\x00]+(?<!\.)'
"""Pattern of a name that a file can have on every system."""


@dataclass(frozen=True)
class GameNames:
    """How an emulator names a game: the `pattern` of the whole name, and an `example` in words."""

    pattern: str
    example: str

    def fits(self, game: str) -> bool:
        """Return whether a text is the name of a game."""
        return re.fullmatch(self.pattern, game) is not None


class TargetFormat(Protocol):
    """What a recipe needs to know of a pack format. `formats.contract.PackFormat` has it."""

    @property
    def containers(self) -> tuple[str, ...]:
        """What the pack can be written to, the usual container first."""

    @property
    def options(self) -> tuple[str, ...]:
        """The options besides `container`: fields of `Target`."""

    @property
    def games(self) -> GameNames | None:
        """How the emulator names games; None if any name will do."""


KnownTargets: TypeAlias = Mapping[str, TargetFormat]
"""The targets that a recipe may name, by name."""


class Target(BaseModel):
    """An emulator to write for.

    Name and options are checked against the targets that are passed as `context_of(...)`; without that context
    only their types are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="The pack format.")
    container: str | None = Field(
        default=None, validate_default=True, description="A folder of files, or one file that holds the pack."
    )
    game: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="What this emulator calls the game, where that differs from the recipe's game.",
    )
    images: Images | None = Field(
        default=None,
        description="Kind of picture: dds (BC7, with mip levels; rt64's usual) or png (that of others).",
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
    def _a_known_format(cls, name: object, info: ValidationInfo) -> object:
        known = known_in(info)
        if known is None or (isinstance(name, str) and name in known):
            return name
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, known))})

    @field_validator("container")
    @classmethod
    def _a_container_of_the_target(cls, container: str | None, info: ValidationInfo) -> str | None:
        target = _format_in(info)
        if target is None:
            return container
        if container is not None and container not in target.containers:
            raise ValueError(
                f"{info.data['name']} cannot be written as {container}, only as {', '.join(target.containers)}"
            )
        return container or target.containers[0]

    @field_validator("game", "images", "hashes", "mipmaps")
    @classmethod
    def _an_option_of_the_target(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        target = _format_in(info)
        if target is not None and value is not None and info.field_name not in target.options:
            has = ", ".join(("container", *target.options))
            raise ValueError(f"{info.data['name']} has no option {info.field_name}, only {has}")
        return value

    @field_validator("game")
    @classmethod
    def _as_the_emulator_names_games(cls, game: str | None, info: ValidationInfo) -> str | None:
        target = _format_in(info)
        if target is None or target.games is None or game is None or target.games.fits(game):
            return game
        raise ValueError(f"{info.data['name']} wants {target.games.example}, not {game!r}")

    def relative_to(self, folder: Path) -> Target:
        """Return the target with the path among its options relative to the recipe's folder."""
        if self.hashes is None:
            return self
        return self.model_copy(update={"hashes": str(folder / from_home(self.hashes))})

    def of_game(self, game: str | None, known: KnownTargets) -> Target:
        """Return the target for the recipe's game, unless it has a game of its own or names games in another way."""
        if game is None or self.game is not None or not _names_games_so(known[self.name], game):
            return self
        return self.model_copy(update={"game": game})


def context_of(known: KnownTargets) -> dict[str, Any]:
    """Return the context for pydantic's `model_validate` that targets are checked by."""
    return {"targets": known}


def known_in(info: ValidationInfo) -> KnownTargets | None:
    """Return the targets that a validation was given as its context, if it was given any."""
    return cast("KnownTargets | None", (info.context or {}).get("targets"))


def _format_in(info: ValidationInfo) -> TargetFormat | None:
    """Return the format of the target that is validated; None if its name is wrong, which is reported already."""
    known, name = known_in(info), info.data.get("name")
    return None if known is None or name is None else known[name]


def _names_games_so(target: TargetFormat, game: str) -> bool:
    return "game" in target.options and (target.games is None or target.games.fits(game))


def listed_targets(item: object) -> list[object]:
    """Return the targets of one entry of a list: a name, or names with their options."""
    if isinstance(item, dict):
        return [target_with(name, options) for name, options in item.items()]
    return [target_with(item, None)]


def target_with(name: object, options: object) -> object:
    """Return one target as a mapping; options that are not a mapping are left for pydantic to refuse."""
    if options is None:
        return {"name": name}
    if isinstance(options, dict) and "name" in options:
        raise ValueError(f"unknown key 'name' in {name}")
    return {"name": name, **options} if isinstance(options, dict) else options


def targets_schema(target: dict[str, Any], description: str, known: KnownTargets) -> dict[str, Any]:
    """Return the JSON Schema of a recipe's `targets`, with the options that each target has.

    Args:
        target: the schema of `Target`.
        description: of the key.
        known: the targets.
    """
    options = {
        "type": "object",
        "properties": {name: _options_schema(target, one) for name, one in known.items()},
        "minProperties": 1,
        "additionalProperties": False,
    }
    listed = {"anyOf": [{"enum": list(known)}, options]}
    lists = {"type": "array", "items": listed, "minItems": 1, "uniqueItems": True}
    return {"description": description, "anyOf": [lists, options]}


def _options_schema(schema: dict[str, Any], target: TargetFormat) -> dict[str, Any]:
    fields = schema["properties"]
    container = {
        "default": target.containers[0],
        "description": fields["container"]["description"],
        "enum": list(target.containers),
        "title": fields["container"]["title"],
        "type": "string",
    }
    options = {"container": container} | {key: fields[key] for key in target.options}
    return {"type": ["object", "null"], "properties": options, "additionalProperties": False}
