"""Which folder of which emulator a pack goes to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from texpipe.errors import UsageError
from texpipe.formats.emulator_folders import EmulatorFolder, found_emulators, usual_folders
from texpipe.options import RunOptions
from texpipe.system.meant_paths import did_you_mean

_CACHE_SUFFIXES = (".hts", ".htc")
"""Suffixes of GLideN64's packs of one file."""
_CACHE_TAIL = "_HIRESTEXTURES"
"""What GLideN64 puts behind the game's name in the names of these packs."""


@dataclass(frozen=True)
class Destination:
    """Where a pack goes.

    Attributes:
        target: the pack's target.
        folder: the folder that the content of the target's folder goes to.
        hiding: files that must go, or the emulator shows them instead of the pack.
    """

    target: str
    folder: Path
    hiding: tuple[Path, ...] = ()


class NoEmulatorError(UsageError):
    """There is not exactly one emulator that a pack could go to.

    Attributes:
        places: the folders that may be meant, a line for each.
    """

    def __init__(self, message: str, *, hint: str, places: str) -> None:
        super().__init__(message, hint=hint)
        self.places = places


def destination(target: str, files: Sequence[PurePosixPath], into: Path | None) -> Destination:
    """Find the folder for a pack.

    Args:
        target: the pack's target.
        files: the files of the pack, relative to the target's folder.
        into: the folder that the user names; None to look for the emulator.

    Raises:
        UsageError: no emulator of the target is found, or several are.
    """
    if into is not None:
        # Files are remembered by this name of the folder: `..` goes, links stay.
        return Destination(target, into.resolve() if ".." in into.parts else into.absolute())
    emulator = _only_emulator(target)
    caches = emulator.cache_folder()
    is_cache = any(path.suffix.lower() in _CACHE_SUFFIXES for path in files)
    if caches is None:
        return Destination(target, emulator.texture_folder())
    if is_cache:
        return Destination(target, caches)
    return Destination(target, emulator.texture_folder(), tuple(_caches_of(files, caches)))


def require_near(folder: Path) -> None:
    """Check that a folder that the user names is there, or is new in one that is: else it is probably mistyped.

    Raises:
        UsageError: neither is there.
    """
    if folder.exists() or folder.parent.is_dir():
        return
    raise UsageError(
        f"there is no folder {folder}, nor {folder.parent}",
        hint=f"{did_you_mean(folder)}Check the path after --into, or make the folder first.",
    )


def place_for(options: RunOptions, target: str | None, into: Path | None) -> Destination:
    """Find the emulator's folder for one target of a recipe, apart from what a run reads and writes.

    Args:
        options: of the run.
        target: the name of one of the recipe's targets; None if it has one alone.
        into: the folder that the user names; None to look for the emulator.

    Raises:
        UsageError: the target is not one of the recipe's, no emulator is found, or its folder is among the run's.
    """
    targets = options.recipe.targets
    names = ", ".join(one.name for one in targets)
    if target is None and len(targets) > 1:
        raise UsageError("the recipe has several targets", hint=f"Choose with --target: {names}.")
    chosen = next((one for one in targets if target in (None, one.name)), None)
    if chosen is None:
        raise UsageError(f"the recipe has no target {target}", hint=f"It has {names}.")
    suffix = f".{chosen.container}" if chosen.container not in (None, "folder") else ".png"
    game = chosen.game or options.recipe.game or "game"
    place = destination(chosen.name, [PurePosixPath(game, f"any{suffix}")], into)
    require_apart_from(place, options)
    if into is not None:
        require_near(place.folder)
    return place


def require_apart_from(place: Destination, options: RunOptions) -> None:
    """Check that the emulator's folder is not among what a run reads or writes, and that no pack is read as a dump.

    A dump may lie inside the emulator's folder, as that of PPSSPP does.

    Raises:
        UsageError: it is.
    """
    folder = place.folder.resolve()
    for root in options.inputs:
        if folder.is_relative_to(root.resolve()):
            raise UsageError(
                f"the texture folder {place.folder} lies in the dump {root}: its textures would be upscaled again",
                hint="Give the folder that the emulator dumps to as --input.",
            )
    output = options.output.resolve()
    if folder.is_relative_to(output) or output.is_relative_to(folder):
        raise UsageError(
            f"the texture folder {place.folder} and the output {options.output} lie in each other",
            hint="Give another --output: packs are copied from there into the emulator's folder.",
        )


def _only_emulator(target: str) -> EmulatorFolder:
    found = [one for one in found_emulators() if one.target == target]
    if len(found) == 1:
        return found[0]
    if found:
        places = "\n".join(f"--into {_quoted(one.texture_folder())}    ({one.emulator})" for one in found)
        raise NoEmulatorError(
            f"several emulators here load packs of {target}",
            hint=f"Say which:\n{places}",
            places="\n".join(f"{one.emulator}: {one.texture_folder()}" for one in found),
        )
    usual = "\n".join(
        f"{one.emulator}: {one.texture_folder()}" for one in usual_folders(target, sys.platform)
    )
    where = f"They are usually here:\n{usual}\n" if usual else ""
    raise NoEmulatorError(
        f"no emulator for packs of {target} was found",
        hint=f"{where}Give its texture folder with --into FOLDER.",
        places=usual,
    )


def _caches_of(files: Sequence[PurePosixPath], caches: Path) -> list[Path]:
    """Return the cache files of the same games, which hide a folder of pictures."""
    games = {path.parts[0] for path in files if len(path.parts) > 1}
    named = (caches / f"{game}{_CACHE_TAIL}{suffix}" for game in sorted(games) for suffix in _CACHE_SUFFIXES)
    return [path for path in named if path.is_file()]


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
