"""Emulator texture packs: one module per format. Texpipe's own are listed here; other packages announce theirs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

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
from texpipe.formats.plugins import announced_formats
from texpipe.texture import EmulatorName

__all__ = ["GRAMMARS", "TARGETS", "PackFormat", "UnwritableError", "format_of", "known_targets", "parse_name"]

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


class _KnownTargets(Mapping[str, PackFormat]):
    """Texpipe's own targets, then those of other installed packages, which are imported when they are asked for."""

    def __getitem__(self, name: str) -> PackFormat:
        if name not in self:
            raise KeyError(name)
        return format_of(name)

    def __contains__(self, name: object) -> bool:
        return name in TARGETS or name in announced_formats()

    def __iter__(self) -> Iterator[str]:
        return itertools.chain(TARGETS, (name for name in announced_formats() if name not in TARGETS))

    def __len__(self) -> int:
        return len({*TARGETS, *announced_formats()})


def known_targets() -> Mapping[str, PackFormat]:
    """Return every target that a recipe may name; looking one up raises as `format_of` does."""
    return _KnownTargets()


def format_of(target: str) -> PackFormat:
    """Return the format of a target, texpipe's own or that of another package.

    Raises:
        PackError: no installed package has it, or the one that has it is broken.
    """
    return TARGETS[target] if target in TARGETS else third_party.load_format(target)


def parse_name(name: str) -> EmulatorName | None:
    """Read what an emulator's or decompilation's file name says of a texture.

    Args:
        name: path relative to the dump, with forward slashes; most grammars read its last part only.

    Returns:
        The parsed name, or None if no grammar fits, of texpipe or of another package.
    """
    grammars = itertools.chain(GRAMMARS, third_party.grammars())
    return next((parsed for parse in grammars if (parsed := parse(name)) is not None), None)
