"""DDS pictures with all their mip levels: BC7, or uncompressed where a side does not fill whole blocks.

Source of the layout: Microsoft's DDS reference. The header has a DX10 part; the format is UNORM and not SRGB, because
emulators take texels as they are.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import PackError
from texpipe.texture import Rgba8

DDS_MAGIC = b"DDS "
"""First bytes of a DDS file."""
BC7_UNORM = 98
RGBA8_UNORM = 28
FORMATS = {BC7_UNORM: "BC7", RGBA8_UNORM: "RGBA8"}
"""Names of the DXGI formats that are written, by number."""

_HEADER = struct.Struct("<4s7I44x8I5I5I")
_CAPS, _HEIGHT, _WIDTH, _PITCH, _PIXELFORMAT, _MIPS, _LINEAR = 1, 2, 4, 8, 0x1000, 0x20000, 0x80000
_MIP_CAPS = 0x401008
_BLOCK = 4
_OPAQUE_MODE = 1 << 1
"""BC7's mode 1, which has no alpha: with mode 6, which the encoder also uses, an opaque texel may get alpha 254."""
_COVERED = 128
"""Smallest alpha of a texel of a cut-out that is drawn."""
_MAX_COVERAGE_ERROR = 2.0
"""Largest factor by which the drawn share of a mip level may differ from that of the picture."""


@dataclass(frozen=True)
class DdsHeader:
    """What the header of a DDS file says: size in pixels, DXGI format and number of mip levels."""

    size: tuple[int, int]
    dxgi: int
    levels: int


def encode_dds(levels: Sequence[Rgba8]) -> bytes:
    """Encode a picture with its mip levels as DDS.

    Args:
        levels: H x W x 4 uint8 each, from `mip_chain`.

    Returns:
        The file's bytes: BC7 if both sides are multiples of 4, as graphics drivers want it, else RGBA8.

    Raises:
        PackError: etcpak, which compresses BC7, is not installed.
    """
    height, width = levels[0].shape[:2]
    dxgi = _dxgi_of((width, height))
    compress = require_bc7() if dxgi == BC7_UNORM else None
    data = [level.tobytes() if compress is None else _bc7(compress, level) for level in levels]
    first = len(data[0]) if compress else width * 4
    flags = _CAPS | _HEIGHT | _WIDTH | _PIXELFORMAT | _MIPS | (_LINEAR if compress else _PITCH)
    head = (DDS_MAGIC, 124, flags, height, width, first, 0, len(levels))
    pixel_format = (32, 4, int.from_bytes(b"DX10", "little"), 0, 0, 0, 0, 0)
    caps, dx10 = (_MIP_CAPS, 0, 0, 0, 0), (dxgi, 3, 0, 1, 0)
    return _HEADER.pack(*head, *pixel_format, *caps, *dx10) + b"".join(data)


def dds_bytes(size: tuple[int, int], levels: int | None = None) -> int:
    """Return the bytes of the DDS file of a picture of this width and height, with so many levels or all."""
    width, height = size
    dxgi = _dxgi_of(size)
    each = range(max(size).bit_length() if levels is None else levels)
    return _HEADER.size + sum(_level_bytes(max(1, width >> n), max(1, height >> n), dxgi) for n in each)


def fills_blocks(size: tuple[int, int]) -> bool:
    """Return whether a picture of this width and height can be BC7: both are multiples of 4."""
    return not (size[0] % _BLOCK or size[1] % _BLOCK)


def _dxgi_of(size: tuple[int, int]) -> int:
    return BC7_UNORM if fills_blocks(size) else RGBA8_UNORM


def require_bc7() -> BC7Compressor:
    """Return the compressor.

    Raises:
        PackError: it is not installed.
    """
    try:
        return BC7Compressor()
    except ModuleNotFoundError as error:
        raise PackError(
            "DDS pictures are compressed by etcpak, which is not installed",
            hint="python -m pip install 'texpipe[dds]', or give the target the option images: png.",
        ) from error


class BC7Compressor:
    """BC7 by etcpak, its encoder's usual quality with equal weights for all channels."""

    def __init__(self) -> None:
        self._etcpak = importlib.import_module("etcpak")

    def compress(self, rgba: Rgba8) -> bytes:
        """Compress H x W x 4 uint8, H and W multiples of 4, to 16 bytes for every 4 x 4 pixels."""
        height, width = rgba.shape[:2]
        params = self._etcpak.BC7CompressBlockParams()
        params.init_linear_weights()
        if (rgba[..., 3] == 255).all():
            params.m_mode_mask = _OPAQUE_MODE
        return bytes(self._etcpak.compress_bc7(np.ascontiguousarray(rgba).tobytes(), width, height, params))


def _bc7(compressor: BC7Compressor, level: Rgba8) -> bytes:
    """Small levels are filled up to whole blocks by repeating their last texels."""
    height, width = level.shape[:2]
    return compressor.compress(
        np.pad(level, ((0, -height % _BLOCK), (0, -width % _BLOCK), (0, 0)), mode="edge")
    )


def read_dds_header(data: bytes) -> DdsHeader:
    """Read the header of a DDS file with a DX10 part.

    Raises:
        ValueError: it is another file, or too short for the levels that it claims.
    """
    if len(data) < _HEADER.size:
        raise ValueError("is not a DDS file")
    magic, _, _, height, width, _, _, levels, _, _, four, *rest = _HEADER.unpack_from(data)
    if magic != DDS_MAGIC or four != int.from_bytes(b"DX10", "little"):
        raise ValueError("is not a DDS file with a DX10 header")
    dxgi = int(rest[-5])
    if dxgi not in FORMATS:
        raise ValueError(f"has the DXGI format {dxgi}, not {' or '.join(map(str, FORMATS))}")
    if not (0 < width <= 1 << 15 and 0 < height <= 1 << 15 and 0 < levels <= 16):
        raise ValueError(f"claims {width} x {height} pixels and {levels} levels")
    wanted = sum(_level_bytes(max(1, width >> n), max(1, height >> n), dxgi) for n in range(levels))
    if len(data) != _HEADER.size + wanted:
        raise ValueError(f"has {len(data):,} bytes instead of {_HEADER.size + wanted:,}")
    return DdsHeader((width, height), dxgi, levels)


def _level_bytes(width: int, height: int, dxgi: int) -> int:
    return -(-width // _BLOCK) * -(-height // _BLOCK) * 16 if dxgi == BC7_UNORM else width * height * 4


def mip_chain(rgba: Rgba8, *, cutout: bool) -> list[Rgba8]:
    """Return a picture and all its smaller levels, down to one pixel.

    Every pixel of a level is the mean of the area that it covers, colours weighted by alpha. A mean of whole areas
    never reaches over a border, so a texture that wraps keeps wrapping.

    Args:
        rgba: H x W x 4 uint8.
        cutout: alpha is a yes or no: keep the share of the picture that is drawn (alpha of at least 128) in every
            level, so that leaves and fences do not thin out with distance (Castano, "Computing Alpha Mipmaps").

    Returns:
        The levels; each side is half the one before, rounded down.
    """
    levels = [np.ascontiguousarray(rgba)]
    covered = float((rgba[..., 3] >= _COVERED).mean())
    alpha = rgba[..., 3:].astype(np.float64)
    premultiplied = np.concatenate([rgba[..., :3] * alpha, alpha], axis=2)
    while max(premultiplied.shape[:2]) > 1:
        premultiplied = np.moveaxis(_halved(np.moveaxis(_halved(premultiplied), 1, 0)), 1, 0)
        level = _straight(premultiplied)
        levels.append(_with_coverage(level, covered) if cutout else level)
    return levels


def _halved(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Halve the first axis, rounded down: means of two lines, of an odd number of lines shares of three."""
    count = len(lines)
    half = count // 2
    if count % 2 == 0:
        return (lines[0::2] + lines[1::2]) / 2
    if count == 1:
        return lines
    place = np.arange(half, dtype=np.float64)[:, None, None]
    shares = (half - place) * lines[0:-1:2] + half * lines[1::2] + (place + 1) * lines[2::2]
    return np.asarray(shares / count)


def _straight(premultiplied: NDArray[np.float64]) -> Rgba8:
    alpha = premultiplied[..., 3:]
    colour = premultiplied[..., :3] / np.maximum(alpha, 1e-9)
    rgba: Rgba8 = np.rint(np.concatenate([colour, alpha], axis=2)).clip(0, 255).astype(np.uint8)
    return rgba


def _with_coverage(level: Rgba8, covered: float) -> Rgba8:
    """Scale alpha so that the share that is at least half opaque comes nearest to the wanted one.

    A pattern of few distinct alphas may offer no share near it: then alpha stays as it is.
    """
    alpha = level[..., 3]
    values, counts = np.unique(alpha[alpha > 0], return_counts=True)
    if covered == 0 or not len(values):
        return level
    shares = np.cumsum(counts[::-1])[::-1] / alpha.size
    errors = np.abs(np.log(shares / covered))
    if errors.min() > np.log(_MAX_COVERAGE_ERROR):
        return level
    factor = _COVERED / values[errors.argmin()].astype(np.float64)
    scaled = np.ceil(alpha * factor - 1e-9).clip(0, 255).astype(np.uint8)
    return np.dstack([level[..., :3], scaled])
