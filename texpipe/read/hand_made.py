"""Pictures that somebody made by hand, to be used in place of upscaled ones: which files there are, and their bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from texpipe.errors import SourceError
from texpipe.imaging.image_headers import DamagedError, UnsupportedError, read_header
from texpipe.read.decode import MAX_BYTES
from texpipe.storage.file_names import utf8_name
from texpipe.storage.small_files import RefusedFileError, read_small

SUFFIXES = frozenset({".png", ".tga", ".dds", ".webp", ".jpg", ".jpeg", ".bmp"})
"""Suffixes of hand-made pictures, in any case; files with others, such as a painter's layers, may lie beside them."""


@dataclass(frozen=True, slots=True)
class HandMade:
    """A picture file in a folder of hand-made pictures.

    Attributes:
        name: path below the folder, with forward slashes.
        root: the folder.
        sha256: hex digest of the file's bytes; "" if they cannot be read.
        size: width and height in pixels, as its header says; None if that cannot be read.
        problem: why the picture cannot be used, if that is known.
    """

    name: str
    root: Path
    sha256: str = ""
    size: tuple[int, int] | None = None
    problem: str | None = None

    def data(self) -> bytes:
        """Return the file's bytes.

        Raises:
            SourceError: they cannot be read any more, or are others than when the run began.
        """
        data = _bytes_of(self.root, self.name)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise SourceError("changed while texpipe was running", hint="Run again.")
        return data


def require_folder(folder: Path) -> None:
    """Check that a folder of hand-made pictures is there.

    Raises:
        SourceError: it is not.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        hint = (
            "Connect the drive that it is on, or check what the recipe calls `overrides`, or what --overrides names; "
            "it is a folder of pictures."
        )
        raise SourceError(f"the folder of hand-made pictures {folder} {what}", hint=hint)


def holds_pictures(folder: Path) -> bool:
    """Return whether there is any picture below a folder, of whatever size or name.

    Raises:
        SourceError: the folder cannot be listed.
    """
    return any(_names(folder))


def find_hand_made(folder: Path) -> tuple[HandMade, ...]:
    """Return the pictures below a folder, sorted by name; those that cannot be used have a problem.

    Hidden files and folders are passed over, and links to folders are not followed: `links_to_folders` names them.
    Links to files count as long as they stay inside the folder.

    Raises:
        SourceError: the folder is missing or cannot be listed.
    """
    require_folder(folder)
    names = sorted(_names(folder), key=os.fsencode)
    return tuple(_looked_at(folder, name) for name in names)


def links_to_folders(folder: Path) -> tuple[str, ...]:
    """Return a line for each link below a folder that leads to a folder, or may have led to one that is gone.

    Raises:
        SourceError: the folder cannot be listed.
    """
    lines: list[str] = []
    for above, folders, files in os.walk(folder, onerror=_stop):
        _leave_out_hidden(folders)
        links = (Path(above, name) for name in (*folders, *files) if not name.startswith("."))
        for link in sorted(path for path in links if path.is_symlink() and not path.is_file()):
            if link.is_dir():
                lines.append(f"{link} is a link to a folder, which is not followed: {_NAME_IT}")
            elif link.suffix.lower() not in SUFFIXES:
                lines.append(
                    f"{link} is a link to what is missing: if it was a folder of pictures, {_NAME_IT}"
                )
    return tuple(lines)


_NAME_IT = "name that folder in `overrides`, too"


def _leave_out_hidden(folders: list[str]) -> None:
    folders[:] = [name for name in folders if not name.startswith(".")]


def _names(folder: Path) -> Iterator[str]:
    for above, folders, files in os.walk(folder, onerror=_stop):
        _leave_out_hidden(folders)
        below = Path(above).relative_to(folder)
        for name in files:
            if not name.startswith(".") and PurePosixPath(name).suffix.lower() in SUFFIXES:
                yield (below / name).as_posix()


def _stop(error: OSError) -> None:
    hint = "Check its permissions."
    raise SourceError(f"{error.filename} cannot be listed: {error.strerror or error}", hint=hint) from error


def _looked_at(folder: Path, name: str) -> HandMade:
    shown = utf8_name(name)
    if shown != name:
        return HandMade(shown, folder, problem="its name is not valid UTF-8: rename the file")
    try:
        data = _bytes_of(folder, name)
    except SourceError as error:
        return HandMade(name, folder, problem=error.message)
    digest = hashlib.sha256(data).hexdigest()
    try:
        return HandMade(name, folder, digest, read_header(data, name).size)
    except (DamagedError, UnsupportedError) as error:
        return HandMade(name, folder, digest, problem=str(error))


def _bytes_of(folder: Path, name: str) -> bytes:
    try:
        return read_small(folder / name, MAX_BYTES, inside=folder)
    except RefusedFileError as error:
        raise SourceError(error.message) from error
