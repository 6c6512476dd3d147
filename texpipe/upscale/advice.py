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
_USUAL_TORCH: Final = "python -m pip install --force-reinstall torch"
"""Line that puts the usual PyTorch in the place of another build."""
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
        line: device, precision, and why it is that one.
        warning: how to have a GPU that is there used; None if there is nothing to gain.
    """

    line: str
    warning: str | None


def advice(device: Device, asked: str, cards: Sequence[Card] | None = None, models: str = "") -> Advice:
    """Say what computes and why.

    Args:
        device: the device that was chosen.
        asked: the device that was asked for, or "auto".
        cards: the graphics cards of this computer; looked up by default.
        models: the models that compute, as people call them, if they are to be named.
    """
    models = f", with {models}" if models else ""
    if device.name != "cpu":
        by = "WebGPU" if device.name == "webgpu" else device.name
        why = f"{models}: the first graphics card that works" if asked == "auto" else f", as asked{models}"
        return Advice(f"{device.instructions} by {by}, {device.precision}{why}", None)
    cores = available_cores()
    line = f"CPU, {cores} core{'s' if cores > 1 else ''}, {device.precision}"
    if asked == "cpu":
        return Advice(f"{line}, as asked{models}", None)
    line += models
    cards = installed_cards() if cards is None else cards
    if not cards:
        return Advice(f"{line}: no graphics card was found", None)
    why = f"{line}: texpipe cannot use {cards[0].name} with what is installed; `texpipe doctor` says more"
    return Advice(why, remedy_for(cards[0]))


def remedy_for(card: Card, system: str = sys.platform) -> str:
    """Return how to have a card used that is not used now, with one line to type.

    Args:
        card: the card.
        system: `sys.platform`.
    """
    version, build = hardware.torch_build().version, _BUILDS[card.maker]
    if accelerator(_KINDS[card.maker]).may_exist():
        return f"PyTorch is built for {card.name} and finds no working driver: update the driver, then run again."
    if card.maker == "AMD" and system == "win32":
        return f"{card.name} is not used: PyTorch has no build for it on Windows. {webgpu.missing_hint()}"
    why = f"{card.name} is not used: the installed PyTorch {version} was built without {build}."
    if card.maker == "NVIDIA" and system == "linux":  # where the usual PyTorch is the CUDA build
        return f"{why} Install the usual PyTorch: {_USUAL_TORCH}"
    return f"{why} {webgpu.missing_hint()} (or the {build} build of PyTorch, {_BUILDS_PAGE})"
