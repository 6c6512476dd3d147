"""`texpipe run DUMP`: a recipe for a dump that has none, written beside those of the user and never over them."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path

from texpipe.cli.console import Console
from texpipe.cli.first_recipe import FirstRecipe, first_recipe
from texpipe.errors import RecipeError, UsageError
from texpipe.system.shell import command


def is_dump(path: Path) -> bool:
    """Return whether what is given in place of a recipe is a dump: a folder, or a file of textures."""
    from texpipe.read.container_kinds import INPUTS

    return path.is_dir() or (path.is_file() and path.suffix.lower() in INPUTS)


def refuse_inputs(dump: Path) -> UsageError:
    """Return the error for a dump in place of the recipe together with --input."""
    return UsageError(
        f"{dump} is a dump, and --input names another",
        hint=f"Give the dump alone: {command('texpipe', 'run', dump)}; or a recipe before --input.",
    )


def recipe_of_dump(console: Console, dump: Path) -> Path:
    """Return the recipe for a dump: the one that is here already, or a new one.

    Raises:
        UsageError: the dump is a folder that texpipe wrote.
        SourceError: there is nothing in it that can be read.
    """
    from texpipe.storage.atomic import write_atomic

    first = first_recipe(console, (dump,))
    _say_found(console, first)
    for name in chain([first.name], (f"{first.name}-{number}" for number in count(2))):
        path = Path(f"{name}.yaml")
        if path.exists():
            if not _is_for(path, dump):
                continue
            console.say(f"its recipe is {path}, which is here already: it is used as it is")
        else:
            write_atomic(path, first.text(path.resolve().parent, f"build/{name}").encode())
            console.say(
                f"wrote {path}, its recipe: change it and run it again with {command('texpipe', 'run', path)}"
            )
        return path
    raise AssertionError("names never end")


def planned_recipe_of_dump(console: Console, dump: Path, folder: Path) -> Path:
    """Write the recipe that a dump would get into a temporary folder: a dry run leaves nothing in the user's."""
    first = first_recipe(console, (dump,))
    _say_found(console, first)
    path = folder / f"{first.name}.yaml"
    path.write_text(first.text(path.parent.resolve(), str(Path("build", first.name).absolute())), "utf-8")
    console.say(f"would write {first.name}.yaml, its recipe")
    return path


def _say_found(console: Console, first: FirstRecipe) -> None:
    profile = first.profile
    game = f" of {profile.game}" if profile.game else ""
    console.say(f"{profile.textures} textures{game}, for {profile.target}")
    first.say(console)


def _is_for(recipe: Path, dump: Path) -> bool:
    """Return whether a recipe reads this dump; one that cannot be read is somebody's, and is left alone."""
    from texpipe.formats import known_targets
    from texpipe.recipe.load import load_recipe

    try:
        inputs = load_recipe(recipe, known_targets()).inputs
    except RecipeError:
        return False
    return [path.resolve() for path in inputs] == [dump.resolve()]
