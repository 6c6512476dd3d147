"""The first line of whatever computes: by what, in which precision, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.cli.console import Console

if TYPE_CHECKING:
    from texpipe.recipe.schema import Recipe


def say_device(console: Console, device: str, precision: str, recipe: Recipe | None = None) -> None:
    """Say what will compute, and how to have a graphics card used that is not.

    Args:
        console: for people.
        device, precision: as `upscale.device.choose` takes them.
        recipe: whose models compute; None if nobody knows yet.

    Raises:
        DeviceError: see `upscale.device.choose`.
    """
    from texpipe.upscale.advice import advice
    from texpipe.upscale.device import choose

    found = advice(choose(device, precision), device, models=_models(recipe) if recipe else "")
    console.say(f"Computing on {found.line}")
    if found.warning:
        console.warn(found.warning)


def _models(recipe: Recipe) -> str:
    """Name the models of a recipe: its own, and those that only rules name."""
    from texpipe.recipe.models import chains_of

    own, *of_rules = (" then ".join(_name(one) for one in chain) for chain in chains_of(recipe))
    return f"{own} (by rules also {', '.join(of_rules)})" if of_rules else own


def _name(model: str) -> str:
    return Path(model).name if Path(model).is_file() else model
