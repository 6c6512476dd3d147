"""The encoder that filters bands of rows at once: Pillow's bytes, wherever both have the same zlib."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from texpipe.errors import SourceError
from texpipe.imaging import png_rows
from texpipe.imaging.image_files import decode_made, encode_png
from texpipe.texture import Rgba8

LEVEL = 4


def by_pillow(rgba: Rgba8) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG", compress_level=LEVEL)
    return buffer.getvalue()


def pictures() -> list[Rgba8]:
    random = np.random.default_rng(3)
    y, x = np.mgrid[0:70, 0:90]
    ramp = np.stack([2 * x, 3 * y, x + y, 255 - x], axis=-1).astype(np.uint8)
    sizes = [(1, 1), (1, 9), (9, 1), (3, 17000), (700, 3), (64, 64)]
    return [
        ramp,
        np.zeros_like(ramp),
        np.full_like(ramp, 255),
        ramp + random.integers(0, 9, ramp.shape, dtype=np.uint8),
        random.integers(0, 2, ramp.shape, dtype=np.uint8) * np.uint8(255),
        # Differences of exactly half the range, whose size is the same with either sign.
        random.integers(0, 2, ramp.shape, dtype=np.uint8) * np.uint8(128),
        *(random.integers(0, 256, (height, width, 4), dtype=np.uint8) for height, width in sizes),
    ]


@pytest.mark.parametrize("rgba", pictures(), ids=lambda one: f"{one.shape[1]}x{one.shape[0]}")
def test_the_pixels_come_back(rgba: Rgba8) -> None:
    with Image.open(io.BytesIO(png_rows.encode(rgba, LEVEL))) as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image), rgba)


@pytest.mark.parametrize("rgba", pictures(), ids=lambda one: f"{one.shape[1]}x{one.shape[0]}")
def test_the_bytes_are_those_of_pillow(rgba: Rgba8) -> None:
    if not png_rows.encodes_like(by_pillow, LEVEL):
        pytest.skip("Pillow has another zlib than Python")
    assert png_rows.encode(rgba, LEVEL) == by_pillow(rgba)


def test_bands_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [png_rows.encode(rgba, LEVEL) for rgba in pictures()]
    monkeypatch.setattr(png_rows, "_BAND_BYTES", 3 * 90 * 4)
    assert [png_rows.encode(rgba, LEVEL) for rgba in pictures()] == whole


def test_another_encoder_is_told_from_it() -> None:
    assert not png_rows.encodes_like(lambda rgba: png_rows.encode(rgba, LEVEL + 1), LEVEL)
    assert png_rows.encodes_like(lambda rgba: png_rows.encode(rgba, LEVEL), LEVEL)


def opaque(rgba: Rgba8) -> Rgba8:
    return np.dstack([rgba[..., :3], np.full(rgba.shape[:2], 255, np.uint8)])


@pytest.mark.parametrize("rgba", pictures(), ids=lambda one: f"{one.shape[1]}x{one.shape[0]}")
@pytest.mark.parametrize("optimize", [False, True])  # Pillow then tries the average, too
def test_opaque_pictures_are_known_undecoded(rgba: Rgba8, optimize: bool) -> None:
    for one in (rgba, opaque(rgba)):
        buffer = io.BytesIO()
        Image.fromarray(one).save(buffer, "PNG", optimize=optimize)
        for png in (png_rows.encode(one, LEVEL), buffer.getvalue()):
            assert png_rows.size_of(png) == (one.shape[1], one.shape[0])
            assert png_rows.is_opaque(png) == (one[..., 3].min() == 255)


@pytest.mark.parametrize("filter_type", range(5))
def test_every_filter_shows_one_texel_that_is_not_opaque(filter_type: int) -> None:
    plain = opaque(np.random.default_rng(5).integers(0, 256, (5, 6, 4), dtype=np.uint8))
    assert png_rows.is_opaque(filtered_by(plain, filter_type))
    for y, x in np.ndindex(5, 6):
        holed = plain.copy()
        holed[y, x, 3] = 254
        assert not png_rows.is_opaque(filtered_by(holed, filter_type)), (y, x)


def test_other_files_are_not_known() -> None:
    rgba = opaque(pictures()[0])
    for kind in ("RGB", "P", "LA"):
        buffer = io.BytesIO()
        Image.fromarray(rgba).convert(kind).save(buffer, "PNG")
        assert png_rows.size_of(buffer.getvalue()) is None
    whole = png_rows.encode(rgba, LEVEL)
    assert png_rows.is_opaque(whole)
    for length in range(0, len(whole) - 12, 7):
        assert not png_rows.is_opaque(whole[:length])


def filtered_by(rgba: Rgba8, filter_type: int) -> bytes:
    """Encode a picture with one filter for all rows, by the book: byte by byte."""
    height, width = rgba.shape[:2]
    lines = np.zeros((height + 1, 4 * width + 4), int)
    lines[1:, 4:] = rgba.reshape(height, -1)
    rows = bytearray()
    for y in range(1, height + 1):
        rows.append(filter_type)
        for x in range(4, 4 * width + 4):
            left, above, corner = (int(lines[at]) for at in ((y, x - 4), (y - 1, x), (y - 1, x - 4)))
            nearest = min((left, above, corner), key=lambda one: abs(left + above - corner - one))
            guess = (0, left, above, (left + above) // 2, nearest)[filter_type]
            rows.append((int(lines[y, x]) - guess) % 256)
    whole = png_rows.encode(rgba, LEVEL)
    body = zlib.compress(bytes(rows))
    chunk = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    png = whole[:33] + chunk + whole[-12:]
    with Image.open(io.BytesIO(png)) as image:
        assert np.array_equal(np.asarray(image), rgba)
    return png


def test_what_was_encoded_is_decoded_without_doubts() -> None:
    for rgba in pictures():
        assert np.array_equal(decode_made(encode_png(rgba), name="a.png"), rgba)


def test_other_files_are_decoded_too_and_damaged_ones_refused() -> None:
    rgba = opaque(pictures()[0])
    buffer = io.BytesIO()
    Image.fromarray(rgba).convert("RGB").save(buffer, "PNG")
    assert np.array_equal(decode_made(buffer.getvalue(), name="a.png"), rgba)
    with pytest.raises(SourceError):
        decode_made(encode_png(rgba)[:200], name="a.png")
