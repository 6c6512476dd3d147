"""`texpipe run DUMP`: a recipe for a dump that has none, written beside those of the user and never over them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.cli.console import Console
from texpipe.cli.first_recipe import look_at, say_found
from texpipe.errors import SourceError, UsageError
from texpipe.progress import of_textures
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.planning.first_recipe import Asked, FirstRecipe, RecipeFile


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
    """Return the recipe for a dump; see `file_of_dump`."""
    return file_of_dump(console, dump).path


def file_of_dump(
    console: Console, dump: Path, known: AnalysisCache | None = None, asked: Asked | None = None
) -> RecipeFile:
    """Return the recipe for a dump: the one that is here already, or a new one.

    Args:
        console: for people.
        dump: folder or file of textures.
        known: what is found in each texture is added.
        asked: what a new recipe says, too; for this run alone if there is one already.

    Raises:
        UsageError: the dump is a folder that texpipe wrote, or nothing can be written beside it.
        SourceError: there is nothing in it that can be read, or only screenshots for which nobody wrote a recipe.
    """
    from texpipe.planning.first_recipe import file_for

    first, file = _looked_at(console, dump, known)
    if not file.is_new:
        _existing(console, file, asked)
        return file
    file = file_for(first, dump, asked)
    way = command("texpipe", "run", file.path)
    console.say(f"wrote {file.path}, its recipe{_why(file)}: change it and run it again with {way}")
    return file


def planned_recipe_of_dump(
    console: Console, dump: Path, folder: Path, known: AnalysisCache, asked: Asked
) -> RecipeFile:
    """Return the recipe that a run of a dump would use: its own, or else the one that it would get.

    That is written into a temporary folder: a dry run leaves nothing in the user's.
    """
    from texpipe.planning.first_recipe import RecipeFile

    first, file = _looked_at(console, dump, known)
    if not file.is_new:
        _existing(console, file, asked)
        return file
    path = folder.resolve() / file.path.name
    packs = file.path.resolve().parent
    path.write_text(first.text(path.parent, file.path.stem, asked, packs), "utf-8")
    console.say(f"would write {file.path}, its recipe{_why(file)}")
    return RecipeFile(path, is_new=True)


def _looked_at(console: Console, dump: Path, known: AnalysisCache | None) -> tuple[FirstRecipe, RecipeFile]:
    """Look at a dump, say what was found, and return where its recipe is or would be.

    Raises:
        UsageError: there is no place for a recipe.
        SourceError: nothing can be read, or there are only screenshots for which nobody wrote a recipe.
    """
    from texpipe.planning.first_recipe import place_for

    first = look_at(console, (dump,), known)
    file = place_for(first, dump)
    if first.is_screenshots and file.is_new:
        raise _screenshots(first, dump)
    profile = first.profile
    game = f" of {profile.game}" if profile.game else ""
    console.say(f"{of_textures(profile.textures)}{game}, for {profile.target}")
    say_found(console, first)
    return first, file


def _screenshots(first: FirstRecipe, dump: Path) -> SourceError:
    """Return the error for pictures of a screen in place of textures: to enlarge them takes long and is of no use."""
    count = first.profile.textures
    what = "the only picture" if count == 1 else f"all {count} pictures"
    return SourceError(
        f"{what} in {dump} {'has' if count == 1 else 'have'} the size of a screen, and no name that an emulator gives: "
        "these look like screenshots",
        hint="An emulator loads only textures that it dumped itself: give the folder that it dumps them to.\n"
        f"If these are textures after all: {command('texpipe', 'init', dump)}, and run the recipe that it writes.",
    )


def _existing(console: Console, file: RecipeFile, asked: Asked | None) -> None:
    """Say which recipe is used, and what of the command line it does not say."""
    from texpipe.formats import known_targets
    from texpipe.recipe.load import load_recipe

    console.say(f"its recipe is {file.path}, which is here already: it is used as it is")
    unlike = [] if asked is None else asked.unlike(load_recipe(file.path, known_targets()))
    if unlike:
        console.say(f"{' '.join(unlike)}: for this run alone; {file.path} says otherwise and stays as it is")


def _why(file: RecipeFile) -> str:
    """Return why a new recipe has not its usual place or name."""
    reasons = []
    if file.is_beside:
        reasons.append("beside the dump, because you are in it")
    if file.other is not None:
        reasons.append(f"because {file.other.name} is not this dump's")
    return f" ({'; '.join(reasons)})" if reasons else ""
