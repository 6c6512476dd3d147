"""The models of a recipe, found and identified once: to read and digest their files takes half a second each."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from pathlib import Path

from texpipe.networks.catalogue import inventive_end
from texpipe.planning.run_models import RunModels, find_models
from texpipe.recipe.models import chains_of
from texpipe.recipe.schema import Recipe

_MOST = 64
"""Largest number of sets of models that are kept."""


class KnownModels:
    """Finds the models of recipes, and keeps them until one of their files changes."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[RunModels, Hashable]] = {}

    def of(self, recipe: Recipe) -> RunModels:
        """Return the models of a recipe; ModelError as `find_models`."""
        key = chains_of(recipe)
        models, stamps = self._known.get(key, (None, None))
        if models is None or _stamps(models) != stamps:
            models = find_models(recipe)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = models, _stamps(models)
        return models


def _stamps(models: RunModels) -> Hashable:
    """Return size and time of change of every file of some models, their cards among them; None for a missing one."""
    return tuple(_stamp(file) for model in models.all() for file in _files(model.path))


def _files(weights: Path) -> Iterator[Path]:
    yield weights
    yield weights.with_suffix(".json")
    other = inventive_end(weights)
    if other is not None:
        yield other


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
