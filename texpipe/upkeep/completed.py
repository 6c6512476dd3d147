"""What `texpipe complete` put into a pack: which file was made how, by which model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from texpipe import __version__
from texpipe.errors import Location, PackError
from texpipe.storage.atomic import write_atomic
from texpipe.storage.small_files import read_json, refusing

RECORD = "completed.json"
SCHEMA: Literal["texpipe.completed/1"] = "texpipe.completed/1"
_MAX_BYTES = 1 << 28
"""Largest record that is read, in bytes."""

How: TypeAlias = Literal["copied", "recoloured", "upscaled", "repeated"]
"""How a gap is filled: with the picture of a texture that has the same texels, with that picture in other colours, by
a model, or by repeating the texels of one flat colour."""
WAYS: tuple[How, ...] = get_args(How)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class UsedModel(_Part):
    """A model that filled gaps: its name, the hex sha256 of its weights and its licence, if known."""

    name: str
    sha256: str
    licence: str | None = None


class Filled(_Part):
    """A file that was put into a pack.

    Attributes:
        file: its path below the pack.
        texture: what the dump calls its texture.
        sha256: hex digest of its bytes.
        how: how it was made.
        like: the pack's file that it was made of, if it was.
        model: name of the model that made it, if one did.
    """

    file: str
    texture: str
    sha256: str
    how: How
    like: str | None = None
    model: str | None = None


class Record(_Part):
    """All that was put into a pack, by file, and the models that were used."""

    schema_: Literal["texpipe.completed/1"] = SCHEMA
    textures: tuple[Filled, ...] = ()
    models: tuple[UsedModel, ...] = ()

    def by_file(self) -> dict[str, Filled]:
        """Return what was put where."""
        return {one.file: one for one in self.textures}

    def with_more(self, filled: Iterable[Filled], models: Iterable[UsedModel]) -> Record:
        """Return the record with more files; of one path the last entry counts, and unused models go."""
        textures = self.by_file() | {one.file: one for one in filled}
        used = {one.model for one in textures.values()}
        known = {one.name: one for one in (*self.models, *models) if one.name in used}
        return Record(
            textures=tuple(textures[file] for file in sorted(textures)),
            models=tuple(known[name] for name in sorted(known)),
        )

    def statement(self) -> str:
        """Return what AI made, in one sentence that mod sites can show."""
        made = sum(one.how == "upscaled" for one in self.textures)
        if not made:
            return "No texture that texpipe added to this pack was made by AI."
        names = ", ".join(one.name for one in self.models)
        return f"{made} textures of this pack were upscaled from the game's own by AI models ({names})."

    def as_json(self) -> dict[str, Any]:
        """Return the flat object that is written."""
        content = self.model_dump(mode="json", exclude={"schema_"})
        return {"schema": SCHEMA, "texpipe": __version__, "statement": self.statement(), **content}


def read_record(root: Path) -> Record:
    """Read the record of a pack; an empty one where there is none.

    Raises:
        PackError: it is damaged, or not texpipe's.
    """
    file = root / RECORD
    if not root.is_dir() or not file.exists():
        return Record()
    hint = "Move it away; texpipe then knows of no texture that it added to this pack."
    with refusing(file, PackError, hint):
        top = read_json(file, _MAX_BYTES, inside=root)
        try:
            if not isinstance(top, dict) or top.get("schema") != SCHEMA:
                raise PackError("it is not texpipe's", hint=hint, location=Location(file))
            return Record.model_validate(top)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(one) for one in first["loc"])
            raise PackError(f"{where}: {first['msg']}", hint=hint, location=Location(file)) from error


def write_record(root: Path, record: Record) -> None:
    """Write a pack's record.

    Raises:
        PackError: it cannot be written.
    """
    text = json.dumps(record.as_json(), indent=2, ensure_ascii=False) + "\n"
    write_atomic(root / RECORD, text.encode())
