"""The available models: from a name or a path to a model file."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from texpipe.errors import Location, ModelError
from texpipe.networks.foreign_facts import ForeignFacts
from texpipe.networks.model_files import SUFFIXES, parts_of, read_files
from texpipe.networks.names_in_files import has_other_names
from texpipe.networks.published import PUBLIC, PublicModel
from texpipe.storage.home import data_folder, from_home
from texpipe.storage.small_files import (
    Json,
    MissingFileError,
    RefusedFileError,
    parse_json,
    read_json,
    refusing,
)

_ENVIRONMENT: Final = "TEXPIPE_MODELS"
"""Environment variable that lists the folders to search first, separated as in PATH."""
_MAX_CARD = 1 << 20
"""Largest size of a model card or of a model's notes, in bytes."""


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model on disk.

    Attributes:
        name: name in a models folder, or the stem of a file given by path.
        path: the file.
        sha256: hex digest of its bytes (of an ncnn pair: `.param` followed by `.bin`).
        licence: SPDX identifier, or None if unknown.
        card: the model card as JSON; empty without one.
        inventive: sha256 of the file at the other end of the model's dial, or None for a model without a dial.
        detail: where the dial stands if nobody says, 0 to 1; 0 for a model without one.
        foreign: it is no ESRGAN generator or Compact, by the names in the file: spandrel may know what it is.
        facts: what is known of a foreign network, once it is identified; see `identify.identified`.
    """

    name: str
    path: Path
    sha256: str
    licence: str | None
    card: Mapping[str, Any]
    inventive: str | None = None
    detail: float = 0.0
    foreign: bool = False
    facts: ForeignFacts | None = None

    @property
    def weights(self) -> str:
        """Name all the weights that a result may depend on: for the keys of what is stored."""
        if self.facts is not None:
            return f"{self.sha256} {self.facts.computed_by}"
        return self.sha256 if self.inventive is None else f"{self.sha256} {self.inventive}"


@dataclass(frozen=True)
class Listing:
    """A line of `texpipe models list`; `path` is None for a public model that is not installed."""

    name: str
    path: Path | None
    licence: str | None
    summary: str

    def as_json(self) -> dict[str, str | None]:
        """Return the flat object that `--json` prints."""
        path = None if self.path is None else str(self.path)
        return {"name": self.name, "path": path, "licence": self.licence, "summary": self.summary}


def listing() -> tuple[Listing, ...]:
    """Return the installed models, then the public ones that are not installed; nothing is loaded or hashed."""
    paths = installed()
    cards = {name: _read_card(path) for name, path in paths.items()}
    found = [
        Listing(name, path, cards[name].get("licence"), cards[name].get("summary", ""))
        for name, path in paths.items()
    ]
    others = [Listing(m.name, None, m.licence, m.summary) for m in PUBLIC if m.name not in paths]
    return (*found, *others)


def public(name: str) -> PublicModel:
    """Return the published model of this name.

    Raises:
        ModelError: there is no such model.
    """
    for model in PUBLIC:
        if model.name == name:
            return model
    names = [model.name for model in PUBLIC]
    raise ModelError(
        f"no public model is called {name}; known: {', '.join(names)}",
        hint=_nearest(name, names) or "Download other models yourself and give the path of the file.",
    )


def resolve(model: str, folder: Path | None = None) -> ModelFile:
    """Find a model.

    Args:
        model: a name in a models folder, or a path: anything with a model file's suffix or a slash.
        folder: the folder that a relative path starts from; the current one by default.

    Raises:
        ModelError: not installed (the hint is the command that fetches it), unknown, or not the file that its card
            describes.
    """
    return describe(_find(model, folder))


def files_of(model: str) -> tuple[Path, ...]:
    """Return the files that `resolve` reads of a model, and where its card would be; only the card is read.

    Args:
        model: as `resolve` takes it.

    Raises:
        ModelError: it is not installed, or its card cannot be read.
    """
    path = _find(model)
    ends = (path, other) if (other := inventive_end(path)) is not None else (path,)
    return tuple(part for end in ends for part in (*parts_of(end), end.with_suffix(".json")))


def _find(model: str, folder: Path | None = None) -> Path:
    if is_path(model):
        return (folder or Path()) / from_home(model)
    path = installed().get(model)
    if path is None:
        raise _missing(model)
    return path


def not_installed(model: str) -> PublicModel | None:
    """Return the published model of this name if it is not installed; None for all others."""
    there = is_path(model) or model in installed()
    return None if there else next((one for one in PUBLIC if one.name == model), None)


def is_path(model: str) -> bool:
    """Return whether a model is given by path: with a slash or the suffix of a model file."""
    return Path(model).suffix.lower() in SUFFIXES or "/" in model or os.sep in model


def installed() -> dict[str, Path]:
    """Return the models in all folders of the search path by name, sorted; the first folder wins."""
    found: dict[str, Path] = {}
    for folder in search_path():
        for path in sorted(folder.glob("*.safetensors")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def search_path() -> tuple[Path, ...]:
    """Return the folders that hold models by name, in order of precedence.

    They are those of $TEXPIPE_MODELS, the installed package's, the checkout's, and the user's own.
    """
    chosen = [Path(part) for part in os.environ.get(_ENVIRONMENT, "").split(os.pathsep) if part]
    package = Path(str(files("texpipe")))
    # Beside an installed package `models` may be anything; only a checkout has the project file there.
    checkout = (package.parent / "models",) if (package.parent / "pyproject.toml").is_file() else ()
    return (*chosen, package / "_data" / "models", *checkout, user_folder())


def user_folder() -> Path:
    """Return the folder for fetched models: `texpipe/models` in the user's data folder."""
    return data_folder() / "models"


def _read_card(path: Path) -> Mapping[str, Any]:
    """Return the card beside a model file, as JSON; empty without one.

    Raises:
        ModelError: the card cannot be read.
    """
    file = path.with_suffix(".json")
    try:
        card = read_json(file, _MAX_CARD, any_link=True)
    except MissingFileError:
        return {}
    except RefusedFileError as error:
        hint = "Download the model again, or remove the card."
        raise ModelError(f"the model card {error.message}", hint=hint, location=error.location) from error
    return _sound(card, file)


def _sound(card: Json, file: Path) -> Mapping[str, Any]:
    """Return a card whose texts are texts.

    Raises:
        ModelError: it says something else where a text belongs.
    """
    if not isinstance(card, dict):
        return {}
    for key in ("name", "licence", "summary", "sha256"):
        if not isinstance(card.get(key), str | None):
            raise ModelError(
                f"the {key} on the model card is not a text",
                hint="Correct the card, or remove it.",
                location=Location(file),
            )
    return card


def is_intact(path: Path) -> bool:
    """Return whether a model file exists and is the one that its card describes."""
    try:
        return bool(describe(path).card.get("sha256"))
    except ModelError:
        return False


def is_foreign(path: Path) -> bool:
    """Return whether a model file is no ESRGAN generator or Compact, by the names in it; nothing is loaded.

    Raises:
        ModelError: see `read_files`.
    """
    return has_other_names(b"".join(read_files(path)), path)


def describe(path: Path) -> ModelFile:
    """Return what is known of a model file without loading it.

    Raises:
        ModelError: it cannot be read, or is not the file that its card describes.
    """
    data = b"".join(read_files(path))
    sha256 = hashlib.sha256(data).hexdigest()
    card = _read_card(path)
    if card.get("sha256", sha256) != sha256:
        raise ModelError(
            f"{path.name} is not the file that its card {path.stem}.json describes",
            hint="It is damaged or was replaced: download both again, or remove the card.",
            location=Location(path),
        )
    licence = card.get("licence") or _notes(data).get("licence")
    found = ModelFile(path.stem, path, sha256, licence, card, foreign=has_other_names(data, path))
    other = inventive_end(path)
    if other is None:
        return found
    detail = card["dial"].get("detail", 0.5)
    if not isinstance(detail, int | float) or not 0 <= detail <= 1:
        raise ModelError(
            f"the dial of the model card stands at {detail!r}",
            hint="Write a detail of 0 to 1.",
            location=Location(path.with_suffix(".json")),
        )
    return replace(found, inventive=_end_of_dial(other, card), detail=float(detail))


def _end_of_dial(path: Path, card: Mapping[str, Any]) -> str:
    """Return the sha256 of the inventive end.

    Raises:
        ModelError: it is not there, or not the file that the card describes.
    """
    sha256 = hashlib.sha256(b"".join(read_files(path))).hexdigest()
    if card["dial"].get("sha256", sha256) != sha256:
        raise ModelError(
            f"{path.name} is not the file that the card of {card.get('name', 'its model')} describes",
            hint="It is damaged or was replaced: get the model again.",
            location=Location(path),
        )
    return sha256


def inventive_end(path: Path) -> Path | None:
    """Return the file at the inventive end of a model's dial, which the card beside it names; None without a dial.

    Raises:
        ModelError: the card cannot be read, or its dial names no file beside it.
    """
    dial = _read_card(path).get("dial")
    if dial is None:
        return None
    name = dial.get("inventive") if isinstance(dial, dict) else None
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise ModelError(
            "the dial of the model card names no file beside it",
            hint='Write {"dial": {"inventive": "NAME.safetensors"}}, or take the dial out.',
            location=Location(path.with_suffix(".json")),
        )
    return path.with_name(name)


def _notes(data: bytes) -> Mapping[str, str]:
    """Return the notes in a safetensors header; empty for other or damaged files, which loading will report."""
    try:
        with refusing(Path("header")):
            size = int.from_bytes(data[:8], "little")
            header = parse_json(data[8 : 8 + size], Path("header")) if size <= _MAX_CARD else {}
    except RefusedFileError:
        return {}
    notes = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    return {name: str(note) for name, note in notes.items()} if isinstance(notes, dict) else {}


def _missing(name: str) -> ModelError:
    names = list(installed())
    fetchable = [model.name for model in PUBLIC if model.name not in names]
    if name in fetchable:
        folders = ", ".join(str(folder) for folder in search_path())
        return ModelError(
            f"the model {name} is not installed; searched {folders}",
            hint=f"texpipe models fetch {name}",
        )
    known = f"installed: {', '.join(names) or 'none'}; can be fetched: {', '.join(fetchable) or 'none'}"
    other = "Give one of these names, or the path of a .safetensors or .pth file."
    return ModelError(f"no model is called {name}; {known}", hint=_nearest(name, names + fetchable) or other)


_SHORTEST_PART: Final = 3
"""Smallest number of letters that stand for a model whose name has them."""


def _nearest(name: str, names: list[str]) -> str | None:
    holding = [one for one in names if name.lower() in one.lower()] if len(name) >= _SHORTEST_PART else []
    close = holding or difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {close[0]}?" if close else None
