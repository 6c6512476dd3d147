"""`texpipe verify`: is a pack still what its manifest says, and would its emulator load it?"""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.options import json_option, quiet_option


@click.command()
@click.argument("output_dir", type=click.Path(path_type=Path))
@json_option
@quiet_option
@click.pass_obj
def verify(console: Console, output_dir: Path, as_json: bool, quiet: bool) -> int:
    """Re-check every file of a pack against its manifest and its emulator's rules.

    \b
    Example:
      texpipe verify build/oot
    """
    from texpipe.errors import PackError
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
            hint="Run the recipe again: what is missing or damaged is written anew; what was edited by hand stays.",
        )
    console.say(f"{found.checked} files agree with the manifest and with the emulator's rules")
    return 0
