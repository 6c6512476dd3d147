"""The whole examination, area by area."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from texpipe.doctor.finding import Finding
from texpipe.doctor.folders import emulators, folders
from texpipe.doctor.models import models
from texpipe.doctor.software import software
from texpipe.upscale.hardware import REINSTALL_TORCH


def examine(output: Path, seconds: float) -> Iterator[Finding]:
    """Yield findings as they are made, the slow ones last.

    Args:
        output: where packs are to be written.
        seconds: time for each measurement of speed; 0 measures none.
    """
    torch_works = True
    for finding in software():
        torch_works &= finding.name != "torch" or finding.state == "good"
        yield finding
    yield from models()
    yield from folders(output)
    yield from emulators()
    if torch_works:
        yield from _computing(seconds)
    else:  # its import would end, or hang, this process
        yield Finding("devices", "devices", "note", "not examined: torch cannot be used", REINSTALL_TORCH)


def _computing(seconds: float) -> Iterator[Finding]:
    from texpipe.doctor.devices import devices, find_webgpu_fault, usable_accelerators, usable_devices
    from texpipe.doctor.speed import speed

    fault = find_webgpu_fault()
    there = usable_accelerators(fault)
    yield from devices(there, fault)
    if seconds > 0:
        yield from speed(usable_devices(there), seconds)
