"""What computes, in the words of people, and why it is not something faster."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from texpipe.system.cpu import available_cores
from texpipe.system.graphics_cards import Card, Maker, installed_cards
from texpipe.upscale import hardware, webgpu
from texpipe.upscale.accelerators import AcceleratorName, accelerator
from texpipe.upscale.device import Device

_BUILDS_PAGE: Final = "https://pytorch.org/get-started/locally/"
"""Page of PyTorch on which people choose a build by system and graphics card."""
_KINDS: Final[dict[Maker, AcceleratorName]] = {
    "NVIDIA": "cuda",
    "AMD": "cuda",
    "Intel": "xpu",
    "Apple": "mps",
}
"""torch's kind of device for the cards of each maker."""
_BUILDS: Final[dict[Maker, str]] = {"NVIDIA": "CUDA", "AMD": "ROCm", "Intel": "XPU", "Apple": "default"}
"""Names of PyTorch's builds for the cards of each maker."""


class Advice(NamedTuple):
    """What computes.

    Attributes:
        line: device and precision, and for a processor why no GPU does it.
        warning: how to have a GPU that is there used; None if there is nothing to gain.
    """

    line: str
    warning: str | None


def advice(device: Device, asked: str, cards: Sequence[Card] | None = None) -> Advice:
    """Say what computes and why.

    Args:
        device: the device that was chosen.
        asked: the device that was asked for, or "auto".
        cards: the graphics cards of this computer; looked up by default.
    """
    if device.name != "cpu":
        by = "WebGPU" if device.name == "webgpu" else device.name
        return Advice(f"{device.instructions} by {by}, {device.precision}", None)
    cores = available_cores()
    line = f"CPU, {cores} core{'s' if cores > 1 else ''}, {device.precision}"
    if asked == "cpu":
        return Advice(f"{line}, as asked", None)
    cards = installed_cards() if cards is None else cards
    if not cards:
        return Advice(f"{line}: no graphics card was found", None)
    why = f"{line}: texpipe cannot use {cards[0].name} with what is installed; `texpipe doctor` says more"
    return Advice(why, remedy_for(cards[0]))


def remedy_for(card: Card, system: str = sys.platform) -> str:
    """Return how to have a card used that is not used now.

    Args:
        card: the card.
        system: `sys.platform`.
    """
    quickly = webgpu.missing_hint()
    if card.maker == "AMD" and system == "win32":
        return f"{card.name} is not used: PyTorch has no build for it on Windows. WebGPU: {quickly}"
    if accelerator(_KINDS[card.maker]).may_exist():
        return f"PyTorch is built for {card.name} and finds no working driver: update the driver, then run again."
    version, build = hardware.torch_build().version, _BUILDS[card.maker]
    return (
        f"{card.name} is not used: the installed PyTorch {version} was built without {build}. "
        f"Install the {build} build: choose it on {_BUILDS_PAGE} and run the line shown there. "
        f"Or use it by WebGPU, which is less to download: {quickly}"
    )
