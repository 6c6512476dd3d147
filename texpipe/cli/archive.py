"""`texpipe archive`: the zip files that people upload."""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.options import PATH, json_option, output_argument, quiet_option
from texpipe.cli.progress import ProgressBar
from texpipe.cli.replaceable import force_option, require_replaceable
from texpipe.errors import ExitCode
from texpipe.progress import in_bytes


@click.command()
@output_argument
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="Archive only this pack. Repeat it for several.",
)
@click.option(
    "--into", type=PATH, default=Path(), metavar="DIR", help="Folder for the zip files, instead of this one."
)
@force_option
@json_option
@quiet_option
@click.pass_obj
def archive(
    console: Console,
    output_dir: Path,
    targets: tuple[str, ...],
    into: Path,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Write a zip file of each pack in OUTPUT_DIR, with install lines for its emulators, credits and a picture.

    \b
    Equal packs give equal bytes.
    Example:
      texpipe archive build/oot --into ~/uploads
    """
    from texpipe.upkeep.archive import archive_name, chosen_targets, manifest_of_output, write_archive

    console = console.quieter(quiet)
    manifest = manifest_of_output(output_dir)
    files = {target: into / archive_name(manifest, target) for target in chosen_targets(manifest, targets)}
    for file in files.values():
        require_replaceable(file, force)
    with ProgressBar(console, events=as_json) as bar:
        done = [write_archive(output_dir, manifest, target, file, bar) for target, file in files.items()]
    if as_json:
        print_json([{**vars(one), "path": str(one.path)} for one in done])
    for one in done:
        console.say(f"{one.path}: {one.files} files, {one.size:,} bytes")
        for line in one.links:
            console.warn(line)
        if manifest.budget is not None and one.size > manifest.budget:
            over, budget = in_bytes(one.size - manifest.budget), in_bytes(manifest.budget)
            console.warn(
                f"{one.path} is {over} larger than the pack's budget of {budget}, because it has names, credits and a "
                "picture, too: run again with a budget that is so much smaller"
            )
    return ExitCode.OK
