"""The models that a recipe names: for all textures, for those of a rule, and under names of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from texpipe.storage.home import from_home

if TYPE_CHECKING:
    from texpipe.recipe.schema import Recipe, Rule

MAX_CHAIN: Final = 8
"""Largest number of models that a texture goes through."""

_Model: TypeAlias = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]


def _as_chain(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_ONE: Final = {"type": "string", "minLength": 1, "maxLength": 4096}
_SEVERAL: Final = {"type": "array", "items": _ONE, "minItems": 1, "maxItems": MAX_CHAIN}

Chain: TypeAlias = Annotated[
    tuple[_Model, ...],
    BeforeValidator(_as_chain),
    Field(min_length=1, max_length=MAX_CHAIN),
    WithJsonSchema({"anyOf": [_ONE, _SEVERAL]}),
]
"""Models that a texture goes through one after the other: names, or paths; in a recipe one word for a single one."""


def not_a_switch(value: object) -> object:
    """Keep `true` from counting as 1."""
    return str(value) if isinstance(value, bool) else value


class Preset(BaseModel):
    """Models under a name of the recipe's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Chain = Field(
        description="A model's name or path, or a list of them that are used one after the other."
    )
    detail: Annotated[float, BeforeValidator(not_a_switch), Field(ge=0, le=1)] | None = Field(
        default=None, description="The dial, for rules that do not set it."
    )


def _as_preset(value: object) -> object:
    return {"model": value} if isinstance(value, str | list | tuple) else value


PresetEntry: TypeAlias = Annotated[Preset, BeforeValidator(_as_preset)]
"""In a recipe also a model's name alone, or a list of them."""


class _Meant(NamedTuple):
    """What a chain in a recipe stands for."""

    chain: tuple[str, ...]
    detail: float | None


def with_models(recipe: Recipe, folder: Path) -> Recipe:
    """Replace the recipe's own names of models by what they stand for, and paths that exist by whole ones.

    Args:
        recipe: as it was read.
        folder: where paths start from.
    """
    own = _meant(recipe, recipe.model, folder)
    rules = tuple(_with_model(recipe, rule, folder) for rule in recipe.rules)
    detail = own.detail if recipe.detail is None else recipe.detail
    return recipe.model_copy(update={"model": own.chain, "detail": detail, "rules": rules})


def _with_model(recipe: Recipe, rule: Rule, folder: Path) -> Rule:
    if rule.model is None:
        return rule
    meant = _meant(recipe, rule.model, folder)
    detail = meant.detail if rule.detail is None else rule.detail
    return rule.model_copy(update={"model": meant.chain, "detail": detail})


def _meant(recipe: Recipe, chain: tuple[str, ...], folder: Path) -> _Meant:
    presets = [recipe.models[name] for name in chain if name in recipe.models]
    details = [preset.detail for preset in presets if preset.detail is not None]
    return _Meant(tuple(_expanded(recipe, chain, folder)), details[-1] if details else None)


def _expanded(recipe: Recipe, chain: tuple[str, ...], folder: Path) -> Iterator[str]:
    """Yield the models of a chain: those of its presets, which hold no presets, in their place."""
    for name in chain:
        for model in recipe.models[name].model if name in recipe.models else (name,):
            beside = folder / from_home(model)
            yield str(beside) if beside.is_file() else model


def chains_of(recipe: Recipe) -> tuple[tuple[str, ...], ...]:
    """Return the different chains of a recipe: that of all textures first, then those of rules in their order."""
    return tuple(dict.fromkeys((recipe.model, *(rule.model for rule in recipe.rules if rule.model))))
