"""What the page shows of textures, as columns: a list of values for each of their properties."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.errors import ModelError
from texpipe.manifest.schema import Entry
from texpipe.planning.run_models import dialled
from texpipe.recipe.rules import deciding, plan_by, sureness
from texpipe.recipe.schema import Recipe
from texpipe.relations import Spot
from texpipe.studio.dump import palette_of
from texpipe.studio.opening import Read
from texpipe.studio.reviews import Review
from texpipe.studio.split_pictures import Piece, piece_of
from texpipe.studio.workshop import Workshop
from texpipe.texture import Facts, Plan


def columns(workshop: Workshop, names: Iterable[str] | None = None) -> dict[str, list[Any]]:
    """Return the columns of some textures, or of all of them; docs/studio-api.md says what they are."""
    with workshop.lock:
        dump = workshop.dump
        places = range(len(dump.rules)) if names is None else [dump.place(name) for name in names]
        items = [dump.seen.items[place] for place in places]
        rules = [dump.rules[place] for place in places]
        entries, by_hand, pieces = workshop.entries(), workshop.overrides().by_texture, workshop.pieces()
        recipe, reviews = _recipe(workshop), workshop.reviews.all()
    facts = [dump.facts(item.source.name) for item in items]
    sure = [sureness(rule, recipe, one) for rule, one in zip(rules, facts, strict=True)]
    plans = _plans(rules, facts, recipe)
    return _columns(items, facts, plans, rules, sure, _Known(entries, by_hand, reviews, pieces))


def first_columns(read: Sequence[Read]) -> dict[str, list[Any]]:
    """Return the columns of textures that are known before all are: without rules, runs and reviews."""
    facts = [one.fingerprint.facts for one in read]
    plans = [one.item.plan for one in read]
    return _columns([one.item for one in read], facts, plans, [0] * len(read), [1.0] * len(read), _Known())


@dataclass(frozen=True)
class _Known:
    """What is known of textures by name: of the last run, by hand, and from people."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    by_hand: Container[str] = ()
    reviews: Mapping[str, Review] = field(default_factory=dict)
    pieces: Mapping[str, Piece] = field(default_factory=dict)


def _columns(
    items: Sequence[SurveyedTexture],
    facts: Sequence[Facts],
    plans: Sequence[Plan],
    rules: Sequence[int],
    sure: Sequence[float],
    known: _Known,
) -> dict[str, list[Any]]:
    names = [item.source.name for item in items]
    entries = [known.entries.get(name) for name in names]
    reviews = [known.reviews.get(name, Review()) for name in names]
    pieces = [piece_of(name, known.pieces, entry) for name, entry in zip(names, entries, strict=True)]
    by_hand = [name in known.by_hand for name in names]
    pairs = list(zip(facts, plans, strict=True))
    return {
        "name": names,
        "width": [item.size[0] for item in items],
        "height": [item.size[1] for item in items],
        "format": [one.texels for one in facts],
        "colours": [one.colours for one in facts],
        "kind": [one.kind.kind for one in facts],
        "palette": [palette_of(item) for item in items],
        "group": [None if piece is None else piece.group for piece in pieces],
        "spot": [None if piece is None or piece.spot is None else _place(piece.spot) for piece in pieces],
        "alpha": [plan.alpha for plan in plans],
        "action": ["hand" if hand else plan.action for hand, plan in zip(by_hand, plans, strict=True)],
        "x": [plan.edges.x for plan in plans],
        "y": [plan.edges.y for plan in plans],
        "sure_x": [round(one.x.confidence, 3) if plan.undecided.x else None for one, plan in pairs],
        "sure_y": [round(one.y.confidence, 3) if plan.undecided.y else None for one, plan in pairs],
        "sure": [round(one, 3) for one in sure],
        "model": [" > ".join(plan.model) for plan in plans],
        "detail": [plan.detail for plan in plans],
        "colour": [plan.colour for plan in plans],
        "outline": [plan.outline for plan in plans],
        "rule": list(rules),
        "status": ["new" if entry is None else entry.status for entry in entries],
        "by_hand": by_hand,
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


def _place(spot: Spot) -> tuple[int, ...]:
    return spot.column, spot.row, spot.x, spot.y, *spot.picture


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
