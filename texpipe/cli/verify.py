"""`texpipe verify`: check a pack by its manifest and its emulator's rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.options import json_option, output_argument, quiet_option
from texpipe.errors import ExitCode, PackError
from texpipe.system.shell import quoted


def _remedy(kept: Sequence[str]) -> str:
    """Return what to do about problems: runs mend files of texpipe's, but keep those in `kept`."""
    again = "Run the recipe again: it rewrites what is missing or damaged and keeps what was edited by hand."
    if not kept:
        return again
    more = f" and {len(kept) - 1} more" if len(kept) > 1 else ""
    return (
        f"{again}\n{kept[0]}{more} would be kept as it is: mend it, or run with --replace-edited "
        f"{quoted(kept[0])}; a copy goes to the backup then."
    )


@click.command()
@output_argument
@json_option
@quiet_option
@click.pass_obj
def verify(console: Console, output_dir: Path, as_json: bool, quiet: bool) -> int:
    """Check each file of a pack by its manifest and its emulator's rules.

    \b
    Example:
      texpipe verify build/oot
    """
    from texpipe.packs.verify import verify_pack

    console = console.quieter(quiet)
    found = verify_pack(output_dir)
    if as_json:
        print_json({"checked": found.checked, "problems": found.problems, "notes": found.notes})
    for note in found.notes:
        console.say(note)
    for problem in found.problems:
        console.warn(problem)
    if found.problems:
        raise PackError(
            f"{len(found.problems)} problems in {found.checked} files of {output_dir}",
            hint=_remedy(found.kept),
        )
    others = f"; {found.theirs} not, as said above, which is no fault" if found.theirs else ""
    console.say(
        f"{found.checked - found.theirs} files agree with the manifest and with the emulator's rules{others}"
    )
    return ExitCode.OK
