"""All parsers of untrusted files, with small valid files to start from: one list for fuzzing, benchmark and tests.

A reader may accept a file or refuse it with one of texpipe's errors; any other exception is a finding.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image

from texpipe.errors import PackError, SourceError, TexpipeError
from texpipe.formats import known_targets, parse_name, rt64
from texpipe.formats.archive import zip_writer
from texpipe.formats.dds import encode_dds, mip_chain
from texpipe.formats.duckstation_config import read_config
from texpipe.formats.gliden64_cache import CacheEntry, write_htc, write_hts
from texpipe.formats.otex import HEADER_BYTES, write_replacement
from texpipe.formats.ppsspp_list import read_list
from texpipe.formats.rt64_hashes import read_hashes
from texpipe.manifest.file import read_manifest, write_manifest
from texpipe.manifest.schema import Entry, Manifest, ModelId, Output, RecipeId, summarise
from texpipe.networks.checkpoint import load, save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.ctt import read_ctt
from texpipe.recipe.load import load_recipe
from texpipe.storage.small_files import read_json
from texpipe.texture import Edges, Rgba8

Read: TypeAlias = Callable[[Path], object]
Seeds: TypeAlias = Callable[[], tuple[bytes, ...]]


@dataclass(frozen=True, eq=False)
class Target:
    """A parser.

    Attributes:
        name: name of the target, and of its folder in `fuzz/corpus`.
        file: name to give a file, for what the parser makes of its suffix.
        read: what is tried.
        seeds: makes sound files.
        beside: other files that the parser wants there, by name.
        mend: applied to every file: makes checksums fit again, so that damage gets behind them.
    """

    name: str
    file: str
    read: Read
    seeds: Seeds
    beside: Mapping[str, bytes] = field(default_factory=dict)
    mend: Callable[[bytes], bytes] = bytes

    def outcome(self, data: bytes, folder: Path) -> str:
        """Read a file with these bytes, put into a folder: `read`, or `refused` by an error of texpipe's.

        Raises:
            Exception: whatever else comes out of the parser.
        """
        for name, content in self.beside.items():
            (folder / name).write_bytes(content)
        (folder / self.file).write_bytes(self.mend(data))
        try:
            self.read(folder / self.file)
        except TexpipeError:
            return "refused"
        return "read"


# ---- readers


def _textures(path: Path) -> None:
    """Read whatever textures a file holds, as a run does."""
    found = scan(path)
    for source in found.sources:
        decode(source)
    if found.unusable:
        raise SourceError(found.unusable[0][1])


def _tile(path: Path) -> None:
    _textures(path.with_name(_TMEM))


def _recipe(path: Path) -> object:
    return load_recipe(path, known_targets())


def _json(path: Path) -> object:
    return read_json(path, 1 << 26)


def _rtz(path: Path) -> None:
    problems = rt64.check(path.parent, [PurePosixPath(path.name)])
    if problems:
        raise PackError(problems[0])


def _names(path: Path) -> None:
    for line in path.read_text("utf-8", "replace").split("\n"):
        parse_name(line)


def _trusted(path: Path) -> object:
    return load(path, trust=True)


# ---- sound files


def _picture(size: tuple[int, int] = (16, 12)) -> Rgba8:
    return np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), np.uint8)


def _encoded(kind: str, *modes: str) -> tuple[bytes, ...]:
    def encode(mode: str) -> bytes:
        picture = Image.fromarray(_picture())
        file = io.BytesIO()
        (picture.convert("L").convert("I;16") if mode == "I;16" else picture.convert(mode)).save(file, kind)
        return file.getvalue()

    return tuple(encode(mode) for mode in modes)


def _pngs() -> tuple[bytes, ...]:
    return _encoded("PNG", "RGBA", "P", "I;16", "L")


def _tgas() -> tuple[bytes, ...]:
    return _encoded("TGA", "RGBA", "RGB", "P")


def _bmps() -> tuple[bytes, ...]:
    return _encoded("BMP", "P", "RGB")


def _jpegs() -> tuple[bytes, ...]:
    return _encoded("JPEG", "RGB", "L")


def _webps() -> tuple[bytes, ...]:
    return _encoded("WEBP", "RGBA", "RGB")


def _ddss() -> tuple[bytes, ...]:
    return _encoded("DDS", "RGBA")


def _with_checksums(data: bytes) -> bytes:
    """Make the checksums of a PNG's chunks fit, as far as there are chunks."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        end = at + 8 + struct.unpack_from(">I", out, at)[0]
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)


def _tims() -> tuple[bytes, ...]:
    rng = np.random.default_rng(0)
    sixteen = struct.pack("<IIIHHHH", 0x10, 2, 12 + 2 * 8 * 6, 0, 0, 8, 6) + rng.bytes(96)
    colours = struct.pack("<IHHHH", 12 + 32 * 2, 0, 480, 16, 2) + rng.bytes(64)
    four = struct.pack("<II", 0x10, 8) + colours + struct.pack("<IHHHH", 12 + 16, 0, 0, 2, 4) + rng.bytes(16)
    return sixteen, four, four + sixteen


_HASH = "0123456789abcdef"
_TMEM, _TILE = f"{_HASH}.v5.tmem", f"{_HASH}.v5.tile.json"
_TILE_FIELDS = {
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


def _tiles() -> tuple[bytes, ...]:
    return (json.dumps({"width": 8, "height": 8, "tlut": "None", "tile": _TILE_FIELDS}).encode(),)


def _memories() -> tuple[bytes, ...]:
    return (np.random.default_rng(0).bytes(4096),)


def _made(name: str, make: Callable[[Path], object]) -> tuple[bytes, ...]:
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder) / name)
        return ((Path(folder) / name).read_bytes(),)


def _cache(name: str, write: Any) -> tuple[bytes, ...]:  # noqa: ANN401
    entries = [CacheEntry(key, _picture(), fmt=0, siz=2) for key in (0x1234, 0xFFFF0000FFFF)]
    return _made(name, lambda path: write(path, entries))


def _htss() -> tuple[bytes, ...]:
    return _cache("PACK.hts", write_hts)


def _htcs() -> tuple[bytes, ...]:
    return _cache("PACK.htc", write_htc)


def _archive(entries: Mapping[str, bytes]) -> tuple[bytes, ...]:
    def make(path: Path) -> None:
        with zip_writer(path) as archive:
            for name, data in entries.items():
                archive.add(PurePosixPath(name), data)

    return _made("a.zip", make)


def _o2rs() -> tuple[bytes, ...]:
    rgba = _picture()
    head = bytearray(write_replacement(rgba, "rgba32", (16, 12))[:HEADER_BYTES])
    struct.pack_into("<I", head, 8, 0)  # of the game, not a replacement
    body = struct.pack("<IIII", 1, 16, 12, rgba.nbytes) + rgba.tobytes()
    return _archive({"objects/a/gTex": bytes(head) + body, "objects/a/other": b"no texture"})


def _rtzs() -> tuple[bytes, ...]:
    textures = [{"path": "a.dds", "hashes": {"rt64": _HASH, "rice": ""}}]
    listed = json.dumps(
        {"configuration": {"configurationVersion": 3, "hashVersion": 5}, "textures": textures}
    ).encode()
    return _archive({"rt64.json": listed, "a.dds": encode_dds(mip_chain(_picture((6, 5)), cutout=False))})


def _recipes() -> tuple[bytes, ...]:
    folder = Path(__file__).parents[1] / "recipes"
    return tuple(path.read_bytes() for path in sorted(folder.glob("*.yaml")))


def _ctts() -> tuple[bytes, ...]:
    return (
        b"Title\nout\n8x8\n2\n1\n1\n0:0:0:0\n32x32\na.png\nb.png\n",
        b"Strips\nout\n324x8\n1\n2\n0\n0:0:2:4\n900x20\na.png\nb.png=c.png\nsst1=d.png\n",
    )


def _network() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return RRDBNet(num_feat=4, num_block=1, num_grow_ch=4).state_dict()


def _safetensors() -> tuple[bytes, ...]:
    return _made("a.safetensors", lambda path: save_safetensors(path, _network(), {"texpipe": "seed"}))


def _pickles() -> tuple[bytes, ...]:
    return _made("a.pth", lambda path: torch.save(_network(), path))


def _manifests() -> tuple[bytes, ...]:
    written = Output("folder", "folder/a.png", "01" * 32, (64, 48))
    entries = (
        Entry("a.png", "written", "ef" * 32, (16, 12), alpha="opaque", edges=Edges(), outputs=(written,)),
        Entry("b.png", "failed", reason="the file is empty"),
    )
    recipe, model = RecipeId("seed", "ab" * 32), ModelId("tiny", "cd" * 32, None)
    manifest = Manifest("0", recipe, model, 4, ("folder",), entries, summarise(entries, ignored=1))
    return _made("manifest.json", lambda path: write_manifest(path, manifest))


def _jsons() -> tuple[bytes, ...]:
    textures = [{"path": "a.dds", "hashes": {"rt64": _HASH, "rice": "0000abcd#0#2"}}]
    return (json.dumps({"configuration": {"hashVersion": 5}, "textures": textures}).encode(),)


def _configs() -> tuple[bytes, ...]:
    title = "texupload-P4-0123456789ABCDEF-FEDCBA9876543210-64x32-0-0-64x32-P0-15"
    text = f"# settings\nReducePaletteRange: false\nMaxHashCacheEntries: 1200\nAliases:\n  {title}: a.png\n"
    return (text.encode(), text.encode("utf-16"), b"{ReducePaletteRange: false, Aliases: {}}")


def _lists() -> tuple[bytes, ...]:
    text = (
        '[options]\nversion = 1\nhash = xxh64 # as dumped\n[hashes]\n0894abcd0000000012345678_1 = "a b.png"\n'
    )
    return (text.encode(), text.encode("utf-8-sig"), text.replace("\n", "\r\n").encode())


def _name_lists() -> tuple[bytes, ...]:
    return (
        b"THE LEGEND OF ZELDA#1A2B3C4D#0#2_all.png\nGAME#1A2B3C4D#2#1#0BADF00D_ciByRGBA.png",
        f"{_TMEM}\nGAME#1A2B3C4D#4#1_rgb.png".encode(),
        b"tex1_64x64_m_0123456789abcdef_fedcba9876543210_9.png",
        b"texupload-P4-0123456789ABCDEF-FEDCBA9876543210-64x32-0-0-64x32-P0-15.png",
        b"assets/objects/gameplay_keep/gNameTex.rgba16.png",
    )


TARGETS = (
    Target("png", "a.png", _textures, _pngs),
    Target("png-body", "a.png", _textures, _pngs, mend=_with_checksums),
    Target("tga", "a.tga", _textures, _tgas),
    Target("bmp", "a.bmp", _textures, _bmps),
    Target("dds", "a.dds", _textures, _ddss),
    Target("jpeg", "a.jpg", _textures, _jpegs),
    Target("jpeg-by-another-name", "a.jpeg", _textures, _jpegs),
    Target("webp", "a.webp", _textures, _webps),
    Target("tim", "a.tim", _textures, _tims),
    Target("tmem", _TMEM, _textures, _memories, beside={_TILE: _tiles()[0]}),
    Target("tile", _TILE, _tile, _tiles, beside={_TMEM: _memories()[0]}),
    Target("hts", "PACK.hts", _textures, _htss),
    Target("htc", "PACK.htc", _textures, _htcs),
    Target("o2r", "a.o2r", _textures, _o2rs),
    Target("rtz", "a.rtz", _rtz, _rtzs),
    Target("recipe", "a.yaml", _recipe, _recipes),
    Target("ctt", "a.ctt", read_ctt, _ctts),
    Target("safetensors", "a.safetensors", load, _safetensors),
    Target("pickle", "a.pth", load, _pickles),
    Target("trusted-pickle", "a.pth", _trusted, _pickles),
    Target("manifest", "manifest.json", read_manifest, _manifests),
    Target("names", "names.txt", _names, _name_lists),
    Target("json", "a.json", _json, _jsons),
    Target("rt64-json", "rt64.json", read_hashes, _jsons),
    Target("duckstation-config", "config.yaml", read_config, _configs),
    Target("ppsspp-list", "textures.ini", read_list, _lists),
)
"""All targets; a parser that is not listed is not fuzzed."""


@cache
def seeds_of(target: Target) -> tuple[bytes, ...]:
    """Return the sound files of a target, and those in its corpus that once were findings."""
    corpus = Path(__file__).parent / "corpus" / target.name
    return (*target.seeds(), *(path.read_bytes() for path in sorted(corpus.glob("*"))))
