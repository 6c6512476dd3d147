"""`texpipe merge`: join the parts that `run --shard` computed."""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console
from texpipe.cli.options import json_option, order_options, quiet_option
from texpipe.cli.patience import Patience
from texpipe.cli.progress import ProgressBar
from texpipe.cli.summary import show


@click.command()
@order_options
@json_option
@quiet_option
@click.pass_obj
def merge(
    console: Console,
    recipe: Path,
    input_: Path | None,
    output: Path | None,
    model: str | None,
    targets: tuple[str, ...],
    device: str,
    precision: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Write the pack from the parts that `texpipe run --shard` computed, with the same options.

    \b
    Example:
      texpipe run oot.yaml --shard 1/2 & texpipe run oot.yaml --shard 2/2; wait
      texpipe merge oot.yaml
    """
    from texpipe.order import Order
    from texpipe.pipeline import run_recipe

    console = console.quieter(quiet)
    order = Order.make(recipe, input_, output, model, targets, device=device, precision=precision)
    with ProgressBar(console, events=as_json) as bar, Patience(bar, quiet=console.quiet) as step:
        outcome = run_recipe(order, merge=True, progress=step)
    return show(console, outcome, as_json=as_json)
