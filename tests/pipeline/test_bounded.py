"""Small files that claim to be huge: a clear reason, little memory, and nothing outside of the output folder."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from o2r_files import original
from packs import noise

from texpipe.errors import TexpipeError
from texpipe.read.decode import decode
from texpipe.read.scan import scan

MOST = 24 << 20
"""Bytes that reading may take: far less than any claim below, more than what reading takes anyway."""

HUGE = 0xFFFF
PIXELS = struct.pack("<IHHHH", 0xFFFFFFFF, 0, 0, HUGE, HUGE)
HTS = struct.pack("<IIq", 0x08000000, 0x40220000, 16)
RECORD = struct.Struct("<IIIHHBHI")


def zipped(name: str, data: bytes) -> Callable[[Path], None]:
    """A zip archive with one entry, whose sizes are then said to be 4 GB."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)
        size = struct.pack("<I", len(data))
        path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", 0xFFFFFFF0)))

    return write


def plain(data: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data) and None


def cached(width: int, height: int, length: int) -> bytes:
    record = RECORD.pack(width, height, 0x8058, 0x1908, 0x1401, 1, 0x0200, length)
    place = 16 + len(record)
    return (
        struct.pack("<IIq", 0x08000000, 0x40220000, place) + record + struct.pack("<iQQ", 1, 1, 16 | 2 << 56)
    )


TEXTURE = original("rgba16", noise((64, 64)))
CLAIMS = {
    "pixels.tim": (plain(struct.pack("<II", 0x10, 2) + PIXELS), "claims pixels of 65535 x 65535"),
    "true colour.tim": (plain(struct.pack("<II", 0x10, 3) + PIXELS), "claims pixels of 65535 x 65535"),
    "palette.tim": (plain(struct.pack("<II", 0x10, 8) + PIXELS), "claims palette of 65535 x 65535"),
    "sides.o2r": (
        zipped("gTex", TEXTURE[:68] + struct.pack("<II", HUGE, HUGE) + TEXTURE[76:]),
        "claims 65535 x 65535 pixels",
    ),
    "length.o2r": (
        zipped("gTex", TEXTURE[:76] + struct.pack("<I", 0xFFFFFFF0) + TEXTURE[80:]),
        "claims 4,294,967,280 bytes of texels",
    ),
    "side.hts": (plain(cached(32768, 32768, 0xFFFFFFF0)), "claims to be 32768 x 32768"),
    "length.hts": (plain(cached(4, 4, 0xFFFFFFF0)), "4 x 4 claims 4,294,967,280 bytes"),
    "count.hts": (plain(HTS + struct.pack("<i", 0x7FFFFFFF)), "cannot be read as a GLideN64 cache"),
    "length.htc": (
        plain(gzip.compress(struct.pack("<IIQ", 0x08000000, 0, 1) + cached(4, 4, 0xFFFFFFF0)[16:39])),
        "4 x 4 claims 4,294,967,280 bytes",
    ),
    "side.dds": (
        plain(b"DDS " + struct.pack("<7I", 124, 0x1007, HUGE, HUGE, 0, 0, 1) + bytes(116)),
        "side.dds",
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_are_not_believed(tmp_path: Path, name: str) -> None:
    write, reason = CLAIMS[name]
    write(tmp_path / name)
    assert (tmp_path / name).stat().st_size < 20_000
    tracemalloc.start()
    try:
        found = scan(tmp_path)
        said = [why for _, why in found.unusable]
        for source in found.sources:
            with pytest.raises(TexpipeError) as caught:
                decode(source)
            said.append(str(caught.value))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(said) == 1
    assert reason in said[0]
    assert peak < MOST
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_entry_that_unpacks_to_more_than_its_texture_is_read_no_further(tmp_path: Path) -> None:
    """64 MB of zeros behind a texture of 8 KB, in an archive of 64 KB that claims 4 GB."""
    zipped("gTex", TEXTURE + bytes(1 << 26))(tmp_path / "a.o2r")
    tracemalloc.start()
    try:
        (source,) = scan(tmp_path).sources
        assert decode(source).size == (64, 64)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST
