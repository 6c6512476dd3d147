"""`texpipe run`: a folder of textures in, a pack out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from texpipe.cli.console import Console
from texpipe.cli.interrupt import Patience
from texpipe.cli.options import json_option, order_options, quiet_option
from texpipe.cli.progress import ProgressBar
from texpipe.cli.summary import show
from texpipe.errors import UsageError

if TYPE_CHECKING:
    from texpipe.output.result import Outcome


@click.command()
@order_options
@click.option(
    "--shard",
    metavar="I/N",
    help="Compute only part I of N; `texpipe merge` joins the parts. auto: the task of a Slurm array.",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Who computes: this computer, or a Ray cluster that shares the disk.",
)
@click.option(
    "--address",
    default="local",
    show_default=True,
    envvar="RAY_ADDRESS",
    help="The Ray cluster, as Ray names it: auto, HOST:PORT; local starts one on this computer.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="What each process should stay below, such as 2G or 1500M; three quarters of what is free if not given. "
    "It never changes pixels.",
)
@click.option(
    "--strict", is_flag=True, help="Stop at the first texture that fails, before anything is written."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done and write nothing.")
@click.option("--report", is_flag=True, help="Write OUTPUT/report/index.html too, as `texpipe report` does.")
@json_option
@quiet_option
@click.pass_obj
def run(
    console: Console,
    recipe: Path,
    input_: Path | None,
    output: Path | None,
    model: str | None,
    detail: float | None,
    targets: tuple[str, ...],
    device: str,
    precision: str,
    shard: str | None,
    executor: Literal["local", "ray"],
    address: str,
    memory: str | None,
    strict: bool,
    dry_run: bool,
    report: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Upscale a folder of textures into a pack that an emulator loads.

    \b
    RECIPE is a YAML file, or the name of a recipe that comes with texpipe.
    Example:
      texpipe run recipes/oot.yaml --input ~/dumps/oot --output ~/packs/oot
    """
    from texpipe.options import Order
    from texpipe.pipeline import run_recipe

    console = console.quieter(quiet)
    if report and (dry_run or shard is not None):
        raise UsageError(
            "--report shows a pack, but --dry-run and --shard write none",
            hint="Leave --report out; `texpipe report OUTPUT` makes it when the pack is there.",
        )
    order = Order.make(
        recipe,
        input_,
        output,
        model,
        targets,
        detail=detail,
        device=device,
        precision=precision,
        shard=shard,
        strict=strict,
        executor=executor,
        address=address,
        memory=memory,
    )
    with ProgressBar(console, events=as_json) as bar, Patience(bar, quiet=console.quiet) as step:
        outcome = run_recipe(order, dry_run=dry_run, progress=step)
        page = _report(outcome, step) if report else None
    code = show(console, outcome, as_json=as_json)
    if page is not None:
        console.say(f"The report is {page}: open it in a browser")
    return code


def _report(outcome: Outcome, step: Patience) -> Path:
    from texpipe.report.page import write_report

    return write_report(outcome.output, progress=step)
