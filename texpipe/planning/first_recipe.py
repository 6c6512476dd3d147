"""The first recipe for a dump: what `init` writes, and `run`, `live` and `studio` for a dump that has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Survey
from texpipe.analysis.survey import Found, survey
from texpipe.errors import RecipeError, SourceError
from texpipe.formats import known_targets
from texpipe.planning.dump_folders import require_no_output, textures_nearby
from texpipe.planning.starter_recipe import DumpProfile, input_path, profile_dump, recipe_name, recipe_text
from texpipe.progress import Progress
from texpipe.recipe.load import load_recipe
from texpipe.recipe.schema import Recipe
from texpipe.storage.atomic import write_atomic
from texpipe.system.shell import command

_SCREENS = frozenset(
    {(320, 240), (640, 480), (1280, 720), (1280, 960), (1600, 1200), (1920, 1080), (2560, 1440)}
)
"""Sizes in pixels that screenshots have and textures have not."""


@dataclass(frozen=True)
class FirstRecipe:
    """What a dump seems to be, and the name of a recipe for it.

    Attributes:
        dumps: folders or files of textures.
        profile: what they are.
        name: the recipe's name.
        screens: number of pictures that have the size of a screen.
    """

    dumps: tuple[Path, ...]
    profile: DumpProfile
    name: str
    screens: int

    def text(self, folder: Path, output: str) -> str:
        """Return the recipe for a file in `folder`."""
        return recipe_text(self.profile, self.name, [input_path(dump, folder) for dump in self.dumps], output)


@dataclass(frozen=True)
class RecipeFile:
    """A recipe's file, and whether it was written just now."""

    path: Path
    is_new: bool


def first_recipe(
    dumps: Sequence[Path],
    *,
    cache: AnalysisCache | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    found: Found = lambda texture, fingerprint: None,
) -> FirstRecipe:
    """Look at a dump; arguments as `survey` takes them.

    Raises:
        UsageError: it is a folder that texpipe wrote.
        SourceError: there is nothing in it that can be read.
    """
    dumps = tuple(dict.fromkeys(dumps))
    for dump in dumps:
        require_no_output(dump)
    seen = survey(dumps, Recipe.default(), cache=cache, progress=progress, found=found)
    if not seen.items:
        raise _nothing_in(dumps, seen)
    profile = profile_dump(seen, *dumps)
    first = dumps[0].resolve()
    name = recipe_name(profile.game or (first.stem if first.is_file() else first.name))
    return FirstRecipe(dumps, profile, name, sum(item.size in _SCREENS for item in seen.items))


def file_for(first: FirstRecipe, dump: Path) -> RecipeFile:
    """Return the recipe's file for a dump in the current folder: the one that is there already, or a new one.

    No recipe is overwritten: beside one for another dump the new one gets a number.

    Raises:
        PackError: it cannot be written.
    """
    for name in chain([first.name], (f"{first.name}-{number}" for number in count(2))):
        path = Path(f"{name}.yaml")
        if not path.exists():
            write_atomic(path, first.text(path.resolve().parent, f"build/{name}").encode())
            return RecipeFile(path, is_new=True)
        if _is_for(path, dump):
            return RecipeFile(path, is_new=False)
    raise AssertionError("names never end")


def _is_for(recipe: Path, dump: Path) -> bool:
    """Return whether a recipe reads this dump; one that cannot be read is somebody's, and is left alone."""
    try:
        inputs = load_recipe(recipe, known_targets()).inputs
    except RecipeError:
        return False
    return [path.resolve() for path in inputs] == [dump.resolve()]


def _nothing_in(dumps: Sequence[Path], seen: Survey) -> SourceError:
    """Return the error for a folder without readable textures: the wrong folder, or one with damaged files only."""
    dump = ", ".join(map(str, dumps))
    if not seen.failures:
        hint = "Give the folder that your emulator dumps its textures to."
        near = textures_nearby(dumps[0])
        if near is not None:
            hint += f" There are textures in {near}: {command('texpipe', 'run', near)}"
        return SourceError(f"there are no textures in {dump}", hint=hint)
    first = seen.failures[0]
    return SourceError(
        f"no texture in {dump} can be read ({len(seen.failures)} damaged); {first.source.name}: {first.reason}",
        hint="`texpipe inspect` shows what is wrong with each of them.",
    )
