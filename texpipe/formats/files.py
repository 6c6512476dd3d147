"""Files of a pack: written as a stream but whole or not at all, and known by their digest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from texpipe.errors import PackError


@contextmanager
def complete_or_nothing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name only when everything is in it.

    Args:
        path: replaced when the file is complete; missing folders are made.

    Raises:
        PackError: the file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise PackError(f"{path} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def file_digest(path: Path) -> str | None:
    """Return the hex sha256 of a file's bytes, or None if there is no such file.

    Raises:
        PackError: the file cannot be read.
    """
    try:
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PackError(f"cannot read {path}: {error.strerror or error}") from error
