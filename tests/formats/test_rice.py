"""The Rice plugin: suffixes that fit the texture, powers of two, 32-bit pictures; old `_rgb` and `_a` pairs."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from packs import finished, in_manifest, noise
from PIL import Image

from texpipe.errors import SourceError
from texpipe.formats import parse_name, rice
from texpipe.formats.contract import UnwritableError
from texpipe.imaging.image_files import save_png
from texpipe.packs.pack import write_pack
from texpipe.packs.verify import verify_pack
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.targets import Target
from texpipe.texture import Source


def source(name):
    return Source(name, Path(name), parse_name(name))


@pytest.mark.parametrize(
    ("dumped", "written"),
    [
        ("GAME#0123ABCD#0#2_all.png", "GAME/GAME#0123ABCD#0#2_all.png"),
        ("GAME#0123abcd#0#2_rgb.png", "GAME/GAME#0123ABCD#0#2_all.png"),
        ("GAME#0123ABCD#2#1#01340420_ciByRGBA.png", "GAME/GAME#0123ABCD#2#1#01340420_ciByRGBA.png"),
        ("GAME#0123ABCD#4#1#01340420_all.png", "GAME/GAME#0123ABCD#4#1#01340420_ciByRGBA.png"),
        ("GAME#0123ABCD#2#1_all.png", "GAME/GAME#0123ABCD#2#1_allciByRGBA.png"),
        ("GAME#0123ABCD#0#0_all.png", "GAME/GAME#0123ABCD#0#0_allciByRGBA.png"),
        ("A: B#0123ABCD#3#1_all.png", "A- B/A- B#0123ABCD#3#1_all.png"),
    ],
)
def test_the_suffix_fits_the_texture(dumped, written):
    path = rice.output_path(source(dumped))
    assert str(path) == written
    assert rice.problems(path, (8, 8), (32, 32), 4) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("GAME#$#2#1#01340420_ciByRGBA.png", "does not know"),
        ("GAME#0123ABCD#2#1#$_ciByRGBA.png", "does not know"),
        ("GAME#0123ABCD#0#2_a.png", "only the alpha"),
        ("wood.png", "not a Rice texture name"),
        ("gXTex.rgba16.png", "not a Rice texture name"),
    ],
)
def test_what_the_plugin_cannot_load_says_why(name, reason):
    with pytest.raises(UnwritableError, match=reason):
        rice.output_path(source(name))


@pytest.mark.parametrize(
    ("path", "sizes", "line"),
    [
        ("G/G#0123ABCD#0#2_all_1.png", ((8, 8), (32, 32)), "not a name"),
        ("G/G#0123ABCD#$#2_all.png", ((8, 8), (32, 32)), "not a name"),
        ("H/G#0123ABCD#0#2_all.png", ((8, 8), (32, 32)), "not below a folder"),
        ("g/G#0123ABCD#0#2_all.png", ((8, 8), (32, 32)), "not below a folder"),
        ("G/G#0123ABCD#0#2_ciByRGBA.png", ((8, 8), (32, 32)), "it wants _all"),
        ("G/G#0123ABCD#2#0_all.png", ((8, 8), (32, 32)), "it wants _allciByRGBA"),
        ("G/G#0123ABCD#0#2#00000001_all.png", ((8, 8), (32, 32)), "it wants _ciByRGBA"),
        ("G/G#0123ABCD#0#2_all.png", ((8, 8), (24, 24)), "power of two"),
        ("G/G#0123ABCD#0#2_all.png", ((8, 8), (32, 16)), "power of two"),
    ],
)
def test_rules(path, sizes, line):
    assert line in "\n".join(rice.problems(PurePosixPath(path), *sizes, 4))


def test_one_upscale_makes_both_packs_and_planted_violations_are_found(tmp_path):
    name = "GAME#0123ABCD#0#2_all.png"
    made = [finished(source(name), noise((32, 32)), 4)]
    packs = {
        target: write_pack(Target(name=target), made, tmp_path) for target in ("rice", "gliden64", "folder")
    }
    in_manifest(tmp_path, packs, made)
    assert (verify_pack(tmp_path).checked, verify_pack(tmp_path).problems) == (3, ())
    file = tmp_path / "rice" / "GAME" / name
    Image.fromarray(noise((24, 24))[..., :3]).save(file)
    found = verify_pack(tmp_path)
    assert "power of two" in "\n".join(found.problems)
    assert "edited by hand" in "\n".join(found.notes)
    file.rename(file.with_name(name.lower()))
    found = verify_pack(tmp_path)
    assert "is missing" in "\n".join(found.problems)
    assert "not ours, harmless" in "\n".join(found.notes)


@pytest.mark.parametrize("target", ["rice", "gliden64"])
def test_single_texels_that_the_plugin_dumps_are_left_out(target, tmp_path):
    junk, real, tiny = (
        "GAME#28F7A8E2#0#0#4A51FFFC_ciByRGBA.png",
        "GAME#28F7A8E3#0#0#4A51FFFC_ciByRGBA.png",
        "GAME#28F7A8E4#0#2_all.png",
    )
    sizes = {junk: (4, 4), real: (32, 32), tiny: (4, 4)}
    made = [finished(source(name), noise(size), 4) for name, size in sizes.items()]
    pack = write_pack(Target(name=target), made, tmp_path)
    assert set(pack.outputs) == {real, tiny}
    assert pack.left_out == {junk: "is a single texel that the Rice plugin dumps without a texture"}


# ---- old pairs


def test_the_halves_of_old_dumps_are_one_texture(tmp_path):
    rgba = noise((8, 8), 1)
    mask = noise((8, 8), 2)
    save_png(tmp_path / "x" / "GAME#0123ABCD#0#2_rgb.png", rgba)
    save_png(tmp_path / "x" / "GAME#0123ABCD#0#2_a.png", mask)
    save_png(tmp_path / "y" / "GAME#0123ABCD#0#2_a.png", mask)  # another folder: no pair
    pair, lonely = scan(tmp_path).sources
    assert np.array_equal(decode(pair).rgba, np.dstack([rgba[..., :3], mask[..., 0]]))
    assert str(rice.output_path(pair)) == "GAME/GAME#0123ABCD#0#2_all.png"
    assert lonely.name.startswith("y/")
    changed = decode(pair).sha256
    save_png(tmp_path / "x" / "GAME#0123ABCD#0#2_a.png", noise((8, 8), 3))
    assert decode(pair).sha256 != changed


def test_an_rgb_half_alone_is_opaque(tmp_path):
    save_png(tmp_path / "GAME#0123ABCD#0#2_rgb.png", noise((8, 8), 1))
    (source_,) = scan(tmp_path).sources
    assert (decode(source_).rgba[..., 3] == 255).all()


def test_halves_of_different_size_are_one_bad_texture(tmp_path):
    save_png(tmp_path / "GAME#0123ABCD#0#2_rgb.png", noise((8, 8), 1))
    save_png(tmp_path / "GAME#0123ABCD#0#2_a.png", noise((4, 8), 1))
    (source_,) = scan(tmp_path).sources
    with pytest.raises(SourceError, match="its alpha, 4 x 8"):
        decode(source_)
