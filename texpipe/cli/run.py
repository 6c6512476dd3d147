"""`texpipe run`: a folder of textures in, a pack out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console, ProgressBar, print_json
from texpipe.cli.options import engine_options, json_option, quiet_option

if TYPE_CHECKING:
    from texpipe.pipeline import Outcome

SHOWN_PROBLEMS = 20
"""So many failed textures are named at the end; the manifest names them all."""


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--input", "input_", type=click.Path(path_type=Path), help="Folder of textures, instead of the recipe's.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder to write, instead of the recipe's.")
@click.option("--model", help="A model's name or path, instead of the recipe's.")
@click.option("--target", "targets", multiple=True, help="Emulator to write for, instead of the recipe's; repeatable.")
@engine_options
@click.option("--shard", metavar="I/N", help="Compute only part I of N; `texpipe merge` joins the parts.")
@click.option("--strict", is_flag=True, help="Stop at the first texture that fails, before anything is written.")
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
    from texpipe.pipeline import Order, run_recipe

    console = console.quieter(quiet)
    order = Order.make(
        recipe, input_, output, model, targets, device=device, precision=precision, shard=shard, strict=strict
    )
    with ProgressBar(console) as bar:
        outcome = run_recipe(order, dry_run=dry_run, progress=bar, warn=console.warn)
    if as_json:
        print_json(outcome.as_json())
    _summarise(console, outcome)
    return outcome.exit_code


def _summarise(console: Console, outcome: Outcome) -> None:
    manifest = outcome.manifest
    for entry in [entry for entry in manifest.textures if entry.status == "failed"][:SHOWN_PROBLEMS]:
        console.warn(f"{entry.source}: {entry.reason}")
    counts = manifest.summary
    failed = counts["failed"]
    if failed > SHOWN_PROBLEMS:
        console.warn(f"... and {failed - SHOWN_PROBLEMS} more; manifest.json names them all")
    verb = "would write" if outcome.dry_run else "wrote"
    console.say(
        f"{verb} {counts['written'] + counts['copied']} textures"
        f" ({counts['duplicates']} duplicates; {outcome.computed} computed, {outcome.cached} from the store)"
        f" in {outcome.seconds:.1f} s"
    )
    for reason, number in outcome.skip_reasons().items():
        console.say(f"skipped {number}: {reason}")
    if manifest.ignored:
        kinds = ", ".join(f"{number} {kind}" for kind, number in manifest.ignored.items())
        console.say(f"ignored other files: {kinds}")
    if failed:
        console.say(f"failed {failed}: see above")
    for line in outcome.where_to():
        console.say(line)
