"""`texpipe doctor`: what texpipe runs on, and what to do about what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.options import json_option, quiet_option
from texpipe.cli.printable import printable
from texpipe.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from texpipe.doctor.finding import Finding

_STYLES = {"good": "green", "note": "yellow", "problem": "red"}


@click.command()
@click.argument("output_dir", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--seconds",
    type=click.FloatRange(0, 60),
    default=5,
    show_default=True,
    help="Time for each measurement of speed; 0 measures none.",
)
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.zip",
    help="Also write an archive for a bug report: this table, logs, the recipe, the head of the manifest; no pictures.",
)
@click.option(
    "--recipe",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Recipe that goes into the archive.",
)
@json_option
@quiet_option
@click.pass_obj
def doctor(
    console: Console,
    output_dir: Path,
    seconds: float,
    bundle: Path | None,
    recipe: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Show what texpipe runs on: versions, devices, models, folders, emulators, speed.

    OUTPUT_DIR is the folder of a run, or where one is to be written.

    \b
    Example:
      texpipe doctor
      texpipe doctor ~/packs/oot --recipe oot.yaml --bundle report.zip
    """
    from texpipe.doctor.examination import examine

    console = console.quieter(quiet)
    findings = _watched(console, examine(output_dir, seconds))
    if as_json:
        print_json([finding.as_json() for finding in findings])
    else:
        console.rich.print(_table(findings))
    for finding in findings:
        if finding.remedy:
            console.say(f"{finding.name}: {finding.remedy}")
    if bundle is not None:
        from texpipe.doctor.bundle import write_bundle

        names = write_bundle(bundle, findings, output_dir, recipe)
        console.say(f"wrote {bundle}: {', '.join(names)}. Read it before you send it.")
    return ExitCode.DEVICE if any(one.state == "problem" for one in findings) else ExitCode.OK


def _watched(console: Console, findings: Iterable[Finding]) -> list[Finding]:
    """Collect findings while a line says what is being examined."""
    found = []
    with console.rich.status("examining software ...") as status:
        for finding in findings:
            found.append(finding)
            status.update(f"examining {finding.area} ...")
    return found


def _table(findings: list[Finding]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "", "", "", show_header=False, box=None, pad_edge=False)
    area = ""
    for finding in findings:
        title = finding.area if finding.area != area else ""
        area = finding.area
        state = Text(finding.state, style=_STYLES[finding.state])
        table.add_row(
            Text(title, style="bold"), Text(printable(finding.name)), state, Text(printable(finding.found))
        )
    return table
