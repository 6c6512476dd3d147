"""Dumps of RT64, as tests need them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from packs import noise

from texpipe.imaging.texel_formats import encode, quantise
from texpipe.read.tmem import read_tile
from texpipe.read.tmem_hash import rt64_hash

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


def write_rt64(folder: Path, texels, rgba) -> str:
    """Write a texture under its own hash, as RT64 dumps it; returns the hash."""
    described = tile_json(texels, (rgba.shape[1], rgba.shape[0]))
    memory = memory_of(rgba, texels, read_tile(described))
    digest = rt64_hash(memory, read_tile(described))
    folder.mkdir(exist_ok=True)
    (folder / f"{digest}.v5.tmem").write_bytes(memory)
    (folder / f"{digest}.v5.tile.json").write_bytes(described)
    return digest


def write_dump(folder: Path, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    rgba = quantise(noise((8, 8), 2), "rgba16")
    described = tile_json("rgba16", (8, 8), **changes)
    (folder / f"{HASH}.v5.tmem").write_bytes(memory_of(rgba, "rgba16", read_tile(described)))
    (folder / f"{HASH}.v5.tile.json").write_bytes(described)
    return rgba
