"""`texpipe diff`: how two packs differ."""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.options import PATH, html_option, json_option, quiet_option
from texpipe.cli.printable import printable
from texpipe.cli.progress import ProgressBar
from texpipe.cli.tables import print_table
from texpipe.errors import ExitCode


@click.command()
@click.argument("before", type=PATH, metavar="A")
@click.argument("after", type=PATH, metavar="B")
@html_option
@json_option
@quiet_option
@click.pass_obj
def diff(console: Console, before: Path, after: Path, html: Path | None, as_json: bool, quiet: bool) -> int:
    """Show what was added, removed or changed between two packs, how much, and who made either picture.

    \b
    A and B are folders or container files (.hts, .htc, .rtz, .o2r, .zip) of any maker.
    Examples:
      texpipe diff build/oot ~/packs/oot
      texpipe diff build/oot ~/packs/oot --html differences
    """
    from texpipe.upkeep.any_pack import open_pack
    from texpipe.upkeep.differences import CHANGES, differences
    from texpipe.upkeep.differences_page import describe, write_differences_page

    console = console.quieter(quiet)
    packs = (open_pack(before), open_pack(after))
    with ProgressBar(console, events=as_json) as bar:
        found = differences(*packs, progress=bar)
    for problem in found.problems:
        console.warn(problem)
    if as_json:
        print_json(found.as_json())
    else:
        rows = [(one.change, printable(one.name), printable(describe(one))) for one in found.files]
        print_table(("change", "file", "what"), rows)
        counts = [f"{found.count(change)} {change}" for change in CHANGES if found.count(change)]
        click.echo(", ".join([*counts, f"{found.equal} equal"]))
    if html is not None:
        page = write_differences_page(found, html, f"{before.resolve().name} and {after.resolve().name}")
        console.say(f"Open the page in a browser: {page}")
    return ExitCode.SOME_FAILED if found.problems else ExitCode.OK
