"""Completion: gaps are filled in the pack's own layout, nothing that is there changes, and models are judged first."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from packs import noise
from textures import opaque

from texpipe.errors import Interrupted, PackError, UsageError
from texpipe.imaging.image_files import decode, encode_png
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.passes.resample import blur, repeat
from texpipe.texture import Edges, Rgba8
from texpipe.train.loop.output import TrainingResult
from texpipe.train.loop.state import TrainingJob
from texpipe.upkeep import complete as completing
from texpipe.upkeep import style as styling
from texpipe.upkeep.any_pack import open_pack
from texpipe.upkeep.complete import Completion, Order, plan_completion
from texpipe.upkeep.completed import RECORD, read_record
from texpipe.upkeep.coverage import coverage
from texpipe.upkeep.layers import merge_layers
from texpipe.upkeep.provenance import Makers
from texpipe.upkeep.style import Style, Watchers

pytestmark = pytest.mark.usefixtures("one_thread", "no_downloads")

GAME = "OWN GAME"
SCALE = 4
BY_HAND = [f"{GAME}#0A0000{number:02X}#0#2_all.png" for number in range(18)]
RED, BLUE = (f"{GAME}#0B000001#2#0#{palette}_ciByRGBA.png" for palette in ("000000AA", "000000BB"))
TWIN = f"{GAME}#0C000001#0#2_all.png"
FLAT = f"{GAME}#0C000002#0#2_all.png"
MISSING = f"{GAME}#0C000003#0#2_all.png"
GAPS = {BLUE: "recoloured", TWIN: "copied", FLAT: "repeated", MISSING: "upscaled"}


def drawing(seed: int, side: int = 16) -> Rgba8:
    rng = np.random.default_rng(seed)
    waves = blur(rng.normal(size=(side, side, 3)).astype(np.float32), Edges(), 1.5)
    return opaque(128 + 100 * waves / np.abs(waves).max())


def indexed(palette_seed: int) -> Rgba8:
    """The same texels under one palette or another."""
    index = np.argsort(np.argsort(drawing(77)[..., 0].ravel(), kind="stable")).reshape(16, 16) * 9 // 256
    colours = np.random.default_rng(palette_seed).permutation(8**3)[:9]
    return opaque(np.stack([colours // 64, colours // 8 % 8, colours % 8], axis=1)[index] * 30 + 10)


def save(path: Path, rgba: Rgba8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(rgba))


def dumped() -> dict[str, Rgba8]:
    flat = opaque(np.full((8, 8, 3), 90))
    by_hand = {name: drawing(number) for number, name in enumerate(BY_HAND)}
    return by_hand | {
        RED: indexed(1), BLUE: indexed(2), TWIN: by_hand[BY_HAND[0]], FLAT: flat, MISSING: drawing(50)
    }  # fmt: skip


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    for name, rgba in dumped().items():
        save(tmp_path / "dump" / name, rgba)
    return tmp_path / "dump"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Pictures by hand in a sub-folder, with a note and a file that no texture asks for."""
    for name, rgba in dumped().items():
        if name not in GAPS:
            save(tmp_path / "pack" / GAME / "maps" / name, repeat(rgba, SCALE))
    (tmp_path / "pack" / "README.txt").write_text("mine")
    save(tmp_path / "pack" / GAME / "unfinished.png", noise((8, 8)))
    return tmp_path / "pack"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_safetensors(path, RRDBNet(3, 3, 4, 4, 1, 2).state_dict(), {})
    return str(path)


@pytest.fixture
def order(pack: Path, dump: Path, base: str, tmp_path: Path) -> Order:
    return Order(pack, (dump,), tmp_path / "work", style=False, base=base, device="cpu", perceptual=False)


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completing, "sync_disk", lambda: None)
    monkeypatch.setattr("os.fsync", lambda _: None)


def complete(order: Order) -> Completion:
    planned = plan_completion(order)
    return planned.fill(planned.learn())


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(one.relative_to(folder)): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


def picture(path: Path) -> Rgba8:
    return decode(path.read_bytes(), name=path.name)[0]


def test_gaps_are_filled_and_nothing_that_was_there_changes(order: Order, dump: Path) -> None:
    before = digests(order.pack)
    done = complete(order)
    after = digests(order.pack)
    assert {name: after[name] for name in before} == before
    assert not done.failed
    assert {one.texture: one.how for one in done.filled} == GAPS
    assert set(after) - set(before) == {RECORD, *(one.file for one in done.filled)}
    assert {one.file for one in done.filled} == {f"{GAME}/maps/{name}" for name in GAPS}, (
        "where the others are"
    )
    covered = coverage(open_pack(order.pack), [dump])
    assert covered.count("there") == len(dumped())
    assert not plan_completion(order).plan.gaps.gaps, "nothing is left for a second time"
    assert digests(order.pack) == after


def test_relatives_of_a_hand_made_picture_are_made_of_it(order: Order) -> None:
    complete(order)
    folder = order.pack / GAME / "maps"
    assert np.array_equal(picture(folder / TWIN), picture(folder / BY_HAND[0]))
    recoloured, wanted = picture(folder / BLUE).astype(int), repeat(indexed(2), SCALE).astype(int)
    assert np.abs(recoloured - wanted).max() <= 4, (
        "the hand-made one repeats its texels, and so must the variant"
    )
    assert np.array_equal(picture(folder / FLAT), repeat(dumped()[FLAT], SCALE))
    assert picture(folder / MISSING).shape == (16 * SCALE, 16 * SCALE, 4)


def test_the_record_says_what_was_made_of_what_by_which_model(order: Order, base: str) -> None:
    complete(order)
    record = read_record(order.pack)
    known = record.by_file()
    for file, one in known.items():
        assert hashlib.sha256((order.pack / file).read_bytes()).hexdigest() == one.sha256
    by_name = {one.texture: one for one in record.textures}
    assert by_name[BLUE].like == f"{GAME}/maps/{RED}"
    assert (by_name[MISSING].model, by_name[FLAT].model) == ("tiny", None)
    (model,) = record.models
    assert model.sha256 == hashlib.sha256(Path(base).read_bytes()).hexdigest()
    top = json.loads((order.pack / RECORD).read_text())
    assert (
        top["statement"] == "1 textures of this pack were upscaled from the game's own by AI models (tiny)."
    )


def test_what_was_filled_counts_as_nobodys_work_until_somebody_edits_it(order: Order) -> None:
    complete(order)

    def makers() -> dict[str, str]:
        known = Makers.of(order.pack)
        return {Path(one.entry.name).name: known.of_file(one) for one in open_pack(order.pack).textures}

    assert makers()[MISSING] == "tiny"
    assert makers()[BLUE] == "made of another texture's picture"
    assert {one.item.source.name for one in plan_completion(order).plan.gaps.by_hand} == {*BY_HAND, RED}
    save(order.pack / GAME / "maps" / MISSING, noise((64, 64)))
    assert makers()[MISSING] == "edited by hand"
    assert MISSING in {one.item.source.name for one in plan_completion(order).plan.gaps.by_hand}


def test_a_dry_run_says_the_same_and_writes_nothing(order: Order, tmp_path: Path) -> None:
    before = digests(tmp_path)
    plan = plan_completion(order).plan
    assert digests(tmp_path) == before
    assert {one["texture"]: one["how"] for one in plan.as_json()["gaps"]} == GAPS
    assert plan.scale == SCALE


def test_a_kill_while_files_are_written_leaves_whole_files_and_is_made_up_for(
    order: Order, base: str
) -> None:
    """In a process of its own that is killed after the second file, while it writes the third."""
    before = digests(order.pack)
    script = f"""
import os, signal
from pathlib import Path
from texpipe.storage import atomic
from texpipe.upkeep.complete import Order, plan_completion
link, left = os.link, [2]
def dying(source, target):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    link(source, target)
atomic.os.link = dying
planned = plan_completion(Order(Path({str(order.pack)!r}), (Path({str(order.dumps[0])!r}),),
    Path({str(order.work)!r}), style=False, base={base!r}, device="cpu"))
planned.fill(planned.learn())
"""
    died = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    halfway = digests(order.pack)
    assert {name: halfway[name] for name in before} == before
    new = {name for name in set(halfway) - set(before) if not Path(name).name.startswith(".")}
    assert len(new) == 3, "two pictures and the record"
    for name in new - {RECORD}:
        assert halfway[name] == read_record(order.pack).by_file()[name].sha256
    done = complete(order)
    assert len(done.filled) == len(GAPS) - 2
    after = digests(order.pack)
    assert {name: after[name] for name in halfway if name in new | set(before) and name != RECORD} == {
        name: digest for name, digest in halfway.items() if name in new | set(before) and name != RECORD
    }
    assert not [name for name in after if name.endswith(".part")]
    assert {one.texture for one in read_record(order.pack).textures} == set(GAPS)


def test_a_damaged_picture_stops_nothing(order: Order) -> None:
    (order.pack / GAME / "maps" / RED).write_bytes(b"no picture")
    done = complete(order)
    assert {one.texture for one in done.filled} == set(GAPS) - {BLUE}
    assert set(done.failed) == {BLUE}


def test_a_file_that_comes_meanwhile_stays(order: Order) -> None:
    planned = plan_completion(order)
    place = order.pack / GAME / "maps" / MISSING
    place.write_bytes(b"just put here")
    done = planned.fill(planned.learn())
    assert place.read_bytes() == b"just put here"
    assert "is there already" in done.failed[MISSING]
    assert MISSING not in {one.texture for one in read_record(order.pack).textures}


def test_containers_are_refused_and_get_a_pack_of_the_gaps_to_merge(order: Order, tmp_path: Path) -> None:
    container = tmp_path / "pack.zip"
    with zipfile.ZipFile(container, "w") as archive:
        for path in (order.pack / GAME / "maps").iterdir():
            archive.write(path, path.name)
    before = container.read_bytes()
    inside = replace(order, pack=container)
    with pytest.raises(UsageError, match="container files, which is never changed") as refused:
        complete(inside)
    assert "texpipe merge" in str(refused.value.hint)
    done = complete(replace(inside, output=tmp_path / "gaps"))
    assert len(done.filled) == len(GAPS)
    assert container.read_bytes() == before
    gaps = tmp_path / "gaps" / "gliden64"
    assert all((gaps / one.file).is_file() for one in done.filled)
    assert {one.texture for one in read_record(gaps).textures} == set(GAPS)
    found = coverage(open_pack(gaps), order.dumps)
    assert {one.name for one in found.textures if one.state == "there"} == set(GAPS)
    merge_layers([order.pack, gaps], tmp_path / "merged")
    assert not (tmp_path / "merged" / RECORD).exists(), "which speaks of one pack"
    known = Makers.of(tmp_path / "merged")
    by = {Path(one.entry.name).name: known.of_file(one) for one in open_pack(tmp_path / "merged").textures}
    assert (by[MISSING], by[BY_HAND[0]]) == ("tiny", "unknown")
    assert coverage(open_pack(tmp_path / "merged"), order.dumps).count("there") == len(dumped())
    with pytest.raises(PackError, match="is there already"):
        complete(replace(inside, output=tmp_path / "gaps"))
    complete(replace(inside, output=tmp_path / "cached", container="hts"))
    (cache,) = open_pack(tmp_path / "cached" / "gliden64").containers
    assert cache.endswith(".hts")
    with pytest.raises(UsageError, match="rtz"):
        complete(replace(inside, output=tmp_path / "x", container="rtz"))


def test_textures_without_an_emulators_name_go_where_the_others_are(order: Order, tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / "plain" / "walls" / f"brick{number}.png", drawing(60 + number))
    for number in range(2):
        save(tmp_path / "hd" / "textures" / "walls" / f"brick{number}.png", repeat(drawing(60 + number), 2))
    done = complete(replace(order, pack=tmp_path / "hd", dumps=(tmp_path / "plain",)))
    assert [one.file for one in done.filled] == ["textures/walls/brick2.png"]
    assert picture(tmp_path / "hd" / "textures" / "walls" / "brick2.png").shape == (32, 32, 4), (
        "the pack's scale"
    )


def test_a_damaged_record_is_said_before_anything_is_made(order: Order) -> None:
    (order.pack / RECORD).write_text('{"schema": "texpipe.completed/1", "textures": [{"file": 3}]}')
    with pytest.raises(PackError, match=r"textures\.0\.file"):
        plan_completion(order)
    (order.pack / RECORD).write_text('{"schema": "somebody/1"}')
    with pytest.raises(PackError, match="not texpipe's"):
        plan_completion(order)


PRESET = """
name: tiny
generator: {architecture: rrdbnet, blocks: 1, features: 4, growth: 2}
data: {crop: 8, batch: 4, held_out: 0.3, jitter_chance: 0}
stages: [{name: all, share: 1, learning_rate: RATE, losses: {l1: 1}}]
steps: STEPS
warmup: 0
ema: 0
"""


@pytest.fixture
def styled(order: Order, tmp_path: Path) -> Order:
    preset = tmp_path / "tiny.yaml"
    preset.write_text(PRESET.replace("RATE", "0.01").replace("STEPS", "60"))
    return replace(order, style=True, preset=str(preset))


def test_a_model_that_learnt_the_style_fills_the_gaps_and_is_kept(
    styled: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An untrained base can only get better."""
    before = digests(styled.pack)
    done = complete(styled)
    assert done.style is not None
    assert done.style.model is not None, done.style.said
    after = digests(styled.pack)
    assert {name: after[name] for name in before} == before
    by_name = {one.texture: one for one in done.filled}
    assert by_name[MISSING].model == styling.NAME
    error = np.abs(
        picture(styled.pack / by_name[MISSING].file).astype(int) - repeat(drawing(50), SCALE)
    ).mean()
    assert error < 20
    (styled.pack / by_name[MISSING].file).unlink()

    def again(*_: object) -> None:
        raise AssertionError("the model is there already")

    monkeypatch.setattr(styling, "finetune", again)
    assert complete(styled).style == done.style


def test_a_style_that_is_no_better_is_refused_and_the_base_fills_the_gaps(styled: Order) -> None:
    Path(styled.preset).write_text(PRESET.replace("RATE", "1000").replace("STEPS", "1"))
    done = complete(styled)
    assert done.style is not None
    assert done.style.model is None
    assert "not better" in done.style.said
    assert {one.texture: one.model for one in done.filled}[MISSING] == "tiny"
    assert (styled.work).is_dir()


def test_a_training_that_was_stopped_is_continued_and_touches_no_file_of_the_pack(
    styled: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(styled.pack)
    with pytest.raises(Interrupted) as stopped:
        plan_completion(styled).learn(Watchers(stopped=lambda: True))
    assert stopped.value.hint == "The same command continues it."
    assert digests(styled.pack) == before
    resumed = []
    train = styling.finetune

    def watched(job: TrainingJob, *others: object) -> TrainingResult:
        resumed.append(job.resume)
        return train(job, *others)

    monkeypatch.setattr(styling, "finetune", watched)
    style = plan_completion(styled).learn()
    assert style is not None
    assert style.model is not None
    assert resumed == [True]


def test_few_pictures_are_no_style(styled: Order) -> None:
    for name in BY_HAND[4:]:
        (styled.pack / GAME / "maps" / name).unlink()
    planned = plan_completion(styled)
    assert planned.learn() == Style(None, "5 hand-made pictures are too few to learn from")


def test_the_command_line_completes_a_pack(order: Order, base: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "texpipe", "complete", str(order.pack), "--dump", str(order.dumps[0])]
    command += ["--base", base, "--style", "never", "--work", str(order.work), "--device", "cpu", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    before = digests(order.pack)
    planned = subprocess.run(
        [*command, "--dry-run"], capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
    )
    assert json.loads(planned.stdout)["summary"]["recoloured"] == 1
    assert digests(order.pack) == before
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    assert {one["texture"]: one["how"] for one in json.loads(done.stdout)["filled"]} == GAPS
    assert "filled by the base model, not adapted: not asked for" in done.stderr
    assert "4 of 4 gaps filled" in done.stderr
