"""Archives of Ship of Harkinian, as tests need them."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from texpipe.imaging.texel_formats import decode, encode

NUMBERS = {"rgba32": 1, "rgba16": 2, "ci4": 3, "ci8": 4, "i4": 5, "i8": 6, "ia4": 7, "ia8": 8, "ia16": 9}
BYTES = {"rgba32": 4, "rgba16": 2, "ia16": 2, "ci8": 1, "i8": 1, "ia8": 1, "ci4": 0.5, "i4": 0.5, "ia4": 0.5}


def original(texels, rgba, version=0, order="<"):
    """A resource as the game's archive holds it."""
    data = encode(rgba, texels).data
    header = struct.pack(order + "BBHIIQ", order == ">", 0, 0, 0x4F544558, version, 0xDEADBEEFDEADBEEF)
    extra = struct.pack(order + "Iff", 0, 1.0, 1.0) if version else b""
    size = struct.pack(order + "III", NUMBERS[texels], rgba.shape[1], rgba.shape[0])
    return header.ljust(64, b"\0") + size + extra + struct.pack(order + "I", len(data)) + data


def resources(texels, rgba, name: str) -> dict[str, bytes]:
    """A texture, and its palette if it has one, by their paths in the game's archive."""
    found = {f"objects/{name}/g{name}Tex": original(texels, rgba)}
    palette = encode(rgba, texels).palette
    if palette is not None:
        side = {"ci4": 4, "ci8": 16}[texels]
        colours = decode(palette.ljust(2 * side**2, b"\0"), (side, side), "rgba16")
        found[f"objects/{name}/g{name}TLUT"] = original("rgba16", colours)
    return found


def write_archive(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path
