"""Remembers which files texpipe put into an emulator's folder: only these are replaced or removed unasked.

The record of a folder is one JSON file. While a game is played, files are put there one by one: each has a line in the
notes beside the record before it is written, and `settle` brings the notes into the record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from texpipe.errors import PackError
from texpipe.formats.portable_names import file_digest
from texpipe.storage.atomic import write_atomic
from texpipe.storage.home import data_folder
from texpipe.storage.small_files import (
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
        pack: the pack it is of (an output folder).
        sha256: hex digest of its bytes.
        others: hex digests of all else that texpipe noted for it: a killed process may have written any of them.
    """

    pack: str
    sha256: str
    others: frozenset[str] = frozenset()

    def has(self, digest: str | None) -> bool:
        """Return whether texpipe wrote bytes of this hex sha256 there."""
        return digest == self.sha256 or digest in self.others


def folders_with(pack: Path) -> list[Path]:
    """Return the folders that files of a pack were put into and not taken out of, sorted.

    Args:
        pack: the pack's output folder, absolute.
    """
    found = []
    for file in sorted((data_folder() / "installed").glob("*.json")):
        with suppress(RefusedFileError):
            record = read_json(file, _MAX_RECORD)
            folder = record.get("folder") if isinstance(record, dict) else None
            if isinstance(folder, str):
                files = InstallationRecord(Path(folder)).read()
                found += [Path(folder)] if any(one.pack == str(pack) for one in files.values()) else []
    return sorted(found)


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
        for path, one in self._noted():
            before = found.get(path)
            found[path] = one if before is None else replace(before, others=before.others | {one.sha256})
        return found

    def write(self, files: Mapping[str, InstalledFile]) -> None:
        """Write the record, or remove it once there is nothing in it; notes stay.

        Raises:
            PackError: it cannot be written.
        """
        if not files:
            self.file.unlink(missing_ok=True)
            return
        pairs = {path: [one.pack, one.sha256] for path, one in sorted(files.items())}
        text = json.dumps({"folder": str(self.folder), "files": pairs}, indent=0)
        write_atomic(self.file, text.encode())

    def note(self, files: Mapping[str, InstalledFile]) -> None:
        """Note files that are about to be put there.

        Raises:
            PackError: the note cannot be written.
        """
        lines = (json.dumps([path, one.pack, one.sha256]) + "\n" for path, one in files.items())
        try:
            self.notes.parent.mkdir(parents=True, exist_ok=True)
            with open_to_append(self.notes) as file:
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
        for path in {path for path, _ in self._noted()}:
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
            return InstalledFile(one.pack, found if one.has(found) else one.sha256)
        return one

    def _recorded(self) -> dict[str, InstalledFile]:
        try:
            found = read_json(self.file, _MAX_RECORD)
        except (MissingFileError, RefusedFileError):
            return {}
        files = found.get("files") if isinstance(found, dict) else None
        if not isinstance(files, dict):
            return {}
        return {
            path: InstalledFile(str(one[0]), str(one[1]))
            for path, one in files.items()
            if isinstance(one, list) and len(one) == 2
        }

    def _noted(self) -> Iterator[tuple[str, InstalledFile]]:
        try:
            lines = read_small(self.notes, _MAX_RECORD).splitlines()
        except (MissingFileError, RefusedFileError):
            return
        for line in lines:
            with suppress(RefusedFileError):  # the last line of a killed process
                row = parse_json(line, self.notes)
                if isinstance(row, list) and len(row) == 3:
                    yield str(row[0]), InstalledFile(str(row[1]), str(row[2]))
