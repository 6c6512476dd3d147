"""`texpipe patch`: small updates of packs."""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.options import PATH, json_option, quiet_option
from texpipe.cli.progress import ProgressBar
from texpipe.cli.replaceable import force_option, require_replaceable
from texpipe.errors import ExitCode


@click.group()
def patch() -> None:
    """Make and apply update archives, which hold only what changed between two versions of a pack."""


@patch.command(short_help="Write the archive that turns pack A into pack B.")
@click.argument("before", type=PATH, metavar="A")
@click.argument("after", type=PATH, metavar="B")
@click.option("--output", type=PATH, required=True, metavar="FILE", help="Archive to write, FILE.texpatch.")
@force_option
@json_option
@quiet_option
@click.pass_obj
def make(
    console: Console, before: Path, after: Path, output: Path, force: bool, as_json: bool, quiet: bool
) -> int:
    """Write the archive that turns pack A into pack B: the changed files alone, of containers the changed entries.

    \b
    Example:
      texpipe patch make ~/packs/oot build/oot --output oot-1.1.texpatch
    """
    from texpipe.upkeep.patch import make_patch

    console = console.quieter(quiet)
    require_replaceable(output, force)
    with ProgressBar(console, events=as_json) as bar:
        written = make_patch(before, after, output, bar)
    if as_json:
        print_json({"patch": str(output), **vars(written)})
    for line in written.links:
        console.warn(line)
    console.say(
        f"{output}: {written.made} files added or changed, {written.removed} removed, {written.size:,} bytes"
    )
    return ExitCode.OK


@patch.command(short_help="Turn a pack into the version that an archive was made for.")
@click.argument("archive", type=PATH)
@click.argument("pack", type=PATH)
@click.option("--output", type=PATH, metavar="PACK", help="Where the result goes; PACK then stays as it is.")
@click.option(
    "--other-changes",
    is_flag=True,
    help="Accept a pack in which other files were changed than those that the update changes.",
)
@json_option
@quiet_option
@click.pass_obj
def apply(
    console: Console,
    archive: Path,
    pack: Path,
    output: Path | None,
    other_changes: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Turn PACK into the version that ARCHIVE was made for, as a whole or not at all.

    \b
    A pack that is not the one which the archive was made from is refused, and stays as it is.
    Example:
      texpipe patch apply oot-1.1.texpatch ~/packs/oot
    """
    from texpipe.upkeep.patch import apply_patch

    console = console.quieter(quiet)
    with ProgressBar(console, events=as_json) as bar:
        done = apply_patch(archive, pack, output=output, other_changes=other_changes, step=bar)
    if as_json:
        print_json(vars(done))
    console.say(f"{output or pack}: {done.made} files added or changed, {done.removed} removed")
    return ExitCode.OK


@patch.command(short_help="Show what an archive changes.")
@click.argument("archive", type=PATH)
@json_option
@click.pass_obj
def show(console: Console, archive: Path, as_json: bool) -> int:
    """List the files that ARCHIVE adds, changes or removes.

    \b
    Example:
      texpipe patch show oot-1.1.texpatch
    """
    from texpipe.upkeep.patch import patch_as_json, read_patch

    found = read_patch(archive)
    if as_json:
        print_json(patch_as_json(found))
        return ExitCode.OK
    for one in found.made:
        console.say(f"{'changed' if one.name in found.base else 'added'}  {one.name}")
    for name in found.removed:
        console.say(f"removed  {name}")
    console.say(f"{len(found.made)} files added or changed, {len(found.removed)} removed")
    return ExitCode.OK
