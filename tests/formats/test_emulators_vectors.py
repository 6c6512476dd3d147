"""What emulators themselves said: checksums, and which names they take and which they pass over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.formats import gliden64, parse_name, rice
from texpipe.formats.rice_crc import palette_crc, rice_crc
from texpipe.formats.strong_crc import strong_crc

# ---- checksums that GLideN64 computed over these bytes

PATTERN = bytes((i * 7 + 3) & 255 for i in range(5120))


@pytest.mark.parametrize(
    ("width", "height", "siz", "stride", "of_rice", "strong"),
    [
        (32, 32, 2, 64, 0x324C8FB4, 0xEA006B4D),  # RGBA16
        (32, 32, 1, 32, 0x44F5D4E0, 0xBCBBF8AF),  # I8, CI8
        (64, 64, 0, 32, 0x58EFF9E4, 0xEA006B4D),  # I4: the same bytes as RGBA16 32 x 32
        (32, 32, 3, 128, 0xF1379E4C, 0x85D3D72E),  # RGBA32
        (32, 32, 0, 16, 0xEFC7A78C, None),  # CI4
    ],
)
def test_checksums_of_texels(
    width: int, height: int, siz: int, stride: int, of_rice: int, strong: int | None
) -> None:
    assert rice_crc(PATTERN, width, height, siz, stride=stride) == of_rice
    assert strong is None or strong_crc(PATTERN, width, height, siz, stride=stride) == strong


def test_checksums_of_palettes() -> None:
    assert (palette_crc(PATTERN[2048:], 255), palette_crc(PATTERN[2048:], 15)) == (0xC2531682, 0x61CF4FDD)


@pytest.mark.parametrize("checksum", [rice_crc, strong_crc])
@given(data=st.binary(min_size=64, max_size=64), words=st.integers(1, 3), height=st.integers(1, 4))
def test_padding_between_rows_does_not_count(
    checksum: Callable[..., int], data: bytes, words: int, height: int
) -> None:
    width = words * 4
    rows = [data[y * width : (y + 1) * width] for y in range(height)]
    padded = b"".join(row + b"\xee" * 8 for row in rows)
    assert checksum(padded, width, height, 1, stride=width + 8) == checksum(b"".join(rows), width, height, 1)


@given(st.binary(min_size=4, max_size=4))
def test_rows_narrower_than_a_word_are_read(data: bytes) -> None:
    # A row of 2 bytes: the only word starts 2 bytes before it, at x = -2. In the swapped memory that
    # word ends with the texture's bytes 3 and 2. By hand from the formula:
    mixed = (data[3] << 16 | data[2] << 24) ^ 0xFFFFFFFE
    assert rice_crc(data, 2, 1, 1) == (mixed + mixed) & 0xFFFFFFFF


# ---- what GLideN64's loader was seen to take and to pass over, for the game GAME

TAKEN = [
    "GAME/GAME#01234567#0#2_all.png",
    "GAME/GAME#01234567#0#2_allciByRGBA.png",
    "GAME/GAME#01234567#2#1#89ABCDEF_all.png",
    "GAME/GAME#01234567#2#1#89ABCDEF_allciByRGBA.png",
    "GAME/GAME#01234567#2#1#89ABCDEF_ciByRGBA.png",
    "GAME/GAME#01234567#2#1_ciByRGBA.png",
    "GAME/GAME#01234567#2#1#$_ciByRGBA.png",
    "GAME/GAME#$#2#1#89ABCDEF_ciByRGBA.png",
    "GAME/a folder/with blanks/GAME#01234567#0#2_all.png",
]
PASSED_OVER = [
    "GAME/GAME#0123456a#0#2_all.png",
    "GAME/GAME#01234567#2#1#89abcdef_ciByRGBA.png",
    "GAME/GAME#01234567#2#1#89ABCDEF_cibyrgba.png",
    "GAME/GAME#01234567#0#2_all.PNG",
    "GAME/.folder/GAME#01234567#0#2_all.png",
    "GAME/~!~folder/GAME#01234567#0#2_all.png",
    "GAME/OTHER#01234567#0#2_all.png",
    "GAME/my GAME#01234567#0#2_all.png",
    "GAME/GAME#01234567#0#2_all_1.png",
    "GAME/GAME#00000000#0#2_all.png",
    "GAME/GAME#$#2#1_all.png",
    "GAME/GAME#$#2#1#$_ciByRGBA.png",
    "GAME/GAME#01234567#2#1_ci.bmp",
    "GAME/GAME#01234567#0#2_all.bmp",
    "GAME/GAME#01234567#0#2_rgb.png",
    "GAME/GAME#01234567#0#2_a.png",
]


@pytest.mark.parametrize("path", TAKEN)
def test_gliden64_takes(path: str) -> None:
    assert gliden64.problems(PurePosixPath(path), (8, 8), (32, 32), 4) == []
    assert parse_name(path) is not None


@pytest.mark.parametrize("path", PASSED_OVER)
def test_gliden64_passes_over(path: str) -> None:
    assert gliden64.problems(PurePosixPath(path), (8, 8), (32, 32), 4)


# ---- what the Rice plugin's loader takes: suffix by kind of texture, numbers in decimal, no wildcards


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("GAME#01234567#0#2_all.png", True),
        ("GAME#01234567#2#1#89abcdef_cibyrgba.png", True),
        ("GAME#01234567#2#1_allciByRGBA.png", True),
        ("GAME#01234567#2#1_all.png", False),
        ("GAME#01234567#0#2_ciByRGBA.png", False),
        ("GAME#01234567#2#1#$_ciByRGBA.png", False),
        ("GAME#01234567#A#2_all.png", False),
    ],
)
def test_rice_takes(name: str, taken: bool) -> None:
    found = rice.problems(PurePosixPath("GAME", name), (8, 8), (32, 32), 4)
    assert (found == []) == taken
