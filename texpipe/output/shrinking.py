"""A pack never shrinks in silence, nor because its input was lost: what a run would take out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from texpipe.errors import PackError
from texpipe.formats.portable_names import folded
from texpipe.manifest.schema import Manifest
from texpipe.packs.ownership import PackFolder
from texpipe.packs.pack import Pack
from texpipe.storage.layout import OutputLayout

MAX_REMOVED_SHARE = 0.1
"""Largest share of a pack's files, or of the textures in one of its archives, that a run removes without `--remove`."""
MAX_REMOVED_FILES = 5
"""Largest number of files or textures that a run removes without `--remove`, whatever share of all they are."""

_HINT = "If the input is a part of the dump, give the rest with --add. If they are to go, run again with --remove: "


@dataclass(frozen=True)
class PackBefore:
    """What an output folder has of earlier runs, as far as it is still there.

    Attributes:
        textures: a texture's name -> the files it is in.
        files: files of which no sound manifest says what is in them: perhaps only half of a pack, or mipmaps of it.
    """

    textures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    @staticmethod
    def found(folder: PackFolder, manifest: Manifest | None) -> PackBefore:
        """Look at a folder whose manifest is sound, or missing or damaged (None)."""
        if manifest is None:
            files = tuple(path for path in sorted(folder.paths) if (folder.output / path).is_file())
            return PackBefore(files=files)
        textures = {
            entry.source: tuple(
                one.path for one in entry.outputs if one.kept is None and (folder.output / one.path).is_file()
            )
            for entry in manifest.textures
        }
        return PackBefore({source: files for source, files in textures.items() if files})


def removed_files(before: PackBefore, packs: Iterable[Pack]) -> set[str]:
    """Return the files of earlier runs that packs as planned do not have.

    A texture whose first file stays keeps the others, such as its mipmaps, which are not planned one by one.
    """
    known = {folded(one.path) for pack in packs for outputs in pack.outputs.values() for one in outputs}
    there = {*before.files, *(path for paths in before.textures.values() for path in paths)}
    stay = {
        path
        for paths in before.textures.values()
        if any(folded(one) in known for one in paths)
        for path in paths
    }
    return {path for path in there - stay if folded(path) not in known}


def require_no_loss(
    folder: PackFolder, before: PackBefore, packs: Iterable[Pack], *, may_remove: bool
) -> int:
    """Check that packs as planned are not much smaller than what is there.

    Args:
        folder: the output folder.
        before: what is there.
        packs: what will be written, as planned.
        may_remove: `--remove` was given: archives that lose much are copied to the backup instead.

    Returns:
        How many files will be removed.

    Raises:
        PackError: too many files would be removed, or textures in an archive; nothing was changed.
    """
    packs = tuple(packs)
    gone = removed_files(before, packs)
    there = len({*before.files, *(path for paths in before.textures.values() for path in paths)})
    if _loses_all(before, packs, gone, there) or (before.textures and _is_many(len(gone), there)):
        _stop(f"remove {len(gone)} of the {there} files of the pack", folder, may_remove)
    for path, lost, held in _shrunk_archives(before, packs):
        if lost == held or _is_many(lost, held):
            _stop(f"leave {lost} of the {held} textures out of {path}", folder, may_remove)
            folder.backup.copy(path)
    return len(gone)


def _loses_all(before: PackBefore, packs: Iterable[Pack], gone: set[str], there: int) -> bool:
    """Tell whether nothing of the earlier packs stays, and not because the recipe has other targets."""
    if not gone or len(gone) < there:
        return False
    planned = {folded(source) for pack in packs for source in pack.outputs}
    return not planned or (bool(before.textures) and not planned & set(map(folded, before.textures)))


def _shrunk_archives(before: PackBefore, packs: Iterable[Pack]) -> list[tuple[str, int, int]]:
    """Return each archive, cache or other file of many textures that will have fewer: how many less, of how many."""
    held = Counter(path for paths in before.textures.values() for path in set(paths))
    planned = Counter(
        path
        for pack in packs
        for outputs in pack.outputs.values()
        for path in {folded(one.path) for one in outputs}
    )
    return [
        (path, count - planned[folded(path)], count)
        for path, count in sorted(held.items())
        if count > 1 and 0 < planned[folded(path)] < count
    ]


def _is_many(count: int, of: int) -> bool:
    return count > MAX_REMOVED_FILES and count > MAX_REMOVED_SHARE * of


def _stop(what: str, folder: PackFolder, may_remove: bool) -> None:
    if not may_remove:
        kept = f"a copy of what is there goes to {OutputLayout(folder.output).backup}."
        raise PackError(f"nothing was written: this run would {what}", hint=_HINT + kept)
