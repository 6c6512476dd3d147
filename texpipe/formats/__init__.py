"""Emulator texture packs: one module per format. Texpipe's own are listed here; other packages announce theirs."""

from __future__ import annotations

import itertools
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
    third_party,
)
from texpipe.formats.contract import PackFormat, UnwritableError
from texpipe.texture import EmulatorName

__all__ = ["GRAMMARS", "TARGETS", "PackFormat", "UnwritableError", "format_of", "parse_name"]

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
"""Texpipe's own targets, by the name that a recipe has for them."""

GRAMMARS = (*(one.parse for one in TARGETS.values() if one.parse is not None), decomp.parse)
"""How file names are read: no name fits two of them. Names of decompilations belong to no emulator."""


def format_of(target: str) -> PackFormat:
    """Return the format of a target, texpipe's own or that of another package.

    Raises:
        PackError: no installed package has it, or the one that has it is broken.
    """
    return TARGETS[target] if target in TARGETS else third_party.load_format(target)


def parse_name(name: str) -> EmulatorName | None:
    """Read what an emulator's or decompilation's file name says of a texture.

    Args:
        name: path relative to the dump, with forward slashes; most grammars look at its last part only.

    Returns:
        The parsed name, or None when no grammar fits, also none of another package.
    """
    grammars = itertools.chain(GRAMMARS, third_party.grammars())
    return next((parsed for parse in grammars if (parsed := parse(name)) is not None), None)
