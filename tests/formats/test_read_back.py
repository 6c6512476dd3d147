"""What texpipe writes for its samples, read back as the emulators read it.

The readers here share no code with texpipe. Each says which of the emulator's source files its rules come from.
"""

from __future__ import annotations

import gzip
import json
import re
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from packs import finished
from pages import REPOSITORY
from PIL import Image

from texpipe.formats import parse_name
from texpipe.formats.contract import Picture
from texpipe.packs.pack import write_pack
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.targets import Target
from texpipe.texture import EmulatorName, Source

Pixels = NDArray[np.uint8]
SCALE = 2
SAMPLES = REPOSITORY / "recipes" / "samples" / "oot"
NAME = re.compile(r"(?P<game>.+)#(?P<crc>[0-9A-F]{8})#(?P<fmt>\d)#(?P<siz>\d)(?:#(?P<palette>[0-9A-F]{8}))?_")


@pytest.fixture(scope="module")
def samples() -> dict[str, Pixels]:
    """Name of every sample -> its texels repeated, H x W x 4."""
    found = (decode(source) for source in scan(SAMPLES).sources)
    return {one.source.name: one.rgba.repeat(SCALE, 0).repeat(SCALE, 1) for one in found}


def pictures(samples: dict[str, Pixels]) -> list[Picture]:
    return [
        finished(Source(name, SAMPLES, parse_name(name), below=name), rgba, SCALE)
        for name, rgba in samples.items()
    ]


# ---- GLideN64: src/GLideNHQ/TxCache.cpp


def key_of(name: str) -> tuple[int, int, int]:
    """TxHiResLoader.cpp: the checksum of the palette above that of the texels; format and size of the name."""
    match = NAME.match(name)
    assert match is not None
    return (
        int(match["palette"] or "0", 16) << 32 | int(match["crc"], 16),
        int(match["fmt"]),
        int(match["siz"]),
    )


def record(data: bytes, at: int) -> tuple[Pixels, tuple[int, int], int]:
    """A GHQTexInfo as TxFileStorage and TxMemoryCache write it: sizes, GL formats, is_hires, n64 format, the bytes."""
    width, height, form, texture_format, pixel_type, is_hires, fmt, siz, size = struct.unpack_from(
        "<IIIHHBBBI", data, at
    )
    assert (form, texture_format, pixel_type, is_hires) == (0x8058, 0x1908, 0x1401, 1)  # GL_RGBA8, plain
    start = at + struct.calcsize("<IIIHHBBBI")
    assert size == width * height * 4
    pixels = np.frombuffer(data, np.uint8, size, start).reshape(height, width, 4)
    return pixels, (fmt, siz), start + size


def expected_of_cache(samples: dict[str, Pixels]) -> dict[tuple[int, int, int], Pixels]:
    return {key_of(name): rgba for name, rgba in samples.items()}


def same_where_visible(found: Pixels, wanted: Pixels) -> bool:
    """An opaque intensity texture has its intensity as alpha in a cache (TxHiResLoader.cpp); colours are the same."""
    return np.array_equal(found[..., :3], wanted[..., :3])


def test_hts(tmp_path: Path, samples: dict[str, Pixels]) -> None:
    write_pack(Target(name="gliden64", container="hts"), pictures(samples), tmp_path)
    (file,) = tmp_path.rglob("*.hts")
    data = file.read_bytes()
    version, config, place = struct.unpack_from("<iIq", data)
    assert (version, config) == (0x08000000, 0x40A20000)
    (count,) = struct.unpack_from("<i", data, place)
    assert place + 4 + 16 * count == len(data)
    found = {}
    for number in range(count):
        key, where = struct.unpack_from("<QQ", data, place + 4 + 16 * number)
        pixels, (fmt, siz), _ = record(data, where & (1 << 48) - 1)
        assert (where >> 48 & 0xFF, where >> 56) == (fmt, siz)
        found[key, fmt, siz] = pixels
    wanted = expected_of_cache(samples)
    assert found.keys() == wanted.keys()
    assert all(same_where_visible(found[key], wanted[key]) for key in wanted)


def test_htc(tmp_path: Path, samples: dict[str, Pixels]) -> None:
    write_pack(Target(name="gliden64", container="htc"), pictures(samples), tmp_path)
    (file,) = tmp_path.rglob("*.htc")
    data = gzip.decompress(file.read_bytes())
    assert struct.unpack_from("<iI", data) == (0x08000000, 0x40820000)
    at, found = 8, {}
    while at < len(data):
        (key,) = struct.unpack_from("<Q", data, at)
        pixels, numbers, at = record(data, at + 8)
        found[(key, numbers[0], numbers[1])] = pixels
    wanted = expected_of_cache(samples)
    assert found.keys() == wanted.keys()
    assert all(same_where_visible(found[key], wanted[key]) for key in wanted)


# ---- RT64: rt64_replacement_database.cpp (the list), rt64_texture_cache.cpp and ddspp (pictures)


def test_dds(tmp_path: Path, samples: dict[str, Pixels]) -> None:
    """The largest level is decoded by Pillow, and the levels are as many as the sizes of the file leave room for."""
    made, wanted = [], {}
    for number, rgba in enumerate(list(samples.values())[:24], start=1):
        name = f"{number:016x}.v5.png"
        made.append(finished(Source(name, tmp_path / "x", parse_name(name), below=name), rgba, SCALE))
        wanted[f"{number:016x}"] = rgba
    write_pack(Target(name="rt64"), made, tmp_path)
    top = json.loads((tmp_path / "rt64" / "rt64.json").read_text())
    configuration = top["configuration"]
    assert configuration["configurationVersion"] == 3
    assert configuration["hashVersion"] == 5
    paths = {one["hashes"]["rt64"]: one["path"] for one in top["textures"]}
    assert paths.keys() == wanted.keys()
    for digest, rgba in wanted.items():
        data = (tmp_path / "rt64" / paths[digest]).read_bytes()
        words = struct.unpack_from("<37I", data)
        height, width, levels, dxgi = words[3], words[4], words[7], words[32]
        assert (data[:4], (height, width)) == (b"DDS ", rgba.shape[:2])
        sides = [(max(width >> n, 1), max(height >> n, 1)) for n in range(levels)]
        assert sides[-1] == (1, 1)
        block = {98: lambda w, h: -(-w // 4) * -(-h // 4) * 16, 28: lambda w, h: w * h * 4}[dxgi]
        assert len(data) == 148 + sum(block(*side) for side in sides)
        with Image.open(tmp_path / "rt64" / paths[digest]) as picture:
            pixels = np.asarray(picture.convert("RGBA")).astype(int)
        shown = rgba[..., 3] > 0
        assert np.abs(pixels - rgba)[shown].mean() < 4
        assert (pixels[..., 3] == 255).all() or (rgba[..., 3] < 255).any()


# ---- Ship of Harkinian: libultraship's ResourceLoader.cpp, TextureFactory.cpp, fast/interpreter.cpp, Archive.cpp

TYPES = {1: 32, 2: 16, 3: 4, 4: 8, 5: 4, 6: 8, 7: 4, 8: 8, 9: 16}
"""Number of a type of textures -> bits of a texel on the console (Texture.h)."""


@pytest.mark.parametrize("texels", ["rgba32", "rgba16", "i4", "i8", "ia4", "ia8", "ia16", "ci4", "ci8"])
def test_otex(tmp_path: Path, samples: dict[str, Pixels], texels: str) -> None:
    made, wanted = [], {}
    for number, rgba in enumerate(list(samples.values())[:8]):
        name = EmulatorName("soh", texels=texels, fields=(("path", f"objects/g{number}Tex"),))  # type: ignore[arg-type]
        made.append(finished(Source(f"g{number}Tex.png", tmp_path / "x", name, below="x.png"), rgba, SCALE))
        wanted[f"alt/objects/g{number}Tex"] = rgba
    write_pack(Target(name="soh"), made, tmp_path)
    (file,) = tmp_path.rglob("*.o2r")
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("manifest.json"))["name"]
        assert {name for name in archive.namelist() if name != "manifest.json"} == wanted.keys()
        for name, rgba in wanted.items():
            data = archive.read(name)
            endian, is_custom = data[:2]
            kind, version, _ = struct.unpack_from("<IIQ", data, 4)
            assert (endian, is_custom, kind, version) == (0, 1, 0x4F544558, 1)
            number, width, height, flags, across, down, size = struct.unpack_from("<IIIIffI", data, 64)
            assert flags == 1, "LOAD_AS_RAW: the engine uploads RGBA8 as it is"
            assert number not in (3, 4), "with an indexed type the engine would look for a palette"
            source_width, source_height = width // SCALE, height // SCALE
            assert source_height * down == height
            row = source_width * TYPES[number] / 8
            assert row * across == pytest.approx(width * 4) or texels.startswith("ci")
            pixels = np.frombuffer(data, np.uint8, size, 92).reshape(height, width, 4)
            assert np.array_equal(pixels, rgba)


# ---- PPSSPP: Common/Data/Format/IniFile.cpp (lines), GPU/Common/TextureReplacer.cpp (entries)


def read_ini(text: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("["):
            current = sections.setdefault(line[1 : line.index("]")].lower(), {})
        elif "=" in line:
            key, _, value = line.partition("=")
            current.setdefault(key.strip(), value.strip())
    return sections


def test_textures_ini(tmp_path: Path, samples: dict[str, Pixels]) -> None:
    made, wanted = [], {}
    for number, rgba in enumerate(samples.values()):
        name = f"{0x08940000 + number:08x}{number:08x}{number + 7:08x}.png"
        root = tmp_path / "ULUS10041"
        made.append(finished(Source(f"new/{name}", root, parse_name(name), below=f"new/{name}"), rgba, SCALE))
        wanted[name.removesuffix(".png")] = rgba
    write_pack(Target(name="ppsspp"), made, tmp_path)
    game = tmp_path / "ppsspp" / "ULUS10041"
    sections = read_ini((game / "textures.ini").read_text("utf-8"))
    assert sections["options"]["version"] == "1"
    assert sections["options"]["hash"] in ("quick", "xxh32", "xxh64")
    assert sections["hashes"].keys() == wanted.keys()
    for key, path in sections["hashes"].items():
        with Image.open(game / path) as picture:
            assert np.array_equal(np.asarray(picture), wanted[key])


# ---- DuckStation: src/core/gpu_hw_texture_cache.cpp (LoadLocalConfiguration and aliases, FindTextureReplacements)


def test_config_yaml(tmp_path: Path, samples: dict[str, Pixels]) -> None:
    """Names without a file of their own lead through `Aliases` to one; settings of the dump come along."""
    root = tmp_path / "SLUS-00067"
    root.mkdir()
    (root / "config.yaml").write_text("ReducePaletteRange: false\nMaxVRAMWriteSplits: 3\n")
    made, wanted = [], {}
    for number, rgba in enumerate([*list(samples.values())[:6], *list(samples.values())[:6]]):
        height, width = rgba.shape[0] // SCALE, rgba.shape[1] // SCALE
        title = f"texupload-C16-{number + 1:016X}-{width}x{height}-0-0-{width}x{height}"
        opaque = rgba.copy()
        opaque[..., 3] = 255
        source = Source(f"dumps/{title}.png", root, parse_name(f"{title}.png"), below=f"dumps/{title}.png")
        made.append(replace(finished(source, opaque, SCALE), alpha="opaque"))
        wanted[title] = opaque
    write_pack(Target(name="duckstation"), made, tmp_path)
    game = tmp_path / "duckstation" / "SLUS-00067"
    config = yaml.load((game / "config.yaml").read_text(), yaml.CSafeLoader)
    aliases = config.pop("Aliases")
    assert config == {"ReducePaletteRange": False, "MaxVRAMWriteSplits": 3}
    assert len(aliases) == 6
    for title, rgba in wanted.items():
        with Image.open(game / "replacements" / aliases.get(title, f"{title}.png")) as picture:
            assert np.array_equal(np.asarray(picture), rgba)
