"""The files of a finished pack that somebody edited, each with the texture that it is of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from texpipe.errors import PackError, SourceError
from texpipe.imaging.image_files import MAX_FILE_BYTES, decode
from texpipe.manifest.schema import Entry, Manifest, Output
from texpipe.packs.journal import noted
from texpipe.packs.ownership import PackFolder
from texpipe.packs.verify import written_by_texpipe
from texpipe.planning.texture_names import shown
from texpipe.storage.small_files import RefusedFileError, read_small
from texpipe.system.memory import TooLargeError

_SUFFIXES = (".png", ".dds")
"""Suffixes of the files of packs that hold one picture each."""


@dataclass(frozen=True, eq=False)
class Edit:
    """An edited file of a pack.

    Attributes:
        entry: the texture that it is of.
        output: its place, and the picture that texpipe wrote there.
        file: where it is, and `sha256` the hex digest of its bytes.
        size: width and height of its picture in pixels.
    """

    entry: Entry
    output: Output
    file: Path
    sha256: str
    size: tuple[int, int]

    @property
    def suffix(self) -> str:
        """The suffix of the file, in lower case."""
        return PurePosixPath(self.output.path).suffix.lower()

    def data(self) -> bytes:
        """Return its bytes.

        Raises:
            PackError: it cannot be read any more, or changed since it was found.
        """
        data = _read(self.file)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise PackError(f"{self.file} changed just now", hint="Save the picture, then adopt again.")
        return data


def edits_of(output: Path, manifest: Manifest) -> tuple[list[Edit], list[str]]:
    """Return one edited file for each texture that has any, and a line for each edited file that is no such.

    Where the files of two targets hold different pictures of one texture, nobody can tell which one is meant.

    Args:
        output: the run's output folder.
        manifest: what was written there.

    Raises:
        PackError: a file cannot be read.
    """
    told: list[str] = []
    found: dict[str, list[Edit]] = {}
    for entry, one, reason in _edited(output, manifest):
        if reason is not None:
            told.append(f"{one.path} {reason}")
            continue
        try:
            edit = _edit(output, entry, one)
        except TooLargeError as error:
            told.append(f"{one.path}: {error.message}")
        except SourceError as error:
            told.append(f"{one.path} cannot be adopted: {error.message}. Save it as PNG, then adopt again")
        else:
            found.setdefault(entry.source, []).append(edit)
    chosen = []
    for name, edits in found.items():
        edits.sort(key=lambda edit: edit.suffix != ".png")
        if _are_alike(edits):
            chosen.append(edits[0])
        else:
            told.append(
                f"{shown(edit.output.path for edit in edits)} are different edits of {name}: give all but one up with "
                "`texpipe run RECIPE --replace-edited PATH`, then adopt again"
            )
    return chosen, told


def _edited(output: Path, manifest: Manifest) -> Iterator[tuple[Entry, Output, str | None]]:
    """Yield each edited file once, with the reason if it does not hold the picture of one texture."""
    folder = PackFolder.opened(output, noted(output) | set(written_by_texpipe(manifest)))
    seen: set[str] = set()
    for entry in manifest.textures:
        largest: dict[str, Output] = {}
        for one in entry.outputs:
            largest.setdefault(one.target, one)
            if one.path not in seen and one.kept != "foreign":
                seen.add(one.path)
                if folder.standing(one.path, one.sha256) == "edited":
                    yield entry, one, _not_a_texture(one, largest[one.target])


def _not_a_texture(one: Output, largest: Output) -> str | None:
    if PurePosixPath(one.path).suffix.lower() not in _SUFFIXES:
        return (
            "was changed, but holds many textures: take the pictures that you changed out of it, and put them into the "
            "folder under the names of their textures"
        )
    if one is not largest:
        return f"is a mip level: edit {largest.path}, of which the levels are made"
    return None


def _edit(output: Path, entry: Entry, one: Output) -> Edit:
    data = _read(output / one.path)
    height, width = decode(data, name=one.path)[0].shape[:2]
    return Edit(entry, one, output / one.path, hashlib.sha256(data).hexdigest(), (width, height))


def _read(file: Path) -> bytes:
    try:
        return read_small(file, MAX_FILE_BYTES)
    except RefusedFileError as error:
        raise PackError(str(error)) from error


def _are_alike(edits: list[Edit]) -> bool:
    if len({edit.sha256 for edit in edits}) == 1:
        return True
    first, *others = (decode(edit.data(), name=edit.output.path)[0] for edit in edits)
    return all(np.array_equal(first, other) for other in others)
