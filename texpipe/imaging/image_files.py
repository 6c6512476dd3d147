"""Picture files to RGBA8 and back: a run opens image files only here, once `image_headers` has checked them.

Every file ends as H x W x 4 uint8 with straight alpha.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from texpipe.errors import Location, SourceError
from texpipe.imaging.image_headers import (
    MAX_PIXELS,
    PNG_GREY_ALPHA,
    DamagedError,
    Header,
    UnsupportedError,
    read_header,
)
from texpipe.storage.atomic import write_atomic
from texpipe.system.memory import MIN_CHECKED_BYTES, TooLargeError, why_too_large
from texpipe.texture import Rgba8, StoredForm

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "SIGNATURE",
    "decode",
    "decode_made",
    "encode_png",
    "encode_signed_png",
    "save_png",
    "size_of",
]

SIGNATURE = b"made by texpipe"
"""Comment in pictures that texpipe makes for people; such a picture may be made anew in its place."""

MAX_FILE_BYTES = MAX_PIXELS * 4 + (1 << 20)
"""Size in bytes of the largest file that is read: the largest picture, uncompressed, with its headers."""
_DECODE_BYTES, _DECODE16_BYTES = 25, 50
"""Memory that it takes to decode a picture, per texel, in bytes, of 8 and of 16 bits per channel;
docs/limits.md has the measures."""
_LARGE = Lock()
"""Held while a large picture is decoded."""
_EFFORT = 4
"""Compression level of PNGs: a third less time than zlib's level 6 takes, files as large (docs/performance.md)."""
_LINES = 16
"""Largest number of rows, and of columns, that tell whether a picture repeats itself."""
_DISTINCT = 0.7
"""Share of distinct rows or columns below which a picture repeats itself."""


def decode(data: bytes, *, name: str) -> tuple[Rgba8, StoredForm, tuple[str, ...]]:
    """Decode a PNG, TGA, BMP, DDS, JPEG or WebP file.

    The content decides what a file is, not its suffix; only TGA, which has no signature, must be called .tga.
    Samples of 16 bits are reduced to 8 by rounding v * 255 / 65535. EXIF rotation and colour profiles are
    ignored, as emulators ignore them.

    Args:
        data: the file's bytes.
        name: the file's name, for its suffix and for messages.

    Returns:
        The picture as H x W x 4 uint8 with straight alpha, hidden RGB as in the file; how the file held it;
        one line for each thing that had to be changed.

    Raises:
        SourceError: the file is empty, damaged, of another format, without pixels, larger than MAX_PIXELS, or takes
            more memory than there is. The message is the reason alone, the location is `name`.
    """
    try:
        header = read_header(data, name)
        with _enough_memory(header, name):
            rgba, stored, warnings = _to_rgba8(_load(header), header)
    except DamagedError as error:
        hint = "Dump this texture again, or take it out of the folder."
        raise SourceError(str(error), hint=hint, location=Location(Path(name))) from error
    except UnsupportedError as error:
        hint = "Convert it to PNG, or take it out of the folder."
        raise SourceError(f"{error}: convert it to PNG", hint=hint, location=Location(Path(name))) from error
    except (MemoryError, SourceError):
        raise
    except Exception as error:  # a damaged file can make a parser raise anything
        raise SourceError(f"damaged: {error}", location=Location(Path(name))) from error
    return rgba, stored, header.warnings + warnings


_BITS_AND_KIND = b"\x08\x06"
"""Bits per channel and colour type of the PNGs that `encode_png` makes, in their chunk IHDR."""


def decode_made(png: bytes, *, name: str) -> Rgba8:
    """Decode a PNG that `encode_png` made, in two thirds of the time: `decode` doubts everything that a file says.

    Any other file is decoded, too. Arguments, result and errors are those of `decode`.
    """
    # What is wrong with it, `decode` says. Pillow also calls 16 bits per channel RGBA, and rounds them otherwise.
    with suppress(Exception), Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        if png[24:26] == _BITS_AND_KIND and image.width * image.height * _DECODE_BYTES < MIN_CHECKED_BYTES:
            return np.array(image)
    return decode(png, name=name)[0]


def size_of(data: bytes, name: str) -> tuple[int, int] | None:
    """Return the width and height that a picture file claims, without decoding it; None where `decode` refuses it."""
    try:
        return read_header(data, name).size
    except (DamagedError, UnsupportedError):
        return None


def without_alpha(rgba: Rgba8) -> Rgba8:
    """Return H x W x 4 with the same colours, opaque everywhere."""
    return np.dstack([rgba[..., :3], np.full(rgba.shape[:2], 255, np.uint8)])


def encode_png(rgba: Rgba8) -> bytes:
    """Encode a picture as an 8-bit RGBA PNG without metadata: the same pixels give the same bytes.

    OpenCV takes half of Pillow's time for files of the same size, if it need not try all filters on each row. Of that,
    looking for repetitions takes half, and in what a network draws there are none.

    Args:
        rgba: H x W x 4 uint8, H and W at least 1.
    """
    import cv2

    options = [
        *(cv2.IMWRITE_PNG_COMPRESSION, _EFFORT),
        *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH),
    ]
    if not _repeats_itself(rgba):
        options += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    return cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), options)[1].tobytes()


def _repeats_itself(rgba: Rgba8) -> bool:
    """Tell from some lines whether a picture has equal channels, equal rows or equal columns."""
    height, width = rgba.shape[:2]
    rows, columns = rgba[:: -(-height // _LINES)], rgba[:, :: -(-width // _LINES)]
    if (rows[..., :1] == rows[..., 1:3]).all():
        return True
    return any(_distinct(lines) < _DISTINCT for lines in (rows.swapaxes(0, 1), columns))


def _distinct(lines: NDArray[np.uint8]) -> float:
    """Return the share of different lines, N x M x 4."""
    held, size = lines.tobytes(), lines[0].size
    return len({held[at : at + size] for at in range(0, len(held), size)}) / len(lines)


def encode_signed_png(rgba: Rgba8) -> bytes:
    """Encode a picture that is no texture, such as a sheet, as a PNG that says that texpipe made it: see `SIGNATURE`.

    Args:
        rgba: H x W x 4 uint8, H and W at least 1.
    """
    buffer, info = io.BytesIO(), PngInfo()
    info.add_text("Comment", SIGNATURE.decode())
    Image.fromarray(np.ascontiguousarray(rgba)).save(buffer, "PNG", compress_level=_EFFORT, pnginfo=info)
    return buffer.getvalue()


def save_png(path: Path, rgba: Rgba8) -> None:
    """Write a picture with `encode_png`, whole or not at all.

    Raises:
        PackError: the file cannot be written.
    """
    write_atomic(path, encode_png(rgba))


@contextmanager
def _enough_memory(header: Header, name: str) -> Iterator[None]:
    """Refuse a picture that takes more memory than there is; let no two large ones be decoded at once."""
    per_texel = _DECODE16_BYTES if header.bits == 16 else _DECODE_BYTES
    if header.size[0] * header.size[1] * per_texel < MIN_CHECKED_BYTES:
        yield
        return
    with _LARGE:
        if (reason := why_too_large(header.size, per_texel, "decode")) is not None:
            raise TooLargeError(reason, location=Location(Path(name)))
        yield


def _load(header: Header) -> Image.Image:
    """Decode with Pillow, which may try only the format that the header says."""
    try:
        image = Image.open(io.BytesIO(header.data), formats=[header.form])
        if image.size != header.size:
            raise DamagedError("its headers contradict each other")
        image.load()
    except UnidentifiedImageError as error:
        raise DamagedError(f"not a valid {header.form} file") from error
    except DamagedError:
        raise
    except NotImplementedError as error:
        raise UnsupportedError(f"a {header.form} format that texpipe does not read ({error})") from error
    except Exception as error:  # a damaged file can make a decoder raise anything; one must never stop a run
        raise DamagedError(f"damaged {header.form} file: {error}") from error
    return image


def _to_rgba8(image: Image.Image, header: Header) -> tuple[Rgba8, StoredForm, tuple[str, ...]]:
    if header.bits == 16:
        rgba = _reduce(_samples16(image, header), header)
        mode = "LA" if header.colour_type == PNG_GREY_ALPHA else image.mode
        return rgba, StoredForm(mode, 16), ("16 bits per channel: reduced to 8 by rounding",)
    rgba = np.array(image.convert("RGBA"), dtype=np.uint8)
    if header.key is not None:
        scale = 255 // ((1 << header.bits) - 1)
        rgba[..., 3] = np.where(_is_key(rgba[..., :3], tuple(k * scale for k in header.key)), 0, 255)
    palette = int(np.unique(np.asarray(image)).size) if image.mode == "P" else None
    return rgba, StoredForm(image.mode, header.bits, palette), ()


def _is_key(colour: NDArray[np.integer], key: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return H x W: where the colour is the transparent one. A grey key has one sample for all channels."""
    equal: NDArray[np.bool_] = np.all(colour == np.array(key), axis=-1)
    return equal


def _samples16(image: Image.Image, header: Header) -> NDArray[np.uint16]:
    """Return H x W x (1, 3 or 4) samples of a 16-bit PNG.

    Pillow keeps all 16 bits of grey pictures only and cuts the low byte off the others; OpenCV keeps it.
    """
    if image.mode == "I;16":
        return np.asarray(image, dtype=np.uint16)[..., None]
    import cv2

    bgra = cv2.imdecode(np.frombuffer(header.data, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgra is None or bgra.shape[:2] != (header.size[1], header.size[0]) or bgra.dtype != np.uint16:
        raise DamagedError("damaged PNG file: its 16-bit samples cannot be read")
    return np.asarray(bgra[..., [2, 1, 0, 3][: bgra.shape[2]]], dtype=np.uint16)


def _reduce(samples: NDArray[np.uint16], header: Header) -> Rgba8:
    """Reduce 16-bit samples to H x W x 4 uint8; the colour key is compared while it is still exact."""
    rgba = np.full((*samples.shape[:2], 4), 255, dtype=np.uint8)
    channels = samples.shape[2]
    eight = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    rgba[..., : max(channels, 3)] = eight
    if header.key is not None:
        rgba[..., 3] = np.where(_is_key(samples, header.key), 0, 255)
    return rgba
