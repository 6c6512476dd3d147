"""What is compared: models, or places of a model's dial, each with the recipe that uses it for all textures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texpipe.errors import UsageError
from texpipe.options import RunOptions
from texpipe.planning.run_models import RunModels, dialled, find_models
from texpipe.recipe.models import with_models
from texpipe.recipe.schema import Recipe

MOST_COLUMNS = 8
"""Largest number of columns: more are not told apart side by side."""


@dataclass(frozen=True)
class Column:
    """One of the ways that are compared.

    Attributes:
        label: what it is called.
        settings: what a rule, or the recipe, sets to have it.
        recipe: the recipe with it for all textures: rules decide everything but the model and its dial.
        models: those of this recipe.
    """

    label: str
    settings: dict[str, Any]
    recipe: Recipe
    models: RunModels

    @property
    def licences(self) -> str:
        """The licences of its models, in their order."""
        return ", ".join(dict.fromkeys(file.licence or "licence unknown" for file in self.models.own))


def columns_of(order: RunOptions, models: Sequence[str], details: Sequence[float]) -> tuple[Column, ...]:
    """Return a column for each model, or for each detail of a model that has a dial.

    Args:
        order: the recipe.
        models: names, paths, or names that the recipe gives to models; the recipe's own if empty.
        details: places of the dial; that of the recipe, or else of the model, if empty.

    Raises:
        UsageError: there is only one column, or there are too many.
        ModelError: a model is missing or damaged.
    """
    named: list[tuple[str, ...]] = [(name,) for name in dict.fromkeys(models)]
    named = named or [order.recipe.model]
    found = [column for chain in named for column in _columns(order, chain, tuple(dict.fromkeys(details)))]
    if len(found) < 2:
        raise UsageError(
            f"there is nothing to compare: {found[0].label} alone",
            hint="Give --model twice or more, or --detail for a model with a dial. `texpipe models list` names them.",
        )
    if len(found) > MOST_COLUMNS:
        raise UsageError(
            f"{len(found)} columns are too many to be told apart",
            hint=f"Compare at most {MOST_COLUMNS} at a time.",
        )
    return tuple(found)


def _columns(order: RunOptions, chain: tuple[str, ...], details: tuple[float, ...]) -> Iterator[Column]:
    own = order.recipe
    rules = tuple(rule.model_copy(update={"model": None, "detail": None}) for rule in own.rules)
    bare = own.model_copy(update={"model": chain, "detail": None, "rules": rules})
    meant = with_models(bare, Path())
    models = find_models(meant)
    has_dial = any(file.inventive is not None for file in models.own)
    names = [_in_recipe(name, order.recipe_file) for name in chain]
    model = names[0] if len(names) == 1 else names
    label = " > ".join(_short(name, own) for name in chain)
    for detail in details if has_dial and details else (None,):
        turned = meant if detail is None else meant.model_copy(update={"detail": detail})
        if detail is None and has_dial and meant.detail is None:
            turned = meant.model_copy(update={"detail": own.detail})
        yield Column(
            label if detail is None else f"{label}, detail {detail:g}",
            {"model": model, **({} if detail is None else {"detail": detail})},
            dialled(turned, models),
            models,
        )


def _short(name: str, recipe: Recipe) -> str:
    return name if name in recipe.models else Path(name).stem if Path(name).is_file() else name


def _in_recipe(name: str, recipe: Path | None) -> str:
    """Return what a recipe calls a model: a file is named from the recipe's folder where it lies in it."""
    file = Path(name)
    if not file.is_file():
        return name
    whole = file.resolve()
    if recipe is not None:
        with suppress(ValueError):
            return f"./{whole.relative_to(recipe.resolve().parent).as_posix()}"
    return whole.as_posix()
