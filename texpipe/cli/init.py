"""`texpipe init`: a first recipe for a dump."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console
from texpipe.cli.first_recipe import look_at, say_found
from texpipe.cli.needs import FEW, said, warn_of_disk
from texpipe.cli.options import PATH, quiet_option
from texpipe.cli.worst import may_repeat
from texpipe.errors import ExitCode, TexpipeError, UsageError
from texpipe.progress import of_textures
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.output.result import RunResult


@click.command()
@click.argument("dumps", metavar="DUMP...", nargs=-1, required=True, type=PATH)
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
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.storage.atomic import write_atomic

    console = console.quieter(quiet)
    known = AnalysisCache()
    first = look_at(console, dumps, known)
    profile, path = first.profile, output or _default_place(dumps, first.name)
    if path.exists() and not force:
        raise UsageError(f"{path} already exists", hint="Give another --output, or --force to replace it.")
    write_atomic(path, first.text(path.parent.resolve(), first.name).encode(), any_link=True)
    game = f" of {profile.game}" if profile.game else ""
    console.say(f"wrote {path}: {of_textures(profile.textures)}{game}, for {profile.target}")
    say_found(console, first)
    planned = _planned(path, known)
    if planned is not None:
        _say_planned(console, planned, path)
    if profile.textures > FEW:
        console.say(f"Read it, then look at a few: {command('texpipe', 'run', path, '--sample', str(FEW))}")
        console.say(f"All of it: {command('texpipe', 'run', path, '--report')}")
    else:
        console.say(f"Read it, then run it: {command('texpipe', 'run', path, '--report')}")
    return ExitCode.OK


def _default_place(dumps: tuple[Path, ...], name: str) -> Path:
    """Return GAME.yaml in the current folder, or beside the dump if that is the current folder."""
    from texpipe.planning.first_recipe import folder_beside

    here = Path.cwd()
    folder = folder_beside(dumps, here)
    return Path(f"{name}.yaml") if folder == here else folder / f"{name}.yaml"


def _planned(recipe: Path, known: AnalysisCache) -> RunResult | None:
    """Return what a run of the new recipe would do; None where nothing can compute here."""
    from texpipe.pipeline import run_recipe
    from texpipe.planning.load_options import load_options

    with suppress(TexpipeError):
        return run_recipe(load_options(recipe), dry_run=True, known=known)
    return None


def _say_planned(console: Console, planned: RunResult, recipe: Path) -> None:
    """Say what is not certain, and what all of it takes where that is known."""
    uncertain = may_repeat(planned.manifest.textures)
    if uncertain:
        lister = command("texpipe", "inspect", "--recipe", recipe, "--uncertain")
        console.say(f"{uncertain} of them may repeat, not certain: {lister}")
    if planned.forecast is not None:
        console.say(f"All of it takes {said(planned.forecast)}.")
        warn_of_disk(console, planned.forecast, Path("build"))
