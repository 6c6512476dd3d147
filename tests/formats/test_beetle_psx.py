"""Beetle PSX HW: names without padding, alphas, sizes and folders."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import finished, in_manifest

from texpipe.formats import beetle_psx, known_targets, parse_name
from texpipe.formats.contract import UnwritableError
from texpipe.imaging.image_files import decode, save_png
from texpipe.packs.pack import write_pack
from texpipe.packs.verify import verify_pack
from texpipe.recipe.targets import Target, context_of
from texpipe.texture import Source

DUMP = "Game (USA)-texture-dump"


def source(name):
    return Source(name, Path("/anywhere") / name, parse_name(name))


@pytest.mark.parametrize("name", ["514851fc-98906414.png", "b6f0229-352dbc05.png", "c8fe8108-0.png"])
def test_real_names_are_read_and_written_unchanged(name):
    parsed = parse_name(name)
    assert parsed is not None
    assert parsed.scheme == "beetle_psx"
    assert beetle_psx.format_name(parsed) == name


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_every_legal_name_survives_parse_and_format(texels, palette):
    name = f"{DUMP}/{texels:x}-{palette:x}.png"
    parsed = beetle_psx.parse(name)
    assert parsed is not None
    assert f"{DUMP}/{beetle_psx.format_name(parsed)}" == name


@pytest.mark.parametrize(
    "name",
    [
        "0b6f0229-352dbc05.png",
        "B6F0229-352DBC05.png",
        "b6f0229.png",
        "1-2.png",
        "bad-face.png",
        "b6f0229-0x1.png",
    ],
)
def test_other_names_are_not_beetles(name):
    assert parse_name(name) is None


def test_short_numbers_count_where_beetle_dumps_to():
    assert beetle_psx.parse("1-2.png") is None
    assert beetle_psx.parse(f"{DUMP}/1-2.png") is not None


@pytest.mark.parametrize(
    ("dumped", "written"),
    [
        (f"{DUMP}/514851fc-0.png", "Game (USA)-texture-replacements/514851fc-0.png"),
        (f"x/{DUMP}-pages/514851fc-0.png", "Game (USA)-texture-replacements-pages/514851fc-0.png"),
    ],
)
def test_pages_and_uploads_keep_apart(dumped, written):
    assert str(beetle_psx.output_path(source(dumped))) == written


def test_what_cannot_be_written_says_why(tmp_path):
    with pytest.raises(UnwritableError, match="without its palette"):
        beetle_psx.output_path(source(f"{DUMP}/514851fc-missing.png"))
    with pytest.raises(UnwritableError, match="option game"):
        beetle_psx.output_path(source("514851fc-0.png"))
    with pytest.raises(UnwritableError, match="not a Beetle"):
        beetle_psx.output_path(source("wood.png"))


@pytest.mark.parametrize(
    ("width", "fine"), [(8, True), (16, True), (32, True), (24, False), (4, False), (12, False)]
)
def test_each_axis_must_be_a_power_of_two_of_the_source(width, fine):
    path = PurePosixPath("D-texture-replacements/514851fc-0.png")
    problems = beetle_psx.problems(path, (8, 8), (width, width), width // 8)
    assert (not problems) == fine


def test_a_pack_names_the_disc_of_the_recipe_and_has_three_alphas(tmp_path):
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[..., 3] = 255
    rgba[0, :, 3], rgba[1, :, 3] = 10, 150
    one = finished(source("514851fc-0.png"), rgba, 4)
    target = Target(name="beetle-psx", game="Game")
    pack = write_pack(target, [one], tmp_path)
    (output,) = pack.outputs["514851fc-0.png"]
    assert output.path == "beetle-psx/Game-texture-replacements/514851fc-0.png"
    made, _, _ = decode((tmp_path / output.path).read_bytes(), name="x")
    assert [made[y, 0].tolist() for y in (0, 1, 2)] == [[0, 0, 0, 0], [0, 0, 0, 127], [1, 1, 1, 255]]
    in_manifest(tmp_path, {"beetle-psx": pack}, [one])
    assert verify_pack(tmp_path).problems == ()
    save_png(tmp_path / output.path, rgba)
    found = "\n".join(verify_pack(tmp_path).problems)
    assert "has alpha 10" in found
    assert "opaque black" in found


def test_a_game_that_no_folder_can_be_called_after_is_a_mistake():
    known = context_of(known_targets())
    with pytest.raises(ValueError, match="name of the disc image"):
        Target.model_validate({"name": "beetle-psx", "game": "../x"}, context=known)
    with pytest.raises(ValueError, match="has no option game"):
        Target.model_validate({"name": "folder", "game": "x"}, context=known)
    with pytest.raises(ValueError, match="disc serial"):
        Target.model_validate({"name": "duckstation", "game": "Wipeout"}, context=known)
