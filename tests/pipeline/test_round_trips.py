"""What is written into containers comes back from them: any picture, any key, any number of them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from packs import finished
from pages import REPOSITORY
from PIL import Image

from texpipe.formats import soh
from texpipe.formats.archive import ZipReader
from texpipe.formats.dds import encode_dds, mip_chain
from texpipe.formats.gliden64_cache import CacheEntry, read_cache, write_htc, write_hts
from texpipe.formats.otex import read_otex, write_replacement
from texpipe.formats.rt64_hashes import name_of
from texpipe.imaging.image_files import decode
from texpipe.imaging.texel_formats import decode as decode_texels
from texpipe.imaging.texel_formats import encode as encode_texels
from texpipe.packs.pack import write_pack
from texpipe.recipe.targets import Target
from texpipe.texture import Source

SAMPLES = REPOSITORY / "recipes" / "samples"

pictures = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: npst.arrays(np.uint8, (*size, 4))
)
entries = st.lists(
    st.builds(CacheEntry, st.integers(1, 2**64 - 1), pictures, st.integers(0, 4), st.integers(0, 3)),
    max_size=6,
)
FORMATS = ("rgba16", "rgba32", "ia16", "ia8", "ia4", "i8", "i4", "psx16")


@given(st.sampled_from([("hts", write_hts), ("htc", write_htc)]), entries)
@settings(max_examples=40)
def test_cache_files(kind, written):
    suffix, write = kind
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"GAME_HIRESTEXTURES.{suffix}"
        write(path, iter(written))
        found = read_cache(path)
    assert [(one.key, one.fmt, one.siz) for one in found] == [(one.key, one.fmt, one.siz) for one in written]
    for one, other in zip(found, written, strict=True):
        assert np.array_equal(one.rgba, other.rgba)


@given(pictures, st.sampled_from(FORMATS))
def test_texels_are_the_same_after_any_number_of_trips(rgba, texels):
    """The first trip moves pixels to what the console can hold; from then on nothing changes."""
    size = (rgba.shape[1], rgba.shape[0])
    once = decode_texels(encode_texels(rgba, texels).data, size, texels, stp="semi")
    again = decode_texels(encode_texels(once, texels).data, size, texels, stp="semi")
    assert np.array_equal(again, once)


@given(pictures, st.sampled_from(["ci4", "ci8", "psx4", "psx8"]))
def test_indices_are_the_same_after_any_number_of_trips(rgba, texels):
    few = rgba[:, :1].repeat(rgba.shape[1], axis=1)  # a colour for each row: any palette holds them
    size = (rgba.shape[1], rgba.shape[0])
    first = encode_texels(few, texels)
    once = decode_texels(first.data, size, texels, first.palette, stp="semi")
    second = encode_texels(once, texels)
    assert np.array_equal(decode_texels(second.data, size, texels, second.palette, stp="semi"), once)


@given(pictures, st.sampled_from([1, 2, 4]), st.sampled_from(["rgba16", "ci4", "ci8", "ia8", "i4"]))
def test_replacements_for_the_ship(rgba, scale, texels):
    enlarged = rgba.repeat(scale, 0).repeat(scale, 1)
    found = read_otex(write_replacement(enlarged, texels, (rgba.shape[1], rgba.shape[0])))
    assert np.array_equal(np.frombuffer(found.data, np.uint8).reshape(enlarged.shape), enlarged)
    assert (found.size, found.scale[1]) == ((enlarged.shape[1], enlarged.shape[0]), scale)


@given(st.dictionaries(st.integers(0, 2**64 - 1).map("{:016x}".format), pictures, min_size=1, max_size=4))
@settings(max_examples=20)
def test_rtz_archives(written):
    made = [finished(Source(name, Path(name), name_of(name, 5)), rgba, 1) for name, rgba in written.items()]
    with tempfile.TemporaryDirectory() as folder:
        write_pack(Target(name="rt64", container="rtz", images="png"), made, Path(folder))
        with ZipReader(Path(folder) / "rt64" / "textures.rtz") as archive:
            listed = json.loads(archive.read("rt64.json", 1 << 20))["textures"]
            found = {one["hashes"]["rt64"]: archive.read(one["path"], 1 << 20) for one in listed}
    assert sorted(found) == sorted(written)
    for name, rgba in written.items():
        assert np.array_equal(decode(found[name], name=name)[0], rgba)


@given(st.dictionaries(st.sampled_from(["a/gOne", "a/gTwo", "b/c/gOne"]), pictures, min_size=1))
@settings(max_examples=20)
def test_o2r_archives(written):
    made = [finished(Source(n, Path(n), soh.resource(n, "rgba16")), rgba, 1) for n, rgba in written.items()]
    with tempfile.TemporaryDirectory() as folder:
        write_pack(Target(name="soh", game="x"), made, Path(folder))
        with ZipReader(Path(folder) / "soh" / "x.o2r") as archive:
            for name, rgba in written.items():
                found = read_otex(archive.read(f"alt/{name}", 1 << 20))
                assert np.array_equal(np.frombuffer(found.data, np.uint8).reshape(rgba.shape), rgba)


def enlarged_samples(folder):
    """Every third sample texture four times as large, as smooth as what goes into a pack."""
    for file in sorted((SAMPLES / folder).glob("*.png"))[::3]:
        with Image.open(file) as picture:
            size = (picture.width * 4, picture.height * 4)
            yield file.name, np.array(picture.convert("RGBA").resize(size, Image.Resampling.BICUBIC))


def decibels(rgba, back):
    shown = rgba[..., 3] > 0
    error = np.mean((rgba[shown].astype(float) - back[shown]) ** 2)
    return 10 * np.log10(255**2 / max(error, 1e-9))


@pytest.mark.parametrize("folder", ["freedoom", "oot"])
def test_bc7_of_natural_textures(folder):
    """At least 40 dB; where there is alpha too, its blocks have fewer bits for colours."""
    found = {True: [], False: []}
    for name, rgba in enlarged_samples(folder):
        back, _, _ = decode(encode_dds([rgba]), name=name)
        assert back.shape == rgba.shape
        found[bool(rgba[..., 3].min() == 255)].append(decibels(rgba, back))
    assert min(found[True]) >= 45
    assert min(found[False]) >= 32
    assert len(found[True]) >= 3


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_dds_of_any_size_has_the_size_that_it_says(width, height, seed):
    rgba = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    back, stored, _ = decode(encode_dds(mip_chain(rgba, cutout=False)), name="x.dds")
    assert back.shape == rgba.shape
    assert stored.mode == "RGBA"
