"""Which recipe is meant: by its file, by the output of its run, or by a dump that gets its first recipe now."""

from __future__ import annotations

from pathlib import Path

from texpipe.analysis.survey import survey
from texpipe.errors import RecipeError, SourceError, UsageError
from texpipe.formats import known_targets
from texpipe.manifest.output_folder import is_output_folder
from texpipe.pipeline import Watch
from texpipe.planning.starter_recipe import input_path, profile_dump, recipe_name, recipe_text
from texpipe.recipe.load import load_recipe
from texpipe.recipe.schema import Recipe
from texpipe.storage.atomic import write_atomic

_ABOVE = 3
"""How many folders above an output are searched for its recipe."""


def recipe_for(given: Path, progress: Watch = lambda _: None) -> Path:
    """Return the recipe's file that a path means; a dump without one gets its first, `GAME.yaml` in this folder.

    Args:
        given: a recipe, the output of a run, or a folder of textures.
        progress: called after each texture of a dump.

    Raises:
        UsageError: there is nothing of that name, or no recipe of an output can be found.
        SourceError: a folder has no textures that can be read.
        RecipeError: a recipe has mistakes.
    """
    if given.is_file():
        return given
    if not given.is_dir():
        raise UsageError(
            f"there is no recipe and no folder {given}",
            hint="Give a recipe's file, the output of a run, or the folder that your emulator dumps its textures to.",
        )
    return _of_output(given) if is_output_folder(given) else _of_dump(given, progress)


def _of_output(output: Path) -> Path:
    whole = output.resolve()
    near = [whole, *whole.parents[:_ABOVE], Path.cwd()]
    for file in (file for folder in near for file in sorted(folder.glob("*.y*ml"))):
        try:
            if load_recipe(file, known_targets()).output.resolve() == whole:
                return file
        except (RecipeError, OSError):
            continue
    raise UsageError(f"no recipe near {output} writes to it", hint="Give the recipe's file instead.")


def _of_dump(dump: Path, progress: Watch) -> Path:
    found = survey(dump, Recipe.default(), progress=progress)
    if not found.items:
        raise SourceError(
            f"there are no textures that can be read in {dump}",
            hint="Give the folder that your emulator dumps its textures to.",
        )
    profile = profile_dump(found, dump)
    name = recipe_name(profile.game or dump.resolve().name)
    file = Path.cwd() / f"{name}.yaml"
    if file.exists():
        return _known(file, dump)
    write_atomic(file, recipe_text(profile, name, [input_path(dump, file.parent)], f"build/{name}").encode())
    return file


def _known(file: Path, dump: Path) -> Path:
    """Return a recipe that was made before, if it is of this dump."""
    inputs = [folder.resolve() for folder in load_recipe(file, known_targets()).inputs]
    if dump.resolve() not in inputs:
        raise UsageError(
            f"{file} is there already, and is a recipe for another folder",
            hint=f"Open it with `texpipe studio {file.name}`, or start in another folder.",
        )
    return file
