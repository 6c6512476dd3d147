"""What a shell proposes for words of a command: names of models, targets, recipes and presets, beside files."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem


def complete_model(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Propose models that are here or can be fetched, and files."""
    from texpipe.networks.catalogue import installed
    from texpipe.networks.published import PUBLIC

    names = (*installed(), *(one.name for one in PUBLIC))
    return [*_named(names, begun), CompletionItem(begun, type="file")]


def complete_target(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Propose emulators that a pack can be written for."""
    from texpipe.formats import known_targets

    return _named(known_targets(), begun)


def complete_recipe(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Propose the recipes that come with texpipe, and files."""
    from texpipe.recipe.load import shipped_recipes

    return [*_named(shipped_recipes(), begun), CompletionItem(begun, type="file")]


def complete_preset(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Propose the presets for training that come with texpipe, and files."""
    from texpipe.train.presets import preset_names

    return [*_named(preset_names(), begun), CompletionItem(begun, type="file")]


def _named(names: Iterable[str], begun: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in sorted(dict.fromkeys(names)) if name.startswith(begun)]
