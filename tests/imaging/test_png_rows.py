"""The encoder that filters bands of rows at once: Pillow's bytes, wherever both have the same zlib."""

import io

import numpy as np
import pytest
from PIL import Image

from texpipe.imaging import png_rows
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
