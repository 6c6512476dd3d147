"""The first recipe for a dump: what `init` writes, and `run` where it is given a dump instead of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.cli.console import Console
from texpipe.cli.games import several_games
from texpipe.cli.mistakes import textures_nearby
from texpipe.cli.progress import ProgressBar
from texpipe.errors import SourceError, UsageError
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.analysis.inventory import Survey
    from texpipe.planning.starter_recipe import DumpProfile

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
        from texpipe.planning.starter_recipe import input_path, recipe_text

        return recipe_text(self.profile, self.name, [input_path(dump, folder) for dump in self.dumps], output)

    def say(self, console: Console) -> None:
        """Say what was found, and what may be a mistake."""
        for line in several_games(self.profile.games, self.dumps[0] if len(self.dumps) == 1 else None):
            console.say(line)
        if not self.profile.named:
            console.warn(self._without_names())

    def _without_names(self) -> str:
        count = self.profile.textures
        if self.screens * 2 > count:
            return (
                f"{self.screens} of {count} pictures have the size of a screen: these look like screenshots, "
                "and an emulator loads only the textures that it dumped itself"
            )
        return (
            f"none of the {count} names is one that an emulator gives, so no emulator will find the pack by itself: "
            "do not rename dumped files"
        )


def first_recipe(console: Console, dumps: Sequence[Path]) -> FirstRecipe:
    """Look at a dump.

    Raises:
        UsageError: it is a folder that texpipe wrote.
        SourceError: there is nothing in it that can be read.
    """
    from texpipe.analysis.survey import survey
    from texpipe.planning.starter_recipe import profile_dump, recipe_name
    from texpipe.recipe.schema import Recipe

    dumps = tuple(dict.fromkeys(dumps))
    for dump in dumps:
        require_no_output(dump)
    with ProgressBar(console) as bar:
        found = survey(dumps, Recipe.default(), progress=bar)
    if not found.items:
        raise _nothing_in(dumps, found)
    profile = profile_dump(found, *dumps)
    first = dumps[0].resolve()
    name = recipe_name(profile.game or (first.stem if first.is_file() else first.name))
    return FirstRecipe(dumps, profile, name, sum(item.size in _SCREENS for item in found.items))


def require_no_output(dump: Path) -> None:
    """Refuse results as a dump: enlarged again they would be no better, and their recipe would be of no use.

    Raises:
        UsageError: the folder is the output of a run, or lies in one.
    """
    made = output_around(dump)
    if made is not None:
        where = "is" if made == dump.resolve() else f"lies in {made},"
        raise UsageError(
            f"{dump} {where} a folder that texpipe wrote: its textures are results, not a dump",
            hint="Give the folder that your emulator dumps its textures to; "
            f"`{command('texpipe', 'report', made)}` shows results.",
        )


def output_around(dump: Path) -> Path | None:
    """Return the folder that a run wrote, if the dump is it or lies in one of its packs."""
    from texpipe.formats import known_targets
    from texpipe.manifest.output_folder import is_output_folder

    whole = dump.resolve()
    packs = [above for above in (whole, *whole.parents) if above.name in known_targets()]
    return next((one for one in (whole, *(pack.parent for pack in packs)) if is_output_folder(one)), None)


def _nothing_in(dumps: Sequence[Path], found: Survey) -> SourceError:
    """Return the error for a folder without readable textures: the wrong folder, or one with damaged files only."""
    dump = ", ".join(map(str, dumps))
    if not found.failures:
        hint = "Give the folder that your emulator dumps its textures to."
        near = textures_nearby(dumps[0])
        if near is not None:
            hint += f" There are textures in {near}: {command('texpipe', 'run', near)}"
        return SourceError(f"there are no textures in {dump}", hint=hint)
    first = found.failures[0]
    return SourceError(
        f"no texture in {dump} can be read ({len(found.failures)} damaged); {first.source.name}: {first.reason}",
        hint="`texpipe inspect` shows what is wrong with each of them.",
    )
