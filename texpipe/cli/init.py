"""`texpipe init`: a first recipe for a dump."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console
from texpipe.cli.options import quiet_option
from texpipe.cli.progress import ProgressBar
from texpipe.errors import ExitCode, SourceError, UsageError

if TYPE_CHECKING:
    from texpipe.analysis.inventory import Survey


@click.command()
@click.argument("dump", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Recipe to write; by default GAME.yaml in this folder.",
)
@click.option("--force", is_flag=True, help="Replace the recipe if it exists.")
@quiet_option
@click.pass_obj
def init(console: Console, dump: Path, output: Path | None, force: bool, quiet: bool) -> int:
    """Analyse a folder of dumped textures and write a commented recipe for it.

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
        found = survey(dump, Recipe.default(), progress=bar)
    if not found.items:
        raise _nothing_in(dump, found)
    profile = profile_dump(found, dump)
    name = recipe_name(profile.game or dump.resolve().name)
    path = output or Path(f"{name}.yaml")
    if path.exists() and not force:
        raise UsageError(f"{path} already exists", hint="Give another --output, or --force to replace it.")
    here = path.resolve().parent
    text = recipe_text(profile, name, _relative(dump, here), f"build/{name}")
    write_atomic(path, text.encode())
    game = f" of {profile.game}" if profile.game else ""
    console.say(f"wrote {path}: {profile.textures} textures{game}, for {profile.target}")
    console.say(f"Read it, then run: texpipe run {path} --report")
    return ExitCode.OK


def _nothing_in(dump: Path, found: Survey) -> SourceError:
    """Return the error for a folder without readable textures: the wrong folder, or one with damaged files only."""
    if not found.failures:
        hint = "Give the folder that your emulator dumps its textures to."
        return SourceError(f"there are no textures in {dump}", hint=hint)
    first = found.failures[0]
    return SourceError(
        f"no texture in {dump} can be read ({len(found.failures)} damaged); {first.source.name}: {first.reason}",
        hint="`texpipe inspect` shows what is wrong with each of them.",
    )


def _relative(folder: Path, start: Path) -> str:
    """Return the path of a folder relative to `start`; on another drive (Windows) its full path."""
    try:
        return Path(os.path.relpath(folder.resolve(), start)).as_posix()
    except ValueError:
        return folder.resolve().as_posix()
