"""From a source to a decoded texture."""

from __future__ import annotations

import hashlib

from texpipe import pixels
from texpipe.errors import SourceError
from texpipe.texture import Source, Texture


def decode(source: Source) -> Texture:
    """Read and decode one texture file.

    Raises:
        SourceError: the file cannot be read or is no whole picture; the message says why.
    """
    try:
        data = source.file.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}") from error
    rgba, stored, warnings = pixels.decode(data, name=source.name)
    return Texture(source, rgba, hashlib.sha256(data).hexdigest(), stored, warnings)
