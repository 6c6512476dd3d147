"""`texpipe complete` on real pairs: half of the artist's pictures are the pack, the other half are its gaps.

Each folder has `lr` and `hr` with files of equal names. Pictures are chosen by the hash of their names. What was filled
in is compared with the artist's own picture, both on mid grey, and with what the model makes that was not adapted; a
gain counts if its paired bootstrap interval of 95 % lies above zero. The digests of the pack's files are compared, too.

    python benchmarks/complete.py --pairs DIR --pairs DIR --minutes 12 --output build/complete-benchmark
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from texpipe.imaging.image_files import decode
from texpipe.passes.resample import repeat
from texpipe.recipe.schema import DEFAULT_MODEL
from texpipe.texture import Edges, Rgba8
from texpipe.train.data.alignment import on_grey
from texpipe.train.data.dataset import TexturePair
from texpipe.train.evaluation.bootstrap import paired_interval
from texpipe.train.evaluation.metrics import Judge, Metric, Scores
from texpipe.train.evaluation.sheets import save_sheet
from texpipe.upkeep.complete import Completion, Order, plan_completion
from texpipe.upkeep.style import NAME, PRESET, Style, Watchers

METRICS: tuple[Metric, ...] = ("lpips_alex", "dists", "psnr_y")
SHEET_ROWS = 10


@dataclass(frozen=True)
class Case:
    """A set of pairs: the dump, the pack of one half, and the artist's pictures of the other by texture."""

    name: str
    dump: Path
    pack: Path
    truth: Mapping[str, Path]


def prepare(pairs: Path, folder: Path) -> Case:
    """Write a set of pairs as a dump and a pack, under names that an emulator could give them."""
    dump, pack = folder / "dump", folder / "pack"
    truth: dict[str, Path] = {}
    for path in sorted((pairs / "lr").rglob("*.png")):
        digest = hashlib.sha256(path.name.encode()).digest()
        name = f"PAIRS#{digest[:4].hex().upper()}#0#3_all.png"
        large = pairs / "hr" / path.name
        copy(path, dump / name)
        if digest[4] % 2:
            truth[name] = large
        else:
            copy(large, pack / "PAIRS" / name)
    return Case(pairs.name, dump, pack, truth)


def copy(source: Path, to: Path) -> None:
    """Copy a file into a folder that may have to be made."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, to)


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def complete(order: Order, log: Watchers) -> tuple[Completion, float]:
    """Learn and fill; return what was done, and the seconds of the learning."""
    planned = plan_completion(order)
    began = time.monotonic()
    style = planned.learn(log)
    seconds = time.monotonic() - began
    return planned.fill(style), seconds


def by_texture(done: Completion, root: Path) -> dict[str, Path]:
    """Return the files that were written, by texture."""
    return {one.texture: root / one.file for one in done.filled}


def plain(case: Case, base: str, folder: Path) -> dict[str, Path]:
    """Fill the gaps by a model as it is, into a folder of their own."""
    order = Order(case.pack, (case.dump,), folder / "work", folder / "gaps", style=False, base=base)
    done, _ = complete(order, Watchers())
    return by_texture(done, folder / "gaps" / done.plan.target.name)


def read(path: Path) -> Rgba8:
    """Decode a picture."""
    return decode(path.read_bytes(), name=path.name)[0]


def measured(case: Case, ways: Mapping[str, Mapping[str, Path]], judge: Judge) -> dict[str, list[Scores]]:
    """Compare the pictures of each way with the artist's, gap by gap."""
    scores: dict[str, list[Scores]] = {way: [] for way in ways}
    for name, large in case.truth.items():
        pair = TexturePair(name, on_grey(read(case.dump / name)), on_grey(read(large)), Edges())
        found = judge.compare([on_grey(read(files[name])) for files in ways.values()], pair)
        for way, one in zip(ways, found, strict=True):
            scores[way].append(one)
    return scores


def show(title: str, scores: Mapping[str, Sequence[Scores]], ours: str) -> dict[str, object]:
    """Print means, and how much better our way is than each other one; return the intervals."""
    print(f"\n{title}: {len(scores[ours])} gaps")
    found: dict[str, object] = {}
    for way, each in scores.items():
        means = ", ".join(f"{metric} {mean(each, metric):.4f}" for metric in METRICS)
        print(f"  {way:28} {means}")
    for way, each in scores.items():
        if way == ours:
            continue
        gain = paired_interval(
            [one["lpips_alex"] for one in each], [one["lpips_alex"] for one in scores[ours]]
        )
        found[way] = gain.as_json()
        print(
            f"  {ours} better than {way} in LPIPS-alex by {gain.mean:.4f} ({gain.low:.4f} to {gain.high:.4f})"
        )
    return found


def mean(each: Iterable[Scores], metric: Metric) -> float:
    """Return the mean of a metric over pictures."""
    values = [one[metric] for one in each]
    return sum(values) / len(values)


def sheet(case: Case, ways: Mapping[str, Mapping[str, Path]], path: Path) -> None:
    """Write a sheet with some of the gaps: dump, each way, artist."""
    names = list(case.truth)[:: max(1, len(case.truth) // SHEET_ROWS)][:SHEET_ROWS]
    rows = []
    for name in names:
        large = on_grey(read(case.truth[name]))
        small = on_grey(read(case.dump / name))
        filled = [on_grey(read(files[name])) for files in ways.values()]
        rows.append([repeat(small, len(large) // len(small)), *filled, large])
    save_sheet(path, ["dump", *ways, "artist"], rows)


def run(
    pairs: Path, given: argparse.Namespace, judge: Judge
) -> tuple[dict[str, object], dict[str, list[Scores]]]:
    """Complete one set; return what happened, and the scores of each way."""
    folder = given.output / pairs.name
    case = prepare(pairs, folder)
    before, finished = digests(case.pack), folder / "completed"
    shutil.copytree(case.pack, finished)
    order = Order(
        finished, (case.dump,), folder / "work", base=given.base, minutes=given.minutes, preset=given.preset
    )
    done, seconds = complete(order, Watchers(phase=lambda name: print(f"{name} ...", flush=True)))
    after = digests(finished)
    kept = all(after.get(file) == digest for file, digest in before.items())
    style = done.style or Style(None, "no gap needs a model")
    print(
        f"{pairs.name}: {len(before)} pictures there, {len(case.truth)} gaps, {len(done.filled)} filled, "
        f"{'nothing existing changed' if kept else 'EXISTING FILES CHANGED'}; learnt for {seconds / 60:.1f} min"
    )
    print(f"  {'adapted' if style.model else 'refused'}: {style.said}", flush=True)
    ways = {"completed": by_texture(done, finished), given.base: plain(case, given.base, folder / "base")}
    if given.base != DEFAULT_MODEL:
        ways[DEFAULT_MODEL] = plain(case, DEFAULT_MODEL, folder / "default")
    rejected = next((folder / "work").glob(f"style-*/training/{NAME}-rejected.safetensors"), None)
    if rejected is not None:
        ways["rejected"] = plain(case, str(rejected.resolve()), folder / "rejected")
    scores = measured(case, ways, judge)
    sheet(case, ways, folder / "sheet.png")
    facts: dict[str, object] = {"gaps": len(case.truth), "filled": len(done.filled), "unchanged": kept}
    facts |= {"adapted": style.model is not None, "said": style.said, "minutes": seconds / 60}
    return facts | {"better_than": show(pairs.name, scores, "completed")}, scores


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; 1 if a gap stayed, or a file of a pack changed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=Path, action="append", required=True)
    parser.add_argument("--minutes", type=float, default=12.0, help="of learning, for each set")
    parser.add_argument("--base", default=DEFAULT_MODEL)
    parser.add_argument("--preset", default=PRESET)
    parser.add_argument("--output", type=Path, default=Path("build/complete-benchmark"))
    given = parser.parse_args(arguments)
    judge = Judge()
    if not judge.perceptual:
        print("the weights of LPIPS are not available", file=sys.stderr)
        return 1
    summary: dict[str, dict[str, object]] = {}
    pooled: dict[str, list[Scores]] = {}
    for pairs in given.pairs:
        summary[pairs.name], scores = run(pairs, given, judge)
        for way, each in scores.items():
            pooled.setdefault(way, []).extend(each)
    whole = {way: each for way, each in pooled.items() if len(each) == len(pooled["completed"])}
    better = show("all", whole, "completed")
    (given.output / "summary.json").write_text(json.dumps({**summary, "all": better}, indent=2) + "\n")
    sound = all(one["unchanged"] and one["filled"] == one["gaps"] for one in summary.values())
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
