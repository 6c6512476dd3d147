"""Where a file that is added to a pack goes, whoever made the pack."""

from __future__ import annotations

import posixpath
from collections import Counter
from pathlib import PurePosixPath

from texpipe.errors import UsageError
from texpipe.formats.contract import Placed
from texpipe.upkeep.any_pack import AnyPack, PackTexture
from texpipe.upkeep.coverage import Coverage

_BY_NAME_ALONE = frozenset({"gliden64", "duckstation", "beetle_psx", "dolphin"})
"""Schemes of names whose emulators find a file by its name, without a list of them."""


class Folders:
    """Where a pack keeps its files: the folder that all those of a game are in, or below."""

    def __init__(self, pack: AnyPack, covered: Coverage) -> None:
        self._of_game: dict[str | None, PurePosixPath] = {}
        self._above = _usual_prefix(pack, covered)
        files: dict[str | None, list[str]] = {}
        for texture in pack.textures:
            for game in {name.game for name in texture.names}:
                files.setdefault(game, []).append(str(PurePosixPath(texture.entry.name).parent))
        for game, folders in files.items():
            # Without a folder in common they are packs for several emulators: the larger one is completed.
            common = posixpath.commonpath(folders) or max(sorted(set(folders)), key=folders.count)
            self._of_game[game] = PurePosixPath(common)

    def __call__(self, placed: Placed) -> PurePosixPath:
        """Return the path of a texture's file below the pack."""
        name = placed.picture.source.emulator
        if name is None:
            return self._above / placed.path
        folder = self._of_game.get(name.game)
        return placed.path if folder is None else folder / placed.path.name


def _usual_prefix(pack: AnyPack, covered: Coverage) -> PurePosixPath:
    """Return the folder below which most files have the paths of their textures, for names of no emulator."""
    nameless = {one.entry.name for one in pack.textures if not one.names}
    found: Counter[str] = Counter()
    for one in covered.textures:
        for file in one.files[:1]:
            stem, wanted = (str(PurePosixPath(path).with_suffix("")) for path in (file, one.name))
            if one.state == "there" and file in nameless and stem.endswith(wanted):
                found[stem.removesuffix(wanted).rstrip("/")] += 1
    return PurePosixPath(max(sorted(found), key=lambda one: found[one], default=""))


def require_fillable(pack: AnyPack) -> None:
    """Check that a file which is put into the pack is found by its name.

    Raises:
        UsageError: the pack is a container, or has a list of its files.
    """
    listed = any(not _found_by_name(one) for one in pack.textures)
    if pack.root.is_dir() and not pack.containers and not listed:
        return
    what = "keeps its textures in container files" if pack.containers else "lists its textures in a file"
    raise UsageError(
        f"{pack.root} {what}, which is never changed here",
        hint="--output DIR writes the gaps as a pack of their own, which `texpipe merge` can join with this one.",
    )


def _found_by_name(texture: PackTexture) -> bool:
    """Return whether a file has its name alone; DuckStation's list has further names for files that have one."""
    schemes = {name.scheme for name in texture.names}
    return schemes <= _BY_NAME_ALONE and (not texture.listed or schemes == {"duckstation"})
