"""RT64 dumps: texture memory as the console lays it out, and what a tile says of borders."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import noise
from rt64_dumps import HASH, KINDS, memory_of, tile_json, write_dump

from texpipe.analysis.survey import survey
from texpipe.errors import SourceError
from texpipe.formats import parse_name
from texpipe.imaging.texel_formats import quantise
from texpipe.read.decode import decode
from texpipe.read.tmem import decode_tmem, edge_mode, read_tile
from texpipe.recipe.schema import Recipe
from texpipe.texture import Source

SIDES = {"ci4": (8, 4), "ci8": (8, 4)}


@pytest.mark.parametrize("texels", KINDS)
@pytest.mark.parametrize(("start", "wider"), [(0, 0), (3, 1)])
def test_every_format_is_decoded_from_the_memory(texels, start, wider):
    size = SIDES.get(texels, (12, 7))
    rgba = quantise(noise(size, 3), texels)
    if texels == "ci4":
        rgba = rgba[np.arange(size[1]) % 2][:, :4].repeat(2, axis=1)
    plain = read_tile(tile_json(texels, size))
    tile = read_tile(tile_json(texels, size, tmem=start, line=plain.line + wider))
    assert np.array_equal(decode_tmem(memory_of(rgba, texels, tile), tile), rgba)


def test_a_ci4_tile_picks_its_palette():
    rgba = quantise(noise((4, 4), 5), "ci4")
    tile = read_tile(tile_json("ci4", (4, 4), palette=7))
    assert np.array_equal(decode_tmem(memory_of(rgba, "ci4", tile, 7), tile), rgba)


def test_ia16_palettes():
    described = tile_json("ci8", (8, 1)).replace(b"RGBA16", b"IA16")
    memory = bytearray(4096)
    memory[0:8] = bytes(range(8))
    for number in range(8):
        memory[2048 + number * 8 : 2050 + number * 8] = bytes([number * 30, 255 - number])
    rgba = decode_tmem(bytes(memory), read_tile(described))
    assert rgba[0, :, 0].tolist() == [number * 30 for number in range(8)]
    assert rgba[0, :, 3].tolist() == [255 - number for number in range(8)]


@pytest.mark.parametrize(
    ("flags", "mask", "size", "mode"),
    [
        (0, 5, 32, "wrap"),
        (1, 5, 32, "mirror"),
        (2, 5, 32, "clamp"),
        (3, 5, 32, "clamp"),
        (0, 0, 32, "clamp"),
        (0, 5, 64, "wrap"),
        (1, 5, 64, "mirror"),
        (0, 5, 20, "clamp"),
        (0, 6, 32, "clamp"),
    ],
)
def test_what_a_tile_says_of_a_border(flags, mask, size, mode):
    assert edge_mode(flags, mask, size) == mode


@given(st.sampled_from([0, 1]), st.integers(0, 4), st.integers(1, 4))
def test_the_border_goes_on_as_the_console_computes_it(flags, mask, repeats):
    """Compare with coordinates taken modulo 2^mask, odd repeats flipped."""
    size = repeats << mask
    mode = edge_mode(flags, mask, size)

    def texel(s):
        if mask == 0:
            return min(max(s, 0), size - 1)
        inside = s & ((1 << mask) - 1)
        return (1 << mask) - 1 - inside if flags and s >> mask & 1 else inside

    row = np.array([texel(s) for s in range(size)])
    padded = np.pad(row, size, mode={"wrap": "wrap", "mirror": "symmetric", "clamp": "edge"}[mode])
    assert padded.tolist() == [texel(s) for s in range(-size, 2 * size)]


def test_a_dump_is_read_and_its_borders_are_facts(tmp_path):
    rgba = write_dump(tmp_path, cms=0, masks=3, cmt=1, maskt=3)
    (item,) = survey(tmp_path, Recipe.default()).items
    assert (item.plan.edges.x, item.plan.edges.y) == ("wrap", "mirror")
    assert "the dump says so" in item.plan.decided_by.x
    assert (item.texels, item.source.emulator.as_json()["hash"]) == ("rgba16", HASH)
    assert np.array_equal(decode(item.source).rgba, rgba)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / f"{HASH}.v5.tile.json").unlink(), "tile.json beside it is missing"),
        (
            lambda folder: (
                (folder / f"{HASH}.v5.tile.json").unlink(),
                os.mkfifo(folder / f"{HASH}.v5.tile.json"),
            ),
            "tile.json beside it is not a regular file",
        ),
        (
            lambda folder: (
                (folder / f"{HASH}.v5.tile.json").unlink(),
                (folder / f"{HASH}.v5.tile.json").symlink_to("/etc/hosts"),
            ),
            "tile.json beside it is a link that leads out of its folder",
        ),
        (lambda folder: (folder / f"{HASH}.v5.tile.json").write_text("{}"), "is damaged"),
        (lambda folder: (folder / f"{HASH}.v5.tile.json").write_text("[" * 5000), "is damaged"),
        (
            lambda folder: (folder / f"{HASH}.v5.tile.json").write_bytes(tile_json("i8", (99999, 1))),
            "99999 x 1",
        ),
        (
            lambda folder: (folder / f"{HASH}.v5.tile.json").write_bytes(tile_json("i8", (8, 8), fmt=1)),
            "format 1",
        ),
        (lambda folder: (folder / f"{HASH}.v5.tmem").write_bytes(b"x"), "1 bytes instead of 4096"),
        (lambda folder: (folder / f"{HASH}.v5.tmem").write_bytes(bytes(5000)), "larger than the limit"),
    ],
)
def test_damaged_dumps_say_what_is_wrong(tmp_path, spoil, reason):
    write_dump(tmp_path)
    spoil(tmp_path)
    name = f"{HASH}.v5.tmem"
    with pytest.raises(SourceError, match=reason):
        decode(Source(name, tmp_path / name, parse_name(name)))
