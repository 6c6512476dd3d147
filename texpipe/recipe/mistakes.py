"""What pydantic finds wrong in a recipe, in words for people and with a place in the file."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from texpipe.errors import Location, RecipeError
from texpipe.recipe.schema import Recipe
from texpipe.recipe.yaml_positions import Document, Fault, Key, Place, Value

_QUOTED = re.compile(r"'([^']*)'|(\d+)")
_LEAD = re.compile(r"^(Input|String|Value) should")
_LONGEST_VALUE = 60


def problem_of(document: Document, file: Path, error: ErrorDetails) -> RecipeError:
    """Turn one of pydantic's errors into a problem of the recipe file.

    Args:
        document: what was validated, with its positions.
        file: the recipe.
        error: an item of `ValidationError.errors()`.
    """
    place, value = _resolve(document.value, error["loc"])
    key = next((part for part in reversed(place) if isinstance(part, str)), "recipe")
    message, hint = _words(error, key)
    # A mistake in a key, or in a whole mapping, is reported at the key.
    at_key = error["type"] == "extra_forbidden" or (isinstance(value, dict) and error["type"] != "missing")
    mark = (document.key_marks.get(place) if at_key else None) or document.marks[place]
    return fault_in(file, Fault(mark, message, hint))


def fault_in(file: Path, fault: Fault) -> RecipeError:
    """Turn a fault of the YAML into a problem of the recipe file."""
    return RecipeError(
        fault.message, hint=fault.hint, location=Location(file, fault.mark.line, fault.mark.column)
    )


def nearest(word: object, known: Sequence[str]) -> str:
    """Return "Did you mean 'x'? " or nothing."""
    found = difflib.get_close_matches(str(word), known, n=1, cutoff=0.5)
    return f"Did you mean {found[0]!r}? " if found else ""


_SAME: Final = {"repeat": "wrap", "tile": "wrap", "tiled": "wrap", "flip": "mirror", "cutout": "binary"}
"""Words that other tools use, and the recipe's for them."""


def _meant(word: object, known: Sequence[str]) -> str:
    same = _SAME.get(str(word).lower())
    return nearest(same if same in known else word, known)


def _words(error: ErrorDetails, key: str) -> tuple[str, str | None]:
    """Return the message and the hint of an error in the value of `key`."""
    loc, kind, value = error["loc"], error["type"], _shown(error["input"])
    if kind == "extra_forbidden":
        known = list(_model_at(loc[:-1]).model_fields)
        return f"unknown key {str(loc[-1])!r}", f"{nearest(loc[-1], known)}Known here: {', '.join(known)}."
    if kind == "missing":
        field = _model_at(loc[:-1]).model_fields[str(loc[-1])]
        return f"key {str(loc[-1])!r} is missing", field.description
    if kind == "literal_error":
        known = [word or number for word, number in _QUOTED.findall(error["ctx"]["expected"])]
        quoted = str(error["input"]) in known
        advice = "Write it without quotes. " if quoted else _meant(error["input"], known)
        return f"{key}: {value} is not allowed", f"{advice}Allowed: {', '.join(known)}."
    if kind == "value_error":
        return f"{key}: {error['ctx']['error']}", None
    if kind == "too_long":
        sizes = error["ctx"]
        return (
            f"{key}: {sizes['actual_length']} entries are more than the limit of {sizes['max_length']}",
            None,
        )
    if kind == "model_type":
        return f"{key}: {value} is not a mapping of keys to values", None
    if kind == "tuple_type":
        return f"{key}: {value} is not a list", None
    hint = "Put it in quotes." if kind == "string_type" and isinstance(error["input"], int) else None
    if kind == "string_pattern_mismatch" and key == "name":
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", str(error["input"])).strip("-._") or "pack"
        hint = f"Use letters, digits and . _ - only, such as {plain[:64]!r}."
    return f"{key}: {value} {_LEAD.sub('should', error['msg'])}", hint


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _model_at(loc: Sequence[Key]) -> type[BaseModel]:
    model: type[BaseModel] = Recipe
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:  # others tell the members of a union apart
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    """Return the model inside an annotation such as `tuple[Rule, ...] | None`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)


def _resolve(value: Value, loc: Sequence[Key]) -> tuple[Place, Value]:
    """Return the place in the file that pydantic's `loc` means, and the value at it.

    Validators expand short forms, so a part of `loc` that the file does not have is passed over, and a
    number may stand for a key of a mapping, counted from 0.
    """
    path: Place = ()
    for part in loc:
        if isinstance(value, dict):
            key = list(value)[part] if isinstance(part, int) and part < len(value) else str(part)
            if key in value:
                path, value = (*path, key), value[key]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path, value = (*path, part), value[part]
    return path, value
