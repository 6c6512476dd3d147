"""Split pictures in the workshop: which texture is a piece of which, and where it lies in the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.errors import TexpipeError, UsageError
from texpipe.groups.split.stitching import finder
from texpipe.manifest.schema import Entry
from texpipe.passes.assemble import Layout, lay_out
from texpipe.recipe.schema import Recipe
from texpipe.relations import Group, Spot
from texpipe.studio.rule_text import Raw


@dataclass(frozen=True)
class Piece:
    """A texture's place: the name of the split picture, and where in it the texture lies if that is known."""

    group: str
    spot: Spot | None


def declared_pieces(items: Sequence[SurveyedTexture], recipe: Recipe) -> dict[str, Piece]:
    """Return the pieces of the pictures that a recipe declares, by texture; of several pictures the first counts."""
    groups = recipe.picture_groups()
    if not groups:
        return {}
    by_name = {item.source.name: item for item in items}
    find = finder(by_name)
    pieces: dict[str, Piece] = {}
    for group in groups:
        files = tuple(map(find, group.files))
        for name, spot in _spots(group, files, by_name):
            pieces.setdefault(name, Piece(group.name, spot))
    return pieces


def _spots(
    group: Group, files: tuple[str, ...], by_name: Mapping[str, SurveyedTexture]
) -> Iterator[tuple[str, Spot | None]]:
    sizes = {name: by_name[name].size for name in files if name in by_name}
    try:
        layout: Layout | None = lay_out(Group(**{**vars(group), "files": files}), sizes) if sizes else None
    except TexpipeError:  # a run says why these cannot be joined
        layout = None
    places = {} if layout is None else layout.first_places()
    for name in sizes:
        place = places.get(name)
        if layout is None or place is None:
            yield name, None
        else:
            yield name, Spot(place.column, place.row, place.x, place.y, layout.size, group.why)


def piece_of(name: str, declared: Mapping[str, Piece], entry: Entry | None) -> Piece | None:
    """Return the place of a texture: as the recipe declares it, or as the last run found it."""
    if name in declared:
        return declared[name]
    return None if entry is None or entry.group is None else Piece(entry.group, entry.spot)


def new_group(recipe: Recipe, names: Sequence[str], columns: int, overlap: int, title: str | None) -> Raw:
    """Return the entry of `groups` that joins textures.

    Args:
        recipe: whose names of groups are taken.
        names: the pieces in rows from the top left.
        columns: how many of them are in a row.
        overlap: texels that neighbours share.
        title: the group's name; None for the next free one.

    Raises:
        UsageError: that is no picture.
    """
    if len(names) < 2:
        raise UsageError("a split picture has at least two pieces", hint="Select all of them.")
    if columns < 1 or len(names) % columns:
        raise UsageError(
            f"{len(names)} pieces do not fill rows of {columns}", hint="Say how many are in a row."
        )
    taken = {group.name for group in recipe.picture_groups()}
    number = next(number for number in range(1, len(taken) + 2) if f"picture-{number}" not in taken)
    rows = len(names) // columns
    shape = {"name": title or f"picture-{number}", "columns": columns, "rows": rows, "overlap": overlap}
    return {**shape, "files": list(names)}
