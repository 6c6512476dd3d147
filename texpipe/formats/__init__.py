"""Emulator texture packs: one module per format. Each is listed here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from texpipe.formats import decomp, folder, gliden64
from texpipe.formats.contract import PackFormat, Unwritable
from texpipe.texture import EmulatorName

__all__ = ["GRAMMARS", "TARGETS", "PackFormat", "Unwritable", "parse_name"]

TARGETS: Mapping[str, PackFormat] = {gliden64.NAME: gliden64, folder.NAME: folder}
"""The targets that a recipe can name."""

GRAMMARS = (gliden64.parse, decomp.parse)
"""How file names are read: the first grammar that fits wins."""


def parse_name(name: str) -> EmulatorName | None:
    """Read what an emulator's or decompilation's file name says of a texture.

    Args:
        name: path relative to the dump, with forward slashes; only the last part is looked at.

    Returns:
        The parsed name, or None when no grammar fits.
    """
    return next((parsed for parse in GRAMMARS if (parsed := parse(name)) is not None), None)
