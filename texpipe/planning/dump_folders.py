"""What is beside a folder that was given as a dump: results of texpipe, and textures that may be meant."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from texpipe.errors import UsageError
from texpipe.formats import known_targets
from texpipe.manifest.output_folder import is_output_folder
from texpipe.system.shell import command

_LOOKED_AT = 2_000
"""Largest number of entries of a folder that are looked at to find out what was meant."""

_SAMPLE_RECIPE = "recipes/oot.yaml"
_OF_TEXPIPE = ("pyproject.toml", "texpipe/pipeline.py", _SAMPLE_RECIPE)
"""Files by which the folder is known that texpipe is unpacked in."""

_PICTURES = (".png", ".dds", ".tga", ".bmp", ".tmem", ".tim")
"""Suffixes of textures, in lower case: enough to tell a dump's folder from others."""


def require_not_texpipe(dump: Path) -> None:
    """Refuse the folder that texpipe is unpacked in: the pictures in it are samples and pictures of its pages.

    Raises:
        UsageError: it is that folder.
    """
    if all((dump / part).is_file() for part in _OF_TEXPIPE):
        raise UsageError(
            f"{dump} is texpipe's own folder, not a dump",
            hint=f"The sample that comes with it: {command('texpipe', 'run', dump / _SAMPLE_RECIPE)}\n"
            "For your own game give the folder that your emulator dumps its textures to.",
        )


def require_no_output(dump: Path) -> None:
    """Refuse results as a dump: enlarged again they would be no better, and their recipe would be of no use.

    Raises:
        UsageError: the folder is the output of a run, or lies in one.
    """
    made = output_around(dump)
    if made is not None:
        where = "is" if made == dump.resolve() else f"lies in {made},"
        raise UsageError(
            f"{dump} {where} a folder that texpipe wrote: its textures are results, not a dump",
            hint="Give the folder that your emulator dumps its textures to; "
            f"`{command('texpipe', 'report', made)}` shows results.",
        )


def output_around(dump: Path) -> Path | None:
    """Return the folder that a run wrote, if the dump is it or lies in one of its packs."""
    whole = dump.resolve()
    packs = [above for above in (whole, *whole.parents) if above.name in known_targets()]
    return next((one for one in (whole, *(pack.parent for pack in packs)) if is_output_folder(one)), None)


def textures_nearby(folder: Path) -> Path | None:
    """Return the folder above, or beside what was named, that has textures in it; None if there is none near."""
    above = folder.resolve().parent
    if _has_pictures(above):
        return above
    return next((one for one in _folders(above) if _has_pictures(one)), None)


def _has_pictures(folder: Path) -> bool:
    return any(Path(entry.name).suffix.lower() in _PICTURES for entry in _entries(folder))


def _folders(folder: Path) -> Iterable[Path]:
    return sorted(Path(entry.path) for entry in _entries(folder) if entry.is_dir(follow_symlinks=False))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            return [entry for _, entry in zip(range(_LOOKED_AT), listing, strict=False)]
    except OSError:
        return []
