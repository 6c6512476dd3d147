"""`texpipe run`: from a folder of textures to a pack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from texpipe.cli.console import Console
from texpipe.cli.interrupt import DeferredInterrupt
from texpipe.cli.options import json_option, quiet_option, run_options
from texpipe.cli.progress import ProgressBar
from texpipe.cli.summary import show
from texpipe.errors import UsageError

if TYPE_CHECKING:
    from texpipe.options import RunOptions
    from texpipe.output.result import RunResult


@click.command()
@run_options
@click.option(
    "--shard",
    metavar="I/N",
    help="Compute only part I of N; `texpipe merge` then writes the pack. auto: take I and N from the Slurm job array.",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where the work is done: on this computer, or on a Ray cluster that shares its disk.",
)
@click.option(
    "--address",
    default="local",
    show_default=True,
    envvar="RAY_ADDRESS",
    help="Address of the Ray cluster: auto, or HOST:PORT. local starts a cluster on this computer.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="Memory that each process should stay below, such as 2G or 1500M; by default three quarters of what is free. "
    "It never changes pixels.",
)
@click.option(
    "--strict", is_flag=True, help="Stop at the first texture that fails, before a pack is written."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, but compute and write nothing.")
@click.option("--report", is_flag=True, help="Also write OUTPUT/report/index.html, as `texpipe report` does.")
@json_option
@quiet_option
@click.pass_obj
def run(
    console: Console,
    recipe: Path,
    inputs: tuple[Path, ...],
    add: tuple[Path, ...],
    output: Path | None,
    model: str | None,
    detail: float | None,
    targets: tuple[str, ...],
    overrides: tuple[Path, ...],
    replace_edited: tuple[str, ...],
    remove: bool,
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
    from texpipe.pipeline import run_recipe
    from texpipe.planning.load_options import load_options

    console = console.quieter(quiet)
    if report and (dry_run or shard is not None):
        raise UsageError(
            "--report needs a pack, but --dry-run and --shard write none",
            hint="Leave out --report, and use `texpipe report OUTPUT` when the pack is written.",
        )
    options = load_options(
        recipe,
        inputs or None,
        output,
        model,
        targets,
        add=add,
        detail=detail,
        device=device,
        precision=precision,
        shard=shard,
        strict=strict,
        executor=executor,
        address=address,
        memory=memory,
        overrides=overrides,
        replace_edited=replace_edited,
        remove=remove,
    )
    _say_device(console, options)
    with ProgressBar(console, events=as_json) as bar, DeferredInterrupt(bar, quiet=console.quiet) as step:
        result = run_recipe(options, dry_run=dry_run, progress=step)
        page = _report(result, step) if report else None
    code = show(console, result, as_json=as_json)
    if page is not None:
        console.say(f"Open the report in a browser: {page}")
    elif not dry_run and shard is None:
        _say_if_older(console, result.output)
    return code


def _say_if_older(console: Console, output: Path) -> None:
    """Say that an earlier run's report no longer shows the pack."""
    from texpipe.report.stamp import older_report

    page = older_report(output)
    if page is not None:
        console.say(f"The report {page} is older than the pack: `texpipe report {output}` makes it anew")


def _say_device(console: Console, options: RunOptions) -> None:
    """Say what will compute, and how to have a graphics card used that is not."""
    if options.executor != "local":  # the machines of a cluster say for themselves what they are
        return
    from texpipe.upscale.advice import advice
    from texpipe.upscale.device import choose

    found = advice(choose(options.device, options.precision), options.device)
    console.say(f"Computing on {found.line}")
    if found.warning:
        console.warn(found.warning)


def _report(result: RunResult, step: DeferredInterrupt) -> Path:
    from texpipe.report.page import write_report

    return write_report(result.output, progress=step)
