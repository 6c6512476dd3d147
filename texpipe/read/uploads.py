"""What PS1 emulators will call a `.TIM` picture: checksums of what the game sends to the video memory.

DuckStation and Beetle PSX name a texture by the words of the upload that it came by and by the words of its palette
(`src/core/gpu_hw_texture_cache.cpp`, `rhi/rhi_tt.c`, as of 2026-08). Games send a picture as it stands in its file, so
the file tells both. A game that cuts its pictures up, or makes them in memory, sends something else.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import xxhash

from texpipe.read.tim import Tim
from texpipe.texture import EmulatorName


def as_uploaded(name: EmulatorName, data: bytes, tim: Tim, palette: int, *, semi: bool) -> EmulatorName:
    """Add to a picture's name what the formats of PS1 emulators make theirs of.

    Args:
        name: of the picture.
        data: the file's bytes.
        tim: which picture of the file.
        palette: number of its palette; ignored by texels that need none.
        semi: bit 15 of a colour means semi-transparent, not opaque.

    Returns:
        The name with the fields units and lines (16-bit words in a row, and rows), xxh3 and crc32 of the words, semi,
        and for indexed texels colours (entries of the palette), palette_xxh3 and palette_crc32. Pictures of 24 bits,
        which cannot be drawn as textures, keep their name.
    """
    if tim.texels is None:
        return name
    words = data[tim.pixels.start : tim.pixels.end]
    place = (("units", tim.pixels.width), ("lines", tim.pixels.height))
    fields = (*name.fields, *place, *_checksums("", words), ("semi", int(semi)))
    if tim.palettes:
        start, length = tim.palettes[palette]
        colours = min(length, 1 << tim.bits)
        checksums = _checksums("palette_", data[start : start + 2 * colours])
        fields += (("colours", colours), *checksums)
    return replace(name, fields=fields)


def _checksums(of: str, words: bytes) -> tuple[tuple[str, str], ...]:
    """DuckStation takes XXH3 of 64 bits, Beetle CRC-32; each as its emulator prints it."""
    return (f"{of}xxh3", f"{xxhash.xxh3_64_intdigest(words):016X}"), (f"{of}crc32", f"{zlib.crc32(words):x}")
