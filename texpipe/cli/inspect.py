"""`texpipe inspect`: what texpipe sees in each texture, what it would do, and why."""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console, ProgressBar, print_json
from texpipe.cli.options import json_option, quiet_option


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--recipe", type=click.Path(path_type=Path), help="Apply this recipe's rules.")
@json_option
@quiet_option
@click.pass_obj
def inspect(console: Console, paths: tuple[Path, ...], recipe: Path | None, as_json: bool, quiet: bool) -> int:
    """Show what texpipe sees in each texture and what it would do, and why.

    \b
    PATH is a picture or a folder.
    Example:
      texpipe inspect recipes/samples/oot --recipe recipes/oot.yaml
    """
    from texpipe.manifest import entry_json
    from texpipe.pipeline import inspect_paths

    console = console.quieter(quiet)
    with ProgressBar(console) as bar:
        entries = inspect_paths(paths, recipe, progress=bar)
    if as_json:
        print_json([entry_json(entry, outputs=False) for entry in entries])
        return 7 if any(entry.status == "failed" for entry in entries) else 0
    _table(console, entries)
    return 7 if any(entry.status == "failed" for entry in entries) else 0
