"""`texpipe coverage`: which textures of a dump a pack has, and which it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.completion import complete_target
from texpipe.cli.console import Console, print_json
from texpipe.cli.options import PATH, html_option, json_option, quiet_option
from texpipe.cli.printable import printable
from texpipe.cli.progress import ProgressBar
from texpipe.cli.tables import print_table
from texpipe.errors import ExitCode

if TYPE_CHECKING:
    from texpipe.upkeep.coverage import Coverage

_JUDGED = ("gliden64", "rice", "duckstation", "beetle-psx")
"""Targets whose rules of names can be checked."""


@click.command()
@click.argument("pack", type=PATH)
@click.option(
    "--dump",
    "dumps",
    type=PATH,
    multiple=True,
    required=True,
    metavar="DIR",
    help="Dump of the game. Repeat it for several.",
)
@click.option(
    "--target",
    shell_complete=complete_target,
    type=click.Choice(_JUDGED),
    help="Emulator whose rules the names have to follow; by default the one whose names they are.",
)
@click.option("--list", "listed", is_flag=True, help="Print every texture and file, not only the counts.")
@html_option
@json_option
@quiet_option
@click.pass_obj
def coverage(
    console: Console,
    pack: Path,
    dumps: tuple[Path, ...],
    target: str | None,
    listed: bool,
    html: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Show which textures of a dump a pack has, lacks, has at another palette or under a wrong name.

    \b
    PACK is a folder or a container file (.hts, .htc, .rtz, .o2r, .zip) of any maker.
    Examples:
      texpipe coverage build/oot --dump ~/dumps/oot
      texpipe coverage build/oot --dump ~/dumps/oot --html missing
    """
    from texpipe.upkeep.any_pack import open_pack
    from texpipe.upkeep.coverage import coverage as compare
    from texpipe.upkeep.coverage_page import write_coverage_page

    console = console.quieter(quiet)
    opened = open_pack(pack)
    with ProgressBar(console, events=as_json) as bar:
        found = compare(opened, dumps, target=target, progress=bar)
    for problem in (*opened.problems, *(f"{name}: {why}" for name, why in found.unreadable.items())):
        console.warn(problem)
    if as_json:
        print_json(found.as_json())
    else:
        _show(found, listed)
    if html is not None:
        page = write_coverage_page(found, html, pack.resolve().name)
        console.say(f"Open the page in a browser: {page}")
    return ExitCode.OK


def _show(found: Coverage, listed: bool) -> None:
    from texpipe.upkeep.coverage_page import shares

    rows = [tuple(row.values()) for row in shares(found)]
    print_table(("state", "textures", "share", "texels", "share"), rows)
    click.echo(f"files that no texture of the dump asks for: {len(found.unasked):,}")
    if not listed:
        return
    click.echo()
    textures = [
        (one.state, printable(one.name), printable("; ".join(filter(None, (one.why, ", ".join(one.files))))))
        for one in found.textures
        if one.state != "there"
    ]
    unasked = [(why, "", printable(file)) for file, why in found.unasked.items()]
    print_table(("state", "texture", "file"), [*textures, *unasked])
