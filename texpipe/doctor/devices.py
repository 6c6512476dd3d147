"""Examines what can compute: the processor, the graphics cards, and whether torch or WebGPU can use them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from texpipe.doctor.finding import Finding
from texpipe.errors import DeviceError
from texpipe.system.cpu import available_cores
from texpipe.system.graphics_cards import Card, installed_cards
from texpipe.upscale import hardware, webgpu
from texpipe.upscale.accelerators import ACCELERATORS, Accelerator
from texpipe.upscale.advice import remedy_for
from texpipe.upscale.device import Device, choose


def usable_accelerators(webgpu_fault: str | None) -> tuple[Accelerator, ...]:
    """Return the kinds of graphics devices that can compute now.

    Args:
        webgpu_fault: what `find_webgpu_fault` returned: then WebGPU is not tried in this process.
    """
    tried = (one for one in ACCELERATORS if one.name != "webgpu" or webgpu_fault is None)
    return tuple(one for one in tried if one.may_exist() and one.is_available())


def find_webgpu_fault() -> str | None:
    """Return what is wrong with WebGPU, tried anew whatever earlier runs found; None if it works."""
    webgpu.try_again()
    return webgpu.why_missing()


def devices(
    there: Sequence[Accelerator], webgpu_fault: str | None, cards: Sequence[Card] | None = None
) -> Iterator[Finding]:
    """Examine the processor, each graphics card, and each kind of device that can be used.

    Args:
        there: the kinds that can be used.
        webgpu_fault: what is wrong with WebGPU; None if it works.
        cards: graphics cards of this computer; looked up by default.
    """
    bits = "multiplies bf16" if hardware.has_bf16() else "has no bf16, computes in fp32"
    yield Finding(
        "devices", "processor", "good", f"{available_cores()} cores, {hardware.instructions()}, {bits}"
    )
    for one in there:
        yield Finding("devices", one.name, "good", _described(one))
    cards = installed_cards() if cards is None else cards
    if webgpu_fault is not None:
        remedy = webgpu.missing_hint() if webgpu.may_exist() or cards else None
        yield Finding("devices", "webgpu", "note", webgpu_fault, remedy)
    if not cards and not there:
        yield Finding("devices", "graphics card", "note", "none was found; texpipe computes on the processor")
    for card in cards:
        if not there:
            yield Finding("devices", card.name, "note", "not used", remedy_for(card))


def usable_devices(there: Sequence[Accelerator]) -> tuple[Device, ...]:
    """Return every device that can compute now, the fastest first, each in its own precision.

    Args:
        there: the kinds of graphics devices that can be used.
    """
    found = []
    for name in (*(one.name for one in there), "cpu"):
        try:
            found.append(choose(name))
        except DeviceError:  # its driver went away between two questions
            continue
    return tuple(found)


def _described(one: Accelerator) -> str:
    free = one.free_memory()
    memory = "" if free is None else f", {free >> 20} MB free"
    return f"{one.chip()}{memory}, {one.fastest()}"
