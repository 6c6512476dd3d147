"""What a run needs, said before it begins: time and disk on this computer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.cli.console import Console
from texpipe.progress import in_bytes, in_words

if TYPE_CHECKING:
    from texpipe.planning.amount import Forecast

LONG_SECONDS = 60.0
"""Least time of a run that people are told of before it begins."""

FEW = 20
"""Number of pictures that a sample is offered with, to dumps that have more."""


def said(needed: Forecast) -> str:
    """Return time and disk in words: \"about 12 minutes here and 120 MB of disk\"."""
    return f"about {in_words(needed.seconds)} here and {in_bytes(needed.disk)} of disk"


def of_budget(expected: int, budget: int) -> str:
    """Return what is to be expected of a budget.

    Args:
        expected: bytes of the largest pack at the recipe's scale, about.
        budget: bytes that it may have.
    """
    if expected <= budget:
        return f"A pack would have about {in_bytes(expected)}, within the budget of {in_bytes(budget)}."
    return (
        f"At full scale a pack would have about {in_bytes(expected)}: to stay below {in_bytes(budget)}, the textures "
        "that lose least by it would be written smaller."
    )


def say_before(console: Console, needed: Forecast, output: Path, *, is_sample: bool = False) -> None:
    """Say what a long run needs, how to make a few first, and warn if the disk is too small for it."""
    if needed.seconds >= LONG_SECONDS:
        few = "" if is_sample or needed.pictures <= FEW else f", and `--sample {FEW}` makes a few first"
        console.say(f"This takes {said(needed)}. Ctrl-C stops it; the same command then continues{few}.")
    warn_of_disk(console, needed, output)


def warn_of_disk(console: Console, needed: Forecast, output: Path) -> None:
    """Warn if less disk is free than a run needs."""
    there = next(path for path in (output.resolve(), *output.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed.disk:
        console.warn(
            f"the disk of {output} has {in_bytes(free)} free, and this needs {in_bytes(needed.disk)}"
        )
