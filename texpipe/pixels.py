"""Picture files to RGBA8 and back: the only module that opens image files.

Every file ends as H x W x 4 uint8 with straight alpha. Size and checksums are looked at before Pillow sees a
byte, and PNG metadata (profiles, EXIF, text, animation) never reaches it: it can neither change pixels nor
cost memory.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from texpipe.errors import Location, SourceError
from texpipe.limits import limit
from texpipe.store import write_atomic
from texpipe.texture import Rgba8, StoredForm

MAX_PIXELS = limit("MAX_PIXELS", 64 * 1024 * 1024)
"""Largest picture that is opened, in pixels: 8192 x 8192. No console had one near it."""

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_GREY, _PNG_RGB, _PNG_GREY_ALPHA = 0, 2, 4
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Left, top, and steps right and down of the passes of an interlaced PNG.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"


class _Damaged(ValueError):
    """Why a file cannot be a picture, in a few words; becomes the message of a SourceError."""


@dataclass(frozen=True)
class _Container:
    """A picture file, looked at but not decoded; it has pixels, and not too many.

    Attributes:
        form: Pillow's name of the format.
        data: the bytes to hand to the decoder.
        size: width and height as the header says.
        bits: bits per sample.
        colour_type: the PNG colour type; None for the other formats.
        key: the PNG's transparent colour, one sample per colour channel in the file's own depth.
        warnings: what was left out.
    """

    form: str
    data: bytes
    size: tuple[int, int]
    bits: int = 8
    colour_type: int | None = None
    key: tuple[int, ...] | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        width, height = self.size
        if width < 1 or height < 1:
            raise _Damaged(f"has no pixels ({width} x {height})")
        if width * height > MAX_PIXELS:
            raise _Damaged(f"{width} x {height} pixels are more than the limit of {MAX_PIXELS:,}")


def decode(data: bytes, *, name: str) -> tuple[Rgba8, StoredForm, tuple[str, ...]]:
    """Decode a PNG, TGA, BMP or DDS file.

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
        SourceError: the file is empty, damaged, of another format, without pixels or larger than MAX_PIXELS.
            The message is the reason alone, the location is `name`.
    """
    try:
        container = _open_container(data, name)
        image = _load(container)
        rgba, stored, warnings = _to_rgba8(image, container)
    except _Damaged as error:
        hint = "Dump this texture again, or take it out of the folder."
        raise SourceError(str(error), hint=hint, location=Location(Path(name))) from error
    return rgba, stored, container.warnings + warnings


def encode_png(rgba: Rgba8) -> bytes:
    """Encode a picture as an 8-bit RGBA PNG without metadata: the same pixels give the same bytes.

    Args:
        rgba: H x W x 4 uint8, H and W at least 1.
    """
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgba)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def save_png(path: Path, rgba: Rgba8) -> None:
    """Write a picture with `encode_png`, whole or not at all.

    Raises:
        PackError: the file cannot be written.
    """
    write_atomic(path, encode_png(rgba))


def _load(container: _Container) -> Image.Image:
    """Decode with Pillow, told the one format it may try."""
    try:
        image = Image.open(io.BytesIO(container.data), formats=[container.form])
        if image.size != container.size:
            raise _Damaged("its headers contradict each other")
        image.load()
    except UnidentifiedImageError as error:
        raise _Damaged(f"not a valid {container.form} file") from error
    except _Damaged:
        raise
    except Exception as error:  # a damaged file can make a decoder raise anything; one must never stop a run
        raise _Damaged(f"damaged {container.form} file: {error}") from error
    return image


# ---- what kind of file it is


def _open_container(data: bytes, name: str) -> _Container:
    if not data:
        raise _Damaged("the file is empty")
    try:
        for magic, opener in _OPENERS.items():
            if data.startswith(magic):
                return opener(data)
        if name.lower().endswith(".tga"):
            return _open_tga(data)
    except struct.error as error:
        raise _Damaged("the file is truncated") from error
    raise _Damaged("not a PNG, TGA, BMP or DDS picture")


def _open_bmp(data: bytes) -> _Container:
    old_header = struct.unpack_from("<I", data, 14)[0] == 12
    width, height = struct.unpack_from("<HH" if old_header else "<ii", data, 18)
    return _Container("BMP", data, (width, abs(height)))


def _open_dds(data: bytes) -> _Container:
    height, width = struct.unpack_from("<II", data, 12)
    return _Container("DDS", data, (width, height))


def _open_tga(data: bytes) -> _Container:
    """Hide the TGA 2.0 extension area: where it says "no alpha", Pillow overwrites alpha that games use."""
    width, height = struct.unpack_from("<HH", data, 12)
    if data.endswith(_TGA_FOOTER):
        data = data[:-26] + bytes(4) + data[-22:]
    return _Container("TGA", data, (width, height))


def _open_png(data: bytes) -> _Container:
    chunks = list(_png_chunks(data))
    kinds = [kind for kind, _ in chunks]
    if kinds[:1] != [b"IHDR"] or kinds.count(b"IHDR") != 1 or len(chunks[0][1]) != 13:
        raise _Damaged("damaged PNG file: no header")
    width, height, bits, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    keyed = colour_type in (_PNG_GREY, _PNG_RGB)
    container = _Container(
        form="PNG",
        data=_PNG_MAGIC + b"".join(_png_chunk(*one) for one in chunks if _is_needed(one[0], keyed)),
        size=(width, height),
        bits=bits,
        colour_type=colour_type,
        key=_png_key(dict(chunks).get(b"tRNS"), colour_type, bits) if keyed else None,
        warnings=("animated: only its first frame is used",) if b"acTL" in kinds else (),
    )
    pixels = b"".join(body for kind, body in chunks if kind == b"IDAT")
    if not _inflates_to(pixels, _png_length(container, _ADAM7 if interlaced else ((0, 0, 1, 1),))):
        raise _Damaged("damaged PNG file: fewer pixels than its header says")
    return container


def _is_needed(kind: bytes, keyed: bool) -> bool:
    """Keep chunks that hold pixels, without the colour key that is dealt with here."""
    return kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND") or (kind == b"tRNS" and not keyed)


def _png_length(container: _Container, passes: Iterable[tuple[int, int, int, int]]) -> int:
    """Return how many bytes the pixels of a PNG have, uncompressed, with one filter byte per row and pass."""
    if container.colour_type not in _PNG_CHANNELS:
        raise _Damaged(f"damaged PNG file: there is no colour type {container.colour_type}")
    width, height = container.size
    pixel_bits = container.bits * _PNG_CHANNELS[container.colour_type]
    sizes = ((-((left - width) // right), -((top - height) // down)) for left, top, right, down in passes)
    return sum(rows * (1 + (columns * pixel_bits + 7) // 8) for columns, rows in sizes if columns > 0)


def _inflates_to(data: bytes, length: int) -> bool:
    """Return whether zlib data has at least so many bytes, without holding them."""
    inflater = zlib.decompressobj()
    try:
        while data and length > 0:
            length -= len(inflater.decompress(data, 1 << 20))
            data = inflater.unconsumed_tail
    except zlib.error as error:
        raise _Damaged(f"damaged PNG file: {error}") from error
    return length <= 0


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (kind, body) up to IEND, every checksum compared (Pillow compares none of pixel data)."""
    at, kind = len(_PNG_MAGIC), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != crc:
            raise _Damaged(f"damaged PNG file: wrong checksum at byte {at}")
        yield kind, body
        at += 12 + length


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _png_key(trns: bytes | None, colour_type: int, bits: int) -> tuple[int, ...] | None:
    """Return the transparent colour of a tRNS chunk; the PNG standard has its unused high bits ignored."""
    if trns is None:
        return None
    samples = struct.unpack_from(">H" if colour_type == _PNG_GREY else ">HHH", trns)
    return tuple(sample & ((1 << bits) - 1) for sample in samples)


_OPENERS: dict[bytes, Callable[[bytes], _Container]] = {
    _PNG_MAGIC: _open_png,
    b"BM": _open_bmp,
    b"DDS ": _open_dds,
}


# ---- pixels


def _to_rgba8(image: Image.Image, container: _Container) -> tuple[Rgba8, StoredForm, tuple[str, ...]]:
    if container.bits == 16:
        rgba = _reduce(_samples16(image, container), container)
        mode = "LA" if container.colour_type == _PNG_GREY_ALPHA else image.mode
        return rgba, StoredForm(mode, 16), ("16 bits per channel: reduced to 8 by rounding",)
    rgba = np.array(image.convert("RGBA"), dtype=np.uint8)
    if container.key is not None:
        scale = 255 // ((1 << container.bits) - 1)
        rgba[..., 3] = np.where(_is_key(rgba[..., :3], tuple(k * scale for k in container.key)), 0, 255)
    palette = int(np.unique(np.asarray(image)).size) if image.mode == "P" else None
    return rgba, StoredForm(image.mode, container.bits, palette), ()


def _is_key(colour: NDArray[np.integer], key: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return H x W: where the colour is the transparent one. A grey key has one sample for all channels."""
    equal: NDArray[np.bool_] = np.all(colour == np.array(key), axis=-1)
    return equal


def _samples16(image: Image.Image, container: _Container) -> NDArray[np.uint16]:
    """Return H x W x (1, 3 or 4) samples of a 16-bit PNG.

    Pillow keeps all 16 bits of grey pictures only and cuts the low byte off the others; OpenCV keeps it.
    """
    if image.mode == "I;16":
        return np.asarray(image, dtype=np.uint16)[..., None]
    import cv2

    bgra = cv2.imdecode(np.frombuffer(container.data, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgra is None or bgra.shape[:2] != (container.size[1], container.size[0]) or bgra.dtype != np.uint16:
        raise _Damaged("damaged PNG file: its 16-bit samples cannot be read")
    return np.asarray(bgra[..., [2, 1, 0, 3][: bgra.shape[2]]], dtype=np.uint16)


def _reduce(samples: NDArray[np.uint16], container: _Container) -> Rgba8:
    """Reduce 16-bit samples to H x W x 4 uint8; the colour key is compared while it is still exact."""
    rgba = np.full((*samples.shape[:2], 4), 255, dtype=np.uint8)
    channels = samples.shape[2]
    eight = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    rgba[..., : max(channels, 3)] = eight
    if container.key is not None:
        rgba[..., 3] = np.where(_is_key(samples, container.key), 0, 255)
    return rgba
