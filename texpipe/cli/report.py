"""`texpipe report`: pages and pictures of a finished pack."""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console
from texpipe.cli.options import output_argument, quiet_option
from texpipe.cli.progress import ProgressBar
from texpipe.cli.replaceable import PICTURES, force_option, require_replaceable
from texpipe.errors import ExitCode, UsageError


@click.command()
@output_argument
@click.option(
    "--sheet",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write this PNG instead: source, bicubic, result and seams of up to 24 textures, or of each --texture.",
)
@click.option(
    "--gif",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write this GIF instead: it wipes from each source to its result and back.",
)
@click.option("--texture", "textures", multiple=True, help="Show only this texture. Repeat it for several.")
@click.option("--open", "open_page", is_flag=True, help="Open the report in the browser at the end.")
@force_option
@quiet_option
@click.pass_obj
def report(
    console: Console,
    output_dir: Path,
    sheet: Path | None,
    gif: Path | None,
    textures: tuple[str, ...],
    open_page: bool,
    force: bool,
    quiet: bool,
) -> int:
    """Write OUTPUT_DIR/report/index.html: each texture before and after, what was decided and why, worst first.

    \b
    The folder report/ needs nothing else: open it from the disk, move it or send it.
    Examples:
      texpipe report build/oot
      texpipe report build/oot --sheet sheet.png --gif clip.gif
    """
    console = console.quieter(quiet)
    if open_page and (sheet is not None or gif is not None):
        raise UsageError(
            "--open opens the report, but --sheet and --gif write pictures instead", hint="Leave out --open."
        )
    for picture in filter(None, (sheet, gif)):
        require_replaceable(picture, force, PICTURES)
    if sheet is not None:
        from texpipe.report.sheet import sheet_of_pack

        shown, of = sheet_of_pack(output_dir, sheet, names=textures)
        how = (
            "" if shown == of else f" of {of}, the worst and some of all sizes; --texture NAME chooses others"
        )
        console.say(f"{shown} textures on {sheet}{how}")
    if gif is not None:
        from texpipe.report.clip import clip_of_pack

        console.say(f"{clip_of_pack(output_dir, gif, names=textures)} textures in {gif}")
    if sheet is None and gif is None:
        from texpipe.report.page import write_report

        with ProgressBar(console) as bar:
            page = write_report(output_dir, names=textures, progress=bar)
        console.say(f"Open the report in a browser: {page}")
        if open_page:
            click.launch(page.resolve().as_uri())
    return ExitCode.OK
