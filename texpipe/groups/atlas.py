"""Atlases: several pictures on one sheet, each upscaled with its own edges and put back in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Fingerprints, SurveyedTexture, read_again
from texpipe.analysis.pool import analyse_joined
from texpipe.classify.cells import grid_of
from texpipe.errors import TexpipeError
from texpipe.passes.atlas import Atlas, Cell
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.relations import Box
from texpipe.texture import Action, EmulatorName, Facts, Plan

_BETWEEN_GUTTERS = "between gutters"
"""Reason for an atlas whose cells the pixels show."""

_RECTANGLE_SCHEME = "duckstation"
"""Naming scheme whose names hold the texture's rectangle on the uploaded sheet."""


def find_atlases(
    items: Iterable[SurveyedTexture], fingerprints: Fingerprints, recipe: Recipe, cache: AnalysisCache
) -> dict[str, Atlas]:
    """Return texture name -> atlas for the sheets among textures that are to be upscaled.

    A grid declared by a rule comes first, then the rectangles that other names have on the same sheet, then gutters.

    Args:
        items: the surveyed textures.
        fingerprints: of these textures.
        recipe: its rules plan the cells; they match the name and the size of the sheet.
        cache: known analyses of cells; new ones are added.
    """
    candidates = tuple(item for item in items if item.plan.action == "upscale")
    named = _by_rectangles(candidates) if recipe.atlases == "auto" else {}
    atlases: dict[str, Atlas] = {}
    for item in candidates:
        boxes, why = _cells_of(item, fingerprints, named)
        if len(boxes) > 1:
            with suppress(TexpipeError):  # the run reports the error when it reads the texture
                atlases[item.source.name] = _atlas(item, boxes, why, recipe, cache)
    return atlases


def _cells_of(
    item: SurveyedTexture, fingerprints: Fingerprints, named: Mapping[str, tuple[Box, ...]]
) -> tuple[tuple[Box, ...], str]:
    """Return the cells of a sheet and the reason for them."""
    if item.plan.cells is not None:
        return grid_of(item.size, item.plan.cells), "as a rule says"
    if item.source.name in named:
        return named[item.source.name], "which other textures show"
    return fingerprints[item.source.name].cells, _BETWEEN_GUTTERS


def _atlas(
    item: SurveyedTexture, boxes: tuple[Box, ...], why: str, recipe: Recipe, cache: AnalysisCache
) -> Atlas:
    sheet = replace(read_again(item), edges=None)  # the sheet's edges are not those of its cells
    pictures = [replace(sheet, rgba=sheet.rgba[box.rows, box.columns]) for box in boxes]
    analyses = [analyse_joined(picture, cache) for picture in pictures]
    cells = tuple(
        Cell(box, _cell_plan(item, analysis.facts, recipe))
        for box, analysis in zip(boxes, analyses, strict=True)
    )
    all_covered = sum(box.width * box.height for box in boxes) == item.size[0] * item.size[1]
    nothing_between = why == _BETWEEN_GUTTERS or all_covered
    return Atlas(cells, replace(item.plan, action="nearest") if nothing_between else item.plan, why)


def _cell_plan(item: SurveyedTexture, facts: Facts, recipe: Recipe) -> Plan:
    """Plan a cell by its own pixels."""
    plan = decide(recipe, item.source.name, item.size, facts)
    action: Action = "nearest" if plan.action == "nearest" else "upscale"
    of_sheet = item.plan  # one job is made by one model
    detail = plan.detail if plan.model == of_sheet.model else of_sheet.detail
    return replace(plan, action=action, model=of_sheet.model, detail=detail)


def _by_rectangles(items: Iterable[SurveyedTexture]) -> dict[str, tuple[Box, ...]]:
    """Return, for textures that show a larger part of an upload, the rectangles of the others inside (DuckStation)."""
    uploads: dict[Hashable, dict[str, Box]] = defaultdict(dict)
    for item in items:
        name = item.source.emulator
        box = _rectangle(name) if name is not None and name.scheme == _RECTANGLE_SCHEME else None
        if name is not None and box is not None and (box.width, box.height) == item.size:
            uploads[_upload(item, name)][item.source.name] = box
    found: dict[str, tuple[Box, ...]] = {}
    for boxes in uploads.values():
        different = set(boxes.values())
        for sheet_name, sheet in boxes.items():
            inside = _outermost(box for box in different if box != sheet and box.is_inside(sheet))
            if len(inside) > 1 and not any(one.overlaps(other) for one, other in combinations(inside, 2)):
                found[sheet_name] = tuple(
                    replace(box, x=box.x - sheet.x, y=box.y - sheet.y) for box in inside
                )
    return found


def _upload(item: SurveyedTexture, name: EmulatorName) -> Hashable:
    of = dict(name.fields)
    folder = item.source.name.rpartition("/")[0]
    return folder, name.game, name.texels, of["kind"], of["src"], of["sw"], of["sh"]


def _rectangle(name: EmulatorName) -> Box | None:
    of = dict(name.fields)
    return Box(*(int(of[side]) for side in ("x", "y", "w", "h"))) if "w" in of else None


def _outermost(boxes: Iterable[Box]) -> list[Box]:
    """Return the boxes that lie inside no other one, in rows from the top left."""
    known = sorted(boxes, key=lambda box: (box.y, box.x, box.width, box.height))
    return [box for box in known if not any(box != other and box.is_inside(other) for other in known)]
