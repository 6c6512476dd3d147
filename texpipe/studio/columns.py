"""What the page shows of textures, as columns: a list of values for each of their properties.

Most textures of a dump share what was decided about them, and much else. So properties stand in tables that have each
different row once, and say for each texture which row is its own: a large dump is a tenth as much to write, send and
read so.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.errors import ModelError
from texpipe.manifest.schema import Entry
from texpipe.planning.run_models import dialled
from texpipe.recipe.rules import deciding, plan_by, sureness
from texpipe.recipe.schema import Recipe
from texpipe.relations import Spot
from texpipe.studio.dump import palette_of
from texpipe.studio.opening import Read
from texpipe.studio.review_text import Review
from texpipe.studio.split_pictures import Piece, piece_of
from texpipe.studio.workshop import Workshop
from texpipe.texture import Facts, Plan

_TRAITS = ("width", "height", "format", "kind", "palette")
_DECIDED = (
    "rule",
    "by_hand",
    "alpha",
    "action",
    "x",
    "y",
    "sure_x",
    "sure_y",
    "sure",
    "model",
    "detail",
    "colour",
    "outline",
)
_PAST = ("status", "drift", "review", "note", "group", "spot")
_TABLES = {"traits": _TRAITS, "decided": _DECIDED, "past": _PAST}


def columns(workshop: Workshop, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return some textures, or all of them, as names and tables; docs/studio-api.md says what they are."""
    with workshop.lock:
        dump = workshop.dump
        places = range(len(dump.rules)) if names is None else [dump.place(name) for name in names]
        items = [dump.seen.items[place] for place in places]
        rules = [dump.rules[place] for place in places]
        entries, by_hand, pieces = workshop.entries(), workshop.overrides().by_texture, workshop.pieces()
        recipe, reviews = _recipe(workshop), workshop.reviews.all()
    fingerprints = dump.seen.fingerprints
    facts = [fingerprints[item.source.name].facts for item in items]
    hands = [item.source.name in by_hand for item in items]

    def decided(at: int) -> _Row:
        rule, one = rules[at], facts[at]
        return _decided(plan_by(rule, recipe, one), one, rule, sureness(rule, recipe, one), by_hand=hands[at])

    keys = [
        (rule, hand, one.x.confidence, one.y.confidence, *deciding(one))
        for rule, hand, one in zip(rules, hands, facts, strict=True)
    ]
    return _columns(items, facts, _table(_DECIDED, keys, decided), _Known(entries, reviews, pieces))


def first_columns(read: Sequence[Read]) -> dict[str, Any]:
    """Return the columns of textures that are known before all are: without rules, runs and reviews."""
    items, facts = [one.item for one in read], [one.fingerprint.facts for one in read]

    def decided(at: int) -> _Row:
        return _decided(items[at].plan, facts[at], 0, 1.0, by_hand=False)

    keys = [
        (id(item.plan), one.x.confidence, one.y.confidence) for item, one in zip(items, facts, strict=True)
    ]
    return _columns(items, facts, _table(_DECIDED, keys, decided), _Known())


def flat(answer: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return names and tables as columns that have a value for each name."""
    spread = {
        field: [answer[table][field][row] for row in answer[table]["of"]]
        for table, fields in _TABLES.items()
        for field in fields
    }
    return {"name": answer["name"], **spread}


@dataclass(frozen=True)
class _Known:
    """What is known of textures by name: of the last run, and from people."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    reviews: Mapping[str, Review] = field(default_factory=dict)
    pieces: Mapping[str, Piece] = field(default_factory=dict)


_Row: TypeAlias = tuple[Any, ...]


def _columns(
    items: Sequence[SurveyedTexture], facts: Sequence[Facts], decided: Mapping[str, list[Any]], known: _Known
) -> dict[str, Any]:
    names = [item.source.name for item in items]
    traits = [
        (*item.size, one.texels, one.kind.kind, palette_of(item))
        for item, one in zip(items, facts, strict=True)
    ]
    past = [_past(name, known) for name in names]
    return {
        "name": names,
        "traits": _table(_TRAITS, traits, traits.__getitem__),
        "decided": decided,
        "past": _table(_PAST, past, past.__getitem__),
    }


def _table(
    fields: Sequence[str], keys: Sequence[Hashable], row: Callable[[int], _Row]
) -> dict[str, list[Any]]:
    """Return a table that has each different row once, and as `of` the number of the row of each texture.

    Args:
        fields: names of its columns.
        keys: one for each texture; those of one key have equal rows.
        row: returns the row of a texture by its place among the keys.
    """
    places: dict[Hashable, int] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, place)
    rows: dict[_Row, int] = {}
    numbers = {key: rows.setdefault(row(place), len(rows)) for key, place in places.items()}
    values = zip(*rows, strict=True) if rows else ((),) * len(fields)
    return {"of": [numbers[key] for key in keys], **dict(zip(fields, map(list, values), strict=True))}


def _decided(plan: Plan, facts: Facts, rule: int, sure: float, *, by_hand: bool) -> _Row:
    return (
        rule,
        by_hand,
        plan.alpha,
        "hand" if by_hand else plan.action,
        plan.edges.x,
        plan.edges.y,
        _rounded(plan.repeats.x),
        _rounded(plan.repeats.y),
        round(sure, 3),
        " > ".join(plan.model),
        plan.detail,
        plan.colour,
        plan.outline,
    )


def _rounded(likely: float | None) -> float | None:
    return None if likely is None else round(likely, 3)


def _past(name: str, known: _Known) -> _Row:
    entry, review, piece = known.entries.get(name), known.reviews.get(name), known.pieces.get(name)
    if entry is None and review is None and piece is None:
        return _UNKNOWN
    piece, review = piece_of(name, known.pieces, entry), review or Review()
    spot = None if piece is None or piece.spot is None else _place(piece.spot)
    status, group = "new" if entry is None else entry.status, None if piece is None else piece.group
    return status, _drift(entry), review.mark, review.note, group, spot


_UNKNOWN: _Row = ("new", None, "", "", None, None)


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
