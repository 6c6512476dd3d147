"""`texpipe run`: a folder of textures in, a pack out."""

from __future__ import annotations

from pathlib import Path

import click

from texpipe.cli.console import Console, ProgressBar
from texpipe.cli.options import json_option, order_options, quiet_option
from texpipe.cli.summary import show


@click.command()
@order_options
@click.option("--shard", metavar="I/N", help="Compute only part I of N; `texpipe merge` joins the parts.")
@click.option(
    "--strict", is_flag=True, help="Stop at the first texture that fails, before anything is written."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done and write nothing.")
@json_option
@quiet_option
@click.pass_obj
def run(
    console: Console,
    recipe: Path,
    input_: Path | None,
    output: Path | None,
    model: str | None,
    targets: tuple[str, ...],
    device: str,
    precision: str,
    shard: str | None,
    strict: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Upscale a folder of textures into a pack that an emulator loads.

    \b
    RECIPE is a YAML file, or the name of a recipe that comes with texpipe.
    Example:
      texpipe run recipes/oot.yaml --input ~/dumps/oot --output ~/packs/oot
    """
    from texpipe.order import Order
    from texpipe.pipeline import run_recipe

    console = console.quieter(quiet)
    order = Order.make(
        recipe, input_, output, model, targets, device=device, precision=precision, shard=shard, strict=strict
    )
    with ProgressBar(console) as bar:
        outcome = run_recipe(order, dry_run=dry_run, progress=bar)
    return show(console, outcome, as_json=as_json)
