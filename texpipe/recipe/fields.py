"""Kinds of values in a recipe, and what all of its parts have in common."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from texpipe.recipe.models import not_a_switch

Count: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=1 << 20)]
Margin: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=1 << 20)]
Detail: TypeAlias = Annotated[float, BeforeValidator(not_a_switch), Field(ge=0, le=1)]
Glob: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]
PathText: TypeAlias = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]
SizeText: TypeAlias = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")]
NameText: TypeAlias = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def sides(text: str | None) -> tuple[int, int] | None:
    """Read "32x16"; None stays None."""
    width, _, height = (text or "").partition("x")
    return (int(width), int(height)) if text else None


class Part(BaseModel):
    """A part of a recipe: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
