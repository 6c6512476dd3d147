"""What a run would remove from a pack: files, and textures out of archives and caches."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from texpipe.errors import PackError
from texpipe.formats.portable_names import folded
from texpipe.manifest.schema import Manifest
from texpipe.packs.ownership import PackFolder
from texpipe.storage.layout import OutputLayout

log = logging.getLogger(__name__)

MAX_REMOVED_SHARE = 0.1
"""Largest share of a pack's files that a run removes without `--remove`."""
MAX_REMOVED_FILES = 5
"""Largest number of a pack's files that a run removes without `--remove`, whatever share of it they are."""


@dataclass(frozen=True)
class PlannedFiles:
    """The files of a planned pack.

    Attributes:
        textures: folded path -> names of the textures in that file.
        archives: paths of the files that hold many textures.
    """

    textures: Mapping[str, Set[str]]
    archives: Set[str]

    def has(self, path: str, texture: str) -> bool:
        """Return whether a file is planned, and of an archive whether the texture will be in it."""
        names = self.textures.get(folded(path))
        return names is not None and (path not in self.archives or texture in names)


@dataclass(frozen=True)
class Removal:
    """What a run would remove.

    Attributes:
        files: paths of whole files.
        taken_out: archive -> how many textures it loses.
        before: how many files, and textures in archives, the pack has.
    """

    files: Set[str]
    taken_out: Mapping[str, int]
    before: int

    @property
    def count(self) -> int:
        """How many files, and textures in archives, would go."""
        return len(self.files) + sum(self.taken_out.values())

    def __str__(self) -> str:
        files = [f"{len(self.files)} file{'s' if len(self.files) != 1 else ''}"] if self.files else []
        taken = [f"{n} texture{'s' if n != 1 else ''} in {path}" for path, n in self.taken_out.items()]
        return " and ".join([*files, *taken])


def removal(folder: PackFolder, manifest: Manifest, planned: PlannedFiles) -> Removal:
    """Return what would go of the pack that a manifest describes."""
    there: set[str] = set()
    stay: set[str] = set()
    held, taken_out = 0, dict[str, int]()
    for entry in manifest.textures:
        paths = {
            one.path for one in entry.outputs if one.kept is None and (folder.output / one.path).is_file()
        }
        for path in sorted(paths & planned.archives):
            held += 1
            if not planned.has(path, entry.source):
                taken_out[path] = taken_out.get(path, 0) + 1
        alone = paths - planned.archives
        there |= alone
        # A texture whose first file stays keeps the others, such as its mipmaps, which are not planned one by one.
        stay |= alone if any(planned.has(path, entry.source) for path in alone) else set()
    return Removal(there - stay, taken_out, len(there) + held)


def allow_removal(
    folder: PackFolder, gone: Removal, planned: PlannedFiles, *, may_remove: bool
) -> Iterator[str]:
    """Say what this run removes; archives that lose textures are copied into the backup.

    Raises:
        PackError: it is too much to go in silence, or a copy cannot be made.
    """
    if not gone.count:
        return
    backup = OutputLayout(folder.output).backup
    many = gone.count > MAX_REMOVED_FILES and gone.count > MAX_REMOVED_SHARE * gone.before
    if (many or not planned.textures) and not may_remove:
        things = "files" if not gone.taken_out else "textures and files"
        raise PackError(
            f"nothing was written: this run would remove {gone.count} of the {gone.before} {things} of the pack",
            hint="If the input is only a part of the dump, give the whole dump, or both parts (--add). If they are to "
            f"go, run again with --remove: a copy goes to {backup}.",
        )
    line = f"{gone} of the earlier run {'is' if gone.count == 1 else 'are'} no longer part of the pack"
    log.warning("%s: removed at the end of this run", line)
    for path in gone.taken_out:
        folder.backup.copy(path)
    yield f"{line}: {'moved' if gone.files else 'as it was, it is copied'} to {backup}"
