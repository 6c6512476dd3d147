"""`texpipe init`: a first recipe for a dump."""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console
from texpipe.cli.first_recipe import look_at, say_found
from texpipe.cli.options import quiet_option
from texpipe.errors import ExitCode, UsageError
from texpipe.system.shell import command


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
    from texpipe.storage.atomic import write_atomic

    console = console.quieter(quiet)
    first = look_at(console, dumps)
    profile, path = first.profile, output or Path(f"{first.name}.yaml")
    if path.exists() and not force:
        raise UsageError(f"{path} already exists", hint="Give another --output, or --force to replace it.")
    write_atomic(path, first.text(path.resolve().parent, f"build/{first.name}").encode())
    game = f" of {profile.game}" if profile.game else ""
    console.say(f"wrote {path}: {profile.textures} textures{game}, for {profile.target}")
    say_found(console, first)
    console.say(f"Read it, then run: {command('texpipe', 'run', path, '--report')}")
    return ExitCode.OK
