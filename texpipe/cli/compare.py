"""`texpipe compare`: several models on a part of a dump, side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.completion import complete_model
from texpipe.cli.console import Console, print_json
from texpipe.cli.interrupt import DeferredInterrupt
from texpipe.cli.options import (
    PATH,
    add_option,
    device_option,
    json_option,
    precision_option,
    quiet_option,
    recipe_or_dump_argument,
)
from texpipe.cli.progress import ProgressBar
from texpipe.cli.run_dump import is_dump, recipe_of_dump, refuse_inputs
from texpipe.cli.summary import SHOWN_PROBLEMS
from texpipe.cli.worst import worst_names
from texpipe.errors import ExitCode

if TYPE_CHECKING:
    from texpipe.compare.page import Shown
    from texpipe.options import RunOptions

SAMPLE = 24
"""Pictures of a comparison, if nobody says how many."""


@click.command()
@recipe_or_dump_argument
@click.option(
    "--model",
    "models",
    shell_complete=complete_model,
    multiple=True,
    metavar="NAME|PATH",
    help="A column: a model, or a name that the recipe gives to models. Repeat it; by default the recipe's own.",
)
@click.option(
    "--detail",
    "details",
    multiple=True,
    type=click.FloatRange(0, 1),
    help="A column for each model with a dial at this detail, 0 faithful to 1 inventive. Repeat it.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=SAMPLE,
    show_default=True,
    metavar="N",
    help="About how many pictures, chosen so that they show what there is in the dump.",
)
@click.option(
    "--input",
    "inputs",
    type=PATH,
    multiple=True,
    help="Folder of textures to read, instead of the recipe's. Repeat it for several.",
)
@add_option
@click.option(
    "--output", type=PATH, help="Folder of the pack; the comparison goes beside it, to OUTPUT-compare."
)
@device_option
@precision_option
@click.option("--memory", metavar="SIZE", help="Memory that this process should stay below, such as 2G.")
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser at the end.")
@json_option
@quiet_option
@click.pass_obj
def compare(
    console: Console,
    recipe: Path,
    models: tuple[str, ...],
    details: tuple[float, ...],
    sample: int,
    inputs: tuple[Path, ...],
    add: tuple[Path, ...],
    output: Path | None,
    device: str,
    precision: str,
    memory: str | None,
    open_page: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Make some pictures of a dump by several models, side by side, and say how long the whole dump takes by each.

    \b
    OUTPUT-compare/index.html shows them and writes the rules for what you pick; sheet.png has all in one picture.
    Nothing of the recipe or the pack changes.
    Examples:
      texpipe compare recipes/oot.yaml --model texpipe-x4 --model texpipe-x4-fast
      texpipe compare ~/dumps/oot --model texpipe-x4 --model texpipe-x4-fast --sample 12
    """
    from texpipe.compare.columns import columns_of
    from texpipe.compare.making import compare as make
    from texpipe.compare.page import require_own, write_comparison
    from texpipe.planning.load_options import load_options

    console = console.quieter(quiet)
    if is_dump(recipe):
        if inputs:
            raise refuse_inputs(recipe)
        recipe = recipe_of_dump(console, recipe)
    order = load_options(
        recipe, inputs or None, output, add=add, device=device, precision=precision, memory=memory
    )
    beside = order.output
    order = replace(order, output=beside.with_name(f"{beside.name}-compare"))
    require_own(order.output)
    columns = columns_of(order, models, details)
    for line in dict.fromkeys(line for column in columns for line in column.models.warnings()):
        console.warn(line)
    with ProgressBar(console, events=as_json) as bar, DeferredInterrupt(bar, quiet=console.quiet) as step:
        made = make(order, columns, sample, beside=beside, worst=worst_names(beside), progress=step)
        shown = write_comparison(made)
    _show(console, order, shown, as_json=as_json)
    if open_page:
        click.launch(shown.page.resolve().as_uri())
    return ExitCode.SOME_FAILED if shown.failures else ExitCode.OK


def _show(console: Console, order: RunOptions, shown: Shown, *, as_json: bool) -> None:
    if as_json:
        columns = [
            {name: one[name] for name in ("label", "licences", "settings", "seconds")}
            for one in shown.columns
        ]
        print_json(
            {
                "page": str(shown.page),
                "sheet": str(shown.sheet),
                "columns": columns,
                "failed": list(shown.failures),
            }
        )
    for line in shown.failures[:SHOWN_PROBLEMS]:
        console.warn(line)
    if len(shown.failures) > SHOWN_PROBLEMS:
        console.warn(f"... and {len(shown.failures) - SHOWN_PROBLEMS} more; the page names them all")
    console.say(f"Open the comparison in a browser: {shown.page}")
    console.say(f"All of it in one picture: {shown.sheet}")
    width = max(len(one["label"]) for one in shown.columns)
    for one in shown.columns:
        time = f"all of the dump takes about {one['time']} here" if one["time"] else "not measured"
        console.say(f"{one['label']:{width}}  {time}, {one['licences']}")
    if shown.example:
        console.say(
            "The page writes the rules for what you pick; put them first under `rules:` in "
            f"{order.recipe_file}, such as"
        )
        for line in shown.example:
            console.say(line)
