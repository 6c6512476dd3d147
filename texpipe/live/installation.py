"""Copies a pack into an emulator's folder and takes it out again; what is of others stays or goes to the backup."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from texpipe.errors import PackError
from texpipe.formats.portable_names import file_digest
from texpipe.live.destination import Destination
from texpipe.live.installed_files import InstallationRecord, InstalledFile, names_of
from texpipe.storage.atomic import open_atomic, sync_disk
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import FilesInside, files_inside
from texpipe.storage.small_files import RefusedFileError, open_regular

_DATE = "%Y-%m-%d_%H-%M-%S"
_UNKNOWN = InstalledFile(frozenset())


@dataclass(frozen=True)
class Changes:
    """What installing or uninstalling a pack does, by paths below the emulator's folder.

    Attributes:
        place: where the pack goes.
        pack: the output folder that it comes from.
        new: files to copy: the path -> hex sha256.
        same: files that are there already: the path -> hex sha256.
        others: files there that are not the pack's, or that somebody changed since, where one of the pack goes.
        obsolete: files of an earlier version of the pack, unchanged since.
        kept: files of an earlier version that somebody changed: they stay.
        shared: files of an earlier version that another pack has, too: they stay.
        given_up: all files of an earlier version that are not the pack's any more, also those that are gone.
        owners: of the files in the way those that are another pack's: the file -> that pack, an output folder.
        links: a line for each link in the pack that is not followed, so that what it leads to is not copied.
    """

    place: Destination
    pack: Path
    new: Mapping[str, str]
    same: Mapping[str, str]
    others: tuple[str, ...]
    obsolete: tuple[str, ...]
    kept: tuple[str, ...]
    shared: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()
    owners: Mapping[Path, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()

    @property
    def in_the_way(self) -> tuple[Path, ...]:
        """Files that are not the pack's and would be replaced, or hide the pack."""
        return (*(self.place.folder / path for path in self.others), *self.place.hiding)


def files_of_pack(output: Path, target: str) -> list[PurePosixPath]:
    """Return the files in a target's folder, sorted: also links to files in it, but no other links.

    Raises:
        PackError: there is no such folder, it is empty, or it cannot be listed.
    """
    return _sorted_files(output / target)[0]


def _sorted_files(root: Path) -> tuple[list[PurePosixPath], tuple[str, ...]]:
    """Return the files of a pack, and a line for each link that is not followed; errors as `files_of_pack`."""
    listed = files_inside(root) if root.is_dir() else FilesInside((), ())
    found = sorted(
        PurePosixPath(path.relative_to(root).as_posix())
        for path in listed.files
        if not path.name.endswith(".part")
    )
    if not found:
        raise PackError(f"there is no pack in {root}", hint="Run the recipe first.")
    return found, listed.left_out


def plan_installation(
    output: Path, place: Destination, earlier: Mapping[str, InstalledFile] | None = None
) -> Changes:
    """Compare a pack with what is in the emulator's folder; nothing is changed.

    Args:
        output: the output folder.
        place: where the pack goes.
        earlier: the files of which those are obsolete that the pack does not have; by default all that are recorded.

    Raises:
        PackError: there is no pack, or a file cannot be read.
    """
    pack, root = output.absolute(), output / place.target
    recorded = InstallationRecord(place.folder).read()
    names = names_of(pack, recorded)
    new: dict[str, str] = {}
    same: dict[str, str] = {}
    others: list[str] = []
    owners: dict[Path, str] = {}
    files, links = _sorted_files(root)
    for path in map(str, files):
        digest = file_digest(root / path, inside=root)
        if digest is None:
            raise PackError(f"{root / path} cannot be read", hint="Run the recipe again.")
        found = _digest_there(place.folder / path)
        (same if found == digest else new)[path] = digest
        one = recorded.get(path, _UNKNOWN)
        if found not in (None, digest) and not one.is_only_of(names, found):
            others.append(path)
            if theirs := one.owners(found) - names:
                owners[place.folder / path] = min(theirs)
    gone = {
        path: one
        for path, one in recorded.items()
        if one.packs & names and path not in new and path not in same
        if earlier is None or path in earlier
    }
    changes = Changes(place, pack, new, same, tuple(others), (), (), owners=owners, links=links)
    return _with_removals(changes, gone, names)


def without_others(changes: Changes) -> Changes:
    """Return the same changes without those for which files would have to move that are not the pack's."""
    new = {path: digest for path, digest in changes.new.items() if path not in changes.others}
    return replace(changes, place=replace(changes.place, hiding=()), new=new, others=(), owners={})


def plan_removal(output: Path, place: Destination) -> Changes:
    """Find the files of a pack in the emulator's folder; nothing is changed."""
    pack = output.absolute()
    recorded = InstallationRecord(place.folder).read()
    names = names_of(pack, recorded)
    mine = {path: one for path, one in recorded.items() if one.packs & names}
    return _with_removals(Changes(place, pack, {}, {}, (), (), ()), mine, names)


def carry_out(changes: Changes) -> Path | None:
    """Copy and remove; files of others that are in the way go to the output's backup first, and are the pack's then.

    A killed run can be repeated: what is to be written is noted before the first file, and checked by digest. Call
    `InstallationRecord.settle` when nobody else writes to the folder.

    Returns:
        The backup's folder, if anything went there.

    Raises:
        PackError: a file cannot be written, moved or removed.
    """
    folder, record = changes.place.folder, InstallationRecord(changes.place.folder)
    before = record.read()
    names = names_of(changes.pack, before)
    written = {
        path: InstalledFile.of(str(changes.pack), digest)
        for path, digest in {**changes.new, **changes.same}.items()
        # What was there before texpipe came stays its owner's, even if the bytes are the same.
        if path in changes.new or before.get(path, _UNKNOWN).owners(digest)
    }
    record.note(written)
    backup = _move_away(changes)
    root = changes.pack / changes.place.target
    for path in changes.new:
        _copy(root / path, root, folder / path)
    for path in changes.obsolete:
        _remove(folder, path)
    sync_disk()
    record.write(_recorded_after(changes, before, written, names))
    return backup


def _recorded_after(
    changes: Changes,
    before: Mapping[str, InstalledFile],
    written: Mapping[str, InstalledFile],
    names: frozenset[str],
) -> dict[str, InstalledFile]:
    """Return what the record says once the changes are done; `written` is what is the pack's then."""
    given_up = {path: before[path].without(names) for path in changes.given_up if path in before}
    # Where another pack has the same bytes, each may be taken out without the other.
    shared = {
        path: before[path].with_bytes(digest).without(names) | written[path]
        for path, digest in changes.same.items()
        if path in written
    }
    files = {**before, **given_up, **written, **shared}
    return {path: one for path, one in files.items() if one.written}


def _with_removals(changes: Changes, gone: Mapping[str, InstalledFile], names: frozenset[str]) -> Changes:
    """Return the changes with those that take files out which were the pack's.

    Args:
        changes: what is done otherwise.
        gone: what is known of these files, by path.
        names: by which the pack is recorded.
    """
    owners = {
        path: one.owners(digest)
        for path, one in gone.items()
        if (digest := _digest_there(changes.place.folder / path)) is not None
    }
    return replace(
        changes,
        obsolete=tuple(path for path, found in owners.items() if found and found <= names),
        kept=tuple(path for path, found in owners.items() if not found),
        shared=tuple(path for path, found in owners.items() if found & names and not found <= names),
        given_up=tuple(gone),
    )


def _digest_there(path: Path) -> str | None:
    """Return a file's digest; None if there is none, "" for anything that is no regular file: never ours."""
    if path.is_symlink() or path.is_dir():
        return ""
    return file_digest(path) if path.exists() else None


def _move_away(changes: Changes) -> Path | None:
    """Move what is in the way to `OUTPUT/.backup/DATE/installed/`."""
    if not changes.in_the_way:
        return None
    backup = _fresh(OutputLayout(changes.pack).backup / time.strftime(_DATE)) / "installed"
    for path in changes.in_the_way:
        inside = (
            path.relative_to(changes.place.folder) if path.is_relative_to(changes.place.folder) else path.name
        )
        goal = backup / inside
        try:
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, goal)
        except OSError as error:
            raise _failed("move", path, error) from error
    return backup


def _fresh(folder: Path) -> Path:
    names = (folder.with_name(f"{folder.name}{tail}") for tail in _tails())
    return next(name for name in names if not name.exists())


def _tails() -> Iterator[str]:
    yield ""
    number = 1
    while True:
        number += 1
        yield f".{number}"


def _copy(source: Path, root: Path, goal: Path) -> None:
    try:
        with (
            open_regular(source, inside=root, any_link=False) as data,
            open_atomic(goal, fsync=False) as file,
        ):
            shutil.copyfileobj(data, file)
    except RefusedFileError as error:
        raise PackError(str(error)) from error
    except OSError as error:
        raise _failed("copy", source, error) from error


def _remove(folder: Path, path: str) -> None:
    """Remove a file, and the folders that are empty without it."""
    file = folder / path
    try:
        file.unlink(missing_ok=True)
        for parent in file.parents:
            if parent == folder or any(parent.iterdir()):
                return
            parent.rmdir()
    except OSError as error:
        raise _failed("remove", file, error) from error


def _failed(verb: str, path: Path, error: OSError) -> PackError:
    return PackError(
        f"cannot {verb} {path}: {error.strerror or error}",
        hint="Close the emulator, check the space and the permissions, and run the same command again.",
    )
