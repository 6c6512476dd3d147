"""From a source to a decoded texture."""

from __future__ import annotations

import hashlib
from pathlib import Path

from texpipe import pixels
from texpipe.errors import Location, SourceError
from texpipe.texture import Source, Texture

MAX_BYTES = pixels.MAX_PIXELS * 4 + (1 << 20)
"""Largest file that is read: the largest picture that is opened, uncompressed, and its headers."""


def decode(source: Source) -> Texture:
    """Read and decode one texture file.

    Raises:
        SourceError: the file cannot be read or is no whole picture. The message is the reason alone, the
            location is the texture's name.
    """
    where = Location(Path(source.name))
    try:
        with source.file.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}", location=where) from error
    if len(data) > MAX_BYTES:
        raise SourceError(f"is larger than the limit of {MAX_BYTES:,} bytes", location=where)
    rgba, stored, warnings = pixels.decode(data, name=source.name)
    return Texture(source, rgba, hashlib.sha256(data).hexdigest(), stored, warnings)
