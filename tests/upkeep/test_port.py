"""Ports: one set of own textures as the dumps of several emulators, and packs that travel between them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from o2r_files import resources, write_archive
from packs import noise
from rt64_dumps import write_rt64
from vram_uploads import PALETTE_A, PALETTE_B, WORDS

from texpipe.errors import PackError
from texpipe.formats import TARGETS
from texpipe.formats.rice_crc import palette_crc, rice_crc
from texpipe.imaging.image_files import encode_png
from texpipe.imaging.texel_formats import decode, encode, quantise
from texpipe.texture import EmulatorName, Rgba8, TexelFormat
from texpipe.upkeep.any_pack import open_pack
from texpipe.upkeep.port import Port, Wish, port
from texpipe.upkeep.same_texels import Matcher, texels_of

GAME = "OWN CARTRIDGE"
SIDE, SCALE = 16, 4
NUMBERS: dict[TexelFormat, tuple[int, int]] = {
    "rgba16": (0, 2), "rgba32": (0, 3), "ci4": (2, 0), "ci8": (2, 1), "ia4": (3, 0), "ia8": (3, 1), "ia16": (3, 2),
    "i4": (4, 0), "i8": (4, 1),
}  # fmt: skip
ENTRIES = {"ci4": 16, "ci8": 256}


def own_texture(texels: TexelFormat, seed: int) -> Rgba8:
    """A picture that the format can hold; indexed ones have few colours, with a hole."""
    rgba = noise((SIDE, SIDE), seed)
    rgba[..., 3] = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE))
    if texels in ENTRIES:
        rng = np.random.default_rng(seed)
        palette = np.dstack([rng.integers(0, 256, (1, 12, 3)), [[0] + [255] * 11]]).astype(np.uint8)[0]
        rgba = palette[rng.integers(0, 12, (SIDE, SIDE))]
    return quantise(rgba, texels)


@dataclass(frozen=True)
class Dumps:
    """One game as three emulators dump it, and a pack for the first."""

    gliden64: Path
    rt64: Path
    soh: Path
    pack: Path
    pictures: dict[str, Rgba8]


def rice_name(texels: TexelFormat, rgba: Rgba8) -> str:
    made = encode(rgba, texels)
    fmt, siz = NUMBERS[texels]
    crc = rice_crc(made.data, SIDE, SIDE, siz)
    if made.palette is None:
        return f"{GAME}#{crc:08X}#{fmt}#{siz}_all.png"
    top = max(max(byte >> 4, byte & 15) if siz == 0 else byte for byte in made.data)
    return f"{GAME}#{crc:08X}#{fmt}#{siz}#{palette_crc(made.palette, top):08X}_ciByRGBA.png"


def as_other_tools(texels: TexelFormat, rgba: Rgba8) -> Rgba8:
    """The texels as a tool dumps them that repeats the high bits of 5-bit colours, and gives intensity no alpha."""
    if texels in ("rgba16", "ci4", "ci8"):
        five = rgba[..., :3] >> 3
        return np.dstack([five << 3 | five >> 2, rgba[..., 3]])
    return (
        np.dstack([rgba[..., :3], np.full(rgba.shape[:2], 255)]).astype(np.uint8)
        if texels[0] == "i" and texels[1] != "a"
        else rgba
    )


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Dumps:
    root = tmp_path_factory.mktemp("game")
    (root / "gliden64").mkdir()
    (root / "pack" / GAME).mkdir(parents=True)
    entries: dict[str, bytes] = {}
    pictures: dict[str, Rgba8] = {}
    for number, texels in enumerate(NUMBERS):
        rgba = own_texture(texels, number)
        name = rice_name(texels, rgba)
        (root / "gliden64" / name).write_bytes(encode_png(as_other_tools(texels, rgba)))
        pictures[name] = noise((SIDE * SCALE, SIDE * SCALE), 100 + number)
        (root / "pack" / GAME / name).write_bytes(encode_png(pictures[name]))
        write_rt64(root / "rt64", texels, rgba)
        entries |= resources(texels, rgba, f"{number}")
    return Dumps(
        root / "gliden64", root / "rt64", write_archive(root / "oot.o2r", entries), root / "pack", pictures
    )


def pixels_of(pack: Path) -> list[bytes]:
    return sorted(one.entry.pixels().tobytes() for one in open_pack(pack).textures)


def travel(pack: Path, old: Path, new: Path, output: Path, **wish: str) -> Port:
    made = port(open_pack(pack), [old], [new], output, Wish(**wish))
    assert made.problems == ()
    assert made.left_out == {}
    return made


def test_a_pack_that_goes_around_keeps_its_pixels(dumps: Dumps, tmp_path: Path) -> None:
    """Rice and GLideN64 -> RT64 -> Ship of Harkinian -> GLideN64: every texel format, every picture, no loss."""
    count = len(NUMBERS)
    there = travel(dumps.pack, dumps.gliden64, dumps.rt64, tmp_path / "rt64")
    on = travel(tmp_path / "rt64", dumps.rt64, dumps.soh, tmp_path / "soh")
    back = travel(tmp_path / "soh", dumps.soh, dumps.gliden64, tmp_path / "gliden64")
    for made, target in ((there, "rt64"), (on, "soh"), (back, "gliden64")):
        assert (made.target, len(made.ported), dict(made.lost), made.missing) == (target, count, {}, ())
        assert {one.how for one in made.ported} == {"exact"}
    own = sorted(rgba.tobytes() for rgba in dumps.pictures.values())
    assert (
        pixels_of(tmp_path / "rt64") == pixels_of(tmp_path / "soh") == pixels_of(tmp_path / "gliden64") == own
    )
    files = {one.entry.name: one.entry.pixels() for one in open_pack(tmp_path / "gliden64").textures}
    assert {PurePosixPath(name).name for name in files} == set(dumps.pictures)
    for name, rgba in files.items():
        assert (rgba == dumps.pictures[PurePosixPath(name).name]).all()
        path = PurePosixPath(name).relative_to("gliden64")
        size = (SIDE, SIDE), (SIDE * SCALE, SIDE * SCALE), SCALE
        assert TARGETS["gliden64"].problems(path, *size) == []


def test_the_rice_plugin_gets_its_own_names(dumps: Dumps, tmp_path: Path) -> None:
    travel(dumps.pack, dumps.gliden64, dumps.rt64, tmp_path / "rt64", container="rtz")
    made = travel(tmp_path / "rt64", dumps.rt64, dumps.gliden64, tmp_path / "rice", target="rice")
    assert len(made.ported) == len(NUMBERS)
    for one in open_pack(tmp_path / "rice").textures:
        path = PurePosixPath(one.entry.name).relative_to("rice")
        assert TARGETS["rice"].problems(path, (SIDE, SIDE), (SIDE * SCALE, SIDE * SCALE), SCALE) == []


def test_near_duplicates_are_not_matched_and_losses_are_told(dumps: Dumps, tmp_path: Path) -> None:
    """One texel of each is one step of one channel away; the pack has a texture that nobody dumped."""
    spare = own_texture("rgba16", 77)
    (tmp_path / "old").mkdir()
    for file in dumps.gliden64.iterdir():
        (tmp_path / "old" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "old" / rice_name("rgba16", spare)).write_bytes(encode_png(spare))
    extra = tmp_path / "pack" / GAME
    extra.mkdir(parents=True)
    for name in (rice_name("rgba16", spare), f"{GAME}#FFFFFFFF#0#2_all.png", "notes.png"):
        (extra / name).write_bytes(encode_png(noise((SIDE * 2, SIDE * 2))))
    for number, texels in enumerate(NUMBERS):
        rgba = own_texture(texels, number)
        name = rice_name(texels, rgba)
        (extra / name).write_bytes(encode_png(dumps.pictures[name]))
        near = moved_by_one_step(rgba, texels)
        assert not np.array_equal(near, rgba)
        write_rt64(tmp_path / "new", texels, near)
    write_rt64(tmp_path / "new", "rgba16", own_texture("rgba16", 0))
    made = port(open_pack(tmp_path / "pack"), [tmp_path / "old"], [tmp_path / "new"], tmp_path / "out")
    assert len(made.ported) == 1
    assert len(made.missing) == len(NUMBERS)
    reasons = {PurePosixPath(file).name: why for file, why in made.lost.items()}
    assert reasons["notes.png"] == "the old dump does not ask for it (no texture name)"
    assert reasons[f"{GAME}#FFFFFFFF#0#2_all.png"] == "the old dump does not ask for it (not in the dump)"
    assert reasons[rice_name("rgba16", spare)] == "no texture of the new dump has the texels of its texture"
    assert json.loads((tmp_path / "out" / "port.json").read_text())["summary"]["ported"] == 1


def moved_by_one_step(rgba: Rgba8, texels: TexelFormat) -> Rgba8:
    """Change one visible texel to the next value that the format can hold."""
    y, x = np.argwhere(rgba[..., 3] > 0)[0]
    value = int(rgba[y, x, 0])
    for step in (*range(1, 64), *range(-1, -64, -1)):
        other = rgba.copy()
        other[y, x, : 3 if texels[0] in "ri" and texels not in ("rgba16", "rgba32") else 1] = np.clip(
            value + step, 0, 255
        )
        other = quantise(other, texels)
        if not np.array_equal(other, rgba) and (
            texels not in ENTRIES or len(np.unique(other.reshape(-1, 4), axis=0)) <= 16
        ):
            return other
    raise AssertionError("every format has another value")


def test_a_texture_that_is_no_whole_multiple_is_told(dumps: Dumps, tmp_path: Path) -> None:
    name = next(iter(dumps.pictures))
    (tmp_path / "pack" / GAME).mkdir(parents=True)
    (tmp_path / "pack" / GAME / name).write_bytes(encode_png(noise((SIDE * 2 + 1, SIDE * 2))))
    made = port(open_pack(tmp_path / "pack"), [dumps.gliden64], [dumps.rt64], tmp_path / "out")
    assert not made.ported
    assert "no whole number of times" in made.problems[0]


# ---- PS1: one upload, named by DuckStation and by Beetle PSX

UNITS, LINES = 10, 56
BEETLE = f"{zlib.crc32(WORDS):x}-{{}}.png"
DUCK = f"texupload-P4-{xxhash.xxh3_64_intdigest(WORDS):016X}-{{}}-{UNITS}x{LINES}-{{}}-P0-15.png"


def crc(palette: bytes) -> str:
    return f"{zlib.crc32(palette):x}"


def xxh(palette: bytes) -> str:
    return f"{xxhash.xxh3_64_intdigest(palette):016X}"


def psx(palette: bytes, semi: int | None) -> Rgba8:
    """The upload as an emulator dumps it: 5 bits shifted up, semi-transparent texels by its alpha."""
    rgba = decode(WORDS, (UNITS * 4, LINES), "psx4", palette, stp="semi" if semi else "opaque")
    rgba = rgba.copy()
    rgba[..., :3] = rgba[..., :3] & 0xF8
    rgba[rgba[..., 3] == 128, 3] = semi or 255
    return rgba


@pytest.fixture
def discs(tmp_path: Path) -> tuple[Path, Path]:
    """Dumps of DuckStation and Beetle PSX: two palettes, the second with semi-transparent colours."""
    duck, beetle = tmp_path / "SLUS-00067" / "dumps", tmp_path / "disc-texture-dump"
    for folder in (duck, beetle):
        folder.mkdir(parents=True)
    for palette in (PALETTE_A, PALETTE_B):
        (duck / DUCK.format(xxh(palette), "0-0-40x56")).write_bytes(encode_png(psx(palette, None)))
        (beetle / BEETLE.format(crc(palette))).write_bytes(encode_png(psx(palette, 127)))
    part = psx(PALETTE_A, None)[8:24, 4:36]
    (duck / DUCK.format(xxh(PALETTE_A), "4-8-32x16")).write_bytes(encode_png(part))
    return duck, beetle


def test_packs_travel_between_duckstation_and_beetle(discs: tuple[Path, Path], tmp_path: Path) -> None:
    duck, beetle = discs
    pack = tmp_path / "mine" / "SLUS-00067" / "replacements"
    pack.mkdir(parents=True)
    large = {
        palette: noise((160, 224), number) | np.array([1, 1, 1, 0], np.uint8)
        for number, palette in enumerate((PALETTE_A, PALETTE_B))
    }
    for palette, rgba in large.items():
        (pack / DUCK.format(xxh(palette), "0-0-40x56")).write_bytes(encode_png(rgba))
    there = travel(tmp_path / "mine", duck, beetle, tmp_path / "beetle")
    assert {one.name: one.how for one in there.ported} == {
        BEETLE.format(crc(PALETTE_A)): "exact",
        BEETLE.format(crc(PALETTE_B)): "other alpha",  # DuckStation's names say it, its pictures do not
    }
    files = {one.entry.name: one.entry for one in open_pack(tmp_path / "beetle").textures}
    for palette, rgba in large.items():
        name = f"beetle-psx/disc-texture-replacements/{BEETLE.format(crc(palette))}"
        assert (files[name].pixels() == rgba).all()
    back = travel(tmp_path / "beetle", beetle, duck, tmp_path / "duck")
    assert {one.name: one.how for one in back.ported}[DUCK.format(xxh(PALETTE_A), "4-8-32x16")] == "part"
    files = {PurePosixPath(one.entry.name).name: one.entry for one in open_pack(tmp_path / "duck").textures}
    for palette, rgba in large.items():
        assert (files[DUCK.format(xxh(palette), "0-0-40x56")].pixels() == rgba).all()
    part = files[DUCK.format(xxh(PALETTE_A), "4-8-32x16")].pixels()
    assert (part == large[PALETTE_A][32:96, 16:144]).all()


def test_an_older_hash_version_becomes_the_present_one(dumps: Dumps, tmp_path: Path) -> None:
    """The same texels, dumped when RT64 computed hashes in another way."""
    (tmp_path / "old").mkdir()
    for number, file in enumerate(sorted(dumps.rt64.glob("*.tmem"))):
        for suffix in ("tmem", "tile.json"):
            source = file.with_name(f"{file.name.removesuffix('tmem')}{suffix}")
            (tmp_path / "old" / f"{number:016x}.v4.{suffix}").write_bytes(source.read_bytes())
    (tmp_path / "pack").mkdir()
    textures = []
    for number in range(len(NUMBERS)):
        (tmp_path / "pack" / f"{number}.png").write_bytes(encode_png(noise((32, 32), number)))
        textures.append({"path": f"{number}.png", "hashes": {"rt64": f"{number:016x}", "rice": ""}})
    (tmp_path / "pack" / "rt64.json").write_text(
        json.dumps({"configuration": {"hashVersion": 4, "configurationVersion": 3}, "textures": textures})
    )
    made = travel(tmp_path / "pack", tmp_path / "old", dumps.rt64, tmp_path / "new")
    assert len(made.ported) == len(NUMBERS)
    assert {one.names[0].fields[0][1] for one in open_pack(tmp_path / "new").textures} == {
        file.name.partition(".")[0] for file in dumps.rt64.glob("*.tmem")
    }


@given(st.integers(0, 4), st.integers(0, 4))
def test_matching_is_equality(one: int, other: int) -> None:
    texels = [
        texels_of("x", own_texture("rgba16", seed), [EmulatorName("rt64", texels="rgba16")], keep=False)
        for seed in (one, other)
    ]
    _, found = Matcher(texels[:1]).of(texels[1])
    assert bool(found) == (one == other)


def test_few_colours_under_another_alpha_are_no_match() -> None:
    """Two flat shapes may look alike by chance."""
    flat = np.full((8, 8, 4), (200, 100, 50, 255), np.uint8)
    other = flat.copy()
    other[..., 3] = 127
    name = [EmulatorName("duckstation", texels="psx16")]
    _, found = Matcher([texels_of("a", flat, name, keep=False)]).of(texels_of("b", other, name, keep=False))
    assert found == []


def test_the_command(dumps: Dumps, tmp_path: Path, texpipe: Callable) -> None:
    words = ("port", dumps.pack, "--from", dumps.gliden64, "--to", dumps.rt64, "--output", tmp_path / "new")
    done = texpipe(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"] == {"ported": len(NUMBERS), "lost": 0, "missing": 0}
    again = texpipe(*words)
    assert (again.returncode, "is there already" in again.stderr) == (5, True)
    with pytest.raises(PackError, match="is there already"):
        port(open_pack(dumps.pack), [dumps.gliden64], [dumps.rt64], tmp_path / "new")
    wrong = texpipe(*words[:-1], tmp_path / "other", "--target", "rt64", "--container", "hts")
    assert (wrong.returncode, "cannot be written as hts" in wrong.stderr) == (2, True)
