"""What the page shows of textures, as columns: a list of values for each of their properties."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.errors import ModelError
from texpipe.manifest.schema import Entry
from texpipe.planning.run_models import dialled, find_models
from texpipe.recipe.schema import Recipe
from texpipe.studio.reviews import Review
from texpipe.studio.workshop import Workshop
from texpipe.texture import Facts, Plan

_WORST = 50
"""Number of textures in the queue of the worst."""


@dataclass(frozen=True)
class _Row:
    """Everything that is known of a texture."""

    item: SurveyedTexture
    facts: Facts
    plan: Plan
    rule: int
    entry: Entry | None
    by_hand: bool
    review: Review


def _drift(row: _Row) -> float | None:
    metrics = None if row.entry is None else row.entry.metrics
    return None if metrics is None else metrics.colour_drift


_COLUMNS: Mapping[str, Callable[[_Row], Any]] = {
    "name": lambda row: row.item.source.name,
    "width": lambda row: row.item.size[0],
    "height": lambda row: row.item.size[1],
    "format": lambda row: row.facts.texels,
    "colours": lambda row: row.facts.colours,
    "kind": lambda row: row.facts.kind.kind,
    "alpha": lambda row: row.plan.alpha,
    "action": lambda row: "hand" if row.by_hand else row.plan.action,
    "x": lambda row: row.plan.edges.x,
    "y": lambda row: row.plan.edges.y,
    "sure_x": lambda row: row.plan.repeats.x,
    "sure_y": lambda row: row.plan.repeats.y,
    "model": lambda row: " > ".join(row.plan.model),
    "detail": lambda row: row.plan.detail,
    "colour": lambda row: row.plan.colour,
    "outline": lambda row: row.plan.outline,
    "rule": lambda row: row.rule,
    "status": lambda row: "new" if row.entry is None else row.entry.status,
    "by_hand": lambda row: row.by_hand,
    "drift": _drift,
    "review": lambda row: row.review.mark,
    "note": lambda row: row.review.note,
}


def columns(workshop: Workshop, names: Iterable[str] | None = None) -> dict[str, list[Any]]:
    """Return the columns of some textures, or of all of them."""
    with workshop.lock:
        rows = list(_rows(workshop, names))
    return {name: [value(row) for row in rows] for name, value in _COLUMNS.items()}


def queues(workshop: Workshop) -> dict[str, list[str]]:
    """Return the textures that are to be looked at, by reason."""
    with workshop.lock:
        rows = list(_rows(workshop, None))
    drifted = sorted((row for row in rows if _drift(row)), key=lambda row: -(_drift(row) or 0))[:_WORST]
    found = {
        "undecided": [row for row in rows if row.plan.undecided],
        "worst": drifted,
        "by_hand": [row for row in rows if row.by_hand or (row.entry and row.entry.status == "edited")],
        "new": [row for row in rows if row.entry is None],
        "letters": [row for row in rows if row.facts.kind.kind in ("letters", "hud")],
        "unseen": [row for row in rows if not row.review.mark],
    }
    return {name: [row.item.source.name for row in some] for name, some in found.items()}


def _rows(workshop: Workshop, names: Iterable[str] | None) -> Iterable[_Row]:
    dump, recipe = workshop.dump, _recipe(workshop)
    entries, by_hand = workshop.entries(), workshop.overrides().by_texture
    reviews = workshop.reviews.all()
    places = range(len(dump.rules)) if names is None else [dump.place(name) for name in names]
    for place in places:
        item = dump.seen.items[place]
        name = item.source.name
        yield _Row(
            item=item,
            facts=dump.facts(name),
            plan=dump.plan(name, recipe),
            rule=dump.rules[place],
            entry=entries.get(name),
            by_hand=name in by_hand,
            review=reviews.get(name, Review()),
        )


def _recipe(workshop: Workshop) -> Recipe:
    """Return the recipe with the dials of its models; as it is where a model is missing, which a run tells."""
    recipe = workshop.loaded.recipe
    try:
        return dialled(recipe, find_models(recipe))
    except ModelError:
        return recipe
