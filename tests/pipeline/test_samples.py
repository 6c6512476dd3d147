"""The sample dump: what is committed is what its script makes, and every file is a genuine N64 texture."""

from __future__ import annotations

import csv
import importlib
from collections import Counter

import numpy as np
import pytest
from pages import REPOSITORY

from texpipe.formats import TARGETS, parse_name
from texpipe.formats.rice_crc import rice_crc
from texpipe.imaging.image_files import decode as decode_picture
from texpipe.imaging.texel_formats import decode, encode, fits
from texpipe.texture import Source

SAMPLES = REPOSITORY / "recipes" / "samples"
DUMP = SAMPLES / "oot"


def read(name):
    rgba, stored, warnings = decode_picture((DUMP / name).read_bytes(), name=name)
    assert (stored.mode, stored.bits, warnings) == ("RGBA", 8, ())
    return rgba


LABELS = list(csv.DictReader((DUMP / "labels.csv").read_text(encoding="utf-8").splitlines()))
PICTURES = {row["file"]: read(row["file"]) for row in LABELS}
BY_NAME = {row["name"]: PICTURES[row["file"]] for row in LABELS}
each = pytest.mark.parametrize("row", LABELS, ids=lambda row: row["name"])


def test_every_picture_has_a_label_and_every_label_a_picture():
    assert sorted(PICTURES) == sorted(path.name for path in DUMP.glob("*.png"))
    assert 40 <= len(PICTURES) <= 80
    assert sum(rgba.shape[0] * rgba.shape[1] for rgba in PICTURES.values()) <= 90_000


@each
def test_the_name_says_the_format_and_the_pixels_fit_it(row):
    parsed = parse_name(row["file"])
    assert parsed is not None
    assert (parsed.game, parsed.texels) == ("THE LEGEND OF ZELDA", row["texels"])
    assert fits(PICTURES[row["file"]], row["texels"])


@each
def test_a_sample_survives_its_own_format_unchanged(row):
    rgba = PICTURES[row["file"]]
    height, width = rgba.shape[:2]
    stored = encode(rgba, row["texels"])
    assert np.array_equal(decode(stored.data, (width, height), row["texels"], stored.palette), rgba)


@each
def test_the_checksum_in_the_name_is_that_of_the_texels(row):
    fields = dict(parse_name(row["file"]).fields)
    if "palette" in fields:
        return  # the order of a palette is not in the picture; the script's own test covers it
    rgba = PICTURES[row["file"]]
    data = encode(rgba, row["texels"]).data
    assert rice_crc(data, rgba.shape[1], rgba.shape[0], fields["siz"]) == int(fields["crc"], 16)


@each
def test_a_texture_fits_into_the_texture_memory(row):
    height, width = PICTURES[row["file"]].shape[:2]
    bits = {"rgba16": 16, "rgba32": 32, "ci4": 4, "ci8": 8, "ia4": 4, "ia8": 8, "ia16": 16, "i4": 4, "i8": 8}
    memory = 2048 if row["texels"].startswith("ci") else 4096
    assert width * height * bits[row["texels"]] // 8 <= memory


@each
def test_gliden64_would_load_the_upscaled_texture(row):
    height, width = PICTURES[row["file"]].shape[:2]
    layout = TARGETS["gliden64"]
    path = layout.output_path(Source(row["file"], DUMP / row["file"], parse_name(row["file"])))
    assert layout.problems(path, (width, height), (width * 4, height * 4), 4) == []


@each
def test_the_alpha_label_is_true(row):
    rgba = PICTURES[row["file"]]
    alphas = set(np.unique(rgba[..., 3]).tolist())
    if row["alpha"] == "mask":
        assert (rgba[..., :3] == rgba[..., 3:]).all()
    elif row["alpha"] == "opaque":
        assert alphas == {255}
    elif row["alpha"] == "binary":
        assert alphas == {0, 255}
    else:
        assert row["alpha"] == "soft"
        assert alphas - {0, 255}


@each
@pytest.mark.parametrize("axis", [0, 1])
def test_the_wrap_label_is_true(row, axis):
    if row["yx"[axis]] != "wrap":
        return
    rgba = PICTURES[row["file"]].astype(float)
    seen = np.dstack([rgba[..., :3] * rgba[..., 3:] / 255, rgba[..., 3]])
    steps = np.abs(seen - np.roll(seen, 1, axis=axis)).mean(axis=(1 - axis, 2))
    assert steps[0] <= 1.1 * steps[1:].max()


def test_all_cases_are_there():
    edges = Counter((row["x"], row["y"]) for row in LABELS)
    assert min(edges[pair] for pair in [("wrap", "wrap"), ("wrap", "clamp"), ("clamp", "clamp")]) >= 8
    assert edges["mirror", "mirror"] + edges["mirror", "clamp"] >= 4
    assert set(Counter(row["texels"] for row in LABELS)) == {
        *("rgba16", "rgba32", "ci4", "ci8", "ia4", "ia8", "ia16", "i4", "i8"),
    }  # fmt: skip
    sizes = {rgba.shape[1::-1] for rgba in PICTURES.values()}
    assert {(4, 4), (32, 1), (320, 6)} <= sizes
    assert np.array_equal(BY_NAME["crate"], BY_NAME["crate_again"])


@pytest.mark.parametrize(("one", "other"), [("gem_green", "gem_blue"), ("soldier_green", "soldier_red")])
def test_two_palettes_over_one_picture_of_indices(one, other):
    names = [dict(parse_name(row["file"]).fields) for row in LABELS if row["name"] in (one, other)]
    assert names[0]["crc"] == names[1]["crc"]
    assert names[0]["palette"] != names[1]["palette"]
    pairs = np.concatenate([BY_NAME[one], BY_NAME[other]], axis=-1).reshape(-1, 8)
    assert len(np.unique(pairs, axis=0)) <= (16 if "gem" in one else 256)
    assert not np.array_equal(BY_NAME[one], BY_NAME[other])


def test_the_script_makes_what_is_committed(monkeypatch):
    monkeypatch.syspath_prepend(str(SAMPLES))
    make_oot = importlib.import_module("make_oot")
    wanted = {"cobbles", "path_stones", "sand", "waterfall", "skin_tone", "face", "crate_again", "fade"}
    drawn = [one for one in make_oot.PICTURES if one.label.name in wanted]
    made = [sample for one in drawn for sample in make_oot.stored(one)]
    made += [*make_oot.two_soldiers(), *make_oot.two_gems()]
    assert len(made) == len(wanted) + 4
    for sample in made:
        assert np.array_equal(PICTURES[sample.file], sample.rgba)


def test_what_is_drawn_from_freedoom_carries_its_notice():
    used = {path.name for path in (SAMPLES / "freedoom").glob("*.png")}
    provenance = (DUMP / "PROVENANCE.md").read_text(encoding="utf-8")
    assert used
    assert all(name in provenance for name in used)
    for notice in (DUMP / "LICENSE-Freedoom.txt", SAMPLES / "freedoom" / "LICENSE.txt"):
        assert "Neither the name of the freedoom project" in notice.read_text(encoding="utf-8")
