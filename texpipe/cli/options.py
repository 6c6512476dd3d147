"""Options that several sub-commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from texpipe.cli.completion import complete_model, complete_recipe, complete_target

F = TypeVar("F", bound=Callable[..., object])
PATH = click.Path(path_type=Path)
"""Type of arguments and options that name a file or a folder, which need not be there."""


class _Output(click.Path):
    """The folder that a run wrote; a recipe in its place stands for the folder that it names as `output`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 as in click
        """Return the folder.

        Raises:
            RecipeError: it is a recipe that cannot be read.
        """
        path = Path(value)
        if path.suffix.lower() not in (".yaml", ".yml") or not path.is_file():
            return super().convert(value, param, ctx)
        from texpipe.formats import known_targets
        from texpipe.recipe.load import load_recipe

        return load_recipe(path, known_targets()).output


def output_argument(function: F) -> F:
    """Add the argument OUTPUT_DIR: the folder that a run wrote, or its recipe."""
    return click.argument("output_dir", type=_Output(path_type=Path))(function)


def quiet_option(function: F) -> F:
    """Add -q/--quiet, which people type behind the sub-command as often as before it."""
    return click.option("-q", "--quiet", is_flag=True, help="Show errors only.")(function)


def json_option(function: F) -> F:
    """Add --json: the result is one JSON document on stdout; without a terminal, progress is JSON lines on stderr."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON to stdout.")(
        function
    )


def recipe_or_dump_argument(function: F) -> F:
    """Add the argument RECIPE|DUMP: a recipe, by name or path, or the folder of a dump."""
    return click.argument("recipe", metavar="RECIPE|DUMP", shell_complete=complete_recipe, type=PATH)(
        function
    )


def html_option(function: F) -> F:
    """Add --html: the result as a page in a folder of its own."""
    return click.option(
        "--html",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Write a page, DIR/index.html, with pictures; it needs nothing else and can be moved.",
    )(function)


def device_option(function: F) -> F:
    """Add --device."""
    return click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps", "xpu", "webgpu"]),
        default="auto",
        show_default=True,
        help="What runs the network: cuda (NVIDIA; AMD with ROCm), mps (Apple), xpu (Intel), webgpu (any graphics "
        "card, by the extra gpu) or the processor.",
    )(function)


def torch_device_option(function: F) -> F:
    """Add --device for what only PyTorch does."""
    return click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps", "xpu"]),
        default="auto",
        show_default=True,
        help="What runs the network: cuda (NVIDIA; AMD with ROCm), mps (Apple), xpu (Intel) or the processor.",
    )(function)


def precision_option(function: F) -> F:
    """Add --precision."""
    return click.option(
        "--precision",
        type=click.Choice(["auto", "fp32", "bf16", "fp16"]),
        default="auto",
        show_default=True,
        help="Number format of the network. auto takes 16 bits where the hardware is faster with them.",
    )(function)


def _engine_options(function: F) -> F:
    """Add --device and --precision."""
    return device_option(precision_option(function))


def add_option(function: F) -> F:
    """Add --add: one more folder of textures beside those of the recipe."""
    return click.option(
        "--add",
        type=PATH,
        multiple=True,
        metavar="DIR",
        help="Folder of textures to read, too. Repeat it for several.",
    )(function)


def order_option(function: F) -> F:
    """Add --order: which textures are computed first."""
    return click.option(
        "--order",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Names of textures to upscale first, one a line.",
    )(function)


def run_options(function: F) -> F:
    """Add the recipe and the options that replace parts of it: the same for `run` and `merge`."""
    for option in (
        _engine_options,
        click.option(
            "--target",
            "targets",
            multiple=True,
            metavar="NAME",
            shell_complete=complete_target,
            help="Emulator to write a pack for, such as duckstation, instead of the recipe's. Repeat it for several.",
        ),
        click.option(
            "--detail",
            type=click.FloatRange(0, 1),
            help="Detail of a model with a dial, 0 faithful to 1 inventive, instead of the recipe's.",
        ),
        click.option(
            "--model",
            metavar="NAME|PATH",
            shell_complete=complete_model,
            help="Model to use instead of the recipe's.",
        ),
        click.option("--output", type=PATH, help="Folder to write to, instead of the recipe's."),
        add_option,
        click.option(
            "--input",
            "inputs",
            type=PATH,
            multiple=True,
            help="Folder of textures to read, instead of the recipe's. Repeat it for several.",
        ),
        click.option(
            "--overrides",
            multiple=True,
            type=PATH,
            metavar="DIR",
            help="Folder of pictures made by hand, instead of the recipe's; each is used for the texture of its name. "
            "Repeat it for several; the first that has a picture wins.",
        ),
        click.option(
            "--budget",
            metavar="SIZE",
            help="Largest size of each target's pack, such as 600M or 1.5G: the textures that lose least by it are "
            "written smaller.",
        ),
        click.option(
            "--replace-edited",
            "replace_edited",
            multiple=True,
            metavar="NAME|all",
            help="Give up a file that was changed by hand or that texpipe did not write: its path, the texture's name, "
            "a pattern of either, or all. A copy goes to OUTPUT/.backup. Repeat it for several.",
        ),
        click.option(
            "--remove", is_flag=True, help="Let this run remove much of the pack; it goes to OUTPUT/.backup."
        ),
        click.argument("recipe", type=PATH, shell_complete=complete_recipe),
    ):
        function = option(function)
    return function


def options_given(context: click.Context, *, without: Sequence[str]) -> list[str]:
    """Return the options that somebody typed, as words of a command like it.

    Args:
        context: of the command, when its options are parsed.
        without: names of parameters that are left out.
    """
    words: list[str] = []
    for one in context.command.params:
        name = one.name or ""
        is_typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not isinstance(one, click.Option) or name in without or not is_typed:
            continue
        value = context.params[name]
        for each in value if one.multiple else [value]:
            words += [one.opts[0]] if one.is_flag else [one.opts[0], str(each)]
    return words
