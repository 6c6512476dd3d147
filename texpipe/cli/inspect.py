"""`texpipe inspect`: what texpipe sees in each texture, what it would do, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console, ProgressBar, print_json
from texpipe.cli.options import json_option, quiet_option

if TYPE_CHECKING:
    from texpipe.manifest import Entry

PIPED_WIDTH = 200
"""Columns of the table when nobody's terminal says how wide it is."""


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--recipe", type=click.Path(path_type=Path), help="Apply this recipe's rules.")
@json_option
@quiet_option
@click.pass_obj
def inspect(
    console: Console, paths: tuple[Path, ...], recipe: Path | None, as_json: bool, quiet: bool
) -> int:
    """Show what texpipe sees in each texture and what it would do, and why.

    \b
    PATH is a picture or a folder.
    Example:
      texpipe inspect recipes/samples/oot --recipe recipes/oot.yaml
    """
    from texpipe.manifest import entry_as_json
    from texpipe.recipe.load import load_recipe
    from texpipe.recipe.schema import Recipe
    from texpipe.survey import survey

    console = console.quieter(quiet)
    rules = load_recipe(recipe).recipe if recipe else Recipe.default()
    entries: list[Entry] = []
    with ProgressBar(console) as bar:
        for path in paths:
            entries += survey(path, rules, progress=bar).entries()
    if as_json:
        print_json([_without_outputs(entry_as_json(entry)) for entry in entries])
    else:
        _show_table(console, entries)
    return 7 if any(entry.status == "failed" for entry in entries) else 0


def _without_outputs(entry: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in entry.items() if key not in ("outputs", "metrics")}


def _show_table(console: Console, entries: Sequence[Entry]) -> None:
    """Print one row per texture to stdout: it is what was asked for."""
    from rich.console import Console as RichConsole
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("texture", "size", "format", "alpha", "x", "y"):
        table.add_column(heading, no_wrap=True)
    table.add_column("why", overflow="fold")
    for entry in entries:
        table.add_row(*(escape(cell) for cell in _row(entry)))
    terminal = RichConsole(highlight=False)
    width = None if terminal.is_terminal else PIPED_WIDTH
    terminal.print(table, width=width, crop=False)
    failed = sum(entry.status == "failed" for entry in entries)
    console.say(f"{len(entries)} textures, {failed} of them unreadable")


def _row(entry: Entry) -> tuple[str, ...]:
    if entry.status == "failed" or entry.size is None or entry.edges is None or entry.decided_by is None:
        return (entry.source, "", "", "", "", "", f"failed: {entry.reason}")
    why = entry.decided_by
    reasons = [f"alpha: {why.alpha}", f"x: {why.x}", f"y: {why.y}"]
    if entry.status == "skipped":
        reasons = [f"skipped: {why.action}"]
    size = f"{entry.size[0]}x{entry.size[1]}"
    return (
        entry.source,
        size,
        entry.format or "?",
        entry.alpha or "",
        entry.edges.x,
        entry.edges.y,
        "\n".join((*reasons, *entry.warnings)),
    )
