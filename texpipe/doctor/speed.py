"""Measures how fast each device upscales with each shipped model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from texpipe.doctor.finding import Finding
from texpipe.errors import TexpipeError
from texpipe.networks.catalogue import ModelFile, installed, resolve
from texpipe.upscale.device import Device

if TYPE_CHECKING:
    from texpipe.upscale.chain import PictureEngine

_SIDE: Final = 32
"""Side of the measured textures in texels: the usual size of N64 textures."""
_AT_ONCE: Final = 16
"""Number of textures between two looks at the clock."""


def speed(devices: Sequence[Device], seconds: float) -> Iterator[Finding]:
    """Upscale textures of noise for a while, by each device with each model of texpipe's own.

    Args:
        devices: what to measure.
        seconds: time for each pair of a device and a model, after a first batch that is not counted.
    """
    for device in devices:
        for name in installed():
            model = resolve(name)
            if name.startswith("texpipe-") and not _is_end_of_dial(name):
                yield _measured(device, model, seconds)


def _is_end_of_dial(name: str) -> bool:
    return name.endswith("-inventive")


def _measured(device: Device, model: ModelFile, seconds: float) -> Finding:
    from texpipe.upscale.open_engine import open_engine

    title = f"{model.name} on {device.name}"
    try:
        rate = textures_per_second(open_engine([model.path], device.name, device.precision), seconds)
    except (TexpipeError, RuntimeError, MemoryError) as error:
        return Finding("speed", title, "problem", f"failed: {error}", "Use another --device.")
    hint = f"a game of 5,000 textures takes {_duration(5000 / rate)}"
    return Finding("speed", title, "good", f"{rate:.1f} textures of {_SIDE}x{_SIDE} a second: {hint}")


def textures_per_second(engine: PictureEngine, seconds: float) -> float:
    """Return how many textures an engine upscales in a second.

    Args:
        engine: the device and the model.
        seconds: time to measure; at least one batch is measured, however long it takes.
    """
    from texpipe.upscale.speed import texels_per_second

    return texels_per_second(engine, _SIDE, seconds, _AT_ONCE) / _SIDE**2


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
