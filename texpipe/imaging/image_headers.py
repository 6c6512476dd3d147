"""Headers of picture files: PNG, TGA, BMP, DDS, JPEG and WebP headers, read before Pillow sees a byte.

Size and checksums are compared with what is there, and PNG metadata (profiles, EXIF, text, animation) is left out: it
can neither change pixels nor cost memory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from texpipe.imaging.dds_kinds import as_pillow_reads
from texpipe.system.limits import limit

MAX_PIXELS = limit("MAX_PIXELS", 64 * 1024 * 1024)
"""Largest number of pixels of a picture that is opened: 8192 x 8192, far more than any console's texture."""
PNG_GREY_ALPHA = 4
"""The PNG colour type of grey with alpha."""

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_GREY, _PNG_RGB = 0, 2
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, PNG_GREY_ALPHA: 2, 6: 4}
# Left, top, and steps right and down of the passes of an interlaced PNG.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_BMP_FILE_HEADER, _BMP_V4_HEADER, _BMP_BIT_FIELDS = 14, 108, 3
_BMP_32_BITS_WITHOUT_MASKS = struct.pack("<HI", 32, 0)
_BGRA_MASKS = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
_JPEG_FRAMES = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFC8, 0xFFCC}
"""Markers of a JPEG file that begin a frame header."""
_JPEG_SCAN = 0xFFDA
_WEBP_ANIMATION = 0x02
_UNKNOWN = "not a PNG, TGA, BMP, DDS, JPEG or WebP picture"
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"


class DamagedError(ValueError):
    """Why a file cannot be a picture, in a few words; becomes the message of a SourceError."""


class LimitError(DamagedError):
    """A file may be sound, but has more pixels than are read."""


class UnsupportedError(ValueError):
    """What kind of picture a sound file has that texpipe does not read; becomes the message of a SourceError."""


@dataclass(frozen=True)
class Header:
    """What a picture file says of itself, with the bytes to decode; it has pixels, and not too many.

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
            raise DamagedError(f"has no pixels ({width} x {height})")
        if width * height > MAX_PIXELS:
            raise LimitError(f"{width} x {height} pixels are more than the limit of {MAX_PIXELS:,}")


def read_header(data: bytes, name: str) -> Header:
    """Read the header of a picture file without decoding it.

    Args:
        data: the file's bytes.
        name: the file's name: TGA has no signature and must be called .tga.

    Raises:
        DamagedError: the file is empty, damaged, of another format, without pixels or larger than MAX_PIXELS.
        UnsupportedError: the file may be sound, but is of a kind that is not read.
    """
    if not data:
        raise DamagedError("the file is empty")
    try:
        for magic, reader in _READERS.items():
            if data.startswith(magic):
                return reader(data)
        if name.lower().endswith(".tga"):
            return _read_tga(data)
    except (struct.error, IndexError) as error:
        raise DamagedError("the file is truncated") from error
    raise DamagedError(_UNKNOWN)


def _read_bmp(data: bytes) -> Header:
    old_header = struct.unpack_from("<I", data, 14)[0] == 12
    width, height = struct.unpack_from("<HH" if old_header else "<ii", data, 18)
    header = Header("BMP", data, (width, abs(height)))
    return header if old_header else replace(header, data=_with_alpha(data, width * abs(height)))


def _with_alpha(data: bytes, pixels: int) -> bytes:
    """Give a BMP of 32 bits without masks a header that says where its alpha is, if its fourth bytes are alpha.

    The format says that they mean nothing, but many programs write alpha there; where they mean nothing, all are alike.
    """
    if data[28:34] != _BMP_32_BITS_WITHOUT_MASKS or len(data) < 54:
        return data
    (start,) = struct.unpack_from("<I", data, 10)
    texels = data[start : start + pixels * 4]
    if len(set(texels[3::4])) < 2:
        return data
    file = data[:10] + struct.pack("<I", _BMP_FILE_HEADER + _BMP_V4_HEADER)
    plain = struct.pack("<I", _BMP_V4_HEADER) + data[18:30] + struct.pack("<I", _BMP_BIT_FIELDS) + data[34:54]
    return file + (plain + struct.pack("<4I", *_BGRA_MASKS)).ljust(_BMP_V4_HEADER, b"\0") + texels


def _read_dds(data: bytes) -> Header:
    height, width = struct.unpack_from("<II", data, 12)
    header = Header("DDS", data, (width, height))
    readable, unread = as_pillow_reads(data)
    if unread is not None:
        raise UnsupportedError(f"a DDS format that texpipe does not read ({unread})")
    return replace(header, data=readable)


def _read_jpeg(data: bytes) -> Header:
    """Find the frame header; rotation in EXIF is passed over, as emulators pass it over."""
    at = 2
    while True:
        (marker, length) = struct.unpack_from(">HH", data, at)
        if marker in _JPEG_FRAMES:
            height, width, channels = struct.unpack_from(">HHB", data, at + 5)
            if channels not in (1, 3):
                raise UnsupportedError(f"a JPEG format that texpipe does not read ({channels} channels)")
            return Header("JPEG", data, (width, height))
        if marker >> 8 != 0xFF or marker == _JPEG_SCAN or length < 2:
            raise DamagedError("damaged JPEG file: no frame header")
        at += 2 + length


def _read_webp(data: bytes) -> Header:
    if data[8:12] != b"WEBP":
        raise DamagedError(_UNKNOWN)
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
        return Header("WEBP", data, (width, height))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header("WEBP", data, ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        animated = ("animated: only its first frame is used",) if data[20] & _WEBP_ANIMATION else ()
        return Header("WEBP", data, (width, height), warnings=animated)
    raise DamagedError("damaged WebP file: no picture")


def _read_tga(data: bytes) -> Header:
    """Hide the TGA 2.0 extension area: where it says "no alpha", Pillow overwrites alpha that games use."""
    width, height = struct.unpack_from("<HH", data, 12)
    if data.endswith(_TGA_FOOTER):
        data = data[:-26] + bytes(4) + data[-22:]
    return Header("TGA", data, (width, height))


def _read_png(data: bytes) -> Header:
    chunks = list(_png_chunks(data))
    kinds = [kind for kind, _ in chunks]
    if kinds[:1] != [b"IHDR"] or kinds.count(b"IHDR") != 1 or len(chunks[0][1]) != 13:
        raise DamagedError("damaged PNG file: no header")
    width, height, bits, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    keyed = colour_type in (_PNG_GREY, _PNG_RGB)
    header = Header(
        form="PNG",
        data=_PNG_MAGIC + b"".join(_png_chunk(*one) for one in chunks if _is_needed(one[0], keyed)),
        size=(width, height),
        bits=bits,
        colour_type=colour_type,
        key=_png_key(dict(chunks).get(b"tRNS"), colour_type, bits) if keyed else None,
        warnings=("animated: only its first frame is used",) if b"acTL" in kinds else (),
    )
    pixels = b"".join(body for kind, body in chunks if kind == b"IDAT")
    if not _inflates_to(pixels, _png_length(header, _ADAM7 if interlaced else ((0, 0, 1, 1),))):
        raise DamagedError("damaged PNG file: fewer pixels than its header says")
    return header


def _is_needed(kind: bytes, keyed: bool) -> bool:
    """Keep chunks that hold pixels, without the colour key that is dealt with here."""
    return kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND") or (kind == b"tRNS" and not keyed)


def _png_length(header: Header, passes: Iterable[tuple[int, int, int, int]]) -> int:
    """Return how many bytes the pixels of a PNG have, uncompressed, with one filter byte per row and pass."""
    if header.colour_type not in _PNG_CHANNELS:
        raise DamagedError(f"damaged PNG file: unknown colour type {header.colour_type}")
    width, height = header.size
    pixel_bits = header.bits * _PNG_CHANNELS[header.colour_type]
    sizes = ((-((left - width) // right), -((top - height) // down)) for left, top, right, down in passes)
    return sum(rows * (1 + (columns * pixel_bits + 7) // 8) for columns, rows in sizes if columns > 0)


def _inflates_to(data: bytes, length: int) -> bool:
    """Return whether zlib data inflates to at least `length` bytes, without keeping them."""
    inflater = zlib.decompressobj()
    try:
        while data and length > 0:
            length -= len(inflater.decompress(data, 1 << 20))
            data = inflater.unconsumed_tail
    except zlib.error as error:
        raise DamagedError(f"damaged PNG file: {error}") from error
    return length <= 0


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (kind, body) up to IEND, every checksum compared (Pillow compares none of pixel data)."""
    at, kind = len(_PNG_MAGIC), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != crc:
            raise DamagedError(f"damaged PNG file: wrong checksum at byte {at}")
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


_READERS: dict[bytes, Callable[[bytes], Header]] = {
    _PNG_MAGIC: _read_png,
    b"BM": _read_bmp,
    b"DDS ": _read_dds,
    b"\xff\xd8\xff": _read_jpeg,
    b"RIFF": _read_webp,
}
