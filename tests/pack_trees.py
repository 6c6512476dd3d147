"""Small packs for tests: folders and containers, drawn by hypothesis."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from texpipe.formats.gliden64_cache import CacheEntry, write_hts
from texpipe.imaging.image_files import encode_png

GAME = "OWN GAME"
NAMES = [f"{GAME}#0A00000{number}#0#2_all.png" for number in range(5)]
SUFFIXES = (".hts", ".rtz", ".o2r", ".zip")

contents = st.dictionaries(st.sampled_from(range(5)), st.integers(0, 3), max_size=5)
"""Which textures a pack has -> which picture each is."""
trees = st.dictionaries(st.sampled_from(["", *SUFFIXES]), contents, max_size=3)
"""A folder: what lies in it as pictures (""), and in containers, by suffix."""


def picture(number: int) -> np.ndarray:
    """One of a few small pictures, H x W x 4 uint8."""
    rng = np.random.default_rng(number)
    return np.dstack([rng.integers(0, 256, (4, 4, 3)), np.full((4, 4), 255)]).astype(np.uint8)


def write_container(path: Path, content: dict[int, int]) -> Path:
    """Write a container as other tools would: zip entries stored or deflated, in any order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".hts":
        write_hts(
            path, [CacheEntry(0x0A000000 + key, picture(value), 0, 2) for key, value in content.items()]
        )
        return path
    with zipfile.ZipFile(path, "w") as archive:
        for key, value in content.items():
            entry = zipfile.ZipInfo(NAMES[key], (1999 + value, 1, 1, 1, 1, 2))
            entry.compress_type = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[key % 2]
            archive.writestr(entry, encode_png(picture(value)) + struct.pack("<I", key))
    return path


def write_tree(folder: Path, tree: dict[str, dict[int, int]]) -> Path:
    folder.mkdir(parents=True)
    for suffix, content in tree.items():
        if suffix:
            write_container(folder / f"{GAME}_HIRESTEXTURES{suffix}", content)
        for key, value in content.items() if not suffix else ():
            path = folder / GAME / "sub"[: 3 * (value % 2)] / NAMES[key]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(picture(value)))
    return folder
