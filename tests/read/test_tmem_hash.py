"""The RT64 hash of a dump: known answers, and what must and must not change it."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from packs import finished, noise
from rt64_dumps import HASH, tile_json, write_dump

from texpipe.packs.pack import plan_pack
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.read.tmem import Tile, read_tile
from texpipe.read.tmem_hash import rt64_hash
from texpipe.recipe.targets import Target
from texpipe.texture import Edges

MEMORY = bytes((i * 7 + 3 + (i >> 8) * 13) & 255 for i in range(4096))


def tile(fmt, siz, line, tmem, palette, width, height, tlut):
    texels = "rgba32" if (fmt, siz) == (0, 3) else "i8"  # only this one is laid out in another way
    return Tile((width, height), texels, line, tmem, palette, None, Edges(), fmt, siz, tlut)


def numbers_of(made):
    return struct.pack("<HHIHBB", *made.size, made.tlut, made.line, made.siz, made.fmt)


@pytest.mark.parametrize(
    ("numbers", "digest"),
    [
        ((0, 2, 8, 0, 0, 32, 32, 0), "9f38c4248379c3bd"),  # one run
        ((0, 2, 4, 5, 0, 13, 9, 0), "f1975ae3697f90a6"),  # rows, the odd ones swapped
        ((4, 0, 2, 0, 0, 21, 6, 0), "e4aa1f18365c23a2"),
        ((4, 1, 0, 100, 0, 5, 3, 0), "12197febe56e52f8"),  # no line
        ((0, 3, 6, 40, 0, 17, 30, 0), "6abc46b7dd3b78d1"),  # 32-bit colours, around the end of the half
        ((0, 3, 8, 0, 0, 32, 32, 0), "372a6fa92fbad4cc"),
        ((2, 0, 1, 0, 7, 16, 16, 0x8000), "63bc7fe3d6d7126f"),  # palette number 7
        ((2, 1, 5, 250, 0, 37, 40, 0xC000), "b675821114f3d91e"),
        ((3, 1, 8, 400, 0, 64, 64, 0), "c37102a0ed86352e"),  # around the end of the memory
        ((2, 0, 2, 255, 15, 19, 5, 0x8000), "b6aec5d9e0742626"),
    ],
)
def test_what_rt64s_own_hasher_says(numbers, digest):
    """Answers of RT64's `TMEMHasher::hash` for this memory, version 5."""
    assert rt64_hash(MEMORY, tile(*numbers)) == digest


def test_a_hash_put_together_by_hand():
    """CI4, 6 texels in rows of 3 bytes, 8 bytes apart: by the rules, without the code that is tested."""
    memory = bytearray(4096)
    memory[0:3] = bytes.fromhex("01 23 10")  # row 0
    memory[12:15] = bytes.fromhex("13 32 01")  # row 1, odd: it begins in the second half of its word
    entries = {index: struct.pack(">H", 0x1111 * index) * 4 for index in range(16)}
    for index, entry in entries.items():
        at = 2048 + 2 * 128 + 8 * index
        memory[at : at + 8] = entry
    wanted = (
        bytes.fromhex("01 23 10  13 32 01")
        + b"".join(entries[used] for used in (0, 1, 2, 3))
        + bytes([6, 0, 2, 0, 0x00, 0x80, 0, 0, 1, 0, 0, 2])
    )
    made = tile(2, 0, 1, 0, 2, 6, 2, 0x8000)
    assert rt64_hash(bytes(memory), made) == xxhash.xxh3_64_hexdigest(wanted)


# ---- laws

sides = st.integers(1, 40)
tiles = st.builds(
    lambda kind, tlut, *rest: tile(*kind, *rest, tlut if kind[0] == 2 else 0),
    st.sampled_from([(0, 2), (0, 3), (2, 0), (2, 1), (3, 1), (4, 0)]),
    st.sampled_from([0x8000, 0xC000]),
    st.integers(0, 16),
    st.integers(0, 511),
    st.integers(0, 15),
    sides,
    sides,
)
memories = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).bytes(4096))


@given(memories, tiles)
def test_every_number_that_changes_the_picture_changes_the_hash(memory, made):
    width, height = made.size
    others = [
        replace(made, size=(width + 1, height)),
        replace(made, size=(width, height + 1)),
        replace(made, fmt=7),
        replace(made, line=made.line + 1),
    ]
    if made.tlut:
        others.append(replace(made, tlut=made.tlut ^ 0x4000))
    assert rt64_hash(memory, made) not in {rt64_hash(memory, other) for other in others}


@given(memories, tiles)
def test_borders_do_not_matter(memory, made):
    """RT64 hashes what the texture is made of, not how it is drawn."""
    assert rt64_hash(memory, made) == rt64_hash(memory, replace(made, edges=Edges("wrap", "mirror")))


@given(memories, st.integers(0, 15), st.integers(1, 16), st.integers(0, 15))
def test_only_palette_entries_that_are_used_matter(memory, number, colours, changed):
    cells = bytearray(memory)
    for at in range(2048):
        cells[at] = (cells[at] >> 4) % colours << 4 | (cells[at] & 15) % colours
    cells[0:64] = bytes(index % colours * 17 for index in range(64))  # each colour is in the first rows
    made = tile(2, 0, 2, 0, number, 32, 16, 0x8000)
    before = rt64_hash(bytes(cells), made)
    cells[2048 + number * 128 + changed * 8] ^= 1
    assert (rt64_hash(bytes(cells), made) == before) == (changed >= colours)


@given(memories, st.integers(1, 8), st.integers(2, 12))
def test_rows_that_fill_their_lines_are_one_run(memory, line, height):
    """Then odd rows need no care: all bytes are hashed as they lie there."""
    full = tile(4, 1, line, 0, 0, line * 8, height, 0)
    texels = memory[: line * 8 * height]
    assert rt64_hash(memory, full) == xxhash.xxh3_64_hexdigest(texels + numbers_of(full))


@pytest.mark.parametrize(
    ("width", "odd_row"),
    [
        (11, MEMORY[16:24] + MEMORY[28:31]),  # 3 bytes of the last word: from its second half
        (12, MEMORY[16:24] + MEMORY[28:32]),
        (14, MEMORY[16:24] + MEMORY[24:26] + MEMORY[28:32]),  # 6: all of the second half, 2 of the first
    ],
)
def test_the_last_word_of_an_odd_row(width, odd_row):
    made = tile(4, 1, 2, 0, 0, width, 3, 0)
    rows = MEMORY[:width] + odd_row + MEMORY[32 : 32 + width]
    assert rt64_hash(MEMORY, made) == xxhash.xxh3_64_hexdigest(rows + numbers_of(made))


def test_the_memory_begins_again_where_it_ends():
    whole = tile(4, 1, 1, 511, 0, 8, 3, 0)
    texels = MEMORY[4088:] + MEMORY[:16]
    assert rt64_hash(MEMORY, whole) == xxhash.xxh3_64_hexdigest(texels + numbers_of(whole))


def test_with_a_palette_only_the_lower_half_has_texels():
    made = tile(2, 1, 1, 256 + 255, 0, 8, 2, 0x8000)
    texels = MEMORY[2040:2048] + MEMORY[:8]
    entries = b"".join(MEMORY[2048 + 8 * index : 2056 + 8 * index] for index in sorted(set(texels)))
    assert rt64_hash(MEMORY, made) == xxhash.xxh3_64_hexdigest(texels + entries + numbers_of(made))


def test_32_bit_colours_are_two_halves():
    made = tile(0, 3, 2, 1, 0, 8, 2, 0)  # 8 texels of 2 bytes fill a line of either half
    texels = MEMORY[8:40] + MEMORY[2056:2088]
    assert rt64_hash(MEMORY, made) == xxhash.xxh3_64_hexdigest(texels + numbers_of(made))


# ---- where it is used


def read(folder: Path):
    (source,) = scan(folder).sources
    return decode(source)


def renamed(folder: Path, stem: str) -> None:
    for file in folder.iterdir():
        file.rename(file.with_name(file.name.replace(f"{HASH}.v5", stem)))


def test_a_dump_that_is_called_by_its_hash_is_fine(tmp_path):
    write_dump(tmp_path)
    assert read(tmp_path).warnings == ()


def test_a_dump_that_is_called_otherwise_is_told_and_believed(tmp_path):
    write_dump(tmp_path)
    renamed(tmp_path, "0011450ae04df1f6.v5")
    texture = read(tmp_path)
    assert dict(texture.source.emulator.fields)["hash"] == "0011450ae04df1f6"
    assert texture.warnings == (
        f"its name says the RT64 hash 0011450ae04df1f6, its texels give {HASH}: was it renamed?",
    )


@pytest.mark.parametrize(("stem", "other"), [("wood", None), ("0011450ae04df1f6.v4", "0011450ae04df1f6")])
def test_dumps_without_todays_hash_get_one(tmp_path, stem, other):
    """Names given by people and hashes of older versions: RT64 can use both."""
    write_dump(tmp_path)
    renamed(tmp_path, stem)
    texture = read(tmp_path)
    assert texture.warnings == ()
    assert dict(texture.source.emulator.fields)["hash"] == (other or HASH)
    pack = plan_pack(Target(name="rt64", images="png"), [finished(texture.source, noise((32, 32)), 4)])
    ((output,),) = pack.outputs.values()
    assert output.path == f"rt64/textures/{HASH}.png"


@pytest.mark.parametrize(
    ("key", "value"), [("fmt", 8), ("siz", 4), ("line", 512), ("tmem", -1), ("palette", 16)]
)
def test_numbers_that_the_console_cannot_have_are_damage(key, value):
    with pytest.raises(ValueError, match=f"{key} is missing or not a number"):
        read_tile(tile_json("rgba16", (8, 8), **{key: value}))
    with pytest.raises(ValueError, match=f"{key} is missing"):
        read_tile(tile_json("rgba16", (8, 8)).replace(f'"{key}"'.encode(), b'"other"'))
