"""`texpipe init`: a first recipe for a dump."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console
from texpipe.cli.games import several_games
from texpipe.cli.options import quiet_option
from texpipe.cli.progress import ProgressBar
from texpipe.errors import ExitCode, SourceError, UsageError

if TYPE_CHECKING:
    from texpipe.analysis.inventory import Survey


@click.command()
@click.argument("dumps", metavar="DUMP...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Recipe to write; by default GAME.yaml in this folder.",
)
@click.option("--force", is_flag=True, help="Replace the recipe if it exists.")
@quiet_option
@click.pass_obj
def init(console: Console, dumps: tuple[Path, ...], output: Path | None, force: bool, quiet: bool) -> int:
    """Analyse folders of dumped textures and write a commented recipe for them.

    \b
    Example:
      texpipe init ~/dumps/oot --output oot.yaml
    """
    from texpipe.analysis.survey import survey
    from texpipe.planning.starter_recipe import profile_dump, recipe_name, recipe_text
    from texpipe.recipe.schema import Recipe
    from texpipe.storage.atomic import write_atomic

    console = console.quieter(quiet)
    dumps = tuple(dict.fromkeys(dumps))
    for dump in dumps:
        _require_no_output(dump)
    with ProgressBar(console) as bar:
        found = survey(dumps, Recipe.default(), progress=bar)
    if not found.items:
        raise _nothing_in(", ".join(map(str, dumps)), found)
    profile = profile_dump(found, *dumps)
    name = recipe_name(profile.game or dumps[0].resolve().name)
    path = output or Path(f"{name}.yaml")
    if path.exists() and not force:
        raise UsageError(f"{path} already exists", hint="Give another --output, or --force to replace it.")
    here = path.resolve().parent
    text = recipe_text(profile, name, [_relative(dump, here) for dump in dumps], f"build/{name}")
    write_atomic(path, text.encode())
    game = f" of {profile.game}" if profile.game else ""
    console.say(f"wrote {path}: {profile.textures} textures{game}, for {profile.target}")
    for line in several_games(profile.games, str(dumps[0]) if len(dumps) == 1 else "DUMP"):
        console.say(line)
    console.say(f"Read it, then run: texpipe run {path} --report")
    return ExitCode.OK


def _require_no_output(dump: Path) -> None:
    """Refuse results as a dump: enlarged again they would be no better, and their recipe would be of no use.

    Raises:
        UsageError: the folder is the output of a run, or lies in one.
    """
    from texpipe.formats import known_targets
    from texpipe.manifest.output_folder import is_output_folder

    whole = dump.resolve()
    packs = [above for above in (whole, *whole.parents) if above.name in known_targets()]
    made = next((one for one in (whole, *(pack.parent for pack in packs)) if is_output_folder(one)), None)
    if made is not None:
        where = "is" if made == whole else f"lies in {made},"
        raise UsageError(
            f"{dump} {where} a folder that texpipe wrote: its textures are results, not a dump",
            hint="Give the folder that your emulator dumps its textures to; `texpipe report` shows results.",
        )


def _nothing_in(dump: str, found: Survey) -> SourceError:
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
