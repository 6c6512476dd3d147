"""Results kept by the content that they were made from: resuming and de-duplication rest on it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import canonical_json, key_of
from texpipe.storage.small_files import RefusedFileError, parse_json, read_small

_MAX_PICTURE, _MAX_SIDECAR = 1 << 30, 1 << 20
"""Largest sizes of a result and of what is noted of it, in bytes."""


@dataclass(frozen=True)
class ResultRecord:
    """What the store says of a result: the hex sha256 of its PNG and the facts put with it."""

    sha256: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class StoredResult:
    """A result that the store holds: the PNG's bytes, their hex sha256 and the facts put with it."""

    png: bytes
    sha256: str
    facts: Mapping[str, Any]


_MOST_KNOWN = 1 << 16
"""Largest number of records that are remembered, of about 2 KB each."""

_Stamps: TypeAlias = tuple[int, ...]
"""Sizes, times and numbers of the two files of an entry."""


class ResultStore:
    """Results by key, as `ROOT/ab/KEY.png` with a sidecar `ROOT/ab/KEY.json` that vouches for it.

    Plain files and no database, because those lock badly on network file systems. Entries are checked when
    read, so they are written without waiting for the disk.

    `keeps_facts`: whoever fills it has to find out the facts, too.
    """

    keeps_facts: ClassVar[bool] = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, tuple[_Stamps, ResultRecord]] = {}

    def __getstate__(self) -> dict[str, object]:
        """Leave out what was read so far: another process that gets the store begins with nothing."""
        return {**self.__dict__, "_known": {}}

    def get(self, key: str) -> StoredResult | None:
        """Return the result or None; a torn or altered entry is removed and counts as none."""
        stored = self._with_picture(key, self._noted_record(key))
        if stored is None:
            for path in self._paths(key):
                with contextlib.suppress(OSError):
                    path.unlink()
        return stored

    def has(self, key: str) -> bool:
        """Return whether there is a whole entry of this key; it is read to find out, and never removed."""
        return self._with_picture(key, self.record(key)) is not None

    def keys(self) -> frozenset[str]:
        """Return the key of each entry; not all of them need be whole."""
        return frozenset(file.stem for file in self.root.glob("[0-9a-f][0-9a-f]/*.json"))

    def take_from(self, other: ResultStore, key: str) -> None:
        """Keep a result that another store has, if it is whole there; the other store stays as it is.

        Raises:
            PackError: it cannot be written.
        """
        if (found := other._with_picture(key, other.record(key))) is not None:
            self.put(key, found.png, found.facts)

    def record(self, key: str) -> ResultRecord | None:
        """Return what the store says of a result without reading its picture; None if either is missing or torn.

        Whether the picture's bytes are what they were, `get` finds out when they are needed. A run asks several times:
        what was read is read again only if the files have other times or sizes by then.
        """
        png_path, sidecar_path = self._paths(key)
        try:
            stamps = *_stamp(png_path), *_stamp(sidecar_path)
            then, record = self._known.get(key, (None, None))
        except OSError:
            return None
        if record is not None and then == stamps:
            return record
        record = self._noted_record(key)
        if record is None:
            return None
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = stamps, record
        return record

    def put(self, key: str, png: bytes, facts: Mapping[str, Any]) -> StoredResult:
        """Keep a result; the sidecar goes last, so an entry that has one is whole.

        Args:
            key: from `key_of`.
            png: the picture file's bytes.
            facts: JSON-able facts to keep beside it, such as metrics.

        Raises:
            PackError: it cannot be written.
        """
        stored = StoredResult(png, hashlib.sha256(png).hexdigest(), dict(facts))
        png_path, sidecar_path = self._paths(key)
        write_atomic(png_path, png, fsync=False)
        write_atomic(sidecar_path, _sidecar(key, stored, len(png)), fsync=False)
        return stored

    def _noted_record(self, key: str) -> ResultRecord | None:
        """Read what is noted of a result; None unless it is exactly what `put` wrote for a picture of that size."""
        png_path, sidecar_path = self._paths(key)
        try:
            sidecar, size = read_small(sidecar_path, _MAX_SIDECAR), png_path.stat().st_size
        except (OSError, RefusedFileError):
            return None
        said = _parsed(sidecar, sidecar_path)
        record = ResultRecord(str(said.get("sha256")), said.get("facts") or {})
        return record if sidecar == _sidecar(key, record, size) else None

    def _with_picture(self, key: str, record: ResultRecord | None) -> StoredResult | None:
        """Read the picture of a record; None if its bytes are not those that the record vouches for."""
        try:
            png = None if record is None else read_small(self._paths(key)[0], _MAX_PICTURE)
        except RefusedFileError:
            return None
        if record is None or png is None or hashlib.sha256(png).hexdigest() != record.sha256:
            return None
        return StoredResult(png, record.sha256, record.facts)

    def _paths(self, key: str) -> tuple[Path, Path]:
        folder = self.root / key[:2]
        return folder / f"{key}.png", folder / f"{key}.json"


def _stamp(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _sidecar(key: str, stored: StoredResult | ResultRecord, size: int) -> bytes:
    body = {"key": key, "sha256": stored.sha256, "size": size, "facts": stored.facts}
    return canonical_json({**body, "check": key_of(body)})


def _parsed(sidecar: bytes, file: Path) -> Mapping[str, Any]:
    """Return what a sidecar says; nothing if it is damaged."""
    try:
        known = parse_json(sidecar, file)
    except RefusedFileError:
        return {}
    return known if isinstance(known, dict) and isinstance(known.get("facts"), dict) else {}
