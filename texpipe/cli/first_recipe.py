"""A look at a dump on the command line, with a bar, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.cli.console import Console
from texpipe.cli.games import several_games
from texpipe.cli.progress import ProgressBar

if TYPE_CHECKING:
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.planning.first_recipe import FirstRecipe


def look_at(console: Console, dumps: Sequence[Path], known: AnalysisCache | None) -> FirstRecipe:
    """Look at a dump; errors as `first_recipe`. What is found in each texture is added to `known`."""
    from texpipe.planning.first_recipe import first_recipe

    with ProgressBar(console) as bar:
        return first_recipe(dumps, cache=known, progress=bar)


def say_found(console: Console, first: FirstRecipe) -> None:
    """Say what was found, and what may be a mistake."""
    for line in several_games(first.profile.games, first.dumps[0] if len(first.dumps) == 1 else None):
        console.say(line)
    if not first.profile.named:
        console.warn(_without_names(first))


def _without_names(first: FirstRecipe) -> str:
    count = first.profile.textures
    if first.screens * 2 > count:
        return (
            f"{first.screens} of {count} pictures have the size of a screen: these look like screenshots, "
            "and an emulator loads only the textures that it dumped itself"
        )
    return (
        f"none of the {count} names is one that an emulator gives, so no emulator will find the pack by itself: "
        "do not rename dumped files"
    )
