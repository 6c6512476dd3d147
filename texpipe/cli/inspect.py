"""`texpipe inspect`: what each texture is, what a run would do with it, and why."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.games import several_games
from texpipe.cli.inspect_list import show_list
from texpipe.cli.inspect_summary import belonging, command_of, show_summary
from texpipe.cli.inspected import InspectedTexture, inspected
from texpipe.cli.likeness import like, named
from texpipe.cli.options import PATH, add_option, json_option, quiet_option
from texpipe.cli.progress import ProgressBar
from texpipe.cli.worst import is_uncertain
from texpipe.errors import ExitCode, UsageError
from texpipe.texture import KINDS

if TYPE_CHECKING:
    from texpipe.analysis.inventory import Survey
    from texpipe.recipe.schema import Recipe

log = logging.getLogger(__name__)

FEW = 5
"""Largest number of textures that are listed although nothing asks for the list."""


@click.command()
@click.argument("paths", nargs=-1, type=PATH)
@click.option("--recipe", type=PATH, help="Recipe whose rules are applied.")
@add_option
@click.option("--groups", is_flag=True, help="Find split pictures and print them as the groups of a recipe.")
@click.option(
    "--memory",
    metavar="SIZE",
    help="Memory that this should stay below, such as 2G: larger pictures are named and not looked at; by default "
    "three quarters of what is free.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice((*KINDS, "unsure")),
    help="Show only textures of this kind; can be given several times.",
)
@click.option("--uncertain", is_flag=True, help="Show only textures that may repeat, not certain.")
@click.option(
    "--like",
    "like_name",
    metavar="NAME",
    help="Show one texture and those that belong to it or are stored, shaped and treated as it is; NAME is its path, "
    "its file name or the hash in it.",
)
@click.option("--all", "show_all", is_flag=True, help="Show every texture, and why it is treated as it is.")
@json_option
@quiet_option
@click.pass_obj
def inspect(
    console: Console,
    paths: tuple[Path, ...],
    recipe: Path | None,
    add: tuple[Path, ...],
    groups: bool,
    memory: str | None,
    kinds: tuple[str, ...],
    uncertain: bool,
    like_name: str | None,
    show_all: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Show what a dump holds and what a run would do with it; of each texture with --all, or of those picked.

    \b
    PATH is a picture or a folder. Duplicates are found within one PATH. Without PATH the recipe's input is read,
    as a run would.
    Examples:
      texpipe inspect recipes/samples/oot --recipe recipes/oot.yaml
      texpipe inspect recipes/samples/oot --uncertain
      texpipe inspect recipes/samples/oot --groups
    """
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.analysis.survey import survey
    from texpipe.formats import known_targets
    from texpipe.manifest.schema import entry_as_json
    from texpipe.recipe.load import load_recipe
    from texpipe.recipe.schema import Recipe
    from texpipe.system.memory import size_of

    console = console.quieter(quiet)
    loaded = load_recipe(recipe, known_targets()) if recipe else None
    rules = loaded.recipe if loaded else Recipe.default()
    inputs = _inputs(paths, loaded.inputs if loaded else (), add)
    cache = AnalysisCache.beside(loaded.output) if loaded else AnalysisCache()
    limit = None if memory is None else size_of(memory)
    with ProgressBar(console, events=as_json) as bar:
        surveys = [
            survey(
                roots,
                rules,
                exclude=None if paths or loaded is None else loaded.output,
                cache=cache,
                memory=limit,
                progress=bar,
            )
            for roots in inputs
        ]
    log.info("%d textures by the recipe %s", sum(len(found.items) for found in surveys), rules.name)
    if groups:
        return _print_groups(console, surveys, rules, as_json)
    folders = loaded.overrides if loaded else ()
    everything = [one for found in surveys for one in inspected(found, rules, cache, folders)]
    textures = _picked(everything, kinds, uncertain, like_name)
    if as_json:
        print_json([_without_outputs(entry_as_json(one.entry)) for one in textures])
    else:
        is_list = show_all or bool(kinds) or uncertain or like_name is not None or len(textures) <= FEW
        if is_list:
            _list(console, textures, everything)
        else:
            _summarise(textures, surveys, rules, command_of(paths, recipe, add))
        for found, roots in zip(surveys, inputs, strict=True):
            _name_games(console, found, roots)
    return _exit_code(any(one.entry.status == "failed" for one in textures))


def _picked(
    textures: Sequence[InspectedTexture], kinds: Sequence[str], uncertain: bool, like_name: str | None
) -> list[InspectedTexture]:
    """Return the textures that the options ask for; those that are like one in the order of their likeness."""
    found = list(textures) if like_name is None else like(textures, named(textures, like_name))
    if kinds:
        found = [one for one in found if (one.entry.kind or "unsure") in kinds]
    return [one for one in found if is_uncertain(one.entry)] if uncertain else found


def _list(
    console: Console, textures: Sequence[InspectedTexture], everything: Sequence[InspectedTexture]
) -> None:
    show_list(textures)
    failed = sum(one.action is None for one in textures)
    if not everything:
        console.warn("there are no textures here: give the folder that your emulator dumps its textures to")
    of_all = "" if len(textures) == len(everything) else f" of {len(everything)}"
    unreadable = f", {failed} cannot be read" if failed else ""
    noun = "texture" if len(textures) == 1 and not of_all else "textures"
    console.say(f"{len(textures)}{of_all} {noun}{unreadable}")


def _summarise(
    textures: Sequence[InspectedTexture],
    surveys: Sequence[Survey],
    recipe: Recipe,
    words: Sequence[str | Path],
) -> None:
    ignored: Counter[str] = Counter()
    for found in surveys:
        ignored.update(found.inventory.ignored)
    show_summary(textures, belonging(textures, surveys, recipe), ignored, words)


def _inputs(
    paths: Sequence[Path], of_recipe: Sequence[Path], added: Sequence[Path]
) -> list[tuple[Path, ...]]:
    """Return what is read, and together: each path alone, or all that a run of the recipe would read."""
    if paths and not added:
        return [(path,) for path in paths]
    if not of_recipe and not paths:
        raise UsageError("there is nothing to inspect", hint="Name a folder or a picture, or a --recipe.")
    return [tuple(dict.fromkeys((*(paths or of_recipe), *added)))]


def _name_games(console: Console, found: Survey, roots: Sequence[Path]) -> None:
    from texpipe.planning.games import games_in
    from texpipe.read.inputs import input_names

    games = games_in(found.items, dict(zip(input_names(roots), roots, strict=True)))
    for line in several_games(games, roots[0] if len(roots) == 1 else None):
        console.say(line)


def _print_groups(console: Console, surveys: Sequence[Survey], recipe: Recipe, as_json: bool) -> int:
    """Print the split pictures that are found in addition to those that the recipe declares."""
    from texpipe.groups.split.discovery import propose, recipe_section

    declared = recipe.picture_groups()
    found = [group for one in surveys for group in propose(one.items, one.fingerprints, declared)]
    if as_json:
        print_json([vars(group) for group in found])
    else:
        click.echo(recipe_section(found), nl=False)
    pieces = sum(len(group.files) for group in found)
    console.say(f"found {len(found)} split pictures, which have {pieces} pieces")
    return _exit_code(any(one.failures for one in surveys))


def _exit_code(failed: bool) -> ExitCode:
    return ExitCode.SOME_FAILED if failed else ExitCode.OK


def _without_outputs(entry: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in entry.items() if key not in ("outputs", "metrics")}
