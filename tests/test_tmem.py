"""RT64 dumps: texture memory as the console lays it out, and what a tile says of borders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import noise

from texpipe.analysis.survey import survey
from texpipe.errors import SourceError
from texpipe.formats import parse_name
from texpipe.imaging.texel_formats import encode, quantise
from texpipe.read.decode import decode
from texpipe.read.tmem import decode_tmem, edge_mode, read_tile
from texpipe.recipe.schema import Recipe
from texpipe.texture import Source

HASH = "6494dc4253ed77b9"
KINDS = {
    "rgba16": (0, 2, "None"),
    "rgba32": (0, 3, "None"),
    "ia16": (3, 2, "None"),
    "ia8": (3, 1, "None"),
    "ia4": (3, 0, "None"),
    "i8": (4, 1, "None"),
    "i4": (4, 0, "None"),
    "ci8": (2, 1, "RGBA16"),
    "ci4": (2, 0, "RGBA16"),
}
SIDES = {"ci4": (8, 4), "ci8": (8, 4)}


def tile_json(texels, size, **changes):
    fmt, siz, tlut = KINDS[texels]
    row_bytes = max(size[0] * (4 << siz) // 8, 1) // (2 if texels == "rgba32" else 1)
    tile = dict.fromkeys(("cms", "cmt", "masks", "maskt", "shifts", "shiftt", "uls", "ult", "lrs", "lrt"), 0)
    tile |= {"fmt": fmt, "siz": siz, "line": -(-row_bytes // 8), "tmem": 0, "palette": 0} | changes
    return json.dumps({"tile": tile, "width": size[0], "height": size[1], "tlut": tlut}).encode()


def memory_of(rgba, texels, tile, palette_number=0):
    """Lay a picture out as LoadTile does: rows of whole 8-byte words, the two halves of words swapped on odd rows."""
    made = encode(rgba, texels)
    memory = bytearray(4096)
    height = len(rgba)
    data = np.frombuffer(made.data, np.uint8).reshape(height, -1)
    halves = [(data, 0)]
    if texels == "rgba32":
        pixels = data.reshape(height, -1, 4)
        halves = [(pixels[..., :2].reshape(height, -1), 0), (pixels[..., 2:].reshape(height, -1), 2048)]
    for rows, base in halves:
        for y, row in enumerate(rows):
            for x, value in enumerate(row):
                memory[base + ((tile.tmem + y * tile.line) * 8 + x ^ (4 if y % 2 else 0))] = value
    if made.palette is not None:
        for number in range(len(made.palette) // 2):
            at = 2048 + palette_number * 128 + number * 8
            memory[at : at + 8] = made.palette[2 * number : 2 * number + 2] * 4
    return bytes(memory)


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


def write_dump(folder: Path, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    rgba = quantise(noise((8, 8), 2), "rgba16")
    described = tile_json("rgba16", (8, 8), **changes)
    (folder / f"{HASH}.v5.tmem").write_bytes(memory_of(rgba, "rgba16", read_tile(described)))
    (folder / f"{HASH}.v5.tile.json").write_bytes(described)
    return rgba


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
        (lambda folder: (folder / f"{HASH}.v5.tile.json").unlink(), "tile.json beside it cannot be read"),
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
