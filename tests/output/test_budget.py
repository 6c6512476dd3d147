"""Packs within a budget: below it, with those textures smaller that lose least, and no network for another budget."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from dumps import GAME, texture, tree
from packs import noise

from texpipe.errors import PackError, UsageError
from texpipe.formats.contract import Picture, Placed
from texpipe.imaging.image_files import decode, encode_png
from texpipe.manifest.schema import Entry
from texpipe.options import RunOptions
from texpipe.output import known_sizes, within_budget
from texpipe.output.result import RunResult
from texpipe.output.together import together
from texpipe.packs.verify import verify_pack
from texpipe.passes.smaller import levels_lost, smaller
from texpipe.pipeline import run_recipe
from texpipe.planning.jobs import Workload
from texpipe.planning.load_options import load_options
from texpipe.recipe.fields import pack_bytes
from texpipe.relations import Frame, Mirror, Variant
from texpipe.texture import EmulatorName, Source

TARGETS = {
    "folder": "{folder: }",
    "gliden64": "{gliden64: }",
    "hts": "{gliden64: {container: hts}}",
    "htc": "{gliden64: {container: htc}}",
    "rice": "{rice: }",
    "rt64": "{rt64: {images: dds, hashes: rt64.json}}",
    "rtz": "{rt64: {container: rtz, images: dds, hashes: rt64.json}}",
    "rtz-png": "{rt64: {container: rtz, images: png, hashes: rt64.json}}",
}
COUNT = 10


def name_of(number: int) -> str:
    return f"{GAME}#{0x2000 + number:08X}#0#2_all.png"


def make_dump(folder: Path) -> None:
    """Flat walls, soft blobs, and noise: what loses nothing, little and much; one has holes."""
    folder.mkdir()
    for number in range(COUNT):
        if number < 3:
            rgba = np.full((16, 16, 4), (40 * number, 90, 200, 255), np.uint8)
        elif number < 6:
            rgba = texture(number, (16, 16), "binary" if number == 5 else "opaque")
        else:
            rgba = noise((16, 16), number)
        (folder / name_of(number)).write_bytes(encode_png(rgba))


def write_hashes(file: Path) -> None:
    rows = [
        {"path": "", "hashes": {"rt64": f"{number + 1:016x}", "rice": f"{0x2000 + number:08x}#0#2"}}
        for number in range(COUNT)
    ]
    file.write_text(json.dumps({"configuration": {"hashVersion": 5}, "textures": rows}))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("budget")
    make_dump(folder / "dump")
    write_hashes(folder / "rt64.json")
    return folder


def options(folder: Path, model: Path, target: str, budget: int | None, output: str = "") -> RunOptions:
    recipe = folder / f"{target}.yaml"
    limit = "" if budget is None else f"budget: {budget / 1000:.3f}K\n"
    recipe.write_text(
        f"version: 1\nname: test\ngame: {GAME}\ninput: dump\noutput: out\nclean: off\n"
        f"targets: [{TARGETS[target]}]\n{limit}"
    )
    return load_options(recipe, output=folder / (output or f"out-{target}"), model=str(model), device="cpu")


def size_on_disk(result: RunResult) -> int:
    folder = result.output / result.manifest.targets[0]
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def scales(result: RunResult) -> dict[str, int]:
    return {entry.source: entry.outputs[0].scale or 4 for entry in result.manifest.textures}


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_pack_is_below_its_budget_and_computed_once(place: Path, tiny_model: Path, target: str) -> None:
    whole = run_recipe(options(place, tiny_model, target, 10**8))
    assert whole.exit_code == 0
    (fit,) = whole.fits
    assert not fit.lost
    assert fit.size == size_on_disk(whole)
    assert whole.manifest.budget == 10**8
    exact = {"hts": 64, "htc": fit.size * 0.1}.get(target, 0)
    assert abs(fit.full - fit.size) <= exact, "what is computed is what is written"
    before = None
    for share in (0.7, 0.3):
        asked = options(place, tiny_model, target, int(share * fit.size))
        limited = run_recipe(asked)
        assert (limited.exit_code, limited.computed) == (0, 0), limited.problems
        assert size_on_disk(limited) == limited.fits[0].size <= share * fit.size
        assert limited.fits[0].lost.keys() == {name for name, scale in scales(limited).items() if scale < 4}
        assert not verify_pack(limited.output).problems
        there = tree(limited.output)
        assert run_recipe(asked).computed == 0
        assert tree(limited.output) == there, "a second run writes the same bytes"
        assert before is None or all(scale <= before[name] for name, scale in scales(limited).items())
        before = scales(limited)
    again = run_recipe(options(place, tiny_model, target, None))
    assert again.computed == 0
    assert set(scales(again).values()) == {4}


OTHERS = {
    "soh": ("{soh: {game: pack}}", "objects/x/gTex{}Tex.rgba16.png"),
    "dolphin": ("{dolphin: {game: GZLE01, images: dds}}", "tex1_16x16_m_{:016x}_5.png"),
    "ppsspp": ("{ppsspp: {game: ULUS10041, images: dds}}", "{:016x}12345678.png"),
    "beetle-psx": ('{beetle-psx: {game: "Game (USA)"}}', "a{:07x}-b0000001.png"),
}


def test_packs_of_other_emulators_keep_the_budget_and_the_rules(tmp_path: Path, tiny_model: Path) -> None:
    for number, (target, (_, pattern)) in enumerate(OTHERS.items()):
        for seed in range(1, 5):
            file = tmp_path / "dump" / target / pattern.format(seed)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode_png((noise if seed % 2 else texture)(*noise_or_texture(seed, number))))
    recipe = tmp_path / "r.yaml"
    targets = ", ".join(target for target, _ in OTHERS.values())
    recipe.write_text(f"version: 1\nname: r\ninput: dump\noutput: out\ntargets: [{targets}]\n")
    asked = load_options(recipe, model=str(tiny_model), device="cpu")

    def within(budget: int) -> RunResult:
        return run_recipe(replace(asked, recipe=asked.recipe.model_copy(update={"budget": budget})))

    full = {fit.target: fit.full for fit in within(10**8).fits}
    assert full.keys() == OTHERS.keys()
    budget = int(0.7 * min(full.values()))
    limited = within(budget)
    assert (limited.exit_code, limited.computed) == (0, 0), limited.problems
    for fit in limited.fits:
        assert fit.size <= budget < fit.full
        assert fit.lost
    for entry in limited.manifest.textures:
        assert entry.status == "written"
        for one in entry.outputs:
            assert one.size == (16 * (one.scale or 4),) * 2
    assert not verify_pack(limited.output).problems


def noise_or_texture(seed: int, number: int) -> tuple:
    """The arguments of `noise` for odd seeds, of `texture` for even ones: a picture of 16 x 16 of its own."""
    own = 10 * number + seed
    return ((16, 16), own) if seed % 2 else (own, (16, 16))


def test_another_folder_gets_the_same_bytes(place: Path, tiny_model: Path) -> None:
    first, second = (run_recipe(options(place, tiny_model, "gliden64", 20_000, name)) for name in "ab")
    assert tree(first.output) == tree(second.output)


def test_textures_that_were_made_smaller_lose_least(place: Path, tiny_model: Path) -> None:
    """Measured anew on the files: for each byte that it saves, none that is smaller loses more than one that is not."""
    whole = run_recipe(options(place, tiny_model, "gliden64", None, "whole"))
    limited = run_recipe(options(place, tiny_model, "gliden64", int(0.7 * size_on_disk(whole)), "limited"))
    full = {entry.source: picture(whole, entry) for entry in whole.manifest.textures}
    taken, left = [], []
    for entry in limited.manifest.textures:
        (one,) = entry.outputs
        rgba, treated = full[entry.source], replace(as_treated(entry), size=(64, 64))
        factor = 4 // (one.scale or 4)
        assert one.size == (64 // factor, 64 // factor)
        if factor > 1:
            assert one.loss == levels_lost(rgba, picture(limited, entry), treated)
        saved = len(encode_png(rgba)) - (limited.output / one.path).stat().st_size
        if factor > 1:
            taken.append((one.loss or 0.0) * 256 / saved)
            continue
        for other in (2, 4):
            reduced = smaller(rgba, other, treated)
            loss = levels_lost(rgba, reduced, treated)
            left.append(loss * 256 / (len(encode_png(rgba)) - len(encode_png(reduced))))
    assert taken
    assert left
    assert max(taken) <= min(left)
    flat = [name_of(number) for number in range(3)]
    assert limited.fits[0].mean_loss < 30
    assert {name: one.levels for name, one in limited.fits[0].lost.items() if name in flat}.keys() <= set(
        flat
    )


def picture(result: RunResult, entry: Entry) -> np.ndarray:
    (one,) = entry.outputs
    return decode((result.output / one.path).read_bytes(), name=one.path)[0]


def as_treated(entry: Entry) -> Picture:
    assert entry.edges is not None
    assert entry.alpha is not None
    return Picture(Source(entry.source, Path()), 4, (1, 1), "", bytes, entry.edges, entry.alpha)


def test_a_budget_that_cannot_be_kept_says_what_the_least_is_and_leaves_the_pack(
    place: Path, tiny_model: Path
) -> None:
    kept = run_recipe(options(place, tiny_model, "gliden64", None, "kept"))
    there = tree(kept.output / "gliden64")
    with pytest.raises(PackError, match="cannot be as small as 1,000 bytes") as refused:
        run_recipe(options(place, tiny_model, "gliden64", 1000, "kept"))
    assert refused.value.exit_code == 5
    assert "action: skip" in str(refused.value.hint)
    assert tree(kept.output / "gliden64") == there
    least = int(re.findall(r"takes ([\d,]+)", refused.value.message)[0].replace(",", ""))
    at_least = run_recipe(options(place, tiny_model, "gliden64", least, "kept"))
    assert (at_least.exit_code, size_on_disk(at_least)) == (0, least)
    with pytest.raises(PackError):
        run_recipe(options(place, tiny_model, "gliden64", least - 1, "kept"))


def test_what_somebody_made_keeps_its_size(place: Path, tiny_model: Path) -> None:
    hand, edited = name_of(0), name_of(1)
    (place / "by-hand").mkdir()
    (place / "by-hand" / hand).write_bytes(encode_png(np.full((64, 64, 4), 255, np.uint8)))
    asked = replace(options(place, tiny_model, "gliden64", None, "made"), overrides=(place / "by-hand",))
    whole = run_recipe(asked)
    file = whole.output / "gliden64" / GAME / edited
    mine = encode_png(noise((64, 64), 77))
    file.write_bytes(mine)
    budget = int(0.6 * size_on_disk(whole))
    limited = run_recipe(replace(asked, recipe=asked.recipe.model_copy(update={"budget": budget})))
    assert limited.exit_code == 0
    assert size_on_disk(limited) <= budget
    assert file.read_bytes() == mine
    assert scales(limited)[hand] == scales(limited)[edited] == 4
    assert scales(limited)[name_of(2)] < 4


def test_a_container_that_takes_more_than_was_computed_is_written_again(
    place: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_recipe(options(place, tiny_model, "gliden64", None, "again"))
    budget, plain = int(0.7 * size_on_disk(whole)), within_budget.size_of_pack
    monkeypatch.setattr(within_budget, "size_of_pack", lambda *asked: plain(*asked) + 2000)
    limited = run_recipe(options(place, tiny_model, "gliden64", budget, "again"))
    assert limited.exit_code == 0
    assert size_on_disk(limited) + 2000 == limited.fits[0].size <= budget
    monkeypatch.setattr(within_budget, "size_of_pack", lambda *_: budget + 1)
    beyond = run_recipe(options(place, tiny_model, "gliden64", budget, "again"))
    assert beyond.exit_code == 5
    assert any("more than the budget" in line for line in beyond.problems)


def test_another_budget_makes_no_file_again_to_count_its_bytes(
    place: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two targets whose textures must be made to be counted: what the first run counted serves all later ones."""
    both = f"{TARGETS['htc']}, {TARGETS['rtz']}"
    monkeypatch.setitem(TARGETS, "both", both)
    full = min(fit.full for fit in run_recipe(options(place, tiny_model, "both", 10**8)).fits)
    first = run_recipe(options(place, tiny_model, "both", full - 1000))
    assert all(fit.lost and fit.size < full for fit in first.fits)
    made: list[str] = []
    plain = known_sizes.bytes_in_pack
    monkeypatch.setattr(known_sizes, "bytes_in_pack", lambda *asked: made.append("") or plain(*asked))
    second = run_recipe(options(place, tiny_model, "both", full // 2))
    assert all(fit.size <= full // 2 for fit in second.fits)
    assert made == []


def placed(names: Sequence[str], emulator: Sequence[EmulatorName | None] = ()) -> list[Placed]:
    each = emulator or [None] * len(names)
    return [
        Placed(
            Picture(Source(name, Path(), one), 4, (4, 4), "", bytes), PurePosixPath(name), PurePosixPath(name)
        )
        for name, one in zip(names, each, strict=True)
    ]


def in_sets(placed_ones: list[Placed], work: Workload) -> list[list[str]]:
    return [[one.picture.source.name for one in members] for members in together(placed_ones, work)]


def test_what_belongs_together_has_one_scale() -> None:
    work = Workload(
        (),
        duplicate_of={"b": "a"},
        group_of={"c": "title", "f": "title"},
        variant_of={"a": Variant("a", ""), "d": Variant("a", "")},
        frame_of={"e": Frame("g", 2, ""), "g": Frame("g", 2, "")},
        mirror_of={"h": Mirror("d", "x", "")},
    )
    sets = in_sets(placed("abcdefghi"), work)
    assert sets == [["a", "b", "d", "h"], ["c", "f"], ["e", "g"], ["i"]]


def test_mip_levels_have_one_scale() -> None:
    names = [EmulatorName("dolphin", "GZLE01", fields=(("texels", key), *level)) for key, level in (
        ("aa", ()), ("bb", ()), ("aa", (("level", 1),)), ("aa", (("level", 2),)),
    )]  # fmt: skip
    assert in_sets(placed("wxyz", names), Workload(())) == [["w", "y", "z"], ["x"]]


@pytest.mark.parametrize(
    ("text", "size"), [("600M", 600_000_000), ("1.5 GB", 1_500_000_000), ("2GiB", 2 << 30), ("40k", 40_000)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert pack_bytes(text) == size


@pytest.mark.parametrize("text", ["600", "0.5K", "-1M", "M", "600 megabytes", "1e3M", ""])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 600M"):
        pack_bytes(text)


def test_a_budget_is_refused_where_the_emulator_wants_one_scale(tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "version: 1\nname: r\ninput: dump\noutput: out\ntargets: [{duckstation: {game: SLUS-00067}}]\nbudget: 5M\n"
    )
    with pytest.raises(UsageError, match="largest scale in it"):
        load_options(recipe)


Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_command_line_says_what_was_made_smaller(texpipe: Run, place: Path, tiny_model: Path) -> None:
    asked = options(place, tiny_model, "gliden64", None)
    full = size_on_disk(run_recipe(replace(asked, output=place / "cli")))
    words = (
        "run",
        place / "gliden64.yaml",
        "--output",
        place / "cli",
        "--model",
        tiny_model,
        "--device",
        "cpu",
    )
    done = texpipe(*map(str, words), "--budget", f"{full // 2000}K", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["budget"]["gliden64"]
    assert said["size"] <= said["budget"] == full // 2000 * 1000 < said["full"]
    assert sum(said["smaller"].values()) > 0
    assert re.search(
        r"gliden64: \d+ KB instead of \d+ KB, to stay below \d+ KB\. Textures written smaller: .*half size.* "
        r"they lose least \(\d+\.\d levels of 255 on average\)",
        done.stderr,
    )
    planned = texpipe(*map(str, words), "--budget", "2K", "--dry-run")
    assert "the textures that lose least by it would be written smaller" in planned.stderr
    wrong = texpipe(*map(str, words), "--budget", "600")
    assert wrong.returncode == 2
    assert "600M" in wrong.stderr
