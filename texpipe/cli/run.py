"""`texpipe run`: from a folder of textures to a pack."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import click

from texpipe.cli.console import Console
from texpipe.cli.device_line import say_device
from texpipe.cli.interrupt import DeferredInterrupt
from texpipe.cli.needs import say_before
from texpipe.cli.options import json_option, options_given, order_option, quiet_option, run_options
from texpipe.cli.progress import ProgressBar
from texpipe.cli.repeated import Repeatable
from texpipe.cli.run_dump import file_of_dump, is_dump, planned_recipe_of_dump, refuse_inputs
from texpipe.cli.summary import show
from texpipe.cli.told import told
from texpipe.errors import SourceError, UsageError
from texpipe.system.meant_paths import did_you_mean
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.options import RunOptions
    from texpipe.output.result import RunResult
    from texpipe.planning.first_recipe import Asked, RecipeFile


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
@order_option
@click.option("--dry-run", is_flag=True, help="Show what would be done, but compute and write nothing.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Make about N pictures that show what there is in the dump, and say how long all would take. They go to a "
    "folder of their own, OUTPUT-sample, with a report.",
)
@click.option(
    "--report",
    is_flag=True,
    help="Also write OUTPUT/report/index.html, as `texpipe report` does; always done for a dump without a recipe.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the report in the browser at the end.")
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
    budget: str | None,
    replace_edited: tuple[str, ...],
    remove: bool,
    device: str,
    precision: str,
    shard: str | None,
    executor: Literal["local", "ray"],
    address: str,
    memory: str | None,
    strict: bool,
    order: Path | None,
    dry_run: bool,
    sample: int | None,
    report: bool,
    open_page: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Upscale a folder of textures into a pack that an emulator loads.

    \b
    RECIPE is a YAML file, the name of a recipe that comes with texpipe, or a dump: a folder of textures or a zip file
    of them. A dump gets a recipe first, as `texpipe init` writes it, and a report at the end.
    Examples:
      texpipe run ~/dumps/oot
      texpipe run recipes/oot.yaml --input ~/dumps/oot --output ~/packs/oot
    """
    from texpipe.planning.load_options import load_options

    console = console.quieter(quiet)
    asked = {"--report": report, "--open": open_page, "--sample": sample is not None}
    needs_pack = [name for name, given in asked.items() if given]
    if needs_pack and (dry_run or shard is not None):
        raise UsageError(
            f"{needs_pack[0]} needs a pack, but --dry-run and --shard write none",
            hint=f"Leave out {needs_pack[0]}, and use `texpipe report OUTPUT` when the pack is written.",
        )
    with ExitStack() as stack:
        of_dump, known = is_dump(recipe), None
        lister = _lister(inputs, recipe, add)
        if of_dump:
            from texpipe.analysis.cache import AnalysisCache
            from texpipe.planning.first_recipe import Asked
            from texpipe.upscale.device import choose

            if inputs:
                raise refuse_inputs(recipe)
            asked_for = Asked(model, detail, targets, output)
            asked_for.require_possible(recipe)
            if executor == "local":
                # A device that is not there ends the run before a recipe is written.
                choose(device, precision)
            dump, known = recipe, AnalysisCache()
            file = _recipe_of_dump(console, dump, asked_for, dry_run, stack, known)
            recipe = file.path
            lister = _lister((dump,), None, add) if dry_run and file.is_new else _lister((), recipe, add)
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
            budget=budget,
            replace_edited=replace_edited,
            remove=remove,
            sample=sample,
            order=order,
        )
    if executor == "local":  # the machines of a cluster say for themselves what they are
        say_device(console, device, precision, options.recipe)
    _look_at_inputs(console, options, recipe, given=bool(inputs))
    with_page = bool(needs_pack) or (of_dump and not dry_run and shard is None)
    with Repeatable(options, always=with_page or dry_run) as repeatable:
        before = repeatable.told()
        if before is not None:
            return show(console, before, as_json=as_json, recipe=recipe, lister=lister)
        if sample is not None:
            console.say(f"The sample goes to {options.output}.")
        from texpipe.pipeline import run_recipe

        with ProgressBar(console, events=as_json) as bar, DeferredInterrupt(bar, quiet=console.quiet) as step:
            result = run_recipe(
                options,
                dry_run=dry_run,
                progress=step,
                foreseen=lambda needed: say_before(
                    console, needed, options.output, is_sample=sample is not None
                ),
                known=known,
                written=repeatable.keep,
            )
            page = _report(result, step) if with_page else None
    others = options_given(click.get_current_context(), without=("sample",))
    code = show(
        console, told(result), as_json=as_json, page=page, recipe=recipe, others=others, lister=lister
    )
    if open_page and page is not None:
        click.launch(page.resolve().as_uri())
    return code


def _recipe_of_dump(
    console: Console, dump: Path, asked: Asked, dry_run: bool, stack: ExitStack, known: AnalysisCache
) -> RecipeFile:
    if not dry_run:
        return file_of_dump(console, dump, known, asked)
    folder = stack.enter_context(TemporaryDirectory(prefix="texpipe-"))
    return planned_recipe_of_dump(console, dump, Path(folder), known, asked)


def _lister(inputs: tuple[Path, ...], recipe: Path | None, add: tuple[Path, ...]) -> str:
    """Return the command that lists the textures of which nobody is certain whether they repeat."""
    from texpipe.cli.inspect_summary import command_of

    return command(*command_of(inputs, recipe, add), "--uncertain")


def _look_at_inputs(console: Console, options: RunOptions, recipe: Path, *, given: bool) -> None:
    """Say what helps where there is no dump, or where the dump is a pack that texpipe made.

    Raises:
        SourceError: the folder that the recipe names is not there, and no other was given.
    """
    missing = next((path for path in options.inputs if not path.exists()), None)
    if missing is not None and not given:
        raise SourceError(
            f"the recipe's dump {missing} does not exist",
            hint=f"{did_you_mean(missing)}Say where yours is: "
            f"{command('texpipe', 'run', recipe, '--input')} FOLDER --output build/NAME",
        )
    from texpipe.planning.dump_folders import output_around

    for path in options.inputs:
        made = output_around(path)
        if made is not None:
            console.warn(f"{path} is part of what texpipe wrote to {made}: these are results, not a dump")


def _report(result: RunResult, step: DeferredInterrupt) -> Path:
    from texpipe.report.page import write_report

    return write_report(result.output, progress=step)
