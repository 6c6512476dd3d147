"""Which textures are like one: those that belong to it, then those that are stored, shaped and treated as it is."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from texpipe.cli.inspected import InspectedTexture
from texpipe.errors import UsageError

if TYPE_CHECKING:
    from texpipe.manifest.schema import Entry

_RELATED = 100
"""Weight of belonging together: more than all other traits."""
_DIFFERENT = 1
"""Largest number of traits in which textures that do not belong together may differ and still be alike."""


def named(textures: Sequence[InspectedTexture], name: str) -> InspectedTexture:
    """Return the texture that is called so: by its path, its file name, or the emulator's hash in it.

    Raises:
        UsageError: there is none, or several.
    """
    from texpipe.planning.texture_names import TextureNames, shown

    by_name = {one.entry.source: one for one in textures}
    found = TextureNames({source: one.entry.id for source, one in by_name.items()}).find(name)
    if len(found) == 1:
        return by_name[found[0]]
    if found:
        raise UsageError(f"{name} may be several textures: {shown(found)}", hint="Give more of the path.")
    close = difflib.get_close_matches(name, by_name, n=1, cutoff=0.4)
    raise UsageError(
        f"there is no texture {name} here",
        hint=f"The closest name is: {close[0]}" if close else "`--all` lists all names.",
    )


def like(textures: Sequence[InspectedTexture], one: InspectedTexture) -> list[InspectedTexture]:
    """Return a texture, those that belong to it, and those with its traits, the most alike first."""
    scored = {other.entry.source: _likeness(one, other) for other in textures}
    alike = [other for other in textures if other is not one and scored[other.entry.source] is not None]
    return [one, *sorted(alike, key=lambda other: -(scored[other.entry.source] or 0))]


def _likeness(one: InspectedTexture, other: InspectedTexture) -> int | None:
    """Return how alike two textures are, the higher the more; None if they are not."""
    traits = list(zip(_traits(one), _traits(other), strict=True))
    same = sum(a == b for a, b in traits)
    if set(_families(one.entry)) & set(_families(other.entry)):
        return _RELATED + same
    if one.action != other.action or len(traits) - same > _DIFFERENT:
        return None
    return same + (_folder(one) == _folder(other))


def _families(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the families that a texture belongs to, each by its first member."""
    yield "pixels", entry.duplicate_of or entry.source
    if entry.group is not None:
        yield "group", entry.group
    if entry.variant is not None:
        yield "variant", entry.variant.like
    if entry.frame is not None:
        yield "frame", entry.frame.first
    if entry.mirror is not None:
        yield "mirror", entry.mirror.of


def _traits(one: InspectedTexture) -> tuple[object, ...]:
    entry = one.entry
    return entry.size, entry.format, entry.kind, entry.alpha, (entry.edges, entry.undecided)


def _folder(one: InspectedTexture) -> str:
    return one.entry.source.rpartition("/")[0]
