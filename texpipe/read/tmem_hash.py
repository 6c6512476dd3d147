"""The hash by which RT64 finds a texture, computed from its dump: texture memory and tile.

Source: RT64's `src/common/rt64_tmem_hasher.h`, hash version 5, as of 2026-02. It is one XXH3 (64 bits) over the texels
that the tile covers, the palette entries that they use, and the numbers that change what is drawn.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

import xxhash

from texpipe.formats.rt64_hashes import CURRENT, HASH_VERSION, NAME, name_of
from texpipe.read.tmem import TMEM_BYTES, Tile
from texpipe.texture import EmulatorName

_HALF = TMEM_BYTES // 2
_WORD = 8
"""Size in bytes of a word: rows and palette entries are whole words."""
_SWAPPED = 4
"""Number of bytes that are swapped in every word of odd rows: texels of half a word lie in its second half."""


def rt64_hash(memory: bytes, tile: Tile) -> str:
    """Compute the hash of a texture as RT64 does.

    Args:
        memory: the 4096 bytes of texture memory.
        tile: which texture in it is meant.

    Returns:
        16 lower-case hex digits.
    """
    hasher = xxhash.xxh3_64()
    texels = b"".join(memory[start : start + count] for start, count in _runs(tile))
    hasher.update(texels)
    if tile.tlut:
        first = _HALF + (tile.palette * 16 * _WORD if tile.siz == 0 else 0)
        for index in _indices(texels, tile.siz):
            hasher.update(memory[first + index * _WORD : first + (index + 1) * _WORD])
    hasher.update(struct.pack("<HHIHBB", *tile.size, tile.tlut, tile.line, tile.siz, tile.fmt))
    return f"{hasher.intdigest():016x}"


def _runs(tile: Tile) -> Iterator[tuple[int, int]]:
    """Yield start and length of every piece of memory that is hashed, in order.

    Rows are hashed one by one where the tile has more bytes to a row than the texture uses. 32-bit colours lie in two
    halves, and with a palette texels can only lie in the lower one.
    """
    width, height = tile.size
    wide = tile.texels == "rgba32"
    memory = _HALF if wide or tile.tlut else TMEM_BYTES
    row = max(1, (width << (tile.siz - wide)) >> 1)
    line = tile.line * _WORD
    for half in (0, _HALF)[: 1 + wide]:
        if line > row:
            for y in range(height):
                start = (tile.tmem * _WORD + y * line) % memory
                yield from ((half + at, n) for at, n in _run(start, row, memory, odd=y % 2 == 1))
        else:
            total = line * (height - 1) + row
            yield from (
                (half + at, n) for at, n in _run(tile.tmem * _WORD % memory, total, memory, odd=False)
            )


def _run(start: int, count: int, memory: int, *, odd: bool) -> Iterator[tuple[int, int]]:
    """Yield the pieces of one run: behind the end of the memory it goes on at 0, at most once around."""
    if start + count > memory:
        yield start, memory - start
        start, count = 0, min(count - (memory - start), start)
    if not odd:
        yield start, count
        return
    whole = count // _WORD * _WORD
    yield start, whole
    start, rest = start + whole, count - whole
    yield start, max(0, rest - _SWAPPED)
    yield start + _SWAPPED, min(rest, _SWAPPED)


def _indices(texels: bytes, siz: int) -> list[int]:
    """Return the palette indices among texels, in ascending order."""
    if siz == 0:
        return sorted({nibble for byte in set(texels) for nibble in (byte >> 4, byte & 15)})
    return sorted(set(texels))


def with_hash(name: EmulatorName | None, memory: bytes, tile: Tile) -> tuple[EmulatorName, tuple[str, ...]]:
    """Give a dump the name that RT64 looks it up by, as far as its file is not called so.

    Args:
        name: what the file name says.
        memory, tile: the dump.

    Returns:
        The name, and a warning if the file name says another hash. RT64 itself called the file so, unless somebody
        renamed it, so the file name is believed.
    """
    digest = rt64_hash(memory, tile)
    if name is None or name.scheme != NAME:
        return name_of(digest, HASH_VERSION, texels=tile.texels), ()
    named = replace(name, texels=tile.texels)
    fields = dict(name.fields)
    if fields.get("version", HASH_VERSION) != HASH_VERSION:
        return replace(named, fields=(*name.fields, (CURRENT, digest))), ()
    if fields["hash"] == digest:
        return named, ()
    return named, (
        f"its name says the RT64 hash {fields['hash']}, its texels give {digest}: was it renamed?",
    )
