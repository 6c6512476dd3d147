"""`texpipe init`: a first recipe for a dump."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console
from texpipe.cli.options import quiet_option
from texpipe.cli.progress import ProgressBar
from texpipe.errors import SourceError, UsageError

if TYPE_CHECKING:
    from texpipe.analysis.inventory import Survey


@click.command()
@click.argument("dump", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Recipe to write; default GAME.yaml here.",
)
@click.option("--force", is_flag=True, help="Replace a recipe that is there.")
@quiet_option
@click.pass_obj
def init(console: Console, dump: Path, output: Path | None, force: bool, quiet: bool) -> int:
    """Look at a folder of dumped textures and write a commented recipe for it.

    \b
    Example:
      texpipe init ~/dumps/oot --output oot.yaml
    """
    from texpipe.analysis.survey import survey
    from texpipe.planning.starter_recipe import profile_dump, recipe_name, recipe_text
    from texpipe.recipe.schema import Recipe
    from texpipe.storage.atomic import write_atomic

    console = console.quieter(quiet)
    with ProgressBar(console) as bar:
        seen = survey(dump, Recipe.default(), progress=bar)
    if not seen.items:
        raise _nothing_in(dump, seen)
    proposal = profile_dump(seen, dump)
    name = recipe_name(proposal.game or dump.resolve().name)
    path = output or Path(f"{name}.yaml")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="Give another --output, or --force to replace it.")
    here = path.resolve().parent
    text = recipe_text(proposal, name, _relative(dump, here), f"build/{name}")
    write_atomic(path, text.encode())
    game = f" of {proposal.game}" if proposal.game else ""
    console.say(f"wrote {path}: {proposal.textures} textures{game}, for {proposal.target}")
    console.say(f"Read it, then: texpipe run {path} --report")
    return 0


def _nothing_in(dump: Path, seen: Survey) -> SourceError:
    """Tell a wrong folder from one whose textures are all damaged."""
    if not seen.failures:
        hint = "Name the folder that your emulator dumps its textures to."
        return SourceError(f"there are no textures in {dump}", hint=hint)
    first = seen.failures[0]
    return SourceError(
        f"none of the textures in {dump} can be read ({len(seen.failures)}); {first.source.name}: {first.reason}",
        hint="`texpipe inspect` says what is wrong with each.",
    )


def _relative(folder: Path, start: Path) -> str:
    """Return the folder as a recipe in `start` names it; on another drive only its full path will do."""
    try:
        return Path(os.path.relpath(folder.resolve(), start)).as_posix()
    except ValueError:
        return folder.resolve().as_posix()
