"""Hostile files one by one, and a few of the mutants that benchmarks/hostile.py reads by the thousand."""

from __future__ import annotations

import importlib.util
import io
import json
import struct
import sys
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from dumps import dump, write_recipe
from pages import REPOSITORY
from PIL import Image

from texpipe.errors import ModelError, PackError, RecipeError, SourceError, UsageError
from texpipe.formats import known_targets
from texpipe.formats.archive import ZipReader
from texpipe.imaging.image_files import decode
from texpipe.networks import state_dict_names
from texpipe.networks.checkpoint import load
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.planning.load_options import load_options
from texpipe.recipe.load import load_recipe
from texpipe.recipe.rules import matches
from texpipe.recipe.schema import Match
from texpipe.texture import Facts

SCRIPT = REPOSITORY / "benchmarks" / "hostile.py"
SPEC = importlib.util.spec_from_file_location("hostile", SCRIPT)
assert SPEC is not None
assert SPEC.loader is not None
hostile = importlib.util.module_from_spec(SPEC)
sys.modules["hostile"] = hostile
SPEC.loader.exec_module(hostile)


# ---- mutants


@pytest.mark.parametrize("target", hostile.TARGETS, ids=lambda target: target.name)
def test_readers_accept_or_refuse_but_never_crash(target: object, tmp_path: Path) -> None:
    found = {hostile.outcome_of(target, hostile.mutant(target, number, 0), tmp_path) for number in range(20)}
    assert found <= {"read", "refused"}
    assert list(hostile._strays(target, tmp_path)) == []


def test_a_crash_is_noticed(tmp_path: Path) -> None:
    def careless(path: Path) -> object:
        return path.read_bytes()[99]

    target = hostile.Target("careless", "short", careless, tuple)
    assert hostile.outcome_of(target, b"x", tmp_path).startswith("crashed: IndexError")


def test_a_child_that_dies_is_a_finding() -> None:
    ours, theirs = hostile.multiprocessing.Pipe()
    ours.send([hostile.Case("x", 0, "read", 0.1, 1)])
    ours.close()
    first, second = hostile._received(theirs, [("x", 0), ("x", 1)])
    assert (first.is_finding, second.is_finding) == (False, True)
    assert (second.number, second.outcome) == (1, "died")


# ---- pictures


def encoded(kind: str, mode: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (4, 4)).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(size: tuple[int, int], pixels: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(pixels, 1)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded("JPEG", "CMYK"), "does not read .4 channels"),
        (encoded("GIF", "P", save_all=True, append_images=[Image.new("P", (4, 4), 1)]), "not a PNG"),
        (encoded("TIFF", "CMYK"), "not a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG"),
        (png((0, 4), b""), "no pixels"),
        (png((1 << 31, 1 << 31), b"\0" * 99), "more than the limit"),
        (png((8000, 8000), b"\0" * 99), "fewer pixels"),
    ],
)
def test_what_is_no_texture_is_refused_whatever_its_name(data: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        decode(data, name="a.png")


def test_a_bomb_behind_the_pixels_is_not_unpacked() -> None:
    bomb = png((1, 1), b"\0" + bytes(4) + bytes(64 << 20))
    start = time.process_time()
    assert decode(bomb, name="a.png")[0].shape == (1, 1, 4)
    assert time.process_time() - start < 1


def test_a_sideways_picture_stays_as_the_texels_lie() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned for viewing
    file = io.BytesIO()
    texels = np.arange(4 * 2 * 4, dtype=np.uint8).reshape(4, 2, 4)
    Image.fromarray(texels).save(file, "PNG", exif=exif, icc_profile=b"nonsense")
    assert np.array_equal(decode(file.getvalue(), name="a.png")[0], texels)


# ---- recipes


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.system ['touch x']", "!!python/name:os.system", "&a [*a]", "!!binary aGk="],
)
def test_no_tag_or_alias_makes_anything(value: str, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, f"rules: {value}\n")
    with pytest.raises(RecipeError):
        load_recipe(recipe, known_targets())
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]


def test_a_million_rules_are_too_many(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "rules:\n" + "- match: {}\n" * 1_000_000)
    with pytest.raises(RecipeError, match="limit"):
        load_recipe(recipe, known_targets())


def test_globs_do_not_blow_up() -> None:
    facts = Facts("opaque", "", None, None, None, "", 1, False, False, False)  # type: ignore[arg-type]
    name = "a" * 250
    start = time.process_time()
    for pattern in ("*a" * 249 + "b", "*?" * 120 + "b", "*[a-z]" * 60 + "b"):
        assert not matches(Match(name=pattern), name, (8, 8), facts)
    assert time.process_time() - start < 2


def test_a_recipe_alone_writes_into_no_folder_of_others(tmp_path: Path) -> None:
    dump(tmp_path / "dump", 1)
    recipe = write_recipe(tmp_path)
    (tmp_path / "out").mkdir()
    assert load_options(recipe).output == tmp_path / "out", "an empty folder is nobody's"
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="other files"):
        load_options(recipe)
    assert load_options(recipe, output=tmp_path / "out").output == tmp_path / "out"
    (tmp_path / "out" / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="other files"):
        load_options(recipe)  # other programs have a file of this name, too
    (tmp_path / "out" / "manifest.json").write_text('{"schema": "texpipe.manifest/1"}')
    assert load_options(recipe).output == tmp_path / "out", "an earlier run of ours"


# ---- archives


def test_an_entry_without_a_name_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.o2r", "w") as archive:
        archive.writestr("x", b"no texture")
    data = (tmp_path / "a.o2r").read_bytes()
    (tmp_path / "a.o2r").write_bytes(data.replace(b"x", b"\0"))  # a name ends at its first zero
    with ZipReader(tmp_path / "a.o2r") as archive, pytest.raises(PackError, match="not a relative path"):
        archive.read("", 99)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_of_any_compression_is_refused(method: int, tmp_path: Path) -> None:
    path, data = tmp_path / "a.o2r", bytes(range(256)) * 9
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x", data)
    sound, refused = path.read_bytes(), 0
    for at in range(31, 60):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :])
        try:
            with ZipReader(path) as damaged:
                assert damaged.read("x", 9999) == data  # a byte without a meaning, such as a version
        except PackError as error:
            refused += "cannot be read" in error.message
    assert refused > 20


# ---- weights


@pytest.mark.parametrize(
    "header",
    [
        {"conv_first.weight": {"dtype": "F16", "shape": [1 << 40, 3, 3, 3], "data_offsets": [0, 8]}},
        {"conv_first.weight": {"dtype": "F16", "shape": [1 << 62, 1 << 62], "data_offsets": [0, 8]}},
        {"conv_first.weight": {"dtype": "F16", "shape": [0, 3, 3, 3], "data_offsets": [0, 0]}},
        {"conv_first.weight": {"dtype": "F16", "shape": [4], "data_offsets": [1 << 40, 8 + (1 << 40)]}},
        {"conv_first.weight": {"dtype": "F99", "shape": [4], "data_offsets": [0, 8]}},
    ],
)
def test_absurd_shapes_are_refused(header: dict[str, object], tmp_path: Path) -> None:
    text = json.dumps(header).encode()
    (tmp_path / "a.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(ModelError):
        load(tmp_path / "a.safetensors")


def test_a_network_without_channels_is_refused(tmp_path: Path) -> None:
    state = RRDBNet(3, 3, 4, 4, 1, 2).state_dict()
    for name in ("conv_first.weight", "conv_last.weight"):
        with pytest.raises(ModelError, match="implausible network"):
            state_dict_names.build({**state, name: state[name][:0]})


def test_a_header_longer_than_its_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes((1 << 60).to_bytes(8, "little") + b"{}")
    with pytest.raises(ModelError):
        load(tmp_path / "a.safetensors")
