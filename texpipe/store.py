"""Results kept by content and files written whole or not at all: resume and de-duplication rest on both."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from texpipe.errors import PackError
from texpipe.texture import Rgba8, without_hidden

_PART = re.compile(r"\..*\.\d+-[0-9a-f]+\.part", re.DOTALL)
_LONGEST_STEM = 200


# ---- atomic files


def write_atomic(path: Path, data: bytes, *, fsync: bool = True) -> None:
    """Write a file so that whoever looks sees the old one or the whole new one, whatever happens in between.

    Args:
        path: the file; missing folders are made.
        data: its new content.
        fsync: as `whole_file`.

    Raises:
        PackError: the folder or file cannot be written; the old file is as it was.
    """
    with whole_file(path, fsync=fsync) as file:
        file.write(data)


@contextlib.contextmanager
def whole_file(path: Path, *, fsync: bool = True) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name only when everything is in it.

    The bytes go to `.NAME.PID-TOKEN.part` in the same folder, are flushed to the disk and renamed.

    Args:
        path: replaced when the block ends without an error; missing folders are made.
        fsync: wait until bytes and name are on the disk. Without it a power cut may leave an empty file under
            the final name: only for files whose reader notices that, such as the store's, or with `settle`.

    Raises:
        PackError: the folder or file cannot be written; the old file is as it was.
    """
    part = _part_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
            file.flush()
            if fsync:
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:  # Ctrl-C, too, leaves nothing behind
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise PackError(
                f"cannot write {path}: {error.strerror or error}",
                hint="Check that the disk has room, that the folder may be written to and that no other program "
                "has the file open; then run again.",
            ) from error
        raise
    if fsync:
        _keep_name(path.parent)


def settle() -> None:
    """Wait until everything written so far is on the disk, where the system can be asked for that at once.

    For many small files this takes a hundredth of the time of one fsync each.
    """
    if hasattr(os, "sync"):
        os.sync()


def remove_stale_parts(folder: Path) -> int:
    """Remove what killed runs left of half-written files below `folder`, and return how many there were.

    Call it while holding the run lock and before anything is written: it removes the parts of every process.

    Raises:
        PackError: a folder cannot be listed, or a file not removed.
    """
    try:
        found = ((above, name) for above, _, names in os.walk(folder, onerror=_give_up) for name in names)
        stale = [Path(above, name) for above, name in found if _PART.fullmatch(name)]
        for path in stale:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise PackError(
            f"cannot clear {folder} of what a stopped run left: {error}",
            hint="Check the permissions of everything in the output folder.",
        ) from error
    return len(stale)


def _give_up(error: OSError) -> None:
    raise error


def _keep_name(folder: Path) -> None:
    """Put a renamed file's new name on the disk; where a folder cannot be flushed, the system looks after that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _part_of(path: Path) -> Path:
    """Return the temporary name; a name too long to be prolonged is replaced by its digest."""
    stem = path.name
    if len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = hashlib.sha256(os.fsencode(stem)).hexdigest()
    # Machines that share a disk may give their processes the same number.
    return path.with_name(f".{stem}.{os.getpid()}-{secrets.token_hex(4)}.part")


# ---- keys


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8.

    Dataclasses become objects of their fields; those that take no part in comparison (`Plan.decided_by`) stay
    out.

    Raises:
        ValueError: a number is NaN or infinite.
        TypeError: a value has no JSON form.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_as_object)
    return text.encode()


def key_of(*parts: object) -> str:
    """Return the store key of a result: the hex sha256 over the canonical JSON of all that determines it.

    Args:
        parts: pixel digest, plan, model digest, code version and the like, in a fixed order.
    """
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def pixel_digest(rgba: Rgba8, *, hidden: bool = False) -> str:
    """Return the hex sha256 over the shape and the visible pixels; colour under zero alpha does not matter.

    Args:
        rgba: H x W x 4 uint8.
        hidden: colour under zero alpha is shown, too, and matters.
    """
    visible = rgba if hidden else without_hidden(rgba)
    digest = hashlib.sha256(repr(rgba.shape).encode())
    digest.update(np.ascontiguousarray(visible).tobytes())
    return digest.hexdigest()


def _as_object(value: object) -> dict[str, Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.compare
        }
    raise TypeError(f"{type(value).__name__} has no JSON form")


# ---- the store


@dataclass(frozen=True)
class Stored:
    """A result that the store holds: the PNG's bytes, their hex sha256 and the facts put with it."""

    png: bytes
    sha256: str
    facts: Mapping[str, Any]


class Store:
    """Results by key, as `ROOT/ab/KEY.png` with a sidecar `ROOT/ab/KEY.json` that vouches for it.

    Plain files and no database, because those lock badly on network file systems. Entries are checked when
    read, so they are written without waiting for the disk.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, key: str) -> Stored | None:
        """Return the result or None; a torn or altered entry is removed and counts as none."""
        stored = self._read(key)
        if stored is None:
            for path in self._paths(key):
                with contextlib.suppress(OSError):
                    path.unlink()
        return stored

    def has(self, key: str) -> bool:
        """Return whether there is a whole entry of this key; it is read to find out, and never removed."""
        return self._read(key) is not None

    def put(self, key: str, png: bytes, facts: Mapping[str, Any]) -> Stored:
        """Keep a result; the sidecar goes last, so an entry that has one is whole.

        Args:
            key: from `key_of`.
            png: the picture file's bytes.
            facts: JSON-able facts to keep beside it, such as metrics.

        Raises:
            PackError: it cannot be written.
        """
        stored = Stored(png, hashlib.sha256(png).hexdigest(), dict(facts))
        png_path, sidecar_path = self._paths(key)
        write_atomic(png_path, png, fsync=False)
        write_atomic(sidecar_path, _sidecar(key, stored), fsync=False)
        return stored

    def _read(self, key: str) -> Stored | None:
        png_path, sidecar_path = self._paths(key)
        try:
            return _verified(key, sidecar_path.read_bytes(), png_path.read_bytes())
        except OSError:
            return None

    def _paths(self, key: str) -> tuple[Path, Path]:
        folder = self.root / key[:2]
        return folder / f"{key}.png", folder / f"{key}.json"


def _sidecar(key: str, stored: Stored) -> bytes:
    body = {"key": key, "sha256": stored.sha256, "size": len(stored.png), "facts": stored.facts}
    return canonical_json({**body, "check": key_of(body)})


def _verified(key: str, sidecar: bytes, png: bytes) -> Stored | None:
    """Return the entry if the sidecar is exactly what `put` wrote for this key and these bytes."""
    try:
        facts = json.loads(sidecar)["facts"]
        stored = Stored(png, hashlib.sha256(png).hexdigest(), facts)
        return stored if sidecar == _sidecar(key, stored) else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
