"""Recipe files: every mistake in them at once, each with file, line and column."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from texpipe.errors import Location, RecipeError
from texpipe.recipe.ctt import with_join_files
from texpipe.recipe.mistakes import fault_in, nearest, problem_of
from texpipe.recipe.models import with_models
from texpipe.recipe.schema import Recipe
from texpipe.recipe.targets import KnownTargets, context_of
from texpipe.recipe.yaml_positions import Document, Fault, Mark, Unreadable, read_yaml
from texpipe.storage.home import from_home
from texpipe.storage.small_files import RefusedFileError, open_regular, read_small, refusing
from texpipe.system.limits import limit
from texpipe.system.meant_paths import did_you_mean
from texpipe.system.shell import command, quoted

MAX_BYTES = limit("MAX_RECIPE_BYTES", 1 << 20)
"""Size in bytes of the largest recipe file that is read."""

_SUFFIXES = (".yaml", ".yml")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tga", ".dds", ".gif")
"""Suffixes of pictures, in lower case."""
_GAMES = (
    ".z64",
    ".n64",
    ".v64",
    ".iso",
    ".bin",
    ".img",
    ".chd",
    ".cue",
    ".pbp",
    ".gcm",
    ".rvz",
    ".wbfs",
    ".cso",
)
"""Suffixes of games, in lower case."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
"""First bytes of text in UTF-16, which some editors write."""
_TO_MAKE_ONE = (
    "To make one: texpipe init DUMP_FOLDER; or texpipe run DUMP_FOLDER, which makes the pack, too. "
    "DUMP_FOLDER is where your emulator dumps its textures to."
)
_HEAD = 1024
"""Number of bytes at the beginning of a file that tell whether it is text."""


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe with what its file's place says.

    Attributes:
        recipe: what the file says; a `model` that is a relative path is made relative to the file, and join files
            among the groups are replaced by what they declare.
        path: the file.
        sha256: hex digest of the file's bytes, and of the groups that join files declare.
        inputs: folders of textures.
        output: folder to write.
        rule_lines: where each rule begins, counted from 1.
        overrides: folders of pictures made by hand.
    """

    recipe: Recipe
    path: Path
    sha256: str
    inputs: tuple[Path, ...]
    output: Path
    rule_lines: tuple[int, ...] = ()
    overrides: tuple[Path, ...] = ()


def load_recipe(path: Path, known: KnownTargets) -> LoadedRecipe:
    """Read a recipe.

    Args:
        path: a YAML file, or the name of a recipe that comes with texpipe ("oot", also "recipes/oot.yaml"
            where there is no such file). A recipe found by name writes to `./build/NAME`.
        known: the targets that it may name: `formats.known_targets()`.

    Raises:
        RecipeError: it cannot be read, or has mistakes; `problems` holds all of them in file order.
    """
    file = _find_recipe(path)
    data = _read(file)
    with refusing(file, RecipeError):
        return _loaded(path, file, data, known)


def parse_recipe(data: bytes, file: Path, known: KnownTargets) -> LoadedRecipe:
    """Read a recipe from the bytes that its file has, or may get; arguments and errors as `load_recipe`."""
    if len(data) > MAX_BYTES:
        raise RecipeError(f"is larger than the limit of {MAX_BYTES:,} bytes", location=Location(file))
    with refusing(file, RecipeError):
        return _loaded(file, file, data, known)


def _loaded(path: Path, file: Path, data: bytes, known: KnownTargets) -> LoadedRecipe:
    document = _parse(file, data)
    try:
        recipe = Recipe.model_validate(document.value, context=context_of(known))
    except ValidationError as error:
        found = [problem_of(document, file, one) for one in error.errors(include_url=False)]
        raise _together(file, found + [fault_in(file, fault) for fault in document.faults]) from error
    if document.faults:
        raise _together(file, [fault_in(file, fault) for fault in document.faults])
    output = file.parent / from_home(recipe.output) if file == path else Path("build") / recipe.name
    joined = with_join_files(recipe, file.parent)
    if joined is not recipe:
        data += repr(joined.groups).encode()
    return LoadedRecipe(
        recipe=_with_paths(joined, file.parent),
        path=file,
        sha256=hashlib.sha256(data).hexdigest(),
        inputs=tuple(file.parent / from_home(path) for path in recipe.input),
        output=output,
        rule_lines=tuple(document.marks["rules", number].line for number in range(len(recipe.rules))),
        overrides=tuple(file.parent / from_home(folder) for folder in recipe.overrides),
    )


def _find_recipe(path: Path) -> Path:
    """Return the file of a recipe: `path` itself if it exists, else the shipped recipe of that name.

    Raises:
        RecipeError: neither exists.
    """
    if path.is_file():
        return path
    shipped = shipped_recipes()
    name = path.stem if path.suffix in _SUFFIXES else path.name
    if name in shipped and (path.name == str(path) or path.parent.name == "recipes"):
        return shipped[name]
    known = f"Recipes that come with texpipe: {', '.join(shipped)}." if shipped else "Name a YAML file."
    if path.is_dir():
        hint = f"To make a recipe for a dump: {command('texpipe', 'init', path)}"
        raise RecipeError("is a folder, not a recipe", hint=hint, location=Location(path))
    if any(sign in str(path) for sign in "/\\") and path.suffix not in _SUFFIXES:
        hint = did_you_mean(path) or "Check the path of the folder or the recipe."
        raise RecipeError("there is no such folder or recipe", hint=hint, location=Location(path))
    meant = _meant(path, shipped)
    hint = f"{meant}{known}" if meant else f"{_TO_MAKE_ONE}\n{known}"
    raise RecipeError("there is no such recipe", hint=hint, location=Location(path))


def _meant(path: Path, shipped: Mapping[str, Path]) -> str:
    """Return a sentence about what was meant, or nothing: YAML's other suffix, or a shipped recipe of a like name."""
    beside = (path.with_suffix(suffix) for suffix in _SUFFIXES if path.name)
    other = next((one for one in beside if one != path and one.is_file()), None)
    if other is not None:
        return f"Did you mean {quoted(other)}? "
    name = path.stem if path.suffix in _SUFFIXES else path.name
    return did_you_mean(path) or nearest(name, list(shipped))


def shipped_recipes() -> dict[str, Path]:
    """Return the recipes that come with texpipe by name, from the installed package or from a checkout."""
    package = Path(__file__).resolve().parents[1]
    # Beside an installed package `recipes` may be anybody's; only a checkout has the project file there.
    checkout = [package.parent / "recipes"] if (package.parent / "pyproject.toml").is_file() else []
    folders = [*checkout, package / "_data" / "recipes"]
    files = [file for folder in folders for suffix in _SUFFIXES for file in folder.glob(f"*{suffix}")]
    return {file.stem: file for file in sorted(files, key=lambda file: file.stem)}


def _read(file: Path) -> bytes:
    try:
        _require_text(file)
        return read_small(file, MAX_BYTES, any_link=True)
    except RefusedFileError as error:
        raise RecipeError(error.message, location=Location(file)) from error


def _require_text(file: Path) -> None:
    """Check that a file may be a recipe: pictures, games and other binary files are often named in its place.

    Raises:
        RecipeError: it is a binary file.
        RefusedFileError: it cannot be read.
    """
    with refusing(file), open_regular(file) as stream:
        head = stream.read(_HEAD)
    if b"\0" not in head or head.startswith(_UTF16):
        return
    suffix = file.suffix.lower()
    if suffix in _PICTURES:
        hint = f"Name the folder that it is in: {command('texpipe', 'run', file.parent)}"
        raise RecipeError("this is a picture, not a recipe", hint=hint, location=Location(file))
    what = "this is a game, not a recipe" if suffix in _GAMES else "this is a binary file, not a recipe"
    hint = "Name the folder that the emulator dumped the game's textures to: texpipe run FOLDER"
    raise RecipeError(what, hint=hint, location=Location(file))


def _parse(file: Path, data: bytes) -> Document:
    try:
        document = read_yaml(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fault_in(file, Fault(Mark(line, 1), "is not UTF-8 text", "Save the file as UTF-8.")) from error
    except Unreadable as error:
        raise fault_in(file, error.fault) from error
    if not isinstance(document.value, dict):
        fault = Fault(Mark(1, 1), "is not a recipe: it must be keys and values", "Begin with `version: 1`.")
        raise fault_in(file, fault)
    return document


def _together(file: Path, problems: list[RecipeError]) -> RecipeError:
    """Return one error with all problems in file order, each of them once."""
    unique = {(_place(problem), problem.message): problem for problem in problems}
    ordered = tuple(unique[key] for key in sorted(unique))
    if len(ordered) == 1:
        return ordered[0]
    return RecipeError(f"{len(ordered)} mistakes", location=Location(file), problems=ordered)


def _place(problem: RecipeError) -> tuple[int, int]:
    at = problem.location
    return (at.line or 0, at.column or 0) if at else (0, 0)


def _with_paths(recipe: Recipe, folder: Path) -> Recipe:
    """Make paths relative to the recipe's folder; a model that is not a file there is a name for the catalogue."""
    targets = tuple(target.relative_to(folder) for target in recipe.targets)
    return with_models(recipe, folder).model_copy(update={"targets": targets})
