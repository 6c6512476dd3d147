"""What an emulator looks a texture up by, in two parts: its texels, and the palette or other colours of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from texpipe.formats import beetle_psx, duckstation, parse_name, soh
from texpipe.formats.contract import UnwritableError
from texpipe.formats.rt64_hashes import CURRENT, name_of
from texpipe.read.decode import decode
from texpipe.texture import EmulatorName, Source

Fields: TypeAlias = "tuple[tuple[str, str | int], ...]"

ANY = "$"
"""Stands for any checksum in the names of GLideN64 and Dolphin."""

_OF_COLOURS: Mapping[str, frozenset[str]] = {
    "gliden64": frozenset({"palette"}),
    "duckstation": frozenset({"palette", "first", "last", "semi"}),
    "beetle_psx": frozenset({"palette"}),
    "dolphin": frozenset({"palette"}),
    "ppsspp": frozenset({"key"}),
}
"""Fields of names that say in which colours texels are shown, by scheme; PPSSPP's key holds an address, too."""
_IDLE: Mapping[str, frozenset[str]] = {
    "gliden64": frozenset({"suffix"}),
    "rt64": frozenset({"version", CURRENT}),
    "soh": frozenset({"tlut"}),
}
"""Fields of names that an emulator does not look at, by scheme."""
_SERIAL, _DISC = "SLUS-00000", "disc"
"""Stand for the game where only the rest of a name is wanted."""


@dataclass(frozen=True, slots=True)
class TextureKey:
    """What an emulator looks a texture up by.

    Attributes:
        scheme: the grammar of its name, such as "gliden64"; "file" for files that are known by their path alone.
        texels: the parts of the name that stand for the texels.
        colours: those that stand for their palette; empty if they have none.
    """

    scheme: str
    texels: Fields
    colours: Fields = ()

    def finds(self, other: TextureKey) -> bool:
        """Return whether a pack's file of this key is used for a dump's texture of the other: `$` stands for any."""
        return self.shows(other) and _agree((*self.texels, *self.colours), (*other.texels, *other.colours))

    def shows(self, other: TextureKey) -> bool:
        """Return whether both are of the same texels, whatever their colours."""
        same_kind = (self.scheme, len(self.texels)) == (other.scheme, len(other.texels))
        return same_kind and _agree(self.texels, other.texels)


def _agree(wanted: Fields, found: Fields) -> bool:
    """Return whether fields are equal, apart from those that are wanted with any value."""
    wild = {name for name, value in wanted if value == ANY}
    return {pair for pair in wanted if pair[0] not in wild} == {pair for pair in found if pair[0] not in wild}


def key_of(name: EmulatorName) -> TextureKey:
    """Return what the emulator of a name looks the texture up by, without the game."""
    of_colours, idle = (table.get(name.scheme, frozenset()) for table in (_OF_COLOURS, _IDLE))
    fields = tuple(sorted((key, value) for key, value in name.fields if key not in idle))
    return TextureKey(
        name.scheme,
        tuple(pair for pair in fields if pair[0] not in of_colours),
        tuple(pair for pair in fields if pair[0] in of_colours),
    )


def file_key(stem: str) -> TextureKey:
    """Return the key of a picture that is known by its path without suffix."""
    return TextureKey("file", (("path", stem),))


def names_of_dumped(source: Source) -> tuple[EmulatorName, ...]:
    """Return the names under which emulators look a dump's texture up; none if its name belongs to no emulator.

    A `.tmem` has the hash that its texels give beside the one of its file name, a `.tim` the names that two emulators
    give it, and a texture of a decompilation's tree its resource path.

    Raises:
        SourceError: the texture has to be decoded for that, and cannot be.
    """
    name = source.emulator
    if source.file.suffix.lower() == ".tmem":
        name = decode(source).source.emulator
    if name is None:
        return ()
    return (name, *_other_names(replace(source, emulator=name), name))


def _other_names(source: Source, name: EmulatorName) -> Iterator[EmulatorName]:
    fields = dict(name.fields)
    if name.scheme == "rt64" and CURRENT in fields:
        yield name_of(str(fields[CURRENT]), None, texels=name.texels)
    if name.scheme == "decomp":
        with suppress(UnwritableError):
            path = soh.output_path(source)
            yield soh.resource(str(path), name.texels or "rgba32")
    if name.scheme == "tim":
        for layout, game in ((duckstation, _SERIAL), (beetle_psx, _DISC)):
            with suppress(UnwritableError):
                known = replace(source, emulator=replace(name, game=game))
                found = parse_name(str(layout.output_path(known)))
                yield from () if found is None else (found,)
