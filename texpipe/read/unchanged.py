"""Sources that are read again: are they still what they were?"""

from __future__ import annotations

from texpipe.read.decode import decode
from texpipe.texture import Source, Texture


def decode_unchanged(source: Source, sha256: str) -> Texture | None:
    """Decode a texture again; None if its bytes are others than before.

    Args:
        source: where it is.
        sha256: hex digest of its bytes before.

    Raises:
        SourceError: as `decode`.
    """
    texture = decode(source)
    return texture if texture.sha256 == sha256 else None
