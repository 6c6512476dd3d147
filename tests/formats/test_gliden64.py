"""GLideN64: names, paths, the loader's rules and the cache files."""

from __future__ import annotations

import gzip
import importlib
import struct
import zlib
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import finished, noise

from texpipe.errors import PackError
from texpipe.formats import gliden64, parse_name
from texpipe.formats.contract import UnwritableError
from texpipe.formats.gliden64_cache import CacheEntry, read_cache, write_htc, write_hts
from texpipe.packs.pack import write_pack
from texpipe.recipe.targets import Target
from texpipe.texture import Source


def source(name):
    return Source(name=name, root=Path(name), emulator=gliden64.parse(name))


def written_as(name):
    return str(gliden64.output_path(source(name)))


ACCEPTED = [
    "THE LEGEND OF ZELDA#0000001C#2#0#0000C840_ciByRGBA.png",
    "SUPER MARIO 64#0010FDC4#0#2_all.png",
    "MARIOKART64#$#2#1#01340420_ciByRGBA.png",
    "SMASH BROTHERS#966C3AC1#2#0#516F7F0B_ciByRGBA.png",
    "ZELDA MAJORA'S MASK#1E6DE584#2#0#1B72EA64_ciByRGBA.png",
    "WWF No Mercy#A010FF85#2#1#2DC66F47_ciByRGBA.png",
    "CASTLEVANIA2#58E2333F#2#0#D7A5C6D9_ciByRGBA.png",
    "Turok 3- Shadow of O#01234567#4#1_all.png",
    "ÉTOILE 64#89ABCDEF#0#3_all.png",
]
JUNK = [
    "THE LEGEND OF ZELDA#422A423B#4#0_all.png.png",
    "GAME#01234567#0#2_all_1.png",
    "GAME#01234567#0#2_all (copy).png",
    "GAME#0123456#0#2_all.png",
    "GAME#01234567#0#2.png",
    "GAME#01234567#G#2_all.png",
    "GAME#$#2#1_all.png",  # any texture, but no palette to go by
    "GAME#$#2#1#$_ciByRGBA.png",
    "GAME#01234567#2#1_ci.bmp",
    "GAME#01234567#0#2_all.bmp",
    "#01234567#0#2_all.png",
    "e56f908e#2#0#41df3fda.png",
    "gLinkHairTex.ci8.png",
    "0.png",
]


@pytest.mark.parametrize("name", ACCEPTED)
def test_names_of_real_packs_are_read_and_written_unchanged(name):
    parsed = gliden64.parse(f"some folder/{name}")
    assert parsed is not None
    assert gliden64.format_name(parsed) == name


@pytest.mark.parametrize("name", JUNK)
def test_other_names_are_not_gliden64s(name):
    assert gliden64.parse(name) is None
    with pytest.raises(UnwritableError, match="not a GLideN64 texture name"):
        gliden64.output_path(source(name))


hexadecimal = st.integers(1, 0xFFFFFFFF).map("{:08X}".format)
idents = st.text(st.characters(codec="utf-8", exclude_characters="#/\\\0\n"), min_size=1, max_size=20)


@given(idents, hexadecimal, st.integers(0, 4), st.integers(0, 3), st.none() | hexadecimal | st.just("$"))
def test_every_legal_name_survives_parse_and_format(ident, crc, fmt, siz, palette):
    name = f"{ident}#{crc}#{fmt}#{siz}" + ("_all.png" if palette is None else f"#{palette}_ciByRGBA.png")
    parsed = gliden64.parse(name)
    assert parsed is not None
    assert gliden64.format_name(parsed) == name


def test_fields_of_a_name():
    parsed = gliden64.parse("dump/THE LEGEND OF ZELDA#0000001c#2#0#0000c840_cibyrgba.PNG")
    assert parsed is not None
    assert parsed.as_json() == {
        "scheme": "gliden64",
        "game": "THE LEGEND OF ZELDA",
        "texels": "ci4",
        "crc": "0000001C",
        "fmt": 2,
        "siz": 0,
        "palette": "0000C840",
        "suffix": "ciByRGBA",
    }


@pytest.mark.parametrize(
    ("numbers", "texels"),
    [
        *(
            ("0#0", "ci4"),
            ("0#2", "rgba16"),
            ("0#3", "rgba32"),
            ("1#2", "yuv16"),
            ("2#0", "ci4"),
            ("2#1", "ci8"),
        ),
        *(("3#0", "ia4"), ("3#1", "ia8"), ("3#2", "ia16"), ("4#0", "i4"), ("4#1", "i8"), ("0#1", None)),
    ],
)
def test_format_and_size_digits_name_the_texels(numbers, texels):
    parsed = gliden64.parse(f"GAME#01234567#{numbers}_all.png")
    assert parsed is not None
    assert parsed.texels == texels


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("GAME#01234567#0#2_all.png", "GAME/GAME#01234567#0#2_all.png"),
        ("GAME/GLideNHQ/GAME#01234567#0#2_all.png", "GAME/GAME#01234567#0#2_all.png"),
        ("texture_dump/GAME/GLideNHQ_strong_crc/GAME#01234567#0#2_all.png", "GAME/GAME#01234567#0#2_all.png"),
        (
            "hires_texture/GAME/Forest/GAME/GAME#01234567#0#2_all.png",
            "GAME/Forest/GAME/GAME#01234567#0#2_all.png",
        ),
        (".old/~!~off/a b/GAME#01234567#0#2_all.png", "GAME/old/off/a b/GAME#01234567#0#2_all.png"),
        (".~!~./GAME#01234567#0#2_all.png", "GAME/_/GAME#01234567#0#2_all.png"),
        ("GAME#01234567#0#2_rgb.bmp", "GAME/GAME#01234567#0#2_all.png"),
        ("GAME#01234567#2#1_allciByRGBA.png", "GAME/GAME#01234567#2#1_all.png"),
        ("GAME#89abcdef#2#1#0000c840_allcibyrgba.png", "GAME/GAME#89ABCDEF#2#1#0000C840_ciByRGBA.png"),
    ],
)
def test_where_a_texture_goes(name, path):
    assert written_as(name) == path
    assert gliden64.problems(PurePosixPath(path), (32, 32), (128, 128), 4) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("GAME#00000000#0#2_all.png", "checksum 00000000"),
        ("GAME#01234567#0#2_a.png", "only the alpha"),
        ("..#01234567#0#2_all.png", "no game name"),
    ],
)
def test_names_under_which_nothing_is_loaded(name, reason):
    with pytest.raises(UnwritableError, match=reason):
        gliden64.output_path(source(name))


def test_textures_that_the_loader_cannot_tell_apart_have_one_key():
    same = [
        "GAME#01234567#2#1_all.png",
        "a/GAME#01234567#2#1_ciByRGBA.png",
        "GAME#01234567#2#1#$_ciByRGBA.png",
    ]
    assert len({gliden64.key(source(name)) for name in same}) == 1
    others = [
        "GAME#01234567#2#1#0000C840_ciByRGBA.png",
        "GAME#01234567#2#0_all.png",
        "OTHER#01234567#2#1_all.png",
    ]
    assert len({gliden64.key(source(name)) for name in [*same, *others]}) == 4


@pytest.mark.parametrize(
    ("path", "size", "problem"),
    [
        ("GAME/GAME#0123abcd#0#2_all.png", (8, 8), "not a name the loader accepts"),
        ("GAME/GAME#01234567#0#2_all.PNG", (8, 8), "not a name the loader accepts"),
        ("GAME/GAME#01234567#0#2_all_1.png", (8, 8), "not a name the loader accepts"),
        ("GAME/GAME#01234567#2#1#0000C840_cibyrgba.png", (8, 8), "not a name the loader accepts"),
        ("GAME/GAME#00000000#0#2_all.png", (8, 8), "00000000"),
        ("GAME/GAME#01234567#0#2_rgb.png", (8, 8), "does not load _rgb and _a pairs"),
        ("OTHER/GAME#01234567#0#2_all.png", (8, 8), "not below a folder called GAME"),
        ("GAME#01234567#0#2_all.png", (8, 8), "not below a folder called GAME"),
        ("GAME/.x/GAME#01234567#0#2_all.png", (8, 8), "passes over .x"),
        ("GAME/~!~x/GAME#01234567#0#2_all.png", (8, 8), "passes over ~!~x"),
        ("GAME/GAME#01234567#0#2_all.png", (8, 4), "not 4 times the source"),
    ],
)
def test_each_broken_rule_is_named(path, size, problem):
    found = gliden64.problems(PurePosixPath(path), (2, 2), size, 4)
    assert len(found) == 1
    assert problem in found[0]


def test_sizes_that_the_loader_refuses_or_shrinks():
    path = PurePosixPath("GAME/GAME#01234567#0#2_all.png")
    assert gliden64.problems(path, (1, 2), (1, 2), 1) == ["1 x 2 is too small: the loader wants 4 pixels"]
    assert "above 4096" in gliden64.problems(path, (1040, 2), (4160, 8), 4)[0]
    assert gliden64.problems(path, (1024, 1), (4096, 4), 4) == []


# --- cache files ---


def entries():
    rng = np.random.default_rng(7)
    sizes = [(4, 4), (37, 23), (1, 8)]
    numbers = [(0, 2), (2, 1), (2, 1)]
    keys = [0x12345678, 0xAAAA0001_00000001, 0xAAAA0001_00000001]  # one key may occur under several formats
    return [
        CacheEntry(key, rng.integers(0, 256, (h, w, 4), np.uint8), *number)
        for key, (w, h), number in zip(keys, sizes, numbers, strict=True)
    ]


def assert_same(found, expected, *, numbers=True):
    assert [entry.key for entry in found] == [entry.key for entry in expected]
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.rgba, other.rgba)
        assert (one.fmt, one.siz) == ((other.fmt, other.siz) if numbers else (None, None))


@pytest.mark.parametrize(("suffix", "write"), [("hts", write_hts), ("htc", write_htc)])
def test_a_written_cache_reads_back(tmp_path, suffix, write):
    path = tmp_path / "new folder" / f"GAME_HIRESTEXTURES.{suffix}"
    write(path, iter(entries()))
    assert_same(read_cache(path), entries())
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    first = path.read_bytes()
    write(path, iter(entries()))
    assert path.read_bytes() == first


def test_layout_of_hts(tmp_path):
    path = tmp_path / "x.hts"
    one = CacheEntry(0xAABBCCDD_11223344, np.arange(16, dtype=np.uint8).reshape(2, 2, 4), 2, 1)
    write_hts(path, [one])
    data = path.read_bytes()
    assert data[:16] == struct.pack("<IIq", 0x08000000, 0x40A20000, 16 + 23 + 16)
    assert data[16:39] == struct.pack("<IIIHHBHI", 2, 2, 0x8058, 0x1908, 0x1401, 1, 0x0102, 16)
    assert data[39:55] == bytes(range(16))
    assert data[55:] == struct.pack("<iQQ", 1, one.key, 16 | 2 << 48 | 1 << 56)


def test_layout_of_htc(tmp_path):
    path = tmp_path / "x.htc"
    one = CacheEntry(0xAABBCCDD_11223344, np.arange(16, dtype=np.uint8).reshape(2, 2, 4), 2, 1)
    write_htc(path, [one])
    data = gzip.decompress(path.read_bytes())
    assert data[:16] == struct.pack("<IIQ", 0x08000000, 0x40820000, one.key)
    *head, length = struct.unpack("<IIIHHBHI", data[16:39])
    assert head == [2, 2, 0x8058, 0x1908, 0x1401, 1, 0x0102], (
        "plain records load whatever txCacheCompression says"
    )
    assert len(data) == 39 + length
    assert data[39:] == bytes(range(16))


def old_record(entry, *, compress):
    data = entry.rgba.tobytes()
    form = 0x8058 | (0x80000000 if compress else 0)
    data = zlib.compress(data) if compress else data
    height, width = entry.rgba.shape[:2]
    return struct.pack("<IIIHHBI", width, height, form, 0x1908, 0x1401, 1, len(data)) + data


@pytest.mark.parametrize("compress", [False, True])
def test_old_hts_is_read(tmp_path, compress):
    body, table = struct.pack("<iq", 0x40220000, 0), b""
    for entry in entries():
        table += struct.pack("<QQ", entry.key, len(body))
        body += old_record(entry, compress=compress)
    path = tmp_path / "old.hts"
    path.write_bytes(body[:4] + struct.pack("<q", len(body)) + body[12:] + struct.pack("<i", 3) + table)
    assert_same(read_cache(path), entries(), numbers=False)


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_old_htc_is_read_packed_or_plain(tmp_path, wrap):
    body = struct.pack("<i", 0x40820000)
    body += b"".join(struct.pack("<Q", entry.key) + old_record(entry, compress=True) for entry in entries())
    path = tmp_path / "old.htc"
    path.write_bytes(wrap(body))
    assert_same(read_cache(path), entries(), numbers=False)


@pytest.mark.parametrize(
    ("triple", "pixel", "rgba"),
    [
        ((0x8051, 0x1907, 0x8363), 0xF81F, (255, 0, 255, 255)),
        ((0x8056, 0x1908, 0x8033), 0x123F, (17, 34, 51, 255)),
        ((0x8057, 0x1908, 0x8034), 0x18C7, (25, 25, 25, 255)),
    ],
)
def test_16_bit_pixels_are_read(tmp_path, triple, pixel, rgba):
    form, texture_format, pixel_type = triple
    record = struct.pack("<IIIHHBHIH", 1, 1, form, texture_format, pixel_type, 1, 0x0200, 2, pixel)
    path = tmp_path / "x.htc"
    path.write_bytes(struct.pack("<IIQ", 0x08000000, 0x40820000, 1) + record)
    assert tuple(read_cache(path)[0].rgba[0, 0]) == rgba


@pytest.mark.parametrize("suffix", ["hts", "htc"])
@pytest.mark.parametrize("keep", [0, 3, 10, 30, 60, -4])
def test_a_cut_off_cache_is_an_error(tmp_path, suffix, keep):
    path = tmp_path / f"x.{suffix}"
    (write_hts if suffix == "hts" else write_htc)(path, entries())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(PackError, match=f"x.{suffix} cannot be read"):
        read_cache(path)


def test_an_unfinished_hts_is_an_error(tmp_path):
    path = tmp_path / "x.hts"
    path.write_bytes(struct.pack("<IIq", 0x08000000, 0x40220000, -1) + b"\0" * 40)
    with pytest.raises(PackError, match="ends in the middle of a texture"):
        read_cache(path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.hts"
    write_hts(path, entries())
    before = path.read_bytes()

    def broken():
        yield entries()[0]
        raise PackError("no more")

    with pytest.raises(PackError, match="no more"):
        write_hts(path, broken())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_entry_without_format_cannot_be_written(tmp_path):
    with pytest.raises(PackError, match="0000000000000005 has no texel format"):
        write_htc(tmp_path / "x.htc", [CacheEntry(5, np.zeros((1, 1, 4), np.uint8))])


def has(module):
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        return None


def test_zstd_is_read_or_named_as_missing(tmp_path):
    path = tmp_path / "x.htc"
    zstd = has("compression.zstd") or has("zstandard")
    if zstd is None:
        path.write_bytes(b"\x28\xb5\x2f\xfd" + b"\0" * 20)
        with pytest.raises(PackError, match="compressed with zstd"):
            read_cache(path)
        return
    plain = tmp_path / "plain.htc"
    write_htc(plain, entries())
    path.write_bytes(zstd.compress(gzip.decompress(plain.read_bytes())))
    assert_same(read_cache(path), entries())


def test_folders_that_the_loader_cannot_enter_in_the_c_locale_lose_their_accents():
    name = "Gebäude/木/.x/GAME#00000001#0#2_all.png"
    path = gliden64.output_path(Source(name, Path(name), parse_name(name)))
    assert str(path) == "GAME/Gebaude/_/x/GAME#00000001#0#2_all.png"
    (found,) = gliden64.check(Path(), [PurePosixPath("GAME/Gebäude/a.png"), PurePosixPath("Pokémon/x/a.png")])
    assert found.startswith("Gebäude: ")


@pytest.mark.parametrize("container", ["hts", "htc"])
def test_an_opaque_intensity_texture_has_the_alpha_that_the_loader_of_pictures_gives_it(tmp_path, container):
    """TxHiResLoader: an I texture whose picture is opaque throughout gets alpha = (R + G + B) / 3."""
    rgba = noise((8, 8), 1)
    rgba[..., 3] = 255
    holes = rgba.copy()
    holes[0, 0, 3] = 254
    names = ["GAME#00000001#4#0_all.png", "GAME#00000002#4#0_all.png", "GAME#00000003#3#0_all.png"]
    made = [
        finished(Source(name, Path(name), parse_name(name)), picture, 4)
        for name, picture in zip(names, (rgba, holes, rgba), strict=True)
    ]
    pack = write_pack(Target(name="gliden64", container=container), made, tmp_path)
    assert not pack.left_out
    (file,) = (tmp_path / "gliden64").iterdir()
    first, second, third = (one.rgba for one in read_cache(file))
    assert np.array_equal(first[..., 3], rgba[..., :3].astype(int).sum(axis=2) // 3)
    assert np.array_equal(first[..., :3], rgba[..., :3])
    assert np.array_equal(second, holes)
    assert np.array_equal(third, rgba)


@pytest.mark.parametrize(
    ("config", "count", "line"),
    [
        (0x40220000, 1, "says options 0x40220000"),
        (0x00A20000, 1, "says options"),
        (0x40A20000, 0, "has no textures"),
    ],
)
def test_a_cache_that_would_be_made_anew_or_is_empty_is_found(tmp_path, config, count, line):
    file = tmp_path / "GAME_HIRESTEXTURES.hts"
    write_hts(file, [CacheEntry(7, np.zeros((2, 2, 4), np.uint8), 0, 2)] * count)
    data = bytearray(file.read_bytes())
    struct.pack_into("<I", data, 4, config)
    file.write_bytes(data)
    (found,) = gliden64.check(tmp_path, [PurePosixPath(file.name)])
    assert line in found


def test_cache_files_are_checked_texture_by_texture(tmp_path):
    write_hts(tmp_path / "GAME_HIRESTEXTURES.hts", [CacheEntry(7, np.zeros((2, 2, 4), np.uint8), 0, 2)])
    assert gliden64.check(tmp_path, [PurePosixPath("GAME_HIRESTEXTURES.hts")]) == []
    small = CacheEntry(7, np.zeros((1, 1, 4), np.uint8), 0, 2)
    write_htc(tmp_path / "GAME.htc", [small, small, CacheEntry(0, np.zeros((2, 2, 4), np.uint8), 0, 2)])
    (tmp_path / "X_HIRESTEXTURES.hts").write_bytes(b"torn")
    found = "\n".join(
        gliden64.check(tmp_path, [PurePosixPath("GAME.htc"), PurePosixPath("X_HIRESTEXTURES.hts")])
    )
    for line in (
        "not called",
        "is in the file twice",
        "00000000 is not loaded",
        "is 1 x 1",
        "X_HIRESTEXTURES.hts cannot be read",
    ):
        assert line in found
