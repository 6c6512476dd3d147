"""PNGs of RGBA8 pictures, row by row: encoded with the bytes of Pillow in less time, and asked without being decoded.

To find the best filter of each row Pillow looks at one byte after the other. Here a band of rows is filtered at once,
by NumPy and OpenCV; then both leave it to zlib. Pillow may have another zlib than Python, though, with other bytes and
another speed: `encodes_like` tells.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.image_headers import MAX_PIXELS
from texpipe.texture import Rgba8

Size = tuple[int, int]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGBA8 = (8, 6, 0, 0, 0)
"""Bits per channel, colour type, and three methods of which there is one each."""
_PIXEL = 4
"""Bytes of a pixel."""
_WINDOW_BITS, _MEMORY = 15, 9
_CHUNK_BYTES = 1 << 16
"""Compressed bytes in a chunk, unless a row of the picture has more."""
_BAND_BYTES = 1 << 18
"""Bytes that are filtered at a time."""
_FILTERS = np.array([0, 2, 1, 4], np.uint8)
"""None, up, sub and Paeth, in the order in which they are preferred."""

_HEAD_BYTES = 33
"""Bytes of the signature and of the chunk IHDR."""
_OPAQUE_FIRST = np.array([255, 255, 0, 128, 0], np.uint8)
_OPAQUE_OTHERS = np.array([255, 0, 0, 0, 0], np.uint8)
_OPAQUE_TOP = ((255, 255), (255, 0), (255, 255), (255, 128), (255, 0))
"""What the filters none, sub, up, average and Paeth leave of alpha that is 255: of the first pixel of a row, of all
others, and of both in the first row, above which there is nothing."""

_Bytes = NDArray[np.uint8]


def encode(rgba: Rgba8, level: int) -> bytes:
    """Encode a picture as an 8-bit RGBA PNG without metadata.

    Args:
        rgba: H x W x 4 uint8, contiguous, H and W at least 1.
        level: of zlib, 1 to 9.
    """
    height, width = rgba.shape[:2]
    packer = zlib.compressobj(level, zlib.DEFLATED, _WINDOW_BITS, _MEMORY, zlib.Z_FILTERED)
    parts = [packer.compress(band.data) for band in _filtered(rgba.reshape(height, -1))]
    packed = b"".join([*parts, packer.flush()])
    size = max(_CHUNK_BYTES, width * _PIXEL)
    chunks = [_chunk(b"IDAT", packed[at : at + size]) for at in range(0, len(packed), size)]
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *_RGBA8))
    return b"".join([_SIGNATURE, head, *chunks, _chunk(b"IEND", b"")])


def encodes_like(other: Callable[[Rgba8], bytes], level: int) -> bool:
    """Return whether another encoder gives the same bytes, for a picture with structure and noise."""
    y, x = np.mgrid[0:96, 0:128]
    noise = np.random.default_rng(0).integers(0, 24, (96, 128))
    probe = np.stack([2 * x + noise, 2 * y, x * y // 64, 255 * (x // 8 % 3 > 0)], axis=-1).astype(np.uint8)
    return encode(probe, level) == other(probe)


def size_of(png: bytes) -> Size | None:
    """Return width and height of an 8-bit RGBA PNG that is not interlaced; None of any other file."""
    try:
        return _size(png)
    except Exception:  # whatever a file makes a parser raise, `decode` says what is wrong with it
        return None


def _size(png: bytes) -> Size | None:
    if len(png) < _HEAD_BYTES or not png.startswith(_SIGNATURE) or png[12:16] != b"IHDR":
        return None
    width, height, *kind = struct.unpack_from(">IIBBBBB", png, 16)
    return (width, height) if tuple(kind) == _RGBA8 and 0 < width * height <= MAX_PIXELS else None


def is_opaque(png: bytes) -> bool:
    """Return whether a PNG that `size_of` knows is whole, and opaque everywhere.

    Where all alpha is 255, each filter leaves the same differences of it whatever the colours are. So the rows are
    inflated, and their filters are not undone, which takes longer.
    """
    try:
        rows = _inflated(png)
    except Exception:  # as in `size_of`
        rows = None
    if rows is None:
        return False
    filters, alpha = rows[:, 0], rows[:, _PIXEL::_PIXEL]
    if filters.max() >= len(_OPAQUE_FIRST):
        return False
    first, others = _OPAQUE_FIRST[filters], _OPAQUE_OTHERS[filters]
    first[0], others[0] = _OPAQUE_TOP[filters[0]]
    return bool((alpha[:, 0] == first).all() and (alpha[:, 1:] == others[:, None]).all())


def _inflated(png: bytes) -> _Bytes | None:
    """Return the rows, H x (1 + 4 W), each behind the number of its filter; None if they are not whole."""
    size = _size(png)
    if size is None:
        return None
    width, height = size
    length = height * (1 + _PIXEL * width)
    inflated = zlib.decompressobj().decompress(b"".join(_image_data(png)), length)
    return np.frombuffer(inflated, np.uint8).reshape(height, -1) if len(inflated) == length else None


def _image_data(png: bytes) -> Iterator[bytes]:
    at, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind == b"IDAT":
            yield png[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join(
        [struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))]
    )


def _filtered(lines: _Bytes) -> Iterator[_Bytes]:
    """Yield H x N bytes in bands, each row with the number of its filter before it."""
    height, length = lines.shape
    band = max(1, _BAND_BYTES // length)
    for top in range(0, height, band):
        rows = lines[top : top + band]
        # What lies above the first row and to the left of the first pixel is zero.
        framed = np.zeros((len(rows) + 1, length + _PIXEL), np.uint8)
        framed[1:, _PIXEL:] = rows
        if top:
            framed[0, _PIXEL:] = lines[top - 1]
        yield _best(framed)


def _best(framed: _Bytes) -> _Bytes:
    """Filter the rows of (H + 1) x (4 + N) bytes, each by the filter whose differences have the least sum of sizes."""
    rows, left = framed[1:, _PIXEL:], framed[1:, :-_PIXEL]
    above, corner = framed[:-1, _PIXEL:], framed[:-1, :-_PIXEL]
    tried = (rows, rows - above, rows - left, rows - _paeth(left, above, corner))
    chosen = np.argmin([_sizes(one) for one in tried], axis=0)
    found = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    found[:, 0] = _FILTERS[chosen]
    for number, one in enumerate(tried):
        mine = chosen == number
        found[mine, 1:] = one[mine]
    return found


def _sizes(differences: _Bytes) -> NDArray[np.int32]:
    """Return the sum of sizes of each row of differences, taken as numbers from -128 to 127."""
    import cv2

    sizes = np.abs(np.ascontiguousarray(differences).view(np.int8)).view(np.uint8)
    return np.asarray(cv2.reduce(sizes, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S))[:, 0]


def _paeth(left: _Bytes, above: _Bytes, corner: _Bytes) -> _Bytes:
    """Return which of three neighbours is nearest to left + above - corner: of equals the left, then the one above."""
    import cv2

    to_left, to_above = cv2.absdiff(above, corner), cv2.absdiff(left, corner)
    # The distance of the corner is the sum of both where they point the same way, else their difference. The sum may
    # be cut at 255: it is not less than either.
    apart = cv2.bitwise_xor(cv2.compare(left, corner, cv2.CMP_GE), cv2.compare(above, corner, cv2.CMP_GE))
    to_corner = cv2.add(to_left, to_above)
    cv2.copyTo(cv2.absdiff(to_left, to_above), apart, to_corner)
    nearest = cv2.copyTo(above, cv2.compare(to_above, to_corner, cv2.CMP_LE), corner.copy())
    is_left = cv2.compare(to_left, cv2.min(to_above, to_corner), cv2.CMP_LE)
    return np.asarray(cv2.copyTo(left, is_left, nearest))
