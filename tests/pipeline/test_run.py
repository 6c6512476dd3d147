"""The whole pipeline through the real command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dumps import GAME, dump, texture, tree, write_recipe

from texpipe.imaging.image_files import decode, encode_png

Run = Callable[..., subprocess.CompletedProcess[str]]


def picture(path: Path) -> np.ndarray:
    return decode(path.read_bytes(), name=path.name)[0].astype(int)


def outputs(folder: Path) -> dict[str, np.ndarray]:
    return {path.name: picture(path) for path in (folder / "gliden64").rglob("*.png")}


def test_a_dump_becomes_a_pack(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    names = dump(tmp_path / "dump", 6)
    recipe = write_recipe(tmp_path)
    done = texpipe("run", recipe, "--model", tiny_model, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"]["written"] == 6
    pack = tmp_path / "out" / "gliden64" / GAME
    assert sorted(path.name for path in pack.iterdir()) == sorted(names)
    for name in names:
        assert picture(pack / name).shape == (32, 32, 4)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [entry["source"] for entry in manifest["textures"]] == sorted(names)
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()
    assert texpipe("verify", tmp_path / "out").returncode == 0


def test_verify_names_what_was_touched(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    names = dump(tmp_path / "dump", 3)
    recipe = write_recipe(tmp_path)
    assert texpipe("run", recipe, "--model", tiny_model).returncode == 0
    pack = tmp_path / "out" / "gliden64" / GAME
    (pack / names[0]).write_bytes((pack / names[1]).read_bytes())
    (pack / names[2]).unlink()
    done = texpipe("verify", tmp_path / "out")
    assert done.returncode == 5
    assert names[0] in done.stderr
    assert names[2] in done.stderr
    # and the next run mends it without computing anything
    again = texpipe("run", recipe, "--model", tiny_model, "--json")
    assert json.loads(again.stdout)["computed"] == 0
    assert texpipe("verify", tmp_path / "out").returncode == 0


def test_bad_files_never_stop_a_run(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    good = dump(tmp_path / "dump", 40)
    whole = (tmp_path / "dump" / good[0]).read_bytes()
    for number in range(20):
        broken = (b"", b"not a picture", whole[: 30 + number], whole[:8] + b"\0" * 60)[number % 4]
        (tmp_path / "dump" / f"{GAME}#{0x2000 + number:08X}#0#2_all.png").write_bytes(broken)
    (tmp_path / "dump" / "Thumbs.db").write_bytes(b"x")
    done = texpipe("run", write_recipe(tmp_path), "--model", tiny_model, "--json")
    assert done.returncode == 7, done.stderr
    result = json.loads(done.stdout)
    assert result["summary"]["written"] == 40
    assert result["summary"]["failed"] == 20
    assert all(result["failed"].values())
    entries = json.loads((tmp_path / "out" / "manifest.json").read_text())["textures"]
    assert sum(1 for entry in entries if entry["status"] == "failed" and entry["reason"]) == 20
    assert texpipe("run", write_recipe(tmp_path), "--model", tiny_model, "--strict").returncode == 3


def test_nothing_to_read_is_an_error(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    recipe = write_recipe(tmp_path)
    assert texpipe("run", recipe, "--model", tiny_model).returncode == 3
    (tmp_path / "dump").mkdir()
    done = texpipe("run", recipe, "--model", tiny_model)
    assert done.returncode == 3
    assert "no textures" in done.stderr


def test_a_missing_model_names_the_command_that_gets_it(
    tmp_path: Path, texpipe: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))  # whoever runs this may have fetched it
    dump(tmp_path / "dump", 1)
    done = texpipe("run", write_recipe(tmp_path), "--model", "realsr-df2k-x4")
    assert done.returncode == 4
    assert "texpipe models fetch realsr-df2k-x4" in done.stderr


def test_a_second_run_computes_nothing_and_changes_nothing(
    tmp_path: Path, tiny_model: Path, texpipe: Run
) -> None:
    dump(tmp_path / "dump", 5)
    recipe = write_recipe(tmp_path)
    first = texpipe("run", recipe, "--model", tiny_model, "--json")
    before = tree(tmp_path / "out")
    second = texpipe("run", recipe, "--model", tiny_model, "--json")
    assert json.loads(first.stdout)["computed"] == 5
    assert json.loads(second.stdout)["computed"] == 0
    assert tree(tmp_path / "out") == before


def test_killed_and_run_again_is_the_same_as_uninterrupted(
    tmp_path: Path, tiny_model: Path, texpipe: Run
) -> None:
    dump(tmp_path / "dump", 120, (24, 24))
    recipe = write_recipe(tmp_path)
    whole = texpipe("run", recipe, "--model", tiny_model, "--output", tmp_path / "whole", "--json")
    command = [sys.executable, "-m", "texpipe", "run", str(recipe), "--model", str(tiny_model)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store = tmp_path / "out" / ".store"
    deadline = time.monotonic() + 60
    while len(list(store.rglob("*.json"))) < 10 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run was over before it could be killed"
    finished = len(list(store.rglob("*.json")))
    again = texpipe("run", recipe, "--model", tiny_model, "--json")
    assert json.loads(whole.stdout)["computed"] == 120
    assert json.loads(again.stdout)["computed"] <= 120 - finished
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_two_runs_on_one_output_do_not_mix(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    from texpipe.storage.lock import Lock

    dump(tmp_path / "dump", 1)
    with Lock(tmp_path / "out"):
        done = texpipe("run", write_recipe(tmp_path), "--model", tiny_model)
    assert done.returncode == 5
    assert "another run" in done.stderr


def test_a_dry_run_writes_nothing(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    dump(tmp_path / "dump", 3)
    done = texpipe("run", write_recipe(tmp_path), "--model", tiny_model, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"]["written"] == 3
    assert not (tmp_path / "out").exists()


def run_with(tmp_path: Path, name: str, rgba: np.ndarray, model: Path, texpipe: Run, rule: str) -> np.ndarray:
    """Run one texture under forced edges and return its result."""
    folder = tmp_path / name
    (folder / "dump").mkdir(parents=True)
    (folder / "dump" / f"{GAME}#00001234#0#2_all.png").write_bytes(encode_png(rgba))
    recipe = write_recipe(folder, f"rules:\n  - {{match: {{name: '*'}}, {rule}}}\n")
    done = texpipe("run", recipe, "--model", model, "--precision", "fp32")
    assert done.returncode == 0, done.stderr
    (result,) = outputs(folder / "out").values()
    return result


@pytest.mark.parametrize(("x", "y"), [("wrap", "clamp"), ("clamp", "wrap"), ("wrap", "wrap")])
def test_rolled_in_is_rolled_out(tmp_path: Path, tiny_model: Path, texpipe: Run, x: str, y: str) -> None:
    rgba = texture(3, (16, 12), "binary")
    shift = (5 if y == "wrap" else 0, 7 if x == "wrap" else 0)
    rule = f"edges: {{x: {x}, y: {y}}}"
    straight = run_with(tmp_path, "straight", rgba, tiny_model, texpipe, rule)
    rolled = run_with(tmp_path, "rolled", np.roll(rgba, shift, (0, 1)), tiny_model, texpipe, rule)
    expected = np.roll(straight, (4 * shift[0], 4 * shift[1]), (0, 1))
    assert np.abs(rolled[..., 3] - expected[..., 3]).max() <= 1
    assert np.abs(rolled - expected)[expected[..., 3] > 0].max() <= 1


def test_mirrored_in_is_mirrored_out(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    rgba = texture(4, (16, 8))
    straight = run_with(tmp_path, "straight", rgba, tiny_model, texpipe, "edges: {x: mirror, y: mirror}")
    flipped = run_with(
        tmp_path, "flipped", rgba[::-1, ::-1], tiny_model, texpipe, "edges: {x: mirror, y: mirror}"
    )
    assert np.abs(flipped - straight[::-1, ::-1]).max() <= 1


def test_hidden_colour_never_matters(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    rgba = texture(5, (12, 12), "binary")
    other = rgba.copy()
    other[rgba[..., 3] == 0, :3] = np.random.default_rng(1).integers(0, 256, ((rgba[..., 3] == 0).sum(), 3))
    rule = "edges: {x: wrap, y: clamp}"
    one = run_with(tmp_path, "one", rgba, tiny_model, texpipe, rule)
    two = run_with(tmp_path, "two", other, tiny_model, texpipe, rule)
    assert np.array_equal(one[..., 3], two[..., 3])
    assert np.array_equal(one[one[..., 3] > 0], two[two[..., 3] > 0])


@pytest.mark.parametrize("scale", [1, 2, 4, 8, 16])
def test_every_scale_is_exact(tmp_path: Path, tiny_model: Path, texpipe: Run, scale: int) -> None:
    (tmp_path / "dump").mkdir()
    for number, size in enumerate([(1, 4), (5, 3), (8, 8)]):
        name = f"{GAME}#{0x3000 + number:08X}#0#2_all.png"
        (tmp_path / "dump" / name).write_bytes(encode_png(texture(number, size)))
    recipe = write_recipe(tmp_path, f"scale: {scale}\n")
    done = texpipe("run", recipe, "--model", tiny_model)
    assert done.returncode == 0, done.stderr
    shapes = [result.shape[:2] for _, result in sorted(outputs(tmp_path / "out").items())]
    assert shapes == [(4 * scale, scale), (3 * scale, 5 * scale), (8 * scale, 8 * scale)]


def test_duplicates_are_written_and_computed_once(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    names = dump(tmp_path / "dump", 2)
    twin = f"{GAME}#0000FFFF#0#2_all.png"
    (tmp_path / "dump" / twin).write_bytes((tmp_path / "dump" / names[0]).read_bytes())
    done = texpipe("run", write_recipe(tmp_path), "--model", tiny_model, "--json")
    assert json.loads(done.stdout)["computed"] == 2
    made = outputs(tmp_path / "out")
    assert np.array_equal(made[twin], made[names[0]])
    entries = {e["source"]: e for e in json.loads((tmp_path / "out/manifest.json").read_text())["textures"]}
    assert entries[twin]["duplicate_of"] == names[0]


def test_a_changed_rule_takes_its_files_out_of_the_pack(
    tmp_path: Path, tiny_model: Path, texpipe: Run
) -> None:
    names = dump(tmp_path / "dump", 3)
    assert texpipe("run", write_recipe(tmp_path), "--model", tiny_model).returncode == 0
    rule = f"rules:\n  - {{match: {{name: '{names[1]}'}}, action: skip}}\n"
    done = texpipe("run", write_recipe(tmp_path, rule), "--model", tiny_model, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["computed"] == 0
    assert sorted(outputs(tmp_path / "out")) == [names[0], names[2]]


def test_declared_groups_are_joined_and_split(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    picture_ = texture(9, (20, 18))
    (tmp_path / "dump").mkdir()
    names = [f"{GAME}#{0x4000 + row:08X}#0#2_all.png" for row in range(3)]
    for row, name in enumerate(names):
        (tmp_path / "dump" / name).write_bytes(encode_png(picture_[6 * row : 6 * row + 6]))
    files = ", ".join(f"'{name}'" for name in names)
    group = f"groups:\n  - {{name: title, columns: 1, rows: 3, overlap: 0, files: [{files}]}}\n"
    rule = "rules:\n  - {match: {name: '*'}, edges: clamp}\n"
    done = texpipe("run", write_recipe(tmp_path, rule + group), "--model", tiny_model, "--precision", "fp32")
    assert done.returncode == 0, done.stderr
    joined = np.concatenate([outputs(tmp_path / "out")[name] for name in names])
    whole = run_with(tmp_path, "whole", picture_, tiny_model, texpipe, "edges: clamp")
    assert np.array_equal(joined, whole)
    entries = json.loads((tmp_path / "out/manifest.json").read_text())["textures"]
    assert [entry["group"] for entry in entries] == ["title"] * 3


def test_shards_and_merge_equal_one_run(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    dump(tmp_path / "dump", 12)
    recipe = write_recipe(tmp_path)
    assert texpipe("run", recipe, "--model", tiny_model, "--output", tmp_path / "whole").returncode == 0
    command = [sys.executable, "-m", "texpipe", "run", str(recipe), "--model", str(tiny_model), "--json"]
    # At the same moment, as on several machines with one disk.
    shards = [
        subprocess.Popen([*command, "--shard", f"{part}/3"], stdout=subprocess.PIPE, text=True)
        for part in (1, 2, 3)
    ]
    results = [json.loads(shard.communicate()[0]) for shard in shards]
    assert sum(result["computed"] for result in results) == 12
    merged = texpipe("merge", recipe, "--model", tiny_model, "--json")
    assert json.loads(merged.stdout)["computed"] == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_merge_says_which_shard_is_missing(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    dump(tmp_path / "dump", 12)
    recipe = write_recipe(tmp_path)
    assert texpipe("run", recipe, "--model", tiny_model, "--shard", "1/2").returncode == 0
    done = texpipe("merge", recipe, "--model", tiny_model)
    assert done.returncode == 5
    assert "2/2" in done.stderr


def test_what_no_target_can_hold_is_not_computed(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    dump(tmp_path / "dump", 2)
    for name in ("some.png", "other.png"):
        (tmp_path / "dump" / name).write_bytes(encode_png(texture(sum(name.encode()))))
    one = texpipe("run", write_recipe(tmp_path), "--model", tiny_model, "--json")
    assert json.loads(one.stdout)["computed"] == 2
    assert "skipped 2: its name is not a GLideN64 texture name" in one.stderr
    both = texpipe(
        "run", write_recipe(tmp_path), "--model", tiny_model, "--target", "gliden64", "--target", "folder"
    )
    assert both.returncode == 0, both.stderr
    entries = {e["source"]: e for e in json.loads((tmp_path / "out/manifest.json").read_text())["textures"]}
    assert [one["target"] for one in entries["some.png"]["outputs"]] == ["folder"]
    assert "not in gliden64" in entries["some.png"]["warnings"][0]


def test_a_pack_does_not_depend_on_its_history(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    """Hidden RGB of a texture that is gone must not live on in its twin."""
    (tmp_path / "dump").mkdir()
    rgba = texture(1, (8, 8), "binary")
    other = np.where(rgba[..., 3:] > 0, rgba, np.uint8(99))
    other[..., 3] = rgba[..., 3]
    a, b = (tmp_path / "dump" / f"{GAME}#0000000{digit}#0#2_all.png" for digit in "AB")
    a.write_bytes(encode_png(rgba))
    b.write_bytes(encode_png(other))
    recipe = write_recipe(tmp_path, "rules:\n  - {match: {name: '*'}, action: nearest}\n")
    assert texpipe("run", recipe, "--model", tiny_model).returncode == 0
    a.unlink()
    assert texpipe("run", recipe, "--model", tiny_model).returncode == 0
    assert texpipe("run", recipe, "--model", tiny_model, "--output", tmp_path / "fresh").returncode == 0
    assert (tmp_path / "out/gliden64" / GAME / b.name).read_bytes() == (
        tmp_path / "fresh/gliden64" / GAME / b.name
    ).read_bytes()


def test_a_pack_is_no_input(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    dump(tmp_path / "dump", 1)
    recipe = write_recipe(tmp_path)
    assert texpipe("run", recipe, "--model", tiny_model, "--output", tmp_path / "dump").returncode == 2


def test_what_the_emulator_would_refuse_is_left_out(tmp_path: Path, tiny_model: Path, texpipe: Run) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / f"{GAME}#00000001#0#2_all.png").write_bytes(encode_png(texture(1, (1, 1))))
    (tmp_path / "dump" / f"{GAME}#00000002#0#2_all.png").write_bytes(encode_png(texture(1, (4, 1))))
    done = texpipe("run", write_recipe(tmp_path, "scale: 1\n"), "--model", tiny_model, "--json")
    assert json.loads(done.stdout)["summary"]["skipped"] == 1
    assert texpipe("verify", tmp_path / "out").returncode == 0
