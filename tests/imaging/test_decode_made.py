"""PNGs that texpipe made are decoded with fewer doubts, and to the same pixels."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from texpipe.errors import SourceError
from texpipe.imaging.image_files import decode, decode_made, encode_png
from texpipe.texture import Rgba8


def picture(height: int, width: int) -> Rgba8:
    return np.random.default_rng(3).integers(0, 256, (height, width, 4), dtype=np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (64, 48)])
def test_what_was_encoded_is_decoded(size: tuple[int, int]) -> None:
    rgba = picture(*size)
    assert np.array_equal(decode_made(encode_png(rgba), name="a.png"), rgba)


@pytest.mark.parametrize("kind", ["RGB", "P", "LA", "L"])
def test_other_files_are_decoded_as_those_of_strangers(kind: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture(12, 20)).convert(kind).save(buffer, "PNG")
    expected, _, _ = decode(buffer.getvalue(), name="a.png")
    assert np.array_equal(decode_made(buffer.getvalue(), name="a.png"), expected)


def test_16_bits_per_channel_are_rounded() -> None:
    rows = np.random.default_rng(4).integers(0, 1 << 16, (6, 7, 4), dtype=np.uint16)
    png = cv2.imencode(".png", rows)[1].tobytes()
    expected, _, _ = decode(png, name="a.png")
    assert np.array_equal(decode_made(png, name="a.png"), expected)


@pytest.mark.parametrize("length", [0, 20, 200])
def test_damaged_files_are_refused(length: int) -> None:
    with pytest.raises(SourceError):
        decode_made(encode_png(picture(40, 40))[:length], name="a.png")
