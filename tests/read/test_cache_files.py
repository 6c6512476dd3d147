"""GLideN64's cache files as a source: the names that a dump would have had, and the same cache written again."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from packs import finished, noise

from texpipe.errors import SourceError
from texpipe.formats import gliden64
from texpipe.formats.gliden64_cache import CacheEntry, write_htc, write_hts
from texpipe.packs.pack import write_pack
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.targets import Target

ENTRIES = [
    CacheEntry(0x0010FDC4, noise((4, 4), 1), 0, 2),
    CacheEntry(0x00000000C840_0000001C, noise((8, 2), 2), 2, 0),
    CacheEntry(0x0010FDC4, noise((2, 2), 3), 4, 1),
]


@pytest.mark.parametrize(("suffix", "write"), [("hts", write_hts), ("htc", write_htc)])
def test_textures_have_the_names_of_a_dump(tmp_path, suffix, write):
    file = tmp_path / f"SUPER MARIO 64_HIRESTEXTURES.{suffix}"
    write(file, ENTRIES)
    found = {source.name.rpartition("/")[2]: source for source in scan(tmp_path).sources}
    assert sorted(found) == [
        "SUPER MARIO 64#0000001C#2#0#0000C840_ciByRGBA.png",
        "SUPER MARIO 64#0010FDC4#0#2_all.png",
        "SUPER MARIO 64#0010FDC4#4#1_all.png",
    ]
    for source in found.values():
        texture = decode(source)
        key = gliden64.cache_key(source.emulator)
        assert any(entry.key == key and np.array_equal(entry.rgba, texture.rgba) for entry in ENTRIES)
        assert str(gliden64.output_path(source)) == f"SUPER MARIO 64/{source.name.rpartition('/')[2]}"


def test_a_cache_becomes_the_same_cache(tmp_path):
    file = tmp_path / "GAME_HIRESTEXTURES.hts"
    entries = sorted(ENTRIES, key=lambda entry: (entry.key & 0xFFFFFFFF, entry.fmt))
    write_hts(
        file,
        [replace(entry, rgba=np.dstack([entry.rgba[..., :3], entry.rgba[..., :1]])) for entry in entries],
    )
    made = [finished(source, decode(source).rgba, 1) for source in scan(file).sources]
    write_pack(Target(name="gliden64", container="hts"), made, tmp_path / "out")
    assert (tmp_path / "out" / "gliden64" / file.name).read_bytes() == file.read_bytes()


def test_old_caches_do_not_say_formats_and_give_plain_names(tmp_path):
    rgba = noise((4, 4), 1)
    record = struct.pack("<IIIHHBI", 4, 4, 0x8058, 0x1908, 0x1401, 1, 64) + rgba.tobytes()
    table = struct.pack("<i", 1) + struct.pack("<QQ", 0xC840_0000001C, 12)
    (tmp_path / "OLD.hts").write_bytes(struct.pack("<iq", 0x40220000, 12 + len(record)) + record + table)
    (source,) = scan(tmp_path).sources
    assert (source.name, source.emulator) == ("OLD.hts/0000C8400000001C", None)
    assert np.array_equal(decode(source).rgba, rgba)


@pytest.mark.parametrize(("width", "height", "length"), [(30000, 30000, 64), (4, 4, 0xFFFFFFF0), (0, 4, 64)])
def test_sizes_are_not_believed(tmp_path, width, height, length):
    data = zlib.compress(bytes(64))
    record = (
        struct.pack("<IIIHHBHI", width, height, 0x8058 | 1 << 31, 0x1908, 0x1401, 1, 2 << 8, length) + data
    )
    table = struct.pack("<i", 1) + struct.pack("<QQ", 7, 16 | 2 << 56)
    (tmp_path / "X.hts").write_bytes(struct.pack("<iiq", 0x08000000, 0, 16 + len(record)) + record + table)
    (source,) = scan(tmp_path).sources
    with pytest.raises(SourceError, match="claims"):
        decode(source)


def test_a_damaged_cache_is_one_unusable_file(tmp_path):
    (tmp_path / "X.htc").write_bytes(b"\x1f\x8bnonsense")
    (tmp_path / "Y.hts").write_bytes(struct.pack("<iiq", 0x08000000, 0, -1))
    assert [source.name for source, _ in scan(tmp_path).unusable] == ["X.htc", "Y.hts"]
