"""`texpipe port`: a pack for one emulator becomes one for another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.options import PATH, json_option, quiet_option
from texpipe.cli.progress import ProgressBar
from texpipe.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from texpipe.upkeep.port import Port

_SHOWN = 20
"""Number of files that were lost which are named, unless all are asked for."""


@click.command()
@click.argument("pack", type=PATH)
@click.option(
    "--from", "old", type=PATH, multiple=True, required=True, metavar="DUMP",
    help="Dump of the game by the emulator that PACK is for. Repeat it for several.",
)  # fmt: skip
@click.option(
    "--to", "new", type=PATH, multiple=True, required=True, metavar="DUMP",
    help="Dump of the game by the other emulator: a folder, or a game's .o2r. Repeat it for several.",
)  # fmt: skip
@click.option(
    "--output", type=PATH, required=True, metavar="DIR", help="Folder to write; it must not be there yet."
)
@click.option(
    "--target", metavar="NAME", help="Emulator to write for, where the names of its dump do not say it."
)
@click.option("--game", help="What the new emulator calls the game, where its dump does not say it.")
@click.option("--images", type=click.Choice(["png", "dds"]), default="png", show_default=True,
              help="Pictures for RT64, Dolphin and PPSSPP: png keeps every pixel, dds has mip levels.")  # fmt: skip
@click.option("--container", metavar="KIND", help="One file instead of a folder, such as hts or rtz.")
@click.option("--list", "listed", is_flag=True, help="Name every texture that was lost, not only the first.")
@json_option
@quiet_option
@click.pass_obj
def port(
    console: Console,
    pack: Path,
    old: tuple[Path, ...],
    new: tuple[Path, ...],
    output: Path,
    target: str | None,
    game: str | None,
    images: Literal["png", "dds"],
    container: str | None,
    listed: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Make a pack for another emulator, through dumps of the game by both: textures with the same texels are one.

    \b
    Examples:
      texpipe port ~/packs/zelda --from ~/dumps/gliden64 --to ~/dumps/rt64 --output build/rt64
      texpipe port build/rt64 --from ~/dumps/rt64 --to oot.o2r --output build/soh
    """
    from texpipe.upkeep.any_pack import open_pack
    from texpipe.upkeep.port import Wish
    from texpipe.upkeep.port import port as port_pack

    console = console.quieter(quiet)
    opened = open_pack(pack)
    wish = Wish(target, game, images, container)
    with ProgressBar(console, events=as_json) as bar:
        made = port_pack(opened, old, new, output, wish, step=bar)
    for problem in (*opened.problems, *made.problems):
        console.warn(problem)
    if as_json:
        print_json(made.as_json())
    _show(console, made, output, listed)
    if not made.ported:
        raise UsageError(
            "no texture of the two dumps has the same texels, so the new pack is empty",
            hint="Are both dumps of the same game and version?",
        )
    return ExitCode.SOME_FAILED if made.problems else ExitCode.OK


def _show(console: Console, made: Port, output: Path, listed: bool) -> None:
    for one in made.ported:
        if one.how != "exact":
            console.say(f"{one.name}: taken from {one.was}, {_HOW[one.how]}")
        if one.also:
            console.say(f"{one.name}: {', '.join(one.also)} has the same texels and another picture")
    losses = [f"{file}: {why}" for file, why in made.lost.items()]
    losses += [f"{name}: {why}" for name, why in made.left_out.items()]
    for line in losses if listed else losses[:_SHOWN]:
        console.say(f"lost: {line}")
    if len(losses) > _SHOWN and not listed:
        console.say(f"and {len(losses) - _SHOWN} more; --list names them, and so does {output / 'port.json'}")
    console.say(
        f"{output}: {len(made.ported)} textures for {made.target}, {len(made.lost)} files of the old pack lost, "
        f"{len(made.missing)} textures of the new dump missing"
    )


_HOW = {"other alpha": "whose colours are the same under another alpha", "part": "of which it is a part"}
