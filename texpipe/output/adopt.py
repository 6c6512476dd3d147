"""Edited files of a pack become hand-made pictures: copies in a folder that a recipe can name as `overrides`.

The pack keeps its files. The next run that has the folder finds the same bytes in both places, and takes the texture
for one that was made by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from texpipe.formats.archive import harm_in
from texpipe.manifest.file import read_manifest
from texpipe.manifest.schema import Manifest
from texpipe.output.edits import Edit, edits_of
from texpipe.output.places import require_apart
from texpipe.packs.backup import Backup
from texpipe.planning.overrides import misfit
from texpipe.planning.texture_names import TextureNames, shown, title_of
from texpipe.read.hand_made import HandMade, find_hand_made
from texpipe.storage.atomic import write_atomic
from texpipe.storage.layout import OutputLayout
from texpipe.storage.lock import Lock


@dataclass(frozen=True)
class Adopted:
    """What became of the edited files of a pack.

    Attributes:
        into: the folder of hand-made pictures.
        files: paths below it of the pictures that were copied there.
        known: paths below it of pictures that it had already.
        left: one line for each edited file that was not copied, with the reason.
        notes: one line for each thing to know about those that were.
    """

    into: Path
    files: tuple[str, ...]
    known: tuple[str, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...]


def adopt(output: Path, into: Path, *, replace: bool = False) -> Adopted:
    """Copy the edited files of a pack into a folder of hand-made pictures, each under its texture's name.

    Each file is written whole or not at all, and the pack is not changed: stopped half-way, it can be called again.

    Args:
        output: the folder of a finished run.
        into: the folder; it is made if it is not there.
        replace: pictures that are there for these textures are replaced, after a copy into its `.backup`.

    Raises:
        PackError: there is no readable manifest, another run writes to the folder, or a file cannot be read or written.
        UsageError: `into` lies in the output, or the output in it.
    """
    require_apart("the output", output, into)
    manifest = read_manifest(OutputLayout(output).manifest)
    with Lock(output):
        place = _place(into, manifest)
        edits, left = edits_of(output, manifest)
        known = {edit: name for edit in edits if (name := place.same_as(edit)) is not None}
        new = [edit for edit in edits if edit not in known]
        against = {edit: reason for edit in new if (reason := place.against(edit, replace)) is not None}
        taken = [edit for edit in new if edit not in against]
        files = tuple(place.take(edit) for edit in taken)
    left += [f"{edit.output.path}: {reason}" for edit, reason in against.items()]
    return Adopted(into, files, tuple(known.values()), tuple(left), tuple(_notes(manifest, taken)))


@dataclass(frozen=True)
class _Place:
    """The folder of hand-made pictures, the names of the pack's textures, and the pictures that each of them has."""

    into: Path
    names: TextureNames
    there: Mapping[str, list[HandMade]]

    def same_as(self, edit: Edit) -> str | None:
        """Return the picture that has an edit's bytes already."""
        return next((one.name for one in self._of(edit) if one.sha256 == edit.sha256), None)

    def against(self, edit: Edit, replace: bool) -> str | None:
        """Say why an edit cannot be adopted; None if it can."""
        name = edit.entry.source
        if harm_in(name):
            return f"the name of its texture, {name!r}, leads out of the folder"
        if edit.entry.size is not None and (problem := misfit(edit.size, edit.entry.size)) is not None:
            return problem
        if self.names.find(self._name_for(edit)) != (name,):
            return "other textures are called so much like its own that no file's name tells which is meant"
        if not replace and (other := next(iter(self._of(edit)), None)) is not None:
            return f"{self.into / other.name} is there for its texture and differs; --replace moves that to .backup"
        return None

    def take(self, edit: Edit) -> str:
        """Write an edit's bytes; what is there for its texture goes into the folder's backup first."""
        name, data, backup = self._name_for(edit), edit.data(), Backup(self.into)
        for one in self._of(edit):
            backup.move(one.name)
        write_atomic(self.into / name, data)
        return name

    def _of(self, edit: Edit) -> list[HandMade]:
        return self.there.get(edit.entry.source, [])

    def _name_for(self, edit: Edit) -> str:
        """Return the name of a texture with the file's suffix; with its own, too, if it were ambiguous without."""
        name = edit.entry.source
        short = title_of(name) + edit.suffix
        return short if self.names.find(short) == (name,) else name + edit.suffix


def _place(into: Path, manifest: Manifest) -> _Place:
    names = TextureNames({entry.source: entry.id for entry in manifest.textures})
    there: dict[str, list[HandMade]] = {}
    for one in find_hand_made(into) if into.exists() else ():
        for name in names.find(one.name):
            there.setdefault(name, []).append(one)
    return _Place(into, names, there)


def _notes(manifest: Manifest, taken: list[Edit]) -> Iterator[str]:
    """Yield what the next run will change: pictures of another size, and duplicates of adopted textures."""
    families: dict[str, list[str]] = {}
    for entry in manifest.textures:
        families.setdefault(entry.duplicate_of or entry.source, []).append(entry.source)
    adopted = {edit.entry.source for edit in taken}
    for edit in taken:
        name, (wide, high) = edit.entry.source, edit.output.size
        if edit.size != (wide, high):
            yield (
                f"{edit.output.path} is {edit.size[0]} x {edit.size[1]} pixels: the next run brings it to "
                f"{wide} x {high}, the pack's size"
            )
        others = [one for one in families[edit.entry.duplicate_of or name] if one not in adopted]
        if others:
            yield f"{shown(others)}: the same texels as {name}, so the next run uses the same picture"
