"""Runs with hand-made pictures: they replace what would be upscaled, and change nothing else."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dumps import tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packs import noise
from PIL import Image
from textures import grain

from texpipe.errors import ExitCode, PackError, SourceError, UsageError
from texpipe.formats.dds import encode_dds, mip_chain
from texpipe.imaging.image_files import decode, encode_png
from texpipe.imaging.visible import premultiplied
from texpipe.manifest.file import read_manifest
from texpipe.manifest.schema import Entry, Provenance
from texpipe.output.result import RunResult
from texpipe.packs.verify import verify_pack
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.texture import Rgba8

Run = Callable[..., RunResult]
SCALE, SIDE = 2, 8
SKIP_THE_THIRD = "[{match: {name: '*#00000003#*'}, action: skip}, {match: {}, action: nearest}]"


def name_of(number: int, suffix: str = ".png") -> str:
    return f"G#{number:08X}#0#2_all{suffix}"


def by_name(result: RunResult) -> dict[str, Entry]:
    return {entry.source: entry for entry in result.manifest.textures}


@pytest.fixture
def run(tmp_path: Path, tiny_model: Path) -> Run:
    """Run a recipe that repeats texels; `hd` beside it has hand-made pictures, `in` three textures."""
    for folder in ("in", "hd"):
        (tmp_path / folder).mkdir()
    for number in (1, 2, 3):
        (tmp_path / "in" / name_of(number)).write_bytes(encode_png(noise((SIDE, SIDE), number)))

    def call(
        overrides: str = "hd",
        targets: str = "[folder]",
        rules: str = "[{match: {}, action: nearest}]",
        dry_run: bool = False,
        merge: bool = False,
        **options: object,
    ) -> RunResult:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(
            f"version: 1\nname: r\ngame: G\ninput: in\noutput: pack\nmodel: {tiny_model.as_posix()}\n"
            f"targets: {targets}\nscale: {SCALE}\nrules: {rules}\n"
            + (f"overrides: {overrides}\n" if overrides else ""),
            "utf-8",
        )
        return run_recipe(load_options(recipe, **options), dry_run=dry_run, merge=merge)  # type: ignore[arg-type]

    return call


def made(tmp_path: Path, name: str, rgba: Rgba8, form: str = "PNG", folder: str = "hd") -> bytes:
    file = tmp_path / folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if form == "DDS":
        file.write_bytes(encode_dds(mip_chain(rgba, cutout=False)))
    else:
        image = Image.fromarray(rgba)
        image.convert("RGB").save(file, form, quality=100) if form == "JPEG" else image.save(
            file, form, **({"lossless": True} if form == "WEBP" else {})
        )
    return file.read_bytes()


def packs(tmp_path: Path) -> dict[str, bytes]:
    files = tree(tmp_path / "pack").items()
    return {path: data for path, data in files if path.startswith(("folder/", "gliden64/"))}


def pixels(tmp_path: Path, number: int, target: str = "folder") -> Rgba8:
    (file,) = (tmp_path / "pack" / target).rglob(name_of(number))
    return decode(file.read_bytes(), name=file.name)[0]


@pytest.mark.parametrize(
    ("form", "suffix"),
    [("PNG", ".png"), ("TGA", ".tga"), ("WEBP", ".webp"), ("JPEG", ".jpg"), ("DDS", ".dds")],
)
def test_pictures_of_every_kind(run: Run, tmp_path: Path, form: str, suffix: str) -> None:
    rgba = grain((SIDE * SCALE, SIDE * SCALE), 5)
    data = made(tmp_path, name_of(1, suffix), rgba, form)
    result = run()
    entry = by_name(result)[name_of(1)]
    assert result.exit_code == ExitCode.OK
    assert entry.by == Provenance("hand", file=name_of(1, suffix), sha256=hashlib.sha256(data).hexdigest())
    assert entry.status == "written"
    assert entry.decided_by is not None
    assert entry.decided_by.action == f"by hand: {name_of(1, suffix)}"
    assert result.manifest.summary.by_hand == 1
    difference = np.abs(pixels(tmp_path, 1).astype(int) - rgba).max()
    assert difference == 0 if form in ("PNG", "TGA", "WEBP") else difference < 40
    assert verify_pack(tmp_path / "pack").problems == ()


def test_a_png_of_the_packs_size_is_taken_byte_for_byte(run: Run, tmp_path: Path) -> None:
    rgba = noise((SIDE * SCALE, SIDE * SCALE), 9)
    rgba[:3, :, 3] = 0  # with hidden colours
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG", compress_level=0)
    (tmp_path / "hd" / name_of(2)).write_bytes(buffer.getvalue())
    entry = by_name(run())[name_of(2)]
    assert (tmp_path / "pack" / "folder" / name_of(2)).read_bytes() == buffer.getvalue()
    assert entry.outputs[0].sha256 == hashlib.sha256(buffer.getvalue()).hexdigest()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.integers(1, 16), st.floats(1, 16)), st.integers(0, 99))
def test_any_scale_from_1_to_16(run: Run, tmp_path: Path, scale: float, seed: int) -> None:
    """Whole or not; the mean colour stays."""
    side = round(SIDE * scale)
    rgba = grain((side, side), seed)
    made(tmp_path, name_of(1), rgba)
    assert by_name(run())[name_of(1)].outputs[0].size == (SIDE * SCALE, SIDE * SCALE)
    result = pixels(tmp_path, 1)
    drift = premultiplied(result).mean(axis=(0, 1)) - premultiplied(rgba).mean(axis=(0, 1))
    assert np.abs(drift).max() < 6


@pytest.mark.parametrize("size", [(16, 8), (7, 7), (136, 136), (16, 17), (1, 1)])
def test_another_shape_is_refused_by_name(run: Run, tmp_path: Path, size: tuple[int, int]) -> None:
    """And not replaced in silence: the texture fails, the others are written."""
    made(tmp_path, name_of(1), noise(size))
    result = run()
    entry = by_name(result)[name_of(1)]
    assert entry.status == "failed"
    assert f"{name_of(1)} cannot be used: is {size[0]} x {size[1]} pixels" in str(entry.reason)
    assert "8 x 8 texels" in str(entry.reason)
    assert entry.by is None
    assert result.exit_code == ExitCode.SOME_FAILED
    assert {path.name for path in (tmp_path / "pack" / "folder").iterdir()} == {name_of(2), name_of(3)}


def test_a_broken_picture_fails_its_texture_alone(run: Run, tmp_path: Path) -> None:
    data = made(tmp_path, name_of(1), noise((16, 16)))
    (tmp_path / "hd" / name_of(1)).write_bytes(data[:60])
    (tmp_path / "hd" / name_of(2)).write_bytes(data[:-30])
    for dry_run in (True, False):
        statuses = {name: entry.status for name, entry in by_name(run(dry_run=dry_run)).items()}
        assert statuses[name_of(1)] == statuses[name_of(2)] == "failed"
        assert statuses[name_of(3)] == "written"


def test_a_hand_made_picture_wins_over_skip_and_copy(run: Run, tmp_path: Path) -> None:
    """A pack of hand-made pictures alone: everything else is left out by a rule."""
    made(tmp_path, name_of(3), noise((16, 16), 4))
    entries = by_name(run(rules=SKIP_THE_THIRD))
    assert entries[name_of(3)].status == "written"
    assert run(overrides="", rules=SKIP_THE_THIRD).manifest.summary.skipped == 1
    copied = by_name(run(rules="[{match: {}, action: copy}]"))
    assert copied[name_of(3)].outputs[0].size == (16, 16), "in the size of the pack"
    assert copied[name_of(1)].outputs[0].size == (8, 8)
    assert copied[name_of(1)].by == Provenance("copied")


def test_only_what_changed_is_made_again(run: Run, tmp_path: Path) -> None:
    plain = run(overrides="")
    before = {name: entry.outputs for name, entry in by_name(plain).items()}
    made(tmp_path, name_of(1), noise((32, 32), 7))
    first = run()
    assert (first.computed, first.cached) == (1, 2)
    assert (run().computed, run().cached) == (0, 3)
    made(tmp_path, name_of(1), noise((32, 32), 8))
    again = run()
    assert (again.computed, again.cached) == (1, 2)
    assert by_name(again)[name_of(1)].outputs != by_name(first)[name_of(1)].outputs
    (tmp_path / "hd" / name_of(1)).unlink()
    back = run()
    assert back.computed == 0, "what was upscaled is still in the store"
    assert {name: entry.outputs for name, entry in by_name(back).items()} == before


@pytest.mark.parametrize("targets", ["[folder, gliden64]", "{gliden64: {container: hts}}"])
def test_a_picture_equal_to_the_result_gives_the_same_pack(run: Run, tmp_path: Path, targets: str) -> None:
    for target in ("[folder]", targets):
        before = run(overrides="", targets=target, remove=True)
        if target == "[folder]":
            for name in (name_of(1), name_of(2)):
                (tmp_path / "hd" / name).write_bytes((tmp_path / "pack" / "folder" / name).read_bytes())
    files = packs(tmp_path)
    one, other = by_name(before)[name_of(1)], by_name(run(targets=targets))[name_of(1)]
    assert packs(tmp_path) == files
    assert other.by is not None
    assert other.by.kind == "hand"
    # Whether a texture repeats matters only to what is upscaled.
    same = {"metrics": one.metrics, "by": one.by, "decided_by": one.decided_by, "repeats": one.repeats}
    assert one == replace(other, **same)


def test_shards_make_the_same_pack_as_one_run(run: Run, tmp_path: Path) -> None:
    for number in (1, 2):
        made(tmp_path, name_of(number), noise((24, 24), number))
    run()
    files, manifest = packs(tmp_path), (tmp_path / "pack" / "manifest.json").read_bytes()
    shutil.rmtree(tmp_path / "pack")
    results = [run(shard=shard) for shard in ("1/2", "2/2")]
    assert sum(one.computed for one in results) == 3, "each picture is made in one of them"
    assert run(merge=True).computed == 0
    assert packs(tmp_path) == files
    assert (tmp_path / "pack" / "manifest.json").read_bytes() == manifest


def test_what_is_no_longer_by_hand_goes_to_the_backup(run: Run, tmp_path: Path) -> None:
    """Somebody may have thought that the pack keeps it."""
    data = made(tmp_path, name_of(1), noise((16, 16), 7))
    run()
    again = made(tmp_path, name_of(1), noise((16, 16), 8))
    run()
    assert not (tmp_path / "pack" / ".backup").exists(), "who changes a picture has the new one"
    (tmp_path / "hd" / name_of(1)).unlink()
    run()
    (saved,) = (tmp_path / "pack" / ".backup").rglob("*.png")
    assert saved.read_bytes() == again != data


def test_hand_made_pictures_that_are_gone_are_named_before_others_take_their_place(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2):
        made(tmp_path, name_of(number), noise((16, 16), number))
    run()
    (tmp_path / "hd" / name_of(2)).unlink()
    lines = {
        "hd": "1 texture had a hand-made picture in the run before and none now: the files are no longer in",
        "empty": "1 texture had a hand-made picture in the run before and none now: there are no pictures in",
        "": "no folder of `overrides` is named any more",
    }
    (tmp_path / "empty").mkdir()
    for overrides, line in lines.items():
        caplog.clear()
        result = run(overrides=overrides)
        assert line in caplog.text, "at the beginning"
        assert str(tmp_path / overrides if overrides else "") in caplog.text
        assert any(line in one and ".backup" in one for one in result.warnings)
        assert not any(
            "hand-made picture in the run before" in one for one in run(overrides=overrides).warnings
        )
        made(tmp_path, name_of(2), noise((16, 16), 2))
        run()
        if overrides == "hd":
            (tmp_path / "hd" / name_of(1)).unlink()
            run()


def test_an_empty_mount_point_does_not_cost_the_pack_its_hand_made_pictures(run: Run, tmp_path: Path) -> None:
    for number in range(4, 9):
        (tmp_path / "in" / name_of(number)).write_bytes(encode_png(noise((SIDE, SIDE), number)))
    for number in range(1, 7):
        made(tmp_path, name_of(number), noise((16, 16), number))
    run()
    files = packs(tmp_path)
    (tmp_path / "hd").rename(tmp_path / "unplugged")
    with pytest.raises(SourceError, match="hd does not exist") as missing:
        run()
    assert "Connect the drive" in str(missing.value.hint)
    (tmp_path / "hd").mkdir()
    with pytest.raises(PackError, match="6 textures had a hand-made picture") as stopped:
        run()
    assert str(tmp_path / "hd") in stopped.value.message
    assert "--remove" in str(stopped.value.hint)
    assert packs(tmp_path) == files
    assert run(remove=True).manifest.summary.by_hand == 0
    assert len(list((tmp_path / "pack" / ".backup").rglob("*.png"))) == 6
    (tmp_path / "hd").rmdir()
    (tmp_path / "unplugged").rename(tmp_path / "hd")
    run()
    assert packs(tmp_path) == files


def test_files_that_are_for_no_texture_are_told(run: Run, tmp_path: Path) -> None:
    for name in ("nothing.png", *(f"more{number}.png" for number in range(12))):
        made(tmp_path, name, noise((16, 16)))
    lines = "\n".join(run().warnings)
    assert "hd/more0.png is not used: no texture of the input is called that" in lines.replace("\\", "/")
    assert "... and 3 more files" in lines
    (tmp_path / "empty").mkdir()
    assert any("there are no pictures in" in line for line in run(overrides="empty").warnings)


def test_a_linked_folder_of_pictures_is_told(run: Run, tmp_path: Path) -> None:
    made(tmp_path, name_of(1), noise((16, 16)))
    (tmp_path / "art").mkdir()
    (tmp_path / "hd" / "art").symlink_to(tmp_path / "art")
    (line,) = (line for line in run().warnings if "is a link to a folder" in line)
    assert str(tmp_path / "hd" / "art") in line


def test_two_files_for_one_texture_are_told_and_not_guessed(run: Run, tmp_path: Path) -> None:
    made(tmp_path, name_of(1), noise((16, 16), 1))
    made(tmp_path, "00000001.tga", noise((16, 16), 2), "TGA")
    entry = by_name(run())[name_of(1)]
    assert entry.status == "failed"
    assert "are all for it: keep one of them" in str(entry.reason)
    made(tmp_path, "00000001.png", noise((16, 16), 1))
    (tmp_path / "hd" / "00000001.tga").unlink()
    assert by_name(run())[name_of(1)].status == "written", "two names of the same bytes are no question"


def test_a_file_that_may_be_for_two_textures_is_for_none(run: Run, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / "in" / folder).mkdir()
        (tmp_path / "in" / folder / "x.png").write_bytes(encode_png(noise((8, 8), ord(folder))))
    made(tmp_path, "x.png", noise((16, 16), 1))
    result = run()
    assert any("x.png is not used: it may be for a/x.png, b/x.png" in line for line in result.warnings)
    assert {by_name(result)[f"{folder}/x.png"].by for folder in "ab"} == {Provenance("nearest")}
    made(tmp_path, "b/x.png", noise((16, 16), 2))
    assert by_name(run())["b/x.png"].by is not None
    assert by_name(run())["b/x.png"].by.kind == "hand"  # type: ignore[union-attr]


def test_duplicates_get_the_same_picture_unless_they_have_their_own(run: Run, tmp_path: Path) -> None:
    for copy in ("twin.png", "triplet.png"):
        (tmp_path / "in" / copy).write_bytes((tmp_path / "in" / name_of(1)).read_bytes())
    mine, other = noise((16, 16), 20), noise((16, 16), 21)
    made(tmp_path, "twin.png", mine)
    entries = by_name(run())
    kinds = {name: entry.by.kind for name, entry in entries.items() if entry.by}
    assert kinds == {
        name_of(1): "hand",
        "twin.png": "hand",
        "triplet.png": "hand",
        name_of(2): "nearest",
        name_of(3): "nearest",
    }
    assert entries["twin.png"].duplicate_of == name_of(1)
    assert (pixels(tmp_path, 1) == mine).all()
    made(tmp_path, name_of(1), other)
    result = run()
    entries = by_name(result)
    assert (pixels(tmp_path, 1) == other).all()
    assert entries["twin.png"].duplicate_of is None
    assert entries["triplet.png"].by == Provenance("nearest")
    assert any("triplet.png is upscaled: its duplicates" in line for line in result.warnings)


def test_a_piece_of_a_split_picture_is_replaced_alone(tmp_path: Path, run: Run) -> None:
    """The others keep the pixels that they have when the whole picture is enlarged."""
    group = (
        f"groups: [{{name: g, columns: 3, rows: 1, files: ['{name_of(1)}', '{name_of(2)}', '{name_of(3)}']}}]"
    )
    rules = f"[]\n{group}"
    before = by_name(run(overrides="", rules=rules))
    mine = noise((16, 16), 30)
    made(tmp_path, name_of(2), mine)
    after = by_name(run(rules=rules))
    assert (pixels(tmp_path, 2) == mine).all()
    assert after[name_of(2)].group == "g"
    assert after[name_of(2)].edges is not None
    assert (after[name_of(2)].edges.x, after[name_of(2)].edges.y) == ("clamp", "clamp")  # type: ignore[union-attr]
    for name in (name_of(1), name_of(3)):
        assert after[name].outputs == before[name].outputs
        assert after[name].by == Provenance("model", "tiny")


def test_relatives_keep_their_pixels(tmp_path: Path, run: Run, tiny_model: Path) -> None:
    """Other palettes of a texture and its mirror image are made of what is upscaled, not of the hand-made picture."""
    base = grain((16, 16), 3)
    (tmp_path / "in" / "left.png").write_bytes(encode_png(base))
    (tmp_path / "in" / "right.png").write_bytes(encode_png(base[:, ::-1]))
    before = by_name(run(overrides="", rules="[]"))
    related = [name for name, entry in before.items() if entry.mirror]
    assert sorted(related) == ["left.png", "right.png"]
    of = before["left.png"].mirror.of  # type: ignore[union-attr]
    made(tmp_path, of, noise((32, 32), 30))
    after = by_name(run(rules="[]"))
    (image,) = set(related) - {of}
    assert after[image].outputs == before[image].outputs
    assert after[of].mirror is None


def test_the_first_folder_wins(run: Run, tmp_path: Path) -> None:
    one, other = noise((16, 16), 1), noise((16, 16), 2)
    made(tmp_path, name_of(1), one)
    made(tmp_path, name_of(1), other, folder="more")
    made(tmp_path, name_of(2), other, folder="more")
    run(overrides="[hd, more]")
    assert (pixels(tmp_path, 1) == one).all()
    assert (pixels(tmp_path, 2) == other).all()
    run(overrides="[more, hd]")
    assert (pixels(tmp_path, 1) == other).all()


@pytest.mark.parametrize("place", ["in", "in/hd", "pack", "pack/hd", "pack/folder", "."])
def test_hand_made_pictures_lie_apart(run: Run, tmp_path: Path, place: str) -> None:
    run(overrides="")
    before = tree(tmp_path / "pack")
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    with pytest.raises(UsageError, match="hand-made pictures"):
        run(overrides=place)
    assert tree(tmp_path / "pack") == before


def test_a_folder_that_is_not_there_stops_the_run(run: Run) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        run(overrides="hdd")


def test_a_texture_that_no_target_holds_says_what_it_does_with_the_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in" / "holiday.png").write_bytes(encode_png(noise((8, 8), 50)))
    made(tmp_path, "holiday.png", noise((16, 16)))
    result = run(targets="[gliden64]")
    assert by_name(result)["holiday.png"].status == "skipped"
    assert any("holiday.png is not used: holiday.png is left out" in line for line in result.warnings)


def test_every_texture_says_who_made_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in" / "copied.png").write_bytes(encode_png(noise((4, 4), 60)))
    made(tmp_path, name_of(2), noise((16, 16)))
    rules = f"[{{match: {{name: copied.png}}, action: copy}}, {{match: {{name: '{name_of(3)}'}}, action: nearest}}]"
    run(rules=rules)
    (tmp_path / "pack" / "folder" / name_of(3)).write_bytes(encode_png(noise((16, 16), 70)))
    result = run(rules=rules)
    kinds = {name: entry.by and (entry.by.kind, entry.by.model) for name, entry in by_name(result).items()}
    assert kinds == {
        name_of(1): ("model", "tiny"),
        name_of(2): ("hand", None),
        name_of(3): ("edited", None),
        "copied.png": ("copied", None),
    }
    raw = json.loads((tmp_path / "pack" / "manifest.json").read_text("utf-8"))
    assert raw["textures"][0]["by"] == {"kind": "model", "model": "tiny"}
    assert read_manifest(tmp_path / "pack" / "manifest.json") == result.manifest
