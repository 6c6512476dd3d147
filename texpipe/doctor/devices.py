"""Examines what can compute: the processor, the graphics cards, and whether torch can use them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from texpipe.doctor.finding import Finding
from texpipe.errors import DeviceError
from texpipe.system.cpu import available_cores
from texpipe.system.graphics_cards import Card, installed_cards
from texpipe.upscale import hardware
from texpipe.upscale.accelerators import usable
from texpipe.upscale.advice import remedy_for
from texpipe.upscale.device import Device, choose


def devices(cards: Sequence[Card] | None = None) -> Iterator[Finding]:
    """Examine the processor, each graphics card, and each kind of device that torch can use.

    Args:
        cards: graphics cards of this computer; looked up by default.
    """
    bits = "multiplies bf16" if hardware.has_bf16() else "has no bf16, computes in fp32"
    yield Finding(
        "devices", "processor", "good", f"{available_cores()} cores, {hardware.instructions()}, {bits}"
    )
    there = usable()
    for one in there:
        yield Finding(
            "devices", one.name, "good", f"{one.chip()}, {one.free_memory() >> 20} MB free, {one.half()}"
        )
    cards = installed_cards() if cards is None else cards
    if not cards and not there:
        yield Finding("devices", "graphics card", "note", "none was found; texpipe computes on the processor")
    for card in cards:
        if not there:
            yield _unused(card)


def usable_devices() -> tuple[Device, ...]:
    """Return every device that can compute now, the fastest first, each in its own precision."""
    found = []
    for name in (*(one.name for one in usable()), "cpu"):
        try:
            found.append(choose(name))
        except DeviceError:  # its driver went away between two questions
            continue
    return tuple(found)


def _unused(card: Card) -> Finding:
    remedy = remedy_for(card)
    if remedy is None:
        return Finding(
            "devices", card.name, "note", "PyTorch has no build for it; texpipe computes on the processor"
        )
    return Finding("devices", card.name, "note", "not used", remedy)
