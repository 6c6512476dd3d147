"""The first line of whatever computes: by what, in which precision, and why."""

from __future__ import annotations

from texpipe.cli.console import Console


def say_device(console: Console, device: str, precision: str) -> None:
    """Say what will compute, and how to have a graphics card used that is not.

    Args:
        console: for people.
        device, precision: as `upscale.device.choose` takes them.

    Raises:
        DeviceError: see `upscale.device.choose`.
    """
    from texpipe.upscale.advice import advice
    from texpipe.upscale.device import choose

    found = advice(choose(device, precision), device)
    console.say(f"Computing on {found.line}")
    if found.warning:
        console.warn(found.warning)
