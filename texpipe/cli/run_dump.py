"""`texpipe run DUMP`: a recipe for a dump that has none, written beside those of the user and never over them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.cli.console import Console
from texpipe.cli.first_recipe import look_at, say_found
from texpipe.errors import UsageError
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.planning.first_recipe import FirstRecipe


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


def recipe_of_dump(console: Console, dump: Path, known: AnalysisCache | None = None) -> Path:
    """Return the recipe for a dump: the one that is here already, or a new one.

    Args:
        console: for people.
        dump: folder or file of textures.
        known: what is found in each texture is added.

    Raises:
        UsageError: the dump is a folder that texpipe wrote.
        SourceError: there is nothing in it that can be read.
    """
    from texpipe.planning.first_recipe import file_for

    first = look_at(console, (dump,), known)
    _say_found(console, first)
    file = file_for(first, dump)
    if file.is_new:
        way = command("texpipe", "run", file.path)
        console.say(f"wrote {file.path}, its recipe: change it and run it again with {way}")
    else:
        console.say(f"its recipe is {file.path}, which is here already: it is used as it is")
    return file.path


def planned_recipe_of_dump(console: Console, dump: Path, folder: Path, known: AnalysisCache) -> Path:
    """Write the recipe that a dump would get into a temporary folder: a dry run leaves nothing in the user's."""
    first = look_at(console, (dump,), known)
    _say_found(console, first)
    path = folder / f"{first.name}.yaml"
    path.write_text(first.text(path.parent.resolve(), str(Path("build", first.name).absolute())), "utf-8")
    console.say(f"would write {first.name}.yaml, its recipe")
    return path


def _say_found(console: Console, first: FirstRecipe) -> None:
    profile = first.profile
    game = f" of {profile.game}" if profile.game else ""
    console.say(f"{profile.textures} textures{game}, for {profile.target}")
    say_found(console, first)
