"""Files of a pack, known by their digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from texpipe.errors import PackError


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
