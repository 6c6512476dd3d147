"""Examines the folders that texpipe writes to: whether it may, and how much space is left."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from texpipe.doctor.finding import Finding
from texpipe.formats.emulator_folders import found_emulators
from texpipe.networks.catalogue import user_folder

_LITTLE_SPACE: Final = 2 << 30
"""Free space in bytes below which a pack of a whole game may not fit."""


def folders(output: Path) -> Iterator[Finding]:
    """Examine the output's folder (or the nearest above it that exists), the folder of models and the temporary one."""
    for name, folder in (
        ("output", output),
        ("models", user_folder()),
        ("temporary files", Path(tempfile.gettempdir())),
    ):
        yield _examined(name, _existing(folder.absolute()))


def emulators() -> Iterator[Finding]:
    """Name the emulators whose user folder is here, and where their packs go."""
    found = list(found_emulators())
    for one in found:
        folder = one.texture_folder()
        state = "" if folder.is_dir() else " (not there yet; it may be made)"
        yield Finding("emulators", one.emulator, "good", f"{folder}{state}, target {one.target}")
    if not found:
        yield Finding("emulators", "emulators", "note", "none was found in its usual place")


def _existing(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def _examined(name: str, folder: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "Give another --output, or get the right to write there."
        return Finding("folders", name, "problem", f"{folder} cannot be written to: {reason}", remedy)
    found = f"{folder}, {free / (1 << 30):.1f} GB free"
    if free < _LITTLE_SPACE:
        return Finding("folders", name, "note", found, "Make room: a pack of a whole game takes gigabytes.")
    return Finding("folders", name, "good", found)
