"""Copies of what a run replaces or removes: `OUTPUT/.backup/DATE/`, with the paths that the files had."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from texpipe.errors import PackError
from texpipe.storage.layout import OutputLayout

_DATE = "%Y-%m-%d_%H-%M-%S"


@dataclass(frozen=True)
class Backup:
    """The backup of one run; its folder is made with the first file that goes into it.

    Attributes:
        output: the run's output folder.
    """

    output: Path
    _files: list[str] = field(default_factory=list)

    @cached_property
    def folder(self) -> Path:
        """The folder of this run: named by local date and time, and by a number if another run has that name."""
        base = OutputLayout(self.output).backup / time.strftime(_DATE)
        number, folder = 1, base
        while folder.exists():
            number += 1
            folder = base.with_name(f"{base.name}.{number}")
        return folder

    @property
    def files(self) -> tuple[str, ...]:
        """Paths below the output folder of all files that were copied or moved here."""
        return tuple(self._files)

    def copy(self, path: str) -> None:
        """Copy a file that is about to be replaced.

        Raises:
            PackError: it cannot be copied; nothing was changed.
        """
        if (self.output / path).is_symlink():  # it is the link that is replaced, not what it leads to
            self.move(path)
            return
        part = self._place(path).with_name(".copying.part")
        try:
            shutil.copy2(self.output / path, part)
            part.replace(self._place(path))
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise self._failed(path, error) from error
        self._files.append(path)

    def move(self, path: str) -> None:
        """Move a file here that is no longer part of the pack.

        Raises:
            PackError: it cannot be moved; it lies where it was.
        """
        try:
            (self.output / path).replace(self._place(path))
        except OSError as error:
            raise self._failed(path, error) from error
        self._files.append(path)

    def _place(self, path: str) -> Path:
        place = self.folder / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(path, error) from error
        return place

    def _failed(self, path: str, error: OSError) -> PackError:
        return PackError(
            f"cannot put {path} into {self.folder}: {error.strerror or error}",
            hint="Check the space on the disk and the permissions of the output folder; nothing was replaced.",
        )
