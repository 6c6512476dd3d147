"""The recipe of a merge of layers: which packs, lowest first, where the result goes, and what was chosen."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from texpipe.errors import Location, RecipeError
from texpipe.recipe.load import MAX_BYTES
from texpipe.recipe.yaml_positions import Document, Place, Unreadable, read_yaml
from texpipe.storage.atomic import write_atomic
from texpipe.storage.home import from_home
from texpipe.storage.small_files import RefusedFileError, read_small, refusing, text_of
from texpipe.upkeep.layers import Choices, Conflict

_KEYS = ("version", "layers", "output", "choose")


@dataclass(frozen=True)
class LayersRecipe:
    """What such a recipe says; paths are relative to its file.

    Attributes:
        layers: packs, lowest first.
        output: the folder to write.
        choices: pattern of names -> name of a layer, in their order.
    """

    layers: tuple[Path, ...]
    output: Path
    choices: Choices = ()


def is_layers_recipe(path: Path) -> bool:
    """Return whether a file is a recipe of layers and not of a run: it has the key `layers`, readable or not."""
    try:
        text = text_of(read_small(path, MAX_BYTES, any_link=True))
    except RefusedFileError:
        return False
    return any(line.startswith("layers:") for line in text.splitlines())


def read_layers_recipe(path: Path) -> LayersRecipe:
    """Read such a recipe.

    Raises:
        RecipeError: it cannot be read, or has a mistake; with its line and column.
    """
    try:
        with refusing(path):
            document = read_yaml(text_of(read_small(path, MAX_BYTES, any_link=True)))
    except Unreadable as error:
        fault = error.fault
        raise RecipeError(fault.message, hint=fault.hint, location=Location(path, *fault.mark)) from error
    except RefusedFileError as error:
        raise RecipeError(error.message, location=error.location or Location(path)) from error
    for fault in document.faults:
        raise RecipeError(fault.message, hint=fault.hint, location=Location(path, *fault.mark))
    return _checked(document, path)


def _checked(document: Document, path: Path) -> LayersRecipe:
    top = document.value if isinstance(document.value, dict) else {}
    for key in top:
        if key not in _KEYS:
            raise _mistake(document, path, (key,), f"unknown key {key!r}", f"Known: {', '.join(_KEYS)}.")
    if top.get("version") != 1:
        raise _mistake(document, path, ("version",), "version must be 1")
    layers, output, choose = top.get("layers"), top.get("output"), top.get("choose") or {}
    if not isinstance(layers, list) or len(layers) < 2 or not all(isinstance(one, str) for one in layers):
        raise _mistake(
            document, path, ("layers",), "layers must be a list of at least two packs, lowest first"
        )
    if not isinstance(output, str):
        raise _mistake(document, path, ("output",), "output must be the folder to write")
    if not isinstance(choose, dict) or not all(isinstance(one, str) for one in choose.values()):
        raise _mistake(document, path, ("choose",), "choose must be a mapping of names or patterns to layers")
    folder = path.parent
    choices = tuple((pattern, str(layer)) for pattern, layer in choose.items())
    return LayersRecipe(
        tuple(folder / from_home(str(one)) for one in layers), folder / from_home(output), choices
    )


def _mistake(
    document: Document, path: Path, place: Place, message: str, hint: str | None = None
) -> RecipeError:
    mark = document.key_marks.get(place) or document.marks.get(())
    return RecipeError(message, hint=hint, location=Location(path, *mark) if mark else Location(path))


def write_layers_recipe(
    path: Path, layers: Sequence[Path], output: Path, choices: Choices, conflicts: Sequence[Conflict]
) -> None:
    """Write such a recipe; conflicts that nobody chose in are there as comments, ready to be used.

    Raises:
        PackError: it cannot be written.
    """
    lines = ["version: 1", "layers: # lowest first; later ones win"]
    lines += [f"  - {_quoted(_relative(one, path))}" for one in layers]
    lines += [f"output: {_quoted(_relative(output, path))}"]
    open_ones = [one for one in conflicts if not one.chosen]
    if choices or open_ones:
        lines.append(
            "choose: # what is taken from which layer; names and patterns, the first that fits decides"
        )
    lines += [f"  {_quoted(pattern)}: {_quoted(layer)}" for pattern, layer in choices]
    for one in open_ones:
        lines.append(f"  # {_quoted(one.name)}: {_quoted(one.others[-1])} # now from {_quoted(one.taken)}")
    write_atomic(path, ("\n".join(lines) + "\n").encode(), any_link=True)


def _relative(path: Path, recipe: Path) -> str:
    try:
        return Path(os.path.relpath(path.absolute(), recipe.absolute().parent)).as_posix()
    except ValueError:  # another drive
        return path.absolute().as_posix()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)
