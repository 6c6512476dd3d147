"""What the Rice plugin leaves in its dumps beside textures, under names that GLideN64 would read.

Seen in dumps of version 2.5.9: for some tiles that nothing is drawn with it writes a single texel of "RGBA 4 bit", in a
colour of its own each time it is run (`tests/emulator/test_played.py` has such a dump).
"""

from __future__ import annotations

from texpipe.formats.contract import Size
from texpipe.texture import Source


def leftover(source: Source, size: Size) -> str | None:
    """Return why a file of a dump is not a texture, or None if it is one; see `PackFormat.unwanted`."""
    fields = dict(source.emulator.fields) if source.emulator is not None else {}
    if size == (1, 1) and (fields.get("fmt"), fields.get("siz")) == (0, 0):
        return "is a single texel that the Rice plugin dumps without a texture"
    return None
