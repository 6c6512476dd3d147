"""Remembers which files texpipe put into an emulator's folder: only these are replaced or removed unasked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from texpipe.storage.atomic import write_atomic
from texpipe.storage.home import data_folder
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_json

_MAX_RECORD: Final = 64 << 20
"""Largest size of a record in bytes: that of 400,000 files."""


@dataclass(frozen=True)
class InstalledFile:
    """A file that texpipe put into an emulator's folder: the pack it is of (an output folder), its hex sha256."""

    pack: str
    sha256: str


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

    def read(self) -> dict[str, InstalledFile]:
        """Return the files by path below the folder; empty if nothing is known, which loses nothing: files are kept."""
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

    def write(self, files: Mapping[str, InstalledFile]) -> None:
        """Write the record, or remove it once there is nothing in it.

        Raises:
            PackError: it cannot be written.
        """
        if not files:
            self.file.unlink(missing_ok=True)
            return
        pairs = {path: [one.pack, one.sha256] for path, one in sorted(files.items())}
        text = json.dumps({"folder": str(self.folder), "files": pairs}, indent=0)
        write_atomic(self.file, text.encode())
