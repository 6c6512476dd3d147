"""`texpipe probe`: which textures does a screenshot show?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.options import PATH, json_option, quiet_option, recipe_or_dump_argument
from texpipe.cli.printable import printable
from texpipe.cli.progress import ProgressBar
from texpipe.cli.replaceable import force_option, require_replaceable
from texpipe.cli.run_dump import is_dump, recipe_of_dump
from texpipe.errors import ExitCode, UsageError
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.live.probe_pack import ProbePack
    from texpipe.options import RunOptions

_SHOWN = 5
"""Number of textures that are named before the rest is counted."""
_MUCH = 0.02
"""Part of a screenshot with codes that cannot be read from which on it is said what helps."""


@click.command()
@recipe_or_dump_argument
@click.option(
    "--read",
    "shots",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="SHOT",
    help="Screenshot of the game with the pack: print the names of the textures on it, the largest first. Repeat it "
    "for several.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the names that --read finds to this file, too.",
)
@click.option(
    "--only",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Give numbers only to the textures that this file names, one a line: fewer textures have shorter codes, "
    "which can be read when they are smaller.",
)
@click.option(
    "--input",
    "inputs",
    type=PATH,
    multiple=True,
    help="Folder of textures to read, instead of the recipe's. Repeat it for several.",
)
@click.option("--output", type=PATH, help="The recipe's output; the pack goes beside it.")
@force_option
@json_option
@quiet_option
@click.pass_obj
def probe(
    console: Console,
    recipe: Path,
    shots: tuple[Path, ...],
    save: Path | None,
    only: Path | None,
    inputs: tuple[Path, ...],
    output: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Find out which textures are on the screen.

    \b
    Without --read it writes a pack into OUTPUT-probe in which each texture shows its number, in digits and as a colour
    code. Install it, play, and take a screenshot. With --read it prints what the screenshot shows, which is a file
    for --order.
    Example:
      texpipe probe oot.yaml
      texpipe install build/oot-probe
      texpipe probe oot.yaml --read screenshot.png --save seen.txt
      texpipe run oot.yaml --order seen.txt
    """
    from texpipe.planning.load_options import load_options

    console = console.quieter(quiet)
    if save is not None and not shots:
        raise UsageError("--save needs a screenshot to read", hint="Give it with --read SHOT.")
    if save is not None:
        require_replaceable(save, force)
    if is_dump(recipe):
        recipe = recipe_of_dump(console, recipe)
    options = load_options(recipe, inputs or None, output, device="cpu")
    if shots:
        return _read(console, options, shots, save, as_json=as_json)
    return _write(console, options, only, as_json=as_json)


def _write(console: Console, options: RunOptions, only: Path | None, *, as_json: bool) -> int:
    from texpipe.live.probe_pack import write_probe
    from texpipe.planning.order import read_order

    names = () if only is None else read_order(only, "--only")
    with ProgressBar(console, events=as_json) as bar:
        made = write_probe(options, names, progress=bar)
    if as_json:
        print_json(
            {
                "output": str(made.result.output),
                "numbered": made.numbered,
                "too_small": list(made.too_small),
                "unknown": list(made.unknown),
            }
        )
    for line in (*made.result.warnings, *made.result.problems):
        console.warn(line)
    _say(console, made)
    console.say(f"Bring it into the game: {command('texpipe', 'install', made.result.output)}")
    return made.result.exit_code


def _say(console: Console, made: ProbePack) -> None:
    console.say(f"{made.result.output}: {made.numbered} textures show their numbers")
    for names, what in (
        (made.too_small, "are too small for a code and are grey"),
        (made.unknown, "were named and are not in the dump"),
    ):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            console.say(f"{len(names)} {what}: {', '.join(names[:_SHOWN])}{more}")


def _read(
    console: Console, options: RunOptions, shots: tuple[Path, ...], save: Path | None, *, as_json: bool
) -> int:
    from texpipe.live.probe_pack import look, probe_output
    from texpipe.probe.numbers import read_numbers
    from texpipe.storage.atomic import write_atomic

    seen = look(shots, read_numbers(probe_output(options)))
    if save is not None:
        lines = "".join(f"{name}\n" for name in seen.shares)
        write_atomic(save, lines.encode("utf-8", "surrogateescape"), any_link=True)
    if as_json:
        print_json({"textures": seen.shares, "unread": seen.unread})
    else:
        for name in seen.shares:
            click.echo(printable(name))
    console.say(
        f"{len(seen.shares)} textures, on {sum(seen.shares.values()):.1%} of the picture; "
        f"{seen.unread:.1%} has colours of the pack that cannot be read"
    )
    if seen.unread > _MUCH:
        console.say(
            "Go nearer, play in a higher resolution, or give numbers to fewer textures with --only FILE."
        )
    return ExitCode.OK
