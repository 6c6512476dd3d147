"""PS1 .TIM pictures get the names that DuckStation and Beetle PSX will give them."""

from __future__ import annotations

import struct
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from packs import finished, in_manifest
from tim_files import direct, indexed, palette, section
from vram_uploads import PALETTE_A, PALETTE_B, WORDS

from texpipe.formats import format_of, parse_name
from texpipe.formats.contract import UnwritableError
from texpipe.imaging.texel_codecs import SEMI_ALPHA
from texpipe.imaging.texel_formats import quantise
from texpipe.packs.pack import write_pack
from texpipe.packs.verify import verify_pack
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.targets import Target
from texpipe.texture import Texture

GAMES = {"duckstation": "SLUS-00067", "beetle-psx": "Game (USA)"}


def tim(words: bytes, units: int, colours: bytes = b"", mode: int = 2) -> bytes:
    """A .TIM of words in rows of `units`, with palettes of 16 or 256 words."""
    entries = 16 << 4 * mode
    clut = section(colours, entries, len(colours) // 2 // entries) if colours else b""
    flags = mode | (8 if colours else 0)
    return struct.pack("<II", 0x10, flags) + clut + section(words, units, len(words) // 2 // units)


def read(data: bytes, stp: str = "opaque") -> list[Texture]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.tim").write_bytes(data)
        return [decode(source) for source in scan(Path(folder), stp=stp).sources]


def name_in(target: str, texture: Texture) -> str:
    """The file name in the pack of an emulator."""
    emulator = replace(texture.source.emulator, game=GAMES[target])
    return format_of(target).output_path(replace(texture.source, emulator=emulator)).name


def test_duckstations_own_test_upload_as_a_file() -> None:
    """The words and palettes of the emulator's unit test: its hashes are those in the names."""
    pictures = read(tim(WORDS, 10, PALETTE_A + PALETTE_B, 0))
    assert [name_in("duckstation", one) for one in pictures] == [
        "texupload-P4-18DDF9B731440D20-0DAE5F73C88719B1-10x56-0-0-40x56-P0-15.png",
        "texupload-P4-18DDF9B731440D20-AF506869B80F5CE7-10x56-0-0-40x56-P0-15.png",
    ]
    (semi,) = read(tim(WORDS, 10, PALETTE_A, 0), "semi")
    assert name_in("duckstation", semi).startswith("texupload-STP4-18DDF9B731440D20-")


def test_beetles_names_are_checksums_without_leading_zeros() -> None:
    (picture,) = read(tim(WORDS, 10, PALETTE_A, 0))
    assert name_in("beetle-psx", picture) == f"{zlib.crc32(WORDS):x}-{zlib.crc32(PALETTE_A):x}.png"
    (picture,) = read(tim(WORDS, 10))
    assert name_in("beetle-psx", picture) == f"{zlib.crc32(WORDS):x}-0.png"


@given(st.sampled_from([0, 1, 2]), st.integers(1, 16), st.integers(1, 16), st.integers(0, 2**32 - 1))
def test_names_are_legal_and_mean_the_whole_picture(mode: int, units: int, lines: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    words, colours = rng.bytes(units * lines * 2), rng.bytes(2 * (16 << 4 * mode)) if mode < 2 else b""
    (picture,) = read(tim(words, units, colours, mode))
    parsed = parse_name(name_in("duckstation", picture))
    assert parsed is not None
    assert parsed.texels == picture.source.emulator.texels
    of = dict(parsed.fields)
    assert (of["w"], of["h"], of["sw"], of["sh"], of["x"], of["y"]) == (*picture.size, units, lines, 0, 0)
    assert of["src"] == f"{xxhash.xxh3_64_intdigest(words):016X}"
    assert parse_name(f"D-texture-replacements/{name_in('beetle-psx', picture)}") is not None


def test_a_short_palette_is_enough_for_duckstation() -> None:
    """Its names say which part of the palette they mean; Beetle's mean all of it, and the file does not have that."""
    colours = palette(1, 5)
    (picture,) = read(indexed(np.zeros((2, 8), int), [colours], 0))
    digest = xxhash.xxh3_64_intdigest(colours.astype("<u2").tobytes())
    assert name_in("duckstation", picture).endswith(f"-{digest:016X}-2x2-0-0-8x2-P0-4.png")
    with pytest.raises(UnwritableError, match="has 5 colours of 16"):
        name_in("beetle-psx", picture)


@pytest.mark.parametrize(
    ("target", "data", "reason"),
    [
        ("duckstation", tim(bytes(2 * 3 * 2), 3, mode=3), "24 bits per texel"),
        ("beetle-psx", tim(bytes(2 * 3 * 2), 3, mode=3), "24 bits per texel"),
        ("duckstation", tim(bytes(2 * 257), 257), "is 257 x 1: DuckStation replaces pictures up to a page"),
        ("gliden64", tim(WORDS, 10), "not a GLideN64 texture name"),
    ],
)
def test_pictures_without_a_name_say_why(target: str, data: bytes, reason: str) -> None:
    (picture,) = read(data)
    with pytest.raises(UnwritableError, match=reason):
        format_of(target).output_path(picture.source)


def test_without_a_disc_the_reason_says_what_to_do() -> None:
    (picture,) = read(tim(WORDS, 10))
    for target in GAMES:
        with pytest.raises(UnwritableError, match="nothing says which disc"):
            format_of(target).output_path(picture.source)


def test_packs_of_files_verify(tmp_path: Path) -> None:
    """Semi-transparent texels keep their meaning, and each emulator gets its own alpha for them."""
    rgba = np.full((4, 4, 4), 99, np.uint8)
    rgba[..., 3], rgba[0, 0], rgba[1, 1, 3] = 255, 0, SEMI_ALPHA
    rgba = quantise(rgba, "psx16")
    (picture,) = read(direct(rgba), "semi")
    made = [finished(picture.source, rgba.repeat(4, 0).repeat(4, 1), 4)]
    packs = {name: write_pack(Target(name=name, game=game), made, tmp_path) for name, game in GAMES.items()}
    assert [list(pack.left_out) for pack in packs.values()] == [[], []]
    in_manifest(tmp_path, packs, made)
    assert verify_pack(tmp_path).problems == ()
