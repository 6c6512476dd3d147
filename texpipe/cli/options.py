"""Options that several sub-commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])


def quiet_option(function: F) -> F:
    """Add -q/--quiet: also accepted behind the sub-command, where people type it."""
    return click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")(function)


def json_option(function: F) -> F:
    """Add --json: the result as one JSON document on stdout; progress without a terminal is event lines on stderr."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON to stdout.")(
        function
    )


def device_option(function: F) -> F:
    """Add --device."""
    return click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="Where to compute.",
    )(function)


def engine_options(function: F) -> F:
    """Add --device and --precision."""
    precision = click.option(
        "--precision",
        type=click.Choice(["auto", "fp32", "bf16", "fp16"]),
        default="auto",
        show_default=True,
        help="Numbers to compute with: 16 bits are faster where the hardware has them, and auto takes them there.",
    )
    return device_option(precision(function))


def order_options(function: F) -> F:
    """Add the recipe and what the command line can change about it, alike for a run and its merge."""
    path = click.Path(path_type=Path)
    for option in (
        engine_options,
        click.option(
            "--target",
            "targets",
            multiple=True,
            metavar="NAME",
            help="Emulator to write for, such as duckstation, instead of the recipe's; repeatable.",
        ),
        click.option(
            "--detail",
            type=click.FloatRange(0, 1),
            help="The model's dial, 0 faithful to 1 inventive, instead of the recipe's; rules keep theirs.",
        ),
        click.option("--model", metavar="NAME|PATH", help="A model's name or path, instead of the recipe's."),
        click.option("--output", type=path, help="Folder to write, instead of the recipe's."),
        click.option("--input", "input_", type=path, help="Folder of textures, instead of the recipe's."),
        click.argument("recipe", type=path),
    ):
        function = option(function)
    return function
