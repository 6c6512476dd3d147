"""`texpipe report`: pictures of a finished pack."""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console
from texpipe.cli.options import quiet_option


@click.command()
@click.argument("output_dir", type=click.Path(path_type=Path))
@click.option(
    "--sheet",
    type=click.Path(path_type=Path, dir_okay=False),
    help="PNG to write; default OUTPUT_DIR/report/sheet.png.",
)
@click.option("--texture", "textures", multiple=True, help="Show only this texture; repeatable.")
@quiet_option
@click.pass_obj
def report(
    console: Console, output_dir: Path, sheet: Path | None, textures: tuple[str, ...], quiet: bool
) -> int:
    """Write a sheet of comparisons: source, bicubic, result over magenta and black, and among its neighbours.

    \b
    Example:
      texpipe report build/oot --sheet sheet.png
    """
    from texpipe.report.sheet import sheet_of_pack

    target = sheet or output_dir / "report" / "sheet.png"
    shown = sheet_of_pack(output_dir, target, names=textures)
    console.quieter(quiet).say(f"{shown} textures on {target}")
    return 0
