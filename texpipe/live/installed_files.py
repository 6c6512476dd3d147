"""Remembers which files texpipe put into an emulator's folder: only these are replaced or removed unasked.

The record of a folder is one JSON file. While a game is played, files are put there one by one: each has a line in the
notes beside the record before it is written, and `settle` brings the notes into the record.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from texpipe.errors import Location, PackError
from texpipe.formats.portable_names import file_digest
from texpipe.storage.atomic import write_atomic
from texpipe.storage.home import data_folder
from texpipe.storage.small_files import (
    Json,
    MissingFileError,
    RefusedFileError,
    open_to_append,
    parse_json,
    read_json,
    read_small,
)

_MAX_RECORD: Final = 64 << 20
"""Largest size of a record, and of notes, in bytes: that of 400,000 files."""


@dataclass(frozen=True)
class InstalledFile:
    """A file that texpipe put into an emulator's folder.

    Attributes:
        written: pack (an output folder) and hex sha256 of all that texpipe noted for it. A killed process may have
            written any of them, and several packs may have the same bytes there.
    """

    written: frozenset[tuple[str, str]]

    @staticmethod
    def of(pack: str, digest: str) -> InstalledFile:
        """Return a file of one pack with bytes of this hex sha256."""
        return InstalledFile(frozenset({(pack, digest)}))

    @property
    def packs(self) -> frozenset[str]:
        """All packs that it was noted for."""
        return frozenset(pack for pack, _ in self.written)

    def owners(self, digest: str | None) -> frozenset[str]:
        """Return the packs that it belongs to if it has bytes of this hex sha256; none if somebody changed it."""
        return frozenset(pack for pack, known in self.written if known == digest)

    def is_only_of(self, names: frozenset[str], digest: str | None) -> bool:
        """Return whether it belongs to the pack of these names alone if it has bytes of this hex sha256."""
        owners = self.owners(digest)
        return bool(owners) and owners <= names

    def with_bytes(self, digest: str) -> InstalledFile:
        """Return what is known of it with bytes of this hex sha256 alone."""
        return InstalledFile(frozenset(one for one in self.written if one[1] == digest))

    def without(self, packs: frozenset[str]) -> InstalledFile:
        """Return what is known of it apart from these packs."""
        return InstalledFile(frozenset(one for one in self.written if one[0] not in packs))

    def __or__(self, other: InstalledFile) -> InstalledFile:
        """Return all that is known of it."""
        return InstalledFile(self.written | other.written)


@dataclass(frozen=True)
class Whereabouts:
    """Where the files of a pack are, as far as the records say.

    Attributes:
        folders: the emulators' folders that files of it were put into and not taken out of, sorted.
        unclear: records that may be of the pack, each with what is wrong with it, so that its folder is not known.
    """

    folders: tuple[Path, ...]
    unclear: Mapping[Path, str]


def whereabouts(pack: Path) -> Whereabouts:
    """Find the folders that files of a pack were put into.

    Args:
        pack: the pack's output folder.
    """
    records = data_folder() / "installed"
    # A first installation that was killed has notes alone.
    files = {file.with_suffix(".json") for kind in ("*.json", "*.notes") for file in records.glob(kind)}
    folders: list[Path] = []
    unclear: dict[Path, str] = {}
    for file in sorted(files):
        folder, problem = _folder_of(file)
        notes = _noted(file.with_suffix(".notes"))
        known = dict(notes) if folder is None else InstallationRecord(folder).read()
        is_of_pack = bool(names_of(pack, known))
        if is_of_pack and folder is not None:
            folders.append(folder)
        elif is_of_pack or problem is not None:
            unclear[file] = problem or f"{file.with_suffix('.notes')}: does not say which folder it is of"
    return Whereabouts(tuple(sorted(folders)), unclear)


def names_of(pack: Path, files: Mapping[str, InstalledFile]) -> frozenset[str]:
    """Return the names by which files of a pack are recorded: there may be several ways to write its folder.

    Args:
        pack: the pack's output folder.
        files: recorded files.
    """
    real = os.path.realpath(pack)
    known = frozenset[str]().union(*(one.packs for one in files.values()))
    return frozenset(name for name in known if os.path.realpath(name) == real)


def _folder_of(file: Path) -> tuple[Path | None, str | None]:
    """Return the emulator's folder that a record, or the notes beside it, names; and what is wrong with the record."""
    named = _noted_folder(file.with_suffix(".notes"))
    try:
        folder, _ = _parsed(file)
    except MissingFileError:
        return named, None
    except RefusedFileError as error:
        return named, str(error)
    return folder, None


@dataclass(frozen=True)
class InstallationRecord:
    """The files that texpipe put into one folder, of all packs.

    Attributes:
        folder: the emulator's folder, absolute.
    """

    folder: Path

    @property
    def file(self) -> Path:
        """Where this is written down: in the user's data folder, so that emulators see nothing of it."""
        name = hashlib.sha256(str(self.folder).encode("utf-8", "surrogateescape")).hexdigest()[:24]
        return data_folder() / "installed" / f"{name}.json"

    @property
    def notes(self) -> Path:
        """The notes of files that were put there one by one."""
        return self.file.with_suffix(".notes")

    def read(self) -> dict[str, InstalledFile]:
        """Return the files by path below the folder; empty if nothing is known, which loses nothing: files are kept."""
        found = self._recorded()
        for path, one in _noted(self.notes):
            found[path] = found[path] | one if path in found else one
        return found

    def require_readable(self) -> None:
        """Check that it is known which files were put there.

        Raises:
            PackError: the record is damaged.
        """
        try:
            _parsed(self.file)
        except MissingFileError:
            return
        except RefusedFileError as error:
            raise PackError(
                f"what texpipe put into {self.folder} is not known, and nothing was taken out: {error}",
                hint=f"Remove the pack's files from that folder by hand, and then {self.file}.",
            ) from error

    def write(self, files: Mapping[str, InstalledFile]) -> None:
        """Write the record, or remove it once there is nothing in it; notes stay.

        Raises:
            PackError: it cannot be written.
        """
        if not files:
            self.file.unlink(missing_ok=True)
            return
        rows = {path: list(chain(*sorted(one.written))) for path, one in sorted(files.items())}
        text = json.dumps({"folder": str(self.folder), "files": rows}, indent=0)
        write_atomic(self.file, text.encode())

    def note(self, files: Mapping[str, InstalledFile]) -> None:
        """Note files that are about to be put there.

        Raises:
            PackError: the note cannot be written.
        """
        lines = [
            json.dumps([path, *pair]) + "\n" for path, one in files.items() for pair in sorted(one.written)
        ]
        try:
            self.notes.parent.mkdir(parents=True, exist_ok=True)
            with open_to_append(self.notes) as file:
                if file.tell() == 0:
                    lines.insert(0, json.dumps([str(self.folder)]) + "\n")
                file.write("".join(lines).encode())
        except OSError as error:
            raise PackError(
                f"cannot write {self.notes}: {error.strerror or error}",
                hint="Check the space and the permissions of that folder.",
            ) from error

    def settle(self) -> None:
        """Bring the notes into the record, each file with the bytes that it has; no other process may note meanwhile.

        Raises:
            PackError: the record cannot be written.
        """
        if not self.notes.exists():
            return
        files = self.read()
        for path in {path for path, _ in _noted(self.notes)}:
            if (settled := self._settled(path, files.pop(path))) is not None:
                files[path] = settled
        self.write(files)
        self.notes.unlink(missing_ok=True)

    def _settled(self, path: str, one: InstalledFile) -> InstalledFile | None:
        """Return what is known of a file with the bytes that it has; None if it is gone."""
        with suppress(PackError):  # what cannot be read is not ours any more
            found = file_digest(self.folder / path)
            if found is None:
                return None
            return one.with_bytes(found) if one.owners(found) else one
        return one

    def _recorded(self) -> dict[str, InstalledFile]:
        with suppress(RefusedFileError):
            return _parsed(self.file)[1]
        return {}


def _parsed(file: Path) -> tuple[Path, dict[str, InstalledFile]]:
    """Return the folder that a record is of, and its files.

    Raises:
        MissingFileError: there is no record.
        RefusedFileError: it is damaged.
    """
    found = read_json(file, _MAX_RECORD)
    folder, files = (found.get("folder"), found.get("files")) if isinstance(found, dict) else (None, None)
    if not isinstance(folder, str) or not isinstance(files, dict):
        raise RefusedFileError("names no folder and its files", location=Location(file))
    # A row has the pack and the digest, and both again for each other pack that has the same bytes there.
    rows = {path: list(map(str, row)) for path, row in files.items() if isinstance(row, list)}
    pairs = {path: frozenset(zip(row[::2], row[1::2], strict=False)) for path, row in rows.items()}
    return Path(folder), {path: InstalledFile(written) for path, written in pairs.items() if written}


def _noted(notes: Path) -> Iterator[tuple[str, InstalledFile]]:
    for row in _rows(notes):
        if len(row) == 3:
            yield str(row[0]), InstalledFile.of(str(row[1]), str(row[2]))


def _noted_folder(notes: Path) -> Path | None:
    """Return the folder that notes name in their first line; those of older versions name none."""
    first = next(_rows(notes), [])
    return Path(str(first[0])) if len(first) == 1 else None


def _rows(notes: Path) -> Iterator[list[Json]]:
    try:
        lines = read_small(notes, _MAX_RECORD).splitlines()
    except (MissingFileError, RefusedFileError):
        return
    for line in lines:
        with suppress(RefusedFileError):  # the last line of a killed process
            row = parse_json(line, notes)
            if isinstance(row, list):
                yield row
