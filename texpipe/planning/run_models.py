"""The models of a run: those of its recipe and of its rules, found, identified and compared by their licences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from texpipe.errors import ModelError
from texpipe.networks.catalogue import ModelFile, resolve
from texpipe.networks.identify import identified
from texpipe.networks.licence_terms import forbids_commerce
from texpipe.planning.result_keys import EngineIds
from texpipe.recipe.models import chains_of
from texpipe.recipe.schema import Recipe, Rule

Models = tuple[ModelFile, ...]
"""Models that textures go through one after the other."""


@dataclass(frozen=True)
class RunModels:
    """All models of a run.

    Attributes:
        own: those of the recipe.
        of_rules: what a plan names -> those of rules that name others.
    """

    own: Models
    of_rules: Mapping[tuple[str, ...], Models]

    @property
    def main(self) -> ModelFile:
        """The model that a run is called by: the last of the recipe's."""
        return self.own[-1]

    def of(self, named: tuple[str, ...]) -> Models:
        """Return the models that a plan names; those of the recipe for none."""
        return self.of_rules[named] if named else self.own

    def cost(self, named: tuple[str, ...]) -> int:
        """Return what a texel costs with the models that a plan names: the bytes of their weights.

        Most convolutions have the size of the source, so that a network multiplies each weight about once per texel.
        """
        return sum(file.path.stat().st_size for file in self.of(named))

    def all(self) -> tuple[ModelFile, ...]:
        """Return every model once, those of the recipe first."""
        files = (file for models in (self.own, *self.of_rules.values()) for file in models)
        return tuple({file.weights: file for file in files}.values())

    def paths(self) -> Mapping[tuple[str, ...], tuple[Path, ...]]:
        """Return the files of every chain, by what plans name."""
        return {named: tuple(file.path for file in self.of(named)) for named in ((), *self.of_rules)}

    def engine_id(self, named: tuple[str, ...], engine: str) -> Sequence[str]:
        """Return what determines a result besides pixels and plan: the weights of each model, and how it computes."""
        return tuple(part for file in self.of(named) for part in (file.weights, engine))

    def engine_ids(self, engine: str) -> EngineIds:
        """Return the same for all models of rules."""
        return {named: self.engine_id(named, engine) for named in self.of_rules}

    def weights(self) -> list[str]:
        """Name the weights of all chains, in order: for what is true of this run alone."""
        return [file.weights for named in ((), *self.of_rules) for file in self.of(named)]

    def warnings(self) -> Iterator[str]:
        """Yield a line for each model that forbids commercial use."""
        for file in self.all():
            if forbids_commerce(file.licence):
                yield (
                    f"the licence of the model {file.name}, {file.licence}, forbids commercial use: "
                    "do not sell packs made with it"
                )


def find_models(recipe: Recipe) -> RunModels:
    """Find every model that a recipe names.

    Raises:
        ModelError: one is missing, damaged, or of an architecture that nothing installed knows.
    """
    own, *others = chains_of(recipe)
    files = {
        name: identified(resolve(name)) for name in dict.fromkeys((*own, *(n for one in others for n in one)))
    }
    return RunModels(
        tuple(files[name] for name in own),
        {chain: tuple(files[name] for name in chain) for chain in others},
    )


def dialled(recipe: Recipe, models: RunModels) -> Recipe:
    """Return the recipe with the details to use: its own and those of its rules, or else the models'.

    Raises:
        ModelError: the recipe, or a rule, sets the detail of models that have no dial.
    """
    if recipe.detail is not None:
        _require_dial(models.own)
    detail = _detail(models.own) if recipe.detail is None else recipe.detail
    rules = tuple(_dialled_rule(rule, recipe.detail, models) for rule in recipe.rules)
    return recipe.model_copy(update={"detail": detail, "rules": rules})


def _dialled_rule(rule: Rule, asked: float | None, models: RunModels) -> Rule:
    chain = models.of_rules.get(rule.model or (), models.own)
    if rule.detail is not None:
        _require_dial(chain)
        return rule
    if chain is models.own:
        return rule
    return rule.model_copy(
        update={"detail": _detail(chain) if asked is None or not _has_dial(chain) else asked}
    )


def _detail(models: Models) -> float:
    """Return where the dial of some models stands if nobody says; 0 if none has one."""
    return next((file.detail for file in models if file.inventive is not None), 0.0)


def _has_dial(models: Models) -> bool:
    return any(file.inventive is not None for file in models)


def _require_dial(models: Models) -> None:
    if not _has_dial(models):
        raise ModelError(
            f"the recipe or --detail sets the detail, but the model {models[-1].name} has no dial",
            hint="Leave detail out, also in rules, or use a model with a dial, such as texpipe-x4.",
        )
