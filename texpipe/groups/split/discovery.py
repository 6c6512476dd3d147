"""The split pictures of a run: those that a recipe declares, and on request those found among the textures."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence

from texpipe.analysis.inventory import Fingerprints, SurveyedTexture, read_again
from texpipe.errors import TexpipeError
from texpipe.groups.split.borders import Piece, piece_of
from texpipe.groups.split.jigsaw import PieceGrid
from texpipe.groups.split.search import find_grids
from texpipe.recipe.schema import Recipe
from texpipe.relations import Group


def groups_for(
    items: Sequence[SurveyedTexture], fingerprints: Fingerprints, recipe: Recipe
) -> tuple[Group, ...]:
    """Return the split pictures of a run: what the recipe declares comes before what is found."""
    declared = recipe.picture_groups()
    return (*declared, *propose(items, fingerprints, declared)) if recipe.finds_groups else declared


def propose(
    items: Iterable[SurveyedTexture], fingerprints: Fingerprints, declared: Iterable[Group] = ()
) -> tuple[Group, ...]:
    """Find the split pictures among textures that are certain, by their pixels and dates.

    Only textures that are to be upscaled and have more than one colour are compared, and only one of equal ones.

    Args:
        items: the surveyed textures.
        fingerprints: of these textures.
        declared: pictures that are known already; their pieces are left out.
    """
    known = {file.rpartition("/")[2] for group in declared for file in group.files}
    distinct: dict[str, SurveyedTexture] = {}
    for item in items:
        fingerprint = fingerprints[item.source.name]
        wanted = item.plan.action == "upscale" and not fingerprint.facts.flat
        if wanted and item.source.name.rpartition("/")[2] not in known:
            distinct.setdefault(fingerprint.pixels, item)
    pieces = [piece for item in distinct.values() if (piece := _piece(item)) is not None]
    return tuple(_group(number, grid) for number, grid in enumerate(find_grids(pieces), start=1))


def recipe_section(groups: Sequence[Group]) -> str:
    """Return groups as the `groups:` section of a recipe, YAML."""
    lines = ["groups:"] if groups else ["groups: []"]
    for group in groups:
        lines += [
            f"  # {group.why}",
            f"  - name: {group.name}",
            f"    columns: {group.columns}",
            f"    rows: {group.rows}",
            f"    overlap: {group.overlap}",
            "    files:",
            *(f"      - {json.dumps(file, ensure_ascii=False)}" for file in group.files),
        ]
    return "\n".join(lines) + "\n"


def _piece(item: SurveyedTexture) -> Piece | None:
    try:
        return piece_of(item.source.name, read_again(item).rgba, _kind(item), _date(item))
    except (TexpipeError, OSError):
        return None  # the run itself says what is wrong with it


def _date(item: SurveyedTexture) -> int:
    """Return when the file was written, in nanoseconds. Pictures of one file have one date, which tells nothing."""
    return item.source.file.stat().st_mtime_ns


def _kind(item: SurveyedTexture) -> Hashable:
    """Return what all pieces of a picture have in common; without guessed formats, in which its pieces may differ."""
    emulator = item.source.emulator
    stated = (emulator.scheme, emulator.game, emulator.texels) if emulator else None
    return item.source.name.rpartition("/")[0], stated


def _group(number: int, grid: PieceGrid) -> Group:
    how = f"sharing {grid.overlap} texels" if grid.overlap else "whose colours continue across the cuts"
    why = f"found: {len(grid.pieces)} pieces {how}, confidence {grid.confidence:.2f}"
    files = tuple(piece.name for piece in grid.pieces)
    return Group(f"found-{number}", len(grid.rows[0]), len(grid.rows), grid.overlap, files, why)
