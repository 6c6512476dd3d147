"""From what somebody decides about some textures to the rules that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from texpipe.errors import UsageError
from texpipe.recipe.schema import MAX_NAMES, Rule
from texpipe.studio.dump import Dump, glob_of
from texpipe.studio.rule_text import Raw

Settings = Mapping[str, Any]
"""What is decided: a field of a rule, or "edges.x" and "edges.y", to a value; None leaves the matter open again."""

SCOPES = ("kind", "size", "format", "alpha", "folder", "palette", "group")
"""In what textures can be alike for one rule to be about all of them."""
EVERYTHING = "all"
"""Alone in a scope: every texture is meant."""
_CONDITIONS = {"palette": "name"}
"""Conditions of rules that are called otherwise: a palette is a part of the names that emulators give."""
FIELDS = ("action", "alpha", "colour", "outline", "consistency", "clean", "model", "detail", "cells")
"""What can be decided of a texture beside its edges."""
_AXES = ("x", "y")


def choices() -> dict[str, list[str]]:
    """Return what can be chosen for the fields that have a list of words."""
    listed = {name: _words(Rule.model_fields[name].annotation) for name in FIELDS}
    edges = ["auto", "wrap", "mirror", "clamp"]
    return {f"edges.{axis}": edges for axis in _AXES} | {
        name: words for name, words in listed.items() if words
    }


def _words(annotation: object) -> list[str]:
    if isinstance(annotation, str):
        return [annotation]
    return [word for part in get_args(annotation) for word in _words(part)]


def require_known(settings: Settings) -> None:
    """Check that there is something to decide, and that it can be decided of a texture.

    Raises:
        UsageError: a field is unknown, or there is none.
    """
    known = (*FIELDS, *(f"edges.{axis}" for axis in _AXES))
    strange = [name for name in settings if name not in known]
    if strange or not settings:
        what = f"{strange[0]!r} cannot be decided of a texture" if strange else "nothing was decided"
        raise UsageError(what, hint=f"Known: {', '.join(known)}.")


def merged(rule: Raw, settings: Settings) -> dict[str, Any]:
    """Return what a rule sets, changed by what was decided; without its `match`."""
    kept = {name: value for name, value in rule.items() if name not in ("match", "edges")}
    edges = _edges(rule.get("edges"))
    for name, value in settings.items():
        field, _, axis = name.partition(".")
        if axis:
            edges[axis] = value or "auto"
        elif value is None:
            kept.pop(field, None)
        else:
            kept[field] = value
    if any(value != "auto" for value in edges.values()):
        kept["edges"] = edges["x"] if edges["x"] == edges["y"] else edges
    return kept


def _edges(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {axis: value.get(axis) or "auto" for axis in _AXES}
    return dict.fromkeys(_AXES, value or "auto")


def exact(name: str) -> dict[str, str]:
    """Return the `match` of one texture alone."""
    pattern = glob_of(name)
    return {"name": pattern} if "/" in name else {"name": pattern, "folder": "."}


def together(names: Sequence[str]) -> list[tuple[dict[str, Any], Sequence[str]]]:
    """Return the `match` of some textures alone, as few as can be, each with its textures."""
    if len(names) == 1:
        return [(exact(names[0]), names)]
    in_folders, others = [one for one in names if "/" in one], [one for one in names if "/" not in one]
    parts = [
        some[at : at + MAX_NAMES] for some in (in_folders, others) for at in range(0, len(some), MAX_NAMES)
    ]
    return [(exact(part[0]) | {"name": _patterns(part)}, part) for part in parts]


def _patterns(names: Sequence[str]) -> str | list[str]:
    return glob_of(names[0]) if len(names) == 1 else [glob_of(name) for name in names]


def likeness(dump: Dump, name: str, scope: Sequence[str]) -> dict[str, Any]:
    """Return the `match` of all textures that are like one in every respect of a scope.

    Raises:
        UsageError: no rule can be about that, or it is not known of this texture.
    """
    if list(scope) == [EVERYTHING]:
        return {}
    strange = [one for one in scope if one not in SCOPES]
    if strange:
        raise UsageError(f"textures cannot be alike in {strange[0]!r}", hint=f"Known: {', '.join(SCOPES)}.")
    traits = dump.traits(name)
    unknown = [one for one in scope if traits[one] is None]
    if unknown:
        raise UsageError(
            f"the {unknown[0]} of {name} is not known", hint="Choose something else that is alike."
        )
    return {_CONDITIONS.get(one, one): traits[one] for one in SCOPES if one in scope and one != "group"}


def new_rules(
    rules: Sequence[Raw], match: Mapping[str, Any], deciding: Mapping[int, Sequence[str]], settings: Settings
) -> Iterator[dict[str, Any]]:
    """Yield the rules that bring a decision about, to stand before all others.

    What other rules set for the same textures stays: each of them gets a rule for what both are about.

    Args:
        rules: of the recipe, as its file has them.
        match: which textures are meant.
        deciding: number of the rule that decides so far, 0 for none, to the textures it decides of.
        settings: what is decided.
    """
    for number in sorted(deciding, key=lambda one: one or len(rules) + 1):
        if not number:
            yield {"match": dict(match), **merged({}, settings)}
            continue
        rule = rules[number - 1]
        both = _both(match, rule["match"])
        if both is not None:
            yield {"match": both, **merged(rule, settings)}
        else:
            alone = together(deciding[number])
            yield from ({"match": one, **merged(rule, settings)} for one, _ in alone)


def _both(match: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the conditions of both; None if they ask for different things of the same."""
    if any(match[name] != other[name] for name in match if name in other):
        return None
    return {**other, **match}
