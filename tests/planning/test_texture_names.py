"""Names of files are matched to textures: by path, by file name, by the emulator's hash; ambiguous is never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.formats import parse_name
from texpipe.planning.texture_names import TextureNames

N64 = ("GAME#0A0B0C0D#0#2_all.png", "sub/GAME#11111111#2#1#AAAAAAAA_ciByRGBA.png")
VARIANT = "GAME#11111111#2#1#BBBBBBBB_ciByRGBA.png"


def names(*textures: str) -> TextureNames:
    return TextureNames(
        {name: None if (read := parse_name(name)) is None else read.as_json() for name in textures}
    )


@pytest.mark.parametrize(
    ("path", "texture"),
    [
        ("GAME#0A0B0C0D#0#2_all.png", N64[0]),
        ("GAME#0A0B0C0D#0#2_all.tga", N64[0]),
        ("characters/GAME#0A0B0C0D#0#2_all.webp", N64[0]),
        ("game#0a0b0c0d#0#2_ALL.PNG", N64[0]),
        ("0A0B0C0D.png", N64[0]),
        ("hands/0a0b0c0d.jpg", N64[0]),
        ("GAME#0A0B0C0D#0#2_ciByRGBA.png", N64[0]),  # the suffix that the pack gave it
        ("sub/GAME#11111111#2#1#AAAAAAAA_ciByRGBA.dds", N64[1]),
        ("GAME#11111111#2#1#AAAAAAAA_ciByRGBA.png", N64[1]),
        ("11111111#AAAAAAAA.png", N64[1]),
        ("11111111-bbbbbbbb.png", VARIANT),
    ],
)
def test_a_file_is_for_one_texture(path: str, texture: str) -> None:
    assert names(*N64, VARIANT).find(path) == (texture,)


def test_a_hash_of_several_textures_is_for_none_of_them() -> None:
    assert names(*N64, VARIANT).find("11111111.png") == tuple(sorted((N64[1], VARIANT)))


@pytest.mark.parametrize("path", ["other.png", "0A0B0C0E.png", "AAAAAAAA.png", "all.png", "sub.png"])
def test_what_no_texture_is_called(path: str) -> None:
    """The hash of a palette alone says nothing: a hundred textures share it."""
    assert names(*N64).find(path) == ()


def test_folders_decide_between_equal_names() -> None:
    known = names("a/x.png", "b/x.png", "deep/c/x.png")
    assert known.find("b/x.jpg") == ("b/x.png",)
    assert known.find("c/x.png") == ("deep/c/x.png",), "it ends like that path"
    assert known.find("x.png") == known.find("d/x.png") == ("a/x.png", "b/x.png", "deep/c/x.png")


def test_suffixes_decide_where_nothing_else_does() -> None:
    known = names("x.png", "x.tga")
    assert known.find("x.png") == ("x.png",)
    assert known.find("x.tga.png") == ("x.tga",)
    assert known.find("x.webp") == ("x.png", "x.tga")


def test_a_picture_inside_of_an_archive() -> None:
    known = names("oot.o2r/objects/link/gTunicTex", "oot.o2r/objects/sky/gCloudTex")
    assert known.find("objects/link/gTunicTex.png") == known.find("gTunicTex.png")
    assert known.find("gTunicTex.png") == ("oot.o2r/objects/link/gTunicTex",)


paths = st.lists(st.text("abcXY#", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join)


@given(st.sets(paths, min_size=1, max_size=6), st.data())
def test_the_whole_name_is_always_understood(stems: set[str], data: st.DataObject) -> None:
    """Whatever else there is, a texture's own path means that texture."""
    textures = {stem + data.draw(st.sampled_from([".png", ".tga"])) for stem in stems}
    known = names(*textures)
    for texture in textures:
        assert known.find(texture) == (texture,)
