"""Emulator texture packs: one module per format. Each is listed here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from texpipe.formats import (
    beetle_psx,
    decomp,
    dolphin,
    duckstation,
    folder,
    gliden64,
    ppsspp,
    rice,
    rt64,
    soh,
)
from texpipe.formats.contract import PackFormat, Unwritable
from texpipe.texture import EmulatorName

__all__ = ["GRAMMARS", "TARGETS", "PackFormat", "Unwritable", "parse_name"]

TARGETS: Mapping[str, PackFormat] = {
    one.name: one
    for one in (
        gliden64.FORMAT,
        folder.FORMAT,
        duckstation.FORMAT,
        beetle_psx.FORMAT,
        rt64.FORMAT,
        soh.FORMAT,
        dolphin.FORMAT,
        ppsspp.FORMAT,
        rice.FORMAT,
    )
}
"""The targets that a recipe can name."""

GRAMMARS = (
    gliden64.parse,
    decomp.parse,
    duckstation.parse,
    beetle_psx.parse,
    rt64.parse,
    dolphin.parse,
    ppsspp.parse,
)
"""How file names are read: the first grammar that fits wins."""


def parse_name(name: str) -> EmulatorName | None:
    """Read what an emulator's or decompilation's file name says of a texture.

    Args:
        name: path relative to the dump, with forward slashes; most grammars look at its last part only.

    Returns:
        The parsed name, or None when no grammar fits.
    """
    return next((parsed for parse in GRAMMARS if (parsed := parse(name)) is not None), None)
