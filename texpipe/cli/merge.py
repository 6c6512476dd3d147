"""`texpipe merge`: write the pack from the shards that `run --shard` computed, or one pack out of several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from texpipe.cli.console import Console, print_json
from texpipe.cli.interrupt import DeferredInterrupt
from texpipe.cli.options import PATH, html_option, json_option, options_given, quiet_option, run_options
from texpipe.cli.progress import ProgressBar
from texpipe.cli.replaceable import require_replaceable
from texpipe.cli.summary import show
from texpipe.cli.told import told
from texpipe.errors import ExitCode, PackError, UsageError
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.upkeep.layers_recipe import LayersRecipe


@click.command()
@run_options
@click.argument("more", nargs=-1, type=PATH, metavar="[PACK]...")
@click.option(
    "--choose",
    "choices",
    multiple=True,
    metavar="NAME=LAYER",
    help="Of packs: take files of this name or pattern from this pack. Repeat it for several.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Of packs: write a recipe that does the same again, with every conflict in it to be decided.",
)
@html_option
@json_option
@quiet_option
@click.pass_obj
def merge(
    console: Console,
    recipe: Path,
    more: tuple[Path, ...],
    choices: tuple[str, ...],
    save: Path | None,
    html: Path | None,
    inputs: tuple[Path, ...],
    add: tuple[Path, ...],
    output: Path | None,
    model: str | None,
    detail: float | None,
    targets: tuple[str, ...],
    overrides: tuple[Path, ...],
    budget: str | None,
    replace_edited: tuple[str, ...],
    remove: bool,
    device: str,
    precision: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Write one pack: out of several packs, or of the shards that `texpipe run --shard` computed.

    \b
    RECIPE and PACKs are packs, lowest first: of each texture the last one that has it wins, and every conflict is
    named. A recipe that --save wrote does it again. A recipe alone stands for its shards: give the same options.
    Examples:
      texpipe merge base hd-hud mine --output merged --html conflicts --save layers.yaml
      texpipe merge layers.yaml
      texpipe run oot.yaml --shard 1/2 & texpipe run oot.yaml --shard 2/2; wait
      texpipe merge oot.yaml
    """
    from texpipe.upkeep.layers_recipe import is_layers_recipe

    console = console.quieter(quiet)
    if more or (recipe.is_file() and is_layers_recipe(recipe)):
        _refuse_options_of_runs()
        order = _layers(recipe, more, output, choices)
        return _merge_packs(console, order, save, html, as_json)
    if choices or save or html:
        raise UsageError("--choose, --save and --html are for packs", hint="Give at least two packs.")
    return _merge_shards(
        console,
        recipe,
        as_json,
        input_=inputs or None,
        output=output,
        model=model,
        targets=targets,
        add=add,
        detail=detail,
        device=device,
        precision=precision,
        overrides=overrides,
        budget=budget,
        replace_edited=replace_edited,
        remove=remove,
    )


def _merge_shards(console: Console, recipe: Path, as_json: bool, **options_of_run: Any) -> int:  # noqa: ANN401
    from texpipe.execution.shards import MissingShards
    from texpipe.pipeline import run_recipe
    from texpipe.planning.load_options import load_options

    options = load_options(recipe, **options_of_run)
    with ProgressBar(console, events=as_json) as bar, DeferredInterrupt(bar, quiet=console.quiet) as step:
        try:
            result = run_recipe(options, merge=True, progress=step)
        except MissingShards as error:
            commands = [_shard_command(click.get_current_context(), shard) for shard in error.missing]
            raise PackError(
                error.message, hint="\n  ".join(["Run these, then merge again:", *commands])
            ) from error
    return show(console, told(result), as_json=as_json, merged=True)


_OF_PACKS = frozenset({"recipe", "more", "output", "choices", "save", "html", "as_json", "quiet"})
"""Parameters that say something of packs; the others are for shards."""


def _refuse_options_of_runs() -> None:
    context = click.get_current_context()
    for option in context.command.params:
        typed = context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
        if typed and option.name not in _OF_PACKS:
            raise UsageError(
                f"{option.opts[0]} says nothing of packs", hint="It is for recipes and their shards."
            )


def _layers(
    recipe: Path, more: tuple[Path, ...], output: Path | None, choices: tuple[str, ...]
) -> LayersRecipe:
    """Return which packs are merged, into what: from the command line, or from a recipe of layers."""
    from texpipe.upkeep.layers_recipe import LayersRecipe, read_layers_recipe

    named = tuple(_choice(one) for one in choices)
    if not more:
        loaded = read_layers_recipe(recipe)
        return LayersRecipe(loaded.layers, output or loaded.output, (*named, *loaded.choices))
    if output is None:
        raise UsageError("--output is missing", hint="Name the folder that the merged pack goes to.")
    return LayersRecipe((recipe, *more), output, named)


def _choice(text: str) -> tuple[str, str]:
    pattern, equals, layer = text.rpartition("=")
    if not equals:
        raise UsageError(f"--choose {text}: is not NAME=LAYER", hint="Example: --choose '*hud*=hd-hud'")
    return pattern, layer


def _merge_packs(
    console: Console, order: LayersRecipe, save: Path | None, html: Path | None, as_json: bool
) -> int:
    from texpipe.upkeep.layers import merge_layers
    from texpipe.upkeep.layers_page import describe, write_conflicts_page
    from texpipe.upkeep.layers_recipe import write_layers_recipe

    if save is not None:
        require_replaceable(save, force=False)
    with ProgressBar(console, events=as_json) as bar:
        merged = merge_layers(order.layers, order.output, order.choices, bar)
    for problem in merged.problems:
        console.warn(problem)
    for pattern in merged.idle:
        console.warn(f"the choice {pattern!r} fits no file of its layer")
    if as_json:
        print_json(merged.as_json())
    for one in merged.conflicts:
        console.say(f"{one.name}: {describe(one)}")
    counts = ", ".join(f"{count} of {name}" for name, count in merged.files.items())
    console.say(
        f"{order.output}: {sum(merged.files.values())} files ({counts}), {len(merged.conflicts)} conflicts"
    )
    if html is not None:
        page = write_conflicts_page(merged, html, order.output.resolve().name)
        console.say(f"Open the page in a browser: {page}")
    if save is not None:
        write_layers_recipe(save, order.layers, order.output, order.choices, merged.conflicts)
        console.say(f"To decide and do it again: edit {save}, then {command('texpipe', 'merge', save)}")
    return ExitCode.SOME_FAILED if merged.problems else ExitCode.OK


def _shard_command(context: click.Context, shard: str) -> str:
    """Return the command that computes a missing shard of this merge."""
    words = options_given(context, without=("as_json", "quiet"))
    return command("texpipe", "run", str(context.params["recipe"]), *words, "--shard", shard)
