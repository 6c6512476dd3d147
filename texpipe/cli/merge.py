"""`texpipe merge`: write the pack from the shards that `run --shard` computed."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from texpipe.cli.console import Console
from texpipe.cli.interrupt import DeferredInterrupt
from texpipe.cli.options import json_option, quiet_option, run_options
from texpipe.cli.progress import ProgressBar
from texpipe.cli.summary import show
from texpipe.errors import PackError
from texpipe.system.shell import command


@click.command()
@run_options
@json_option
@quiet_option
@click.pass_obj
def merge(
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
    as_json: bool,
    quiet: bool,
) -> int:
    """Write the pack from the shards that `texpipe run --shard` computed. Give the same options.

    \b
    Example:
      texpipe run oot.yaml --shard 1/2 & texpipe run oot.yaml --shard 2/2; wait
      texpipe merge oot.yaml
    """
    from texpipe.execution.shards import MissingShards
    from texpipe.pipeline import run_recipe
    from texpipe.planning.load_options import load_options

    console = console.quieter(quiet)
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
        overrides=overrides,
        replace_edited=replace_edited,
        remove=remove,
    )
    with ProgressBar(console, events=as_json) as bar, DeferredInterrupt(bar, quiet=console.quiet) as step:
        try:
            result = run_recipe(options, merge=True, progress=step)
        except MissingShards as error:
            commands = [_shard_command(click.get_current_context(), shard) for shard in error.missing]
            raise PackError(
                error.message, hint="\n  ".join(["Run these, then merge again:", *commands])
            ) from error
    return show(console, result, as_json=as_json)


def _shard_command(context: click.Context, shard: str) -> str:
    """Return the command that computes a missing shard of this merge."""
    words = [str(context.params["recipe"])]
    for option in context.command.params:
        name = str(option.name)
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(option, click.Option) and typed and not option.is_flag:
            value = context.params[name]
            for one in value if option.multiple else (value,):
                words += [option.opts[0], str(one)]
    return command("texpipe", "run", *words, "--shard", shard)
