"""Which files in the place of texpipe's are remains of its own, and which are somebody's work."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from packs import noise
from PIL import Image

from texpipe.formats.dds import encode_dds, mip_chain
from texpipe.formats.gliden64_cache import CacheEntry, write_hts
from texpipe.formats.readable import is_damaged
from texpipe.imaging.image_files import encode_png

PNG = encode_png(noise((8, 8), 1))


def saved_as(form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(noise((8, 8), 2)).convert("RGB").save(file, form, **options)
    return file.getvalue()


def zipped(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.png", PNG * 4)
    return file.getvalue()


def with_method(data: bytes, method: int, flags: int = 0) -> bytes:
    """A zip whose only entry says another method of compression, or is encrypted."""
    directory = data.index(b"PK\x01\x02")
    both = struct.pack("<HH", flags, method)
    data = data[:6] + both + data[10:]
    return data[: directory + 8] + both + data[directory + 12 :]


def huge_png() -> bytes:
    """A sound PNG of more pixels than texpipe reads."""
    file = io.BytesIO()
    Image.new("1", (16384, 8192)).save(file, "PNG")
    return file.getvalue()


SOMEBODYS = {
    **{f"{form}.png": saved_as(form) for form in ("GIF", "TIFF", "TGA", "WEBP", "BMP", "JPEG", "PPM")},
    "avif.png": b"\0\0\0\x20ftypavif\0\0\0\0",
    "half of a gif.png": saved_as("GIF")[:60],
    "huge.png": huge_png(),
    "layers.png": b"gimp xcf v011\0",
    "notes.png": b"to do: paint this wall",
    "a dds.png": encode_dds([noise((8, 8), 1)]),
    "a png.dds": PNG,
    "of an unknown kind.dds": b"DDS " + encode_dds([noise((8, 8), 1)])[4:84] + b"ABCD" * 11,
    "stored.rtz": zipped(zipfile.ZIP_STORED),
    "zstd.rtz": with_method(zipped(), 93),
    "lzma.rtz": zipped(zipfile.ZIP_LZMA),
    "encrypted.o2r": with_method(zipped(), zipfile.ZIP_DEFLATED, flags=1),
    "7z.zip": b"7z\xbc\xaf\x27\x1c" + bytes(40),
    "zip.hts": zipped(),
    "list.json": b"{ not JSON",
}


@pytest.mark.parametrize("name", SOMEBODYS)
def test_what_texpipe_does_not_write_is_somebodys(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(SOMEBODYS[name])
    assert not is_damaged(tmp_path / name)


@pytest.fixture
def sound(tmp_path: Path) -> dict[str, bytes]:
    """Files as texpipe writes them."""
    write_hts(tmp_path / "made.hts", [CacheEntry(1, noise((8, 8), 1), 0, 2)])
    return {
        ".png": PNG,
        ".dds": encode_dds(mip_chain(noise((8, 8), 1), cutout=False)),
        ".rtz": zipped(),
        ".hts": (tmp_path / "made.hts").read_bytes(),
    }


@pytest.mark.parametrize("suffix", [".png", ".dds", ".rtz", ".hts"])
def test_what_is_left_of_texpipes_own_files_is_damaged(
    tmp_path: Path, sound: dict[str, bytes], suffix: str
) -> None:
    file, data = tmp_path / f"a{suffix}", sound[suffix]
    file.write_bytes(data)
    assert not is_damaged(file)
    for remains in (b"", bytes(len(data)), bytes(64) + data[64:], data[: len(data) // 2]):
        file.write_bytes(remains)
        assert is_damaged(file), remains[:8]
