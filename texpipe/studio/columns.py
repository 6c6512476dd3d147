"""What the page shows of textures, as columns: a list of values for each of their properties."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from texpipe.errors import ModelError
from texpipe.manifest.schema import Entry
from texpipe.planning.run_models import dialled
from texpipe.recipe.rules import deciding, plan_by, sureness
from texpipe.recipe.schema import Recipe
from texpipe.studio.reviews import Review
from texpipe.studio.workshop import Workshop
from texpipe.texture import Facts, Plan


def columns(workshop: Workshop, names: Iterable[str] | None = None) -> dict[str, list[Any]]:
    """Return the columns of some textures, or of all of them; docs/studio-api.md says what they are."""
    with workshop.lock:
        dump = workshop.dump
        places = range(len(dump.rules)) if names is None else [dump.place(name) for name in names]
        items = [dump.seen.items[place] for place in places]
        rules = [dump.rules[place] for place in places]
        known, by_hand = workshop.entries(), workshop.overrides().by_texture
        recipe, marked = _recipe(workshop), workshop.reviews.all()
    shown = [item.source.name for item in items]
    facts = [dump.facts(name) for name in shown]
    plans = _plans(rules, facts, recipe)
    entries = [known.get(name) for name in shown]
    reviews = [marked.get(name, Review()) for name in shown]
    pairs = list(zip(facts, plans, strict=True))
    return {
        "name": shown,
        "width": [item.size[0] for item in items],
        "height": [item.size[1] for item in items],
        "format": [one.texels for one in facts],
        "colours": [one.colours for one in facts],
        "kind": [one.kind.kind for one in facts],
        "alpha": [plan.alpha for plan in plans],
        "action": [
            "hand" if name in by_hand else plan.action for name, plan in zip(shown, plans, strict=True)
        ],
        "x": [plan.edges.x for plan in plans],
        "y": [plan.edges.y for plan in plans],
        "sure_x": [round(one.x.confidence, 3) if plan.undecided.x else None for one, plan in pairs],
        "sure_y": [round(one.y.confidence, 3) if plan.undecided.y else None for one, plan in pairs],
        "sure": [round(sureness(rule, recipe, one), 3) for rule, one in zip(rules, facts, strict=True)],
        "model": [" > ".join(plan.model) for plan in plans],
        "detail": [plan.detail for plan in plans],
        "colour": [plan.colour for plan in plans],
        "outline": [plan.outline for plan in plans],
        "rule": rules,
        "status": ["new" if entry is None else entry.status for entry in entries],
        "by_hand": [name in by_hand for name in shown],
        "drift": [_drift(entry) for entry in entries],
        "review": [one.mark for one in reviews],
        "note": [one.note for one in reviews],
    }


def _plans(rules: Iterable[int], facts: Iterable[Facts], recipe: Recipe) -> list[Plan]:
    """Return the plans of textures; of those that are alike it is one object, with the reasons of the first."""
    made: dict[tuple[int, Hashable], Plan] = {}
    plans = []
    for rule, one in zip(rules, facts, strict=True):
        key = rule, deciding(one)
        plan = made.get(key)
        if plan is None:
            plan = made[key] = plan_by(rule, recipe, one)
        plans.append(plan)
    return plans


def _drift(entry: Entry | None) -> float | None:
    metrics = None if entry is None else entry.metrics
    return None if metrics is None else metrics.colour_drift


def _recipe(workshop: Workshop) -> Recipe:
    """Return the recipe with the dials of its models; as it is where a model is missing, which a run tells."""
    recipe = workshop.loaded.recipe
    try:
        return dialled(recipe, workshop.models.of(recipe))
    except ModelError:
        return recipe
