"""Puts finished textures into an emulator's folder one by one, while the game is played."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from texpipe.errors import PackError
from texpipe.formats.contract import Picture
from texpipe.formats.portable_names import file_digest
from texpipe.live.installed_files import InstallationRecord, InstalledFile, names_of
from texpipe.packs.pack import configured, place
from texpipe.packs.writers import rendered
from texpipe.recipe.targets import Target
from texpipe.storage.atomic import write_atomic
from texpipe.storage.links import leads_out


class Delivery:
    """Writes pictures where their emulator looks for them; files that are not the pack's stay as they are.

    Args:
        target: name and options of the emulator.
        folder: the emulator's folder, absolute.
        pack: the output folder that the pictures belong to, absolute: installing it replaces them.
    """

    def __init__(self, target: Target, folder: Path, pack: Path) -> None:
        self._target, self._folder, self._pack = target, folder, pack
        self._layout = configured(target)
        self._record = InstallationRecord(folder)
        self._known = self._record.read()
        self._foreign: set[str] = set()

    @property
    def is_one_by_one(self) -> bool:
        """Whether each texture is a file of its own; otherwise an archive or a cache holds all."""
        return self._layout.archive is None and self._layout.game_files is None

    def put(self, pictures: Iterable[Picture]) -> list[str]:
        """Write pictures, each file whole or not at all; return the names of the textures that are there now.

        Raises:
            PackError: a file cannot be written or read.
        """
        left_out: dict[str, str] = {}
        there = []
        for one in place(self._target, self._layout, pictures, left_out):
            files = [
                self._put(str(made.path), made.data, digest) for made, digest in rendered(self._layout, one)
            ]
            if all(files):
                there.append(one.picture.source.name)
        return there

    def _put(self, path: str, data: bytes, digest: str) -> bool:
        """Write a file unless it is there or somebody else's; return whether it is there now."""
        file = self._folder / path
        if path in self._foreign or leads_out(file, self._folder):
            return False
        try:
            found = file_digest(file)
        except PackError:  # a folder, or nothing that could be read
            return False
        if found == digest:
            return True
        if found is not None and not self._is_ours(path, found):
            self._foreign.add(path)
            return False
        one = InstalledFile.of(str(self._pack), digest)
        self._record.note({path: one})
        self._known[path] = one
        write_atomic(file, data, fsync=False)
        return True

    def _is_ours(self, path: str, found: str) -> bool:
        if self._is_known(path, found):
            return True
        self._known = self._record.read()  # the process that refines notes files, too
        return self._is_known(path, found)

    def _is_known(self, path: str, found: str) -> bool:
        one = self._known.get(path)
        return one is not None and one.is_only_of(names_of(self._pack, {path: one}), found)
