"""Every kind of picture file becomes the right RGBA8; whatever is no picture is refused with a reason."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from texpipe.errors import SourceError
from texpipe.imaging import image_headers
from texpipe.imaging.image_files import decode, encode_png

SIZE = (5, 3)
pictures = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4)))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def scanlines(samples: np.ndarray, bits: int) -> list[bytes]:
    """Pack H x W x C samples into rows, each behind the filter byte 0."""
    rows = samples.reshape(samples.shape[0], -1)
    if bits == 16:
        return [b"\0" + row.astype(">u2").tobytes() for row in rows]
    per_sample = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return [b"\0" + np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in per_sample]


def png(
    samples: np.ndarray, colour_type: int, bits: int, *before_idat: bytes, size: tuple[int, int] | None = None
):
    """Write a PNG by the book: `samples` is H x W x C in the file's own depth."""
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", *(size or (width, height)), bits, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(scanlines(samples, bits)))
    chunks = (chunk(b"IHDR", header), *before_idat, chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def samples(bits: int, channels: int, top: int | None = None) -> np.ndarray:
    rng = np.random.default_rng(bits * 10 + channels)
    return rng.integers(0, top or (1 << bits), (SIZE[1], SIZE[0], channels), dtype=np.int64)


def opaque(rgb: np.ndarray) -> np.ndarray:
    return np.dstack([np.broadcast_to(rgb, (*rgb.shape[:2], 3)), np.full(rgb.shape[:2], 255)])


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """v * 255 / (2^bits - 1), to the nearest, in exact whole numbers."""
    top = (1 << bits) - 1
    return (values * 255 * 2 + top) // (2 * top)


def assert_decodes(data: bytes, expected: np.ndarray) -> tuple[str, ...]:
    rgba, _, warnings = decode(data, name="x.png")
    assert rgba.dtype == np.uint8
    assert np.array_equal(rgba, expected)
    return warnings


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette_is_expanded_and_counted(bits: int) -> None:
    palette = np.random.default_rng(bits).integers(0, 256, (1 << bits, 3))
    indices = samples(bits, 1)
    data = png(indices, 3, bits, chunk(b"PLTE", palette.astype(np.uint8).tobytes()))
    assert_decodes(data, opaque(palette[indices[..., 0]]))
    stored = decode(data, name="x.png")[1]
    assert (stored.mode, stored.bits, stored.palette) == ("P", bits, np.unique(indices).size)


@pytest.mark.parametrize("alphas", [(0,), (255, 0), (10, 128, 0, 255, 77), tuple(range(16))])
def test_palette_with_alpha(alphas: tuple[int, ...]) -> None:
    palette = np.random.default_rng(3).integers(0, 256, (16, 3))
    indices = samples(4, 1)
    chunks = chunk(b"PLTE", palette.astype(np.uint8).tobytes()), chunk(b"tRNS", bytes(alphas))
    alpha = np.array([*alphas, *[255] * (16 - len(alphas))])
    expected = np.dstack([palette[indices[..., 0]], alpha[indices[..., 0]]])
    assert_decodes(png(indices, 3, 4, *chunks), expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("keyed", [False, True])
def test_grey_with_and_without_colour_key(bits: int, keyed: bool) -> None:
    grey = samples(bits, 1)
    key = int(grey[1, 2, 0])
    chunks = [chunk(b"tRNS", struct.pack(">H", key))] if keyed else []
    expected = opaque(rounded(grey, bits))
    if keyed:
        expected[grey[..., 0] == key, 3] = 0
    warnings = assert_decodes(png(grey, 0, bits, *chunks), expected)
    assert bool(warnings) == (bits == 16)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("keyed", [False, True])
def test_rgb_with_and_without_colour_key(bits: int, keyed: bool) -> None:
    rgb = samples(bits, 3)
    key = rgb[2, 1]
    rgb[0, 0] = key
    rgb[0, 1] = (
        *key[:2],
        key[2] ^ 1,
    )  # a neighbour of the key: opaque, also where 8 bits cannot tell them apart
    chunks = [chunk(b"tRNS", struct.pack(">HHH", *key))] if keyed else []
    expected = opaque(rounded(rgb, bits))
    if keyed:
        expected[(rgb == key).all(axis=-1), 3] = 0
    assert_decodes(png(rgb, 2, bits, *chunks), expected)


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_and_alpha(bits: int) -> None:
    pair = samples(bits, 2)
    expected = rounded(pair[..., [0, 0, 0, 1]], bits)
    assert_decodes(png(pair, 4, bits), expected)
    assert decode(png(pair, 4, bits), name="x.png")[1].mode == "LA"


@pytest.mark.parametrize("bits", [8, 16])
def test_rgba_keeps_hidden_colour(bits: int) -> None:
    rgba = samples(bits, 4)
    rgba[:2, :, 3] = 0
    assert_decodes(png(rgba, 6, bits), rounded(rgba, bits))


def test_a_dark_16_bit_picture_is_still_16_bit() -> None:
    rgb = samples(16, 3, top=256)
    warnings = assert_decodes(png(rgb, 2, 16), opaque(rounded(rgb, 16)))
    assert warnings == ("16 bits per channel: reduced to 8 by rounding",)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 9), (7, 5), (16, 3)])
@pytest.mark.parametrize("bits", [1, 8])
def test_interlaced(width: int, height: int, bits: int) -> None:
    grey = np.random.default_rng(width).integers(0, 1 << bits, (height, width, 1))
    passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ]
    parts = [part for x, y, dx, dy in passes if (part := grey[y::dy, x::dx]).size]
    rows = [row for part in parts for row in scanlines(part, bits)]
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 1)
    for data, whole in ((rows, True), (rows[:-1], False)):
        chunks = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"".join(data))), chunk(b"IEND", b"")
        file = b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
        if whole:
            assert_decodes(file, opaque(rounded(grey, bits)))
        else:
            with pytest.raises(SourceError, match="fewer pixels"):
                decode(file, name="x.png")


@settings(deadline=None)
@given(pictures)
def test_png_round_trip(rgba: np.ndarray) -> None:
    data = encode_png(rgba)
    decoded, stored, warnings = decode(data, name="x.png")
    assert np.array_equal(decoded, rgba)
    assert (stored.mode, stored.bits, stored.palette, warnings) == ("RGBA", 8, None, ())
    assert encode_png(decoded) == data


def test_encode_takes_any_memory_layout() -> None:
    rgba = samples(8, 4).astype(np.uint8)
    assert encode_png(rgba[::-1, ::-1][::-1, ::-1]) == encode_png(rgba)
    assert encode_png(np.asfortranarray(rgba)) == encode_png(rgba)


# Not RGBA in BMP: the fourth byte of the BMP that Pillow writes has no meaning.
@pytest.mark.parametrize(
    ("form", "mode"), [*itertools.product(["TGA", "DDS"], ["RGBA", "RGB", "L"]), ("BMP", "RGB"), ("BMP", "L")]
)
def test_other_formats(form: str, mode: str) -> None:
    picture = Image.fromarray(samples(8, 4).astype(np.uint8)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, form)
    rgba, stored, _ = decode(buffer.getvalue(), name=f"x.{form.lower()}")
    assert np.array_equal(rgba, np.asarray(picture.convert("RGBA")))
    assert stored.mode == mode


def test_tga_keeps_alpha_that_its_extension_area_denies() -> None:
    rgba = samples(8, 4).astype(np.uint8)
    header = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, *SIZE, 32, 0x20 | 8)
    body = header + rgba[..., [2, 1, 0, 3]].tobytes()
    extension = struct.pack("<H", 495) + bytes(492) + b"\0"  # attributes type 0: "no alpha data included"
    footer = struct.pack("<II", len(body), 0) + b"TRUEVISION-XFILE.\0"
    assert np.array_equal(decode(body + extension + footer, name="x.tga")[0], rgba)


def animated() -> bytes:
    frames = [Image.fromarray(np.full((4, 4, 4), level, np.uint8)) for level in (50, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def test_animated_gives_its_first_frame() -> None:
    rgba, _, warnings = decode(animated(), name="x.png")
    assert (rgba == 50).all()
    assert warnings == ("animated: only its first frame is used",)


def test_metadata_never_matters() -> None:
    rgb = samples(8, 3)
    exif = (
        b"MM\0*" + struct.pack(">IH", 8, 1) + struct.pack(">HHIHH", 0x112, 3, 1, 6, 0) + bytes(4)
    )  # rotate 90
    bomb = b"comment\0\0" + zlib.compress(bytes(80_000_000))  # a text chunk that Pillow alone refuses to open
    extra = [
        chunk(b"eXIf", exif),
        chunk(b"zTXt", bomb),
        chunk(b"iCCP", b"x\0\0broken"),
        chunk(b"gAMA", bytes(4)),
    ]
    assert_decodes(png(rgb, 2, 8, *extra), opaque(rgb))


GOOD = png(samples(8, 4), 6, 8)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "not a PNG"),
        (b"GIF89a" + bytes(50), "not a PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "damaged JPEG file"),
        (b"\xff\xd8\xff", "the file is truncated"),
        (b"RIFF" + bytes(50), "not a PNG"),
        (b"RIFF\0\0\0\0WEBPVP8X", "the file is truncated"),
        (b"RIFF\0\0\0\0WEBPICCP" + bytes(50), "damaged WebP file"),
        (GOOD[:20], "truncated"),
        (GOOD[:-30], "truncated"),
        (GOOD[:50] + bytes([GOOD[50] ^ 1]) + GOOD[51:], "checksum"),
        (GOOD[:8] + chunk(b"IEND", b""), "no header"),
        (GOOD[:33] + GOOD[8:], "no header"),
        (GOOD[:33] + chunk(b"IEND", b""), "fewer pixels"),
        (GOOD[:33] + chunk(b"IDAT", b"nonsense") + chunk(b"IEND", b""), "damaged PNG"),
        (png(samples(8, 4), 6, 8, size=(0, 3)), "no pixels"),
        (png(samples(8, 4), 6, 8, size=(100_000, 100_000)), "limit"),
        (png(samples(8, 4), 6, 8, size=(5, 300)), "fewer pixels"),
        (png(samples(8, 4), 6, 8, size=(5, 4)), "fewer pixels"),
        (png(samples(8, 4), 5, 8), "colour type 5"),
        (b"BM" + bytes(20), "truncated"),
        (b"DDS " + bytes(5), "truncated"),
        (b"BM" + struct.pack("<IIIIii", 0, 0, 54, 40, 60_000, -60_000), "limit"),
        (b"DDS " + struct.pack("<IIII", 124, 0, 60_000, 60_000) + bytes(112), "limit"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        decode(data, name="folder/x.png")
    assert str(caught.value).startswith("folder")


def test_tga_must_be_called_so() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (3, 3)).save(buffer, "TGA")
    with pytest.raises(SourceError, match="not a PNG"):
        decode(buffer.getvalue(), name="x.png")
    assert decode(buffer.getvalue(), name="X.TGA")[0].shape == (3, 3, 4)


def test_the_limit_is_on_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_headers, "MAX_PIXELS", 15)
    assert decode(GOOD, name="x.png")[0].size == 60
    monkeypatch.setattr(image_headers, "MAX_PIXELS", 14)
    with pytest.raises(SourceError, match="limit of 14"):
        decode(GOOD, name="x.png")


def test_every_flipped_bit_of_a_png_is_noticed() -> None:
    for place, bit in itertools.product(range(len(GOOD)), (1, 64)):
        damaged = bytearray(GOOD)
        damaged[place] ^= bit
        with pytest.raises(SourceError):
            decode(bytes(damaged), name="x.png")


def other(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(samples(8, 4).astype(np.uint8)).convert(
        {"BMP": "P", "JPEG": "RGB"}.get(form, "RGBA")
    ).save(buffer, form)
    return buffer.getvalue()


def dds(
    four: bytes, payload: bytes, *, dxgi: int | None = None, flags: int = 4, size: tuple[int, int] = (8, 4)
) -> bytes:
    """Write a DDS by the book: Microsoft's DDS_HEADER, with DDS_HEADER_DXT10 where a DXGI format is given."""
    head = struct.pack("<4s7I44x", b"DDS ", 124, 0x1007, size[1], size[0], 0, 0, 0)
    kind = struct.pack("<2I4s5I", 32, flags, four, 0, 0, 0, 0, 0)
    caps = struct.pack("<5I", 0x1000, 0, 0, 0, 0)
    extra = b"" if dxgi is None else struct.pack("<5I", dxgi, 3, 0, 1, 0)
    return head + kind + caps + extra + payload


@pytest.mark.parametrize(("srgb", "plain", "block"), [(72, 71, 8), (75, 74, 16), (78, 77, 16), (99, 98, 16)])
def test_dds_of_srgb_have_the_texels_of_the_plain_kind(srgb: int, plain: int, block: int) -> None:
    payload = np.random.default_rng(srgb).bytes(2 * block)
    made = [decode(dds(b"DX10", payload, dxgi=kind), name="x.dds")[0] for kind in (srgb, plain)]
    assert np.array_equal(*made)
    assert made[0].shape == (4, 8, 4)
    assert len(np.unique(made[0])) > 4


@pytest.mark.parametrize("dxgi", [87, 90, 91, 88, 92, 93])
def test_dds_with_blue_first_have_their_channels_in_order(dxgi: int) -> None:
    rgba = np.random.default_rng(dxgi).integers(0, 256, (4, 8, 4), np.uint8)
    found, _, _ = decode(dds(b"DX10", rgba[..., [2, 1, 0, 3]].tobytes(), dxgi=dxgi), name="x.dds")
    assert np.array_equal(found[..., :3], rgba[..., :3])
    assert np.array_equal(found[..., 3], rgba[..., 3] if dxgi in (87, 90, 91) else np.full((4, 8), 255))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (dds(b"DXT2", bytes(32)), "DXT2, colours multiplied by alpha"),
        (dds(b"DXT4", bytes(32)), "DXT4"),
        (dds(b"ETC1", bytes(32)), "ETC1"),
        (dds(bytes(4), bytes(32), flags=2), "alpha alone"),
        (dds(b"DX10", bytes(256), dxgi=10), "R16G16B16A16_FLOAT"),
        (dds(b"DX10", bytes(256), dxgi=85), "B5G6R5_UNORM"),
        (dds(b"DX10", bytes(256), dxgi=184), "DXGI format 184"),
    ],
)
def test_a_sound_dds_of_a_kind_that_is_not_read_is_named_and_not_called_damaged(
    data: bytes, kind: str
) -> None:
    with pytest.raises(SourceError, match=f"does not read \\({kind}") as caught:
        decode(data, name="x.dds")
    assert "damaged" not in caught.value.message
    assert "Dump" not in caught.value.hint
    assert "PNG" in caught.value.hint


def bmp32(fourth: np.ndarray, *, top_down: bool = False) -> tuple[bytes, np.ndarray]:
    """Write a BMP of 32 bits without masks (BI_RGB), whose fourth byte the format leaves open."""
    height, width = fourth.shape
    rgba = np.random.default_rng(5).integers(0, 256, (height, width, 4), np.uint8)
    rgba[..., 3] = fourth
    rows = rgba if top_down else rgba[::-1]
    signed = -height if top_down else height
    info = struct.pack("<IiiHHIIiiII", 40, width, signed, 1, 32, 0, width * height * 4, 2835, 2835, 0, 0)
    file = struct.pack("<2sIHHI", b"BM", 54 + rgba.size, 0, 0, 54)
    return file + info + rows[..., [2, 1, 0, 3]].tobytes(), rgba


@pytest.mark.parametrize("top_down", [False, True])
def test_the_fourth_byte_of_a_bmp_is_alpha_where_it_differs(top_down: bool) -> None:
    data, rgba = bmp32(np.arange(15, dtype=np.uint8).reshape(3, 5) * 17, top_down=top_down)
    assert np.array_equal(decode(data, name="x.bmp")[0], rgba)


@pytest.mark.parametrize("same", [0, 255, 7])
def test_the_fourth_byte_of_a_bmp_means_nothing_where_it_is_the_same_everywhere(same: int) -> None:
    data, rgba = bmp32(np.full((3, 5), same, np.uint8))
    found, _, _ = decode(data, name="x.bmp")
    assert np.array_equal(found[..., :3], rgba[..., :3])
    assert (found[..., 3] == 255).all()


def test_a_bmp_that_ends_early_is_damaged_whatever_its_fourth_bytes() -> None:
    data, _ = bmp32(np.arange(15, dtype=np.uint8).reshape(3, 5))
    with pytest.raises(SourceError, match="BMP"):
        decode(data[:-20], name="x.bmp")


@pytest.mark.parametrize(
    ("form", "mode", "options"),
    [
        ("JPEG", "RGB", {"quality": 95}),
        ("JPEG", "L", {"quality": 95}),
        ("JPEG", "RGB", {"progressive": True}),
        ("WEBP", "RGBA", {"lossless": True, "exact": True}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGB", {"quality": 95}),
        ("WEBP", "RGBA", {"quality": 95}),
    ],
)
def test_jpeg_and_webp_are_read(form: str, mode: str, options: dict[str, object]) -> None:
    smooth = np.add.outer(np.arange(24), np.arange(40)).astype(np.uint8)
    image = Image.fromarray(np.dstack([smooth, smooth + 9, smooth * 2, 255 - smooth])).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    found, _, warnings = decode(buffer.getvalue(), name="x.anything")
    assert found.shape == (24, 40, 4)
    assert np.abs(found.astype(int) - np.asarray(image.convert("RGBA")).astype(int)).mean() < 3
    assert warnings == ()


def test_of_an_animated_webp_the_first_frame_is_used_with_a_warning() -> None:
    frames = [Image.new("RGBA", (6, 4), (shade, 0, 0, 255)) for shade in (40, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    found, _, warnings = decode(buffer.getvalue(), name="x.webp")
    assert (found[..., 0] == 40).all()
    assert "first frame" in warnings[0]


MUTABLE = {"jpg": other("JPEG"), "webp": other("WEBP")} | {
    "png": GOOD,
    "tga": other("TGA"),
    "bmp": other("BMP"),
    "dds": other("DDS"),
    "apng.png": animated(),
}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(MUTABLE)), st.data())
def test_damage_never_raises_anything_else(kind: str, data: st.DataObject) -> None:
    damaged = bytearray(MUTABLE[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, min(len(damaged), 160) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    try:
        rgba, _, _ = decode(bytes(damaged[:cut]), name=f"x.{kind}")
    except SourceError:
        return
    assert rgba.shape[2] == 4
    assert rgba.dtype == np.uint8
