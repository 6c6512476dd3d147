"""Kinds of values in a recipe, and what all of its parts have in common."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from texpipe.recipe.models import not_a_switch

Count: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=1 << 20)]
Margin: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=1 << 20)]
Detail: TypeAlias = Annotated[float, BeforeValidator(not_a_switch), Field(ge=0, le=1)]
Glob: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]
PathText: TypeAlias = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]
SizeText: TypeAlias = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")]
NameText: TypeAlias = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def pack_bytes(text: str) -> int:
    """Return the bytes of a size such as "600M", "1.5 GB" or "2GiB": powers of 1000, with an i of 1024.

    Raises:
        ValueError: the text is no size, or one of less than a thousand bytes.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is not None and (size := round(float(found[1]) * _UNITS[found[2].lower()])) >= _LEAST_BYTES:
        return size
    raise ValueError(f"{text} is not a size with its unit, such as 600M or 1.5G")


def _to_bytes(value: object) -> int:
    return pack_bytes(str(value))


_LEAST_BYTES = 1000
_UNITS = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12} | {
    "ki": 1 << 10,
    "mi": 1 << 20,
    "gi": 1 << 30,
    "ti": 1 << 40,
}
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?([KMGT]i?)B?", re.IGNORECASE)
_SIZE_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,6})? ?[KMGTkmgt]i?[Bb]?$"
PackBytes: TypeAlias = Annotated[
    int,
    BeforeValidator(_to_bytes),
    Field(strict=True, ge=_LEAST_BYTES),
    WithJsonSchema({"type": "string", "pattern": _SIZE_PATTERN}),
]
"""A number of bytes, in recipes a text with a unit."""


def sides(text: str | None) -> tuple[int, int] | None:
    """Read "32x16"; None stays None."""
    width, _, height = (text or "").partition("x")
    return (int(width), int(height)) if text else None


class Part(BaseModel):
    """A part of a recipe: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
