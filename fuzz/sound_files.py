"""Small sound files of every kind that texpipe reads; fuzzing, benchmarks and tests start from them."""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image

from texpipe.formats.archive import zip_writer
from texpipe.formats.dds import encode_dds, mip_chain
from texpipe.formats.gliden64_cache import CacheEntry, write_htc, write_hts
from texpipe.formats.otex import HEADER_BYTES, write_replacement
from texpipe.manifest.file import write_manifest
from texpipe.manifest.schema import Entry, Manifest, ModelId, Output, RecipeId, summarise
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.texture import Edges, Rgba8


def texture(size: tuple[int, int] = (16, 12)) -> Rgba8:
    """Return H x W x 4 uint8 of seeded noise."""
    return np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), np.uint8)


def encoded(kind: str, *modes: str) -> tuple[bytes, ...]:
    """Return the picture in one format of files, once for each of Pillow's modes."""

    def encode(mode: str) -> bytes:
        picture = Image.fromarray(texture())
        file = io.BytesIO()
        (picture.convert("L").convert("I;16") if mode == "I;16" else picture.convert(mode)).save(file, kind)
        return file.getvalue()

    return tuple(encode(mode) for mode in modes)


def pngs() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return encoded("PNG", "RGBA", "P", "I;16", "L")


def tgas() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return encoded("TGA", "RGBA", "RGB", "P")


def bmps() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return encoded("BMP", "P", "RGB")


def jpegs() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return encoded("JPEG", "RGB", "L")


def webps() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return encoded("WEBP", "RGBA", "RGB")


def ddss() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return encoded("DDS", "RGBA")


def with_checksums(data: bytes) -> bytes:
    """Make the checksums of a PNG's chunks fit, as far as there are chunks."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        end = at + 8 + struct.unpack_from(">I", out, at)[0]
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)


def tims() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    rng = np.random.default_rng(0)
    sixteen = struct.pack("<IIIHHHH", 0x10, 2, 12 + 2 * 8 * 6, 0, 0, 8, 6) + rng.bytes(96)
    colours = struct.pack("<IHHHH", 12 + 32 * 2, 0, 480, 16, 2) + rng.bytes(64)
    four = struct.pack("<II", 0x10, 8) + colours + struct.pack("<IHHHH", 12 + 16, 0, 0, 2, 4) + rng.bytes(16)
    true_colour = struct.pack("<IIIHHHH", 0x10, 3, 12 + 2 * 12 * 6, 0, 0, 12, 6) + rng.bytes(144)
    return sixteen, four, four + sixteen, true_colour


HASH = "0123456789abcdef"
TMEM, TILE = f"{HASH}.v5.tmem", f"{HASH}.v5.tile.json"
TILE_FIELDS = {
    "fmt": 0,
    "siz": 2,
    "line": 2,
    "tmem": 0,
    "palette": 0,
    "cms": 0,
    "masks": 3,
    "cmt": 2,
    "maskt": 3,
}


def tiles() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return (json.dumps({"width": 8, "height": 8, "tlut": "None", "tile": TILE_FIELDS}).encode(),)


def memories() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return (np.random.default_rng(0).bytes(4096),)


def made(name: str, make: Callable[[Path], object]) -> tuple[bytes, ...]:
    """Return the bytes of a file that a function writes under this name."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder) / name)
        return ((Path(folder) / name).read_bytes(),)


def cache_file(name: str, write: Any, rgba: Rgba8) -> tuple[bytes, ...]:  # noqa: ANN401
    """Return a cache of GLideN64 with one picture under two keys."""
    entries = [CacheEntry(key, rgba, fmt=0, siz=2) for key in (0x1234, 0xFFFF0000FFFF)]
    return made(name, lambda path: write(path, entries))


def htss() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return (*cache_file("PACK.hts", write_hts, texture()), _old_hts())


def _old_hts() -> bytes:
    """Return a cache of an old GLideN64: 16 bits per pixel, deflated."""
    pixels = zlib.compress(np.random.default_rng(0).bytes(16 * 12 * 2))
    record = struct.pack("<IIIHHBI", 16, 12, 0x8056 | 0x80000000, 0x1908, 0x8033, 1, len(pixels)) + pixels
    table = struct.pack("<iQQ", 1, 0x1234, 12)
    return struct.pack("<Iq", 0x40A20000, 12 + len(record)) + record + table


def htcs() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    (packed,) = cache_file("PACK.htc", write_htc, texture())
    return packed, gzip.decompress(packed), _zstd(gzip.decompress(packed))


def _zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd.compress(data)
    import zstandard

    return zstandard.compress(data)


def archive(entries: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """Return a zip archive."""

    def make(path: Path) -> None:
        with zip_writer(path) as archive:
            for name, data in entries.items():
                archive.add(PurePosixPath(name), data)

    return made("a.zip", make)


def o2rs() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    rgba = texture()
    head = bytearray(write_replacement(rgba, "rgba32", (16, 12))[:HEADER_BYTES])
    struct.pack_into("<I", head, 8, 0)  # of the game, not a replacement
    body = struct.pack("<IIII", 1, 16, 12, rgba.nbytes) + rgba.tobytes()
    return archive({"objects/a/gTex": bytes(head) + body, "objects/a/other": b"no texture"})


def rtzs() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    textures = [{"path": "a.dds", "hashes": {"rt64": HASH, "rice": ""}}]
    listed = json.dumps(
        {"configuration": {"configurationVersion": 3, "hashVersion": 5}, "textures": textures}
    ).encode()
    return archive({"rt64.json": listed, "a.dds": encode_dds(mip_chain(texture((6, 5)), cutout=False))})


def recipes() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    folder = Path(__file__).parents[1] / "recipes"
    return tuple(path.read_bytes() for path in sorted(folder.glob("*.yaml")))


def ctts() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return (
        b"Title\nout\n8x8\n2\n1\n1\n0:0:0:0\n32x32\na.png\nb.png\n",
        b"Strips\nout\n324x8\n1\n2\n0\n0:0:2:4\n900x20\na.png\nb.png=c.png\nsst1=d.png\n",
    )


def network() -> dict[str, torch.Tensor]:
    """Return the weights of a tiny network."""
    torch.manual_seed(0)
    return RRDBNet(num_feat=4, num_block=1, num_grow_ch=4).state_dict()


def safetensors() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return made("a.safetensors", lambda path: save_safetensors(path, network(), {"texpipe": "seed"}))


def pickles() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return made("a.pth", lambda path: torch.save(network(), path))


def manifests() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    written = Output("folder", "folder/a.png", "01" * 32, (64, 48))
    entries = (
        Entry("a.png", "written", "ef" * 32, (16, 12), alpha="opaque", edges=Edges(), outputs=(written,)),
        Entry("b.png", "failed", reason="the file is empty"),
    )
    recipe, model = RecipeId("seed", "ab" * 32), ModelId("tiny", "cd" * 32, None)
    manifest = Manifest("0", recipe, model, 4, ("folder",), entries, summarise(entries, ignored=1))
    return made("manifest.json", lambda path: write_manifest(path, manifest))


def jsons() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    textures = [{"path": "a.dds", "hashes": {"rt64": HASH, "rice": "0000abcd#0#2"}}]
    return (json.dumps({"configuration": {"hashVersion": 5}, "textures": textures}).encode(),)


def configs() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    title = "texupload-P4-0123456789ABCDEF-FEDCBA9876543210-64x32-0-0-64x32-P0-15"
    text = f"# settings\nReducePaletteRange: false\nMaxHashCacheEntries: 1200\nAliases:\n  {title}: a.png\n"
    return (text.encode(), text.encode("utf-16"), b"{ReducePaletteRange: false, Aliases: {}}")


def lists() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    text = (
        '[options]\nversion = 1\nhash = xxh64 # as dumped\n[hashes]\n0894abcd0000000012345678_1 = "a b.png"\n'
    )
    return (text.encode(), text.encode("utf-8-sig"), text.replace("\n", "\r\n").encode())


def name_lists() -> tuple[bytes, ...]:
    """Return sound files of one kind."""
    return (
        b"THE LEGEND OF ZELDA#1A2B3C4D#0#2_all.png\nGAME#1A2B3C4D#2#1#0BADF00D_ciByRGBA.png",
        f"{TMEM}\nGAME#1A2B3C4D#4#1_rgb.png".encode(),
        b"tex1_64x64_m_0123456789abcdef_fedcba9876543210_9.png",
        b"texupload-P4-0123456789ABCDEF-FEDCBA9876543210-64x32-0-0-64x32-P0-15.png",
        b"assets/objects/gameplay_keep/gNameTex.rgba16.png",
    )
