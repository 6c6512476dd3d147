"""The report's own pictures: PNGs under names made of digests, so that file names never reach a page's address.

Sources are decoded and encoded again, because browsers apply colour profiles that emulators ignore, and cannot show TGA
or DDS. They stay in the report when the dump moves. Results are copies of the pack's files if these are what the
manifest says; whatever else is there is decoded and encoded again, so that only pictures get into a report.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from texpipe.errors import PackError, SourceError
from texpipe.formats.portable_names import file_digest
from texpipe.imaging.image_files import MAX_FILE_BYTES, encode_png
from texpipe.manifest.schema import Entry
from texpipe.report.finished_pack import can_show, result_of, shown_output
from texpipe.report.sources import Dump, source_of
from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import key_of
from texpipe.storage.small_files import RefusedFileError, read_small
from texpipe.texture import Rgba8


@dataclass(frozen=True)
class ReportPicture:
    """A picture as the page shows it.

    Attributes:
        file: its name in the folder of pictures; None if it is missing.
        colour: name of the same picture with alpha 255, which a browser cannot make; None if alpha is 255 everywhere.
        missing: why the picture is missing, in one line; empty if it is not.
    """

    file: str | None = None
    colour: str | None = None
    missing: str = ""


_OWN = re.compile(r"[0-9a-f]{24}-(?:before|after)(?:-colour)?\.png")
"""Names of pictures that reports have."""


@dataclass
class PictureFolder:
    """Collects pictures in `folder`, and afterwards removes those of earlier reports.

    Attributes:
        folder: where the pictures go.
        output: the finished run.
        dump: the sources, or the reason why they are missing, in one line.
    """

    folder: Path
    output: Path
    dump: Dump | str
    _used: set[str] = field(default_factory=set)

    def before(self, entry: Entry) -> ReportPicture:
        """Return the source of a texture: from the dump, else as an earlier report kept it."""
        if entry.sha256 is None:
            return ReportPicture(missing=entry.reason or "the source cannot be read")
        # One file may hold several pictures, so that its digest alone does not tell them apart.
        stem = f"{key_of(entry.sha256, entry.source, entry.alpha)[:24]}-before"
        if not self._has(stem):
            if isinstance(self.dump, str):
                return ReportPicture(missing=self.dump)
            try:
                self._save(stem, source_of(entry, self.dump))
            except SourceError as error:
                return ReportPicture(missing=error.message)
        return self._shown(stem)

    def after(self, entry: Entry) -> ReportPicture:
        """Return the result of a texture: the pack's own file where that is a PNG."""
        written = shown_output(entry)
        if written is None:
            return ReportPicture(missing=entry.reason or "nothing was written")
        if not can_show(written):
            return ReportPicture(
                missing=f"it is inside {written.path}; add `folder` to the targets to see it here"
            )
        path = self.output / written.path
        try:
            digest = file_digest(path, inside=self.output)
            stem = f"{key_of(entry.sha256, digest, written.size)[:24]}-after"
            if not self._has(stem):
                self._fetch(stem, entry, path, digest)
        except (PackError, RefusedFileError):
            return ReportPicture(missing=f"{written.path} cannot be read; see `texpipe verify`")
        return self._shown(stem)

    def remove_others(self) -> None:
        """Remove the pictures of earlier reports that this one does not show."""
        for path in self.folder.glob("*.png"):
            if path.name not in self._used and _OWN.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _fetch(self, stem: str, entry: Entry, path: Path, digest: str | None) -> None:
        written = shown_output(entry)
        is_copied = written is not None and digest == written.sha256 and path.suffix == ".png"
        if not is_copied or entry.alpha != "opaque":
            self._save(stem, result_of(entry, self.output), but_alpha=is_copied)
        if is_copied:
            data = read_small(path, MAX_FILE_BYTES, inside=self.output)
            if hashlib.sha256(data).hexdigest() != digest:
                raise PackError(f"{path} changes while it is read")
            write_atomic(self.folder / f"{stem}.png", data, fsync=False)

    def _save(self, stem: str, rgba: Rgba8, *, but_alpha: bool = False) -> None:
        """Write the colours first: if the picture itself exists, both do."""
        if rgba[..., 3].min() < 255:
            opaque = np.dstack([rgba[..., :3], np.full(rgba.shape[:2], 255, np.uint8)])
            write_atomic(self.folder / f"{stem}-colour.png", encode_png(opaque), fsync=False)
        if not but_alpha:
            write_atomic(self.folder / f"{stem}.png", encode_png(rgba), fsync=False)

    def _has(self, stem: str) -> bool:
        """Return whether an earlier report left this picture; after a power cut it may be empty."""
        path = self.folder / f"{stem}.png"
        return path.is_file() and path.stat().st_size > 0

    def _shown(self, stem: str) -> ReportPicture:
        colour = f"{stem}-colour.png"
        there = (self.folder / colour).is_file()
        self._used |= {f"{stem}.png", *([colour] if there else [])}
        return ReportPicture(f"{stem}.png", colour if there else None)
