"""The first recipe for a dump: what `init` writes, and `run`, `live` and `studio` for a dump that has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from os import W_OK, access
from pathlib import Path

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Survey
from texpipe.analysis.survey import Found, survey
from texpipe.errors import RecipeError, SourceError, UsageError
from texpipe.formats import known_targets
from texpipe.planning.dump_folders import require_no_output, require_not_texpipe, textures_nearby
from texpipe.planning.run_models import dialled, find_models
from texpipe.planning.starter_recipe import (
    Choices,
    DumpProfile,
    input_path,
    profile_dump,
    recipe_name,
    recipe_text,
)
from texpipe.progress import Progress
from texpipe.recipe.load import LoadedRecipe, load_recipe
from texpipe.recipe.models import with_models
from texpipe.recipe.schema import Recipe
from texpipe.storage.atomic import write_atomic
from texpipe.storage.home import from_home
from texpipe.system.shell import command

_SCREENS = frozenset(
    {(320, 240), (640, 480), (1280, 720), (1280, 960), (1600, 1200), (1920, 1080), (2560, 1440)}
)
"""Sizes in pixels that screenshots have and textures have not."""


@dataclass(frozen=True)
class Asked:
    """What the command line says that a recipe can say, too; None or nothing for what it leaves open.

    Attributes:
        model: name or path of a model.
        detail: the model's dial, 0 to 1.
        targets: pack formats.
        output: folder of the pack.
    """

    model: str | None = None
    detail: float | None = None
    targets: tuple[str, ...] = ()
    output: Path | None = None

    def require_possible(self, dump: Path) -> None:
        """Check what is asked for before a recipe says it.

        Raises:
            UsageError: a target is unknown, or the output lies in the dump.
            ModelError: the model is missing or damaged, or has no dial.
        """
        known = known_targets()
        for name in self.targets:
            if name not in known:
                raise UsageError(f"unknown target {name!r}", hint=f"Known targets: {', '.join(known)}.")
        if self.output is not None and _lies_in(from_home(str(self.output)), dump):
            raise UsageError(
                f"the output {self.output} lies in the dump {dump}",
                hint="Give another --output: what is read must never be replaced by what is written.",
            )
        if self.model is not None or self.detail is not None:
            recipe = self._on(Recipe.default())
            dialled(recipe, find_models(recipe))

    def choices(self, folder: Path) -> Choices:
        """Return the same for a recipe's file in `folder`."""
        model = self.model
        if model is not None and (file := Path(from_home(model))).is_file():
            model = input_path(file, folder)
        return Choices(model, self.detail, tuple(dict.fromkeys(self.targets)))

    def unlike(self, loaded: LoadedRecipe) -> list[str]:
        """Return the words of the command line that say something else than a recipe does."""
        recipe, words = loaded.recipe, list[str]()
        if self.model is not None and not _same_models(self._on(recipe).model, recipe.model):
            words.append(f"--model {self.model}")
        if self.detail is not None and self.detail != recipe.detail:
            words.append(f"--detail {self.detail:g}")
        if self.targets and set(self.targets) != {target.name for target in recipe.targets}:
            words += [f"--target {name}" for name in self.targets]
        if self.output is not None and _whole(self.output) != loaded.output.resolve():
            words.append(f"--output {self.output}")
        return words

    def _on(self, recipe: Recipe) -> Recipe:
        if self.model is not None:
            recipe = with_models(recipe.model_copy(update={"model": (self.model,)}), Path())
        return recipe if self.detail is None else recipe.model_copy(update={"detail": self.detail})


def _same_models(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two chains are the same: names, or paths to the same files."""
    return [Path(name).resolve() for name in one] == [Path(name).resolve() for name in other]


def _whole(path: Path) -> Path:
    return Path(from_home(str(path))).resolve()


def _lies_in(path: str | Path, dump: Path) -> bool:
    return dump.is_dir() and Path(path).resolve().is_relative_to(dump.resolve())


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

    @property
    def is_screenshots(self) -> bool:
        """Whether all pictures have the size of a screen, and no name is one that an emulator gives."""
        return not self.profile.named and self.screens == self.profile.textures

    def text(self, folder: Path, name: str, asked: Asked | None = None, packs: Path | None = None) -> str:
        """Return the recipe for a file in `folder`.

        Args:
            folder: whole path.
            name: of the folder of the pack, if nobody asks for another.
            asked: what the command line says.
            packs: folder in which that folder lies, in `build`; by default the file's own, or that above the dumps.
        """
        asked = asked or Asked()
        packs = packs or folder_beside(self.dumps, folder)
        if asked.output is not None:
            output = input_path(_whole(asked.output), folder)
        else:
            output = f"build/{name}" if packs == folder else input_path(packs / "build" / name, folder)
        return recipe_text(
            self.profile,
            self.name,
            [input_path(dump, folder) for dump in self.dumps],
            output,
            asked.choices(folder),
        )


@dataclass(frozen=True)
class RecipeFile:
    """The place of a dump's recipe.

    Attributes:
        path: the file.
        is_new: there is none yet, or it was written just now.
        other: the file that has its name already and is for another dump.
        is_beside: it lies beside the dump, because the current folder is in the dump.
    """

    path: Path
    is_new: bool
    other: Path | None = None
    is_beside: bool = False


def first_recipe(
    dumps: Sequence[Path],
    *,
    cache: AnalysisCache | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    found: Found = lambda texture, fingerprint: None,
) -> FirstRecipe:
    """Look at a dump; arguments as `survey` takes them.

    Raises:
        UsageError: it is a folder that texpipe wrote, or its own.
        SourceError: there is nothing in it that can be read.
    """
    dumps = tuple(dict.fromkeys(dumps))
    for dump in dumps:
        require_not_texpipe(dump)
        require_no_output(dump)
    seen = survey(dumps, Recipe.default(), cache=cache, progress=progress, found=found)
    if not seen.items:
        raise _nothing_in(dumps, seen)
    profile = profile_dump(seen, *dumps)
    first = dumps[0].resolve()
    name = recipe_name(profile.game or (first.stem if first.is_file() else first.name))
    return FirstRecipe(dumps, profile, name, sum(item.size in _SCREENS for item in seen.items))


def file_for(first: FirstRecipe, dump: Path, asked: Asked | None = None) -> RecipeFile:
    """Return the recipe's file for a dump, as `place_for` finds it, and write it if it is new.

    Raises:
        UsageError: there is no place for it.
        PackError: it cannot be written.
    """
    file = place_for(first, dump)
    if file.is_new:
        text = first.text(file.path.parent.resolve(), file.path.stem, asked)
        write_atomic(file.path, text.encode(), any_link=True)
    return file


def place_for(first: FirstRecipe, dump: Path) -> RecipeFile:
    """Return where a dump's recipe is, or would be: in the current folder, or beside the dump if that is in it.

    No recipe is overwritten: beside one for another dump the new one gets a number.

    Raises:
        UsageError: the current folder is in the dump, and nothing can be written beside it.
    """
    folder = folder_beside((dump,), Path.cwd())
    is_beside, other = folder != Path.cwd(), None
    for name in chain([first.name], (f"{first.name}-{number}" for number in count(2))):
        path = folder / f"{name}.yaml" if is_beside else Path(f"{name}.yaml")
        if not path.exists():
            return RecipeFile(path, is_new=True, other=other, is_beside=is_beside)
        if _is_for(path, dump):
            return RecipeFile(path, is_new=False, is_beside=is_beside)
        other = other or path
    raise AssertionError("names never end")


def folder_beside(dumps: Sequence[Path], folder: Path) -> Path:
    """Return a folder that is in no dump: the one given, or else the one above the dump that it is in.

    A recipe in a dump would be in the emulator's folder, and a pack in it would be read as textures.

    Raises:
        UsageError: nothing can be written there.
    """
    for dump in dumps:
        if not _lies_in(folder, dump):
            continue
        whole = dump.resolve()
        if whole.parent == whole or not access(whole.parent, W_OK):
            way = command("texpipe", "run", whole)
            raise UsageError(
                f"you are in the dump {whole}, and nothing can be written beside it",
                hint=f"Make a folder for the recipe and the pack, go there, and type {way}",
            )
        return folder_beside(dumps, whole.parent)
    return folder


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
