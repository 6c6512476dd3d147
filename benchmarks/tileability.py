"""How often the axes of real textures are treated as they should be, and what the mistakes cost where they are seen.

The textures are the part "table" of `labelled.py`, which neither weights nor thresholds saw, and masonry drawn by rule.
Random crops of walls and grounds end, but who cuts them out of a game is nobody: what a wrap of those costs is printed
against what truly lies around them.

    python benchmarks/tileability.py --games GAMES --before OLD_CHECKOUT --harms 8

With `--before` the decisions of another version of texpipe stand beside it. `--harms N` enlarges every N-th texture
both ways; harm is explained in `harm.py`.
"""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harm import band_error, bleeding, enlarge, false_step, plan_for
from labelled import TILES, Sample, fringes, masonry, samples

from texpipe.analysis.neighbours import Kin, informed_by_neighbours
from texpipe.classify.tileability import NOTHING_CHANGES, guess_axes
from texpipe.imaging.digest import pixel_digest
from texpipe.networks.catalogue import resolve
from texpipe.passes.undecided import blended
from texpipe.texture import AxisGuess, Facts, Rgba8
from texpipe.upscale.lazy_upscaler import LazyUpscaler

NEVER = ("glyph", "face", "hud", "sky", "title")
"""Kinds of pictures that never repeat."""
LARGEST = 64
"""Texels of the longer side of textures that are enlarged for their harm."""
WINDOW = 64
"""Textures that are enlarged at a time."""

_OTHER = """
import pickle, sys
from texpipe.classify.tileability import guess_axes
pictures = pickle.load(open(sys.argv[1], "rb"))
pickle.dump([tuple(one.mode for one in guess_axes(rgba, n64=False)) for rgba in pictures], open(sys.argv[2], "wb"))
"""

Treated = str
"""wrap, mirror, clamp or blend."""
SAME = "same"
"""What is done with an axis along which nothing changes: every treatment gives the same, so it is not counted."""


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of a sample: 0 is y, 1 is x; what is true, what is done now, and what was done before."""

    sample: Sample
    axis: int
    repeats: bool
    now: Treated
    before: Treated

    @property
    def group(self) -> str:
        """The row of the table."""
        kind = self.sample.kind
        if "mortar" in kind:
            return kind.partition(",")[0] + (", one-sided" if kind.endswith(("first", "last")) else ", other")
        return f"{kind}, {self.sample.size}" if kind in ("floor", "ground", "crop") else kind


@dataclass(frozen=True)
class Cost:
    """Visible harm of an axis by treatment, and of a crop the error of its border bands."""

    axis: Axis
    harm: dict[Treated, float]
    error: dict[Treated, float]


def main() -> None:
    """Decide about all samples, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--games", type=Path, required=True, help="folder of unpacked packages")
    parser.add_argument("--before", type=Path, help="another version's checkout")
    parser.add_argument("--harms", type=int, metavar="N", help="enlarge every N-th texture")
    parser.add_argument("--model", default="texpipe-x4-fast")
    parser.add_argument("--part", default="table", choices=("table", "fit"))
    parser.add_argument("--masonry", type=int, default=2, help="walls of every style, mortar and size")
    chosen = parser.parse_args()
    made = [
        *samples(chosen.games, chosen.part),
        *masonry(chosen.part, chosen.masonry),
        *fringes(chosen.part, 2),
    ]
    guesses = [guess_axes(sample.rgba, n64=False) for sample in made]
    now = [(_treatment(x), _treatment(y)) for x, y in guesses]
    before = _of_other(chosen.before, made) if chosen.before else now
    axes = [one for case in zip(made, now, before, strict=True) for one in _axes(*case)]
    print(table(axes), verdict(axes), pieces_among_themselves(made, guesses), sep="\n\n")
    if chosen.harms:
        network = LazyUpscaler(resolve(chosen.model).path, "auto", "auto")
        print("", cost_table(costs(axes, chosen.harms, network)), shown_by_never(axes, network), sep="\n")


def _treatment(guess: AxisGuess) -> Treated:
    if guess.reason == NOTHING_CHANGES:
        return SAME
    return "blend" if guess.undecided else guess.mode


def _of_other(checkout: Path, made: Sequence[Sample]) -> list[tuple[Treated, Treated]]:
    """Ask another version of texpipe, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        pictures, answers = (Path(folder) / name for name in ("pictures", "answers"))
        pictures.write_bytes(pickle.dumps([sample.rgba for sample in made]))
        environment = os.environ | {"PYTHONPATH": str(checkout.resolve())}
        command = [sys.executable, "-c", _OTHER, str(pictures), str(answers)]
        subprocess.run(command, env=environment, cwd=folder, check=True)
        found: list[tuple[Treated, Treated]] = pickle.loads(answers.read_bytes())
    return found


def _axes(sample: Sample, now: tuple[Treated, Treated], before: tuple[Treated, Treated]) -> list[Axis]:
    truths = ((1, sample.x, now[0], before[0]), (0, sample.y, now[1], before[1]))
    return [
        Axis(sample, axis, truth == "wrap", a, b)
        for axis, truth, a, b in truths
        if truth != "?" and a != SAME
    ]


def pieces_among_themselves(made: Sequence[Sample], guesses: Sequence[tuple[AxisGuess, AxisGuess]]) -> str:
    """Return how many pieces of title pictures and skies wrap where a dump tells that they have one palette."""
    kin = [
        Kin(str(number), (sample.name, sample.rgba.shape), pixel_digest(sample.rgba), _facts(*guess))
        for number, (sample, guess) in enumerate(zip(made, guesses, strict=True))
        if sample.kind in ("title", "sky")
    ]
    told = informed_by_neighbours(kin)
    axes = [(one.facts, told.get(one.name, one.facts)) for one in kin]
    alone, among = (
        np.mean([guess.mode == "wrap" for pair in axes for guess in (pair[k].x, pair[k].y)]) for k in (0, 1)
    )
    return (
        f"pieces of titles and skies that wrap: {alone:.1%}; knowing the others of their palette {among:.1%}"
    )


def _facts(x: AxisGuess, y: AxisGuess) -> Facts:
    """Return facts of which only the axes count."""
    return Facts("opaque", "", x, y, "ci8", "", colours=256, grey=False, flat=False, tiny=False)


def table(axes: Sequence[Axis]) -> str:
    """Return the shares of treatments by kind of texture, in Markdown."""
    outcomes = ("wrap", "blend", "clamp", "mirror")
    lines = ["| textures | repeat | axes | " + " | ".join(outcomes) + " | wrap before |", "| --- " * 8 + "|"]
    groups: dict[tuple[bool, str], list[Axis]] = defaultdict(list)
    for one in axes:
        groups[not one.repeats, one.group].append(one)
    for (ends, group), some in sorted(groups.items()):
        shares = " | ".join(f"{_share(some, lambda a, o=o: a.now == o):.3f}" for o in outcomes)
        before = _share(some, lambda a: a.before == "wrap")
        lines.append(f"| {group} | {'no' if ends else 'yes'} | {len(some)} | {shares} | {before:.3f} |")
    return "\n".join(lines)


def verdict(axes: Sequence[Axis]) -> str:
    """Return in words what the issue of it is: real tiles, masonry, and what never repeats."""
    real = [one for one in axes if one.repeats and one.sample.kind in TILES]
    one_sided = [one for one in axes if one.group.endswith("one-sided")]
    never = [one for one in axes if one.sample.kind in NEVER]
    rows = {
        "axes of real tiles that wrap": real,
        "... of 64 texels": [one for one in real if one.sample.size == 64],
        "... of 16 texels": [one for one in real if one.sample.size == 16],
        "bricks, planks, shingles and tiles with one-sided mortar": one_sided,
        "letters, faces, HUD pictures, skies and title pieces": never,
        "cut-outs": [one for one in axes if one.sample.kind == "cut-out"],
        "signs, paintings and skins": [one for one in axes if one.sample.kind == "picture"],
        "random crops of walls and grounds": [one for one in axes if one.sample.kind == "crop"],
    }
    lines = [
        f"{name}: {_share(some, lambda a: a.now == 'wrap'):.1%} of {len(some)}"
        f" ({_share(some, lambda a: a.now in ('wrap', 'blend')):.1%} with blends;"
        f" before {_share(some, lambda a: a.before == 'wrap'):.1%})"
        for name, some in rows.items()
    ]
    both: dict[int, list[Axis]] = defaultdict(list)
    for one in real:
        both[id(one.sample)].append(one)
    pairs = [some for some in both.values() if len(some) == 2]
    now, before = (
        np.mean([all(getattr(one, when) == "wrap" for one in some) for some in pairs])
        for when in ("now", "before")
    )
    return "\n".join(
        [*lines, f"real tiles that wrap on both axes: {now:.1%} of {len(pairs)} (before {before:.1%})"]
    )


def _share(axes: Sequence[Axis], holds: Callable[[Axis], bool]) -> float:
    return float(np.mean([holds(one) for one in axes])) if axes else float("nan")


def costs(axes: Sequence[Axis], every: int, network: LazyUpscaler) -> list[Cost]:
    """Enlarge every N-th texture as one that ends and as one that repeats, and measure what each treatment costs."""
    of: dict[int, list[Axis]] = defaultdict(list)
    for one in axes:
        if max(one.sample.rgba.shape[:2]) <= LARGEST and min(one.sample.rgba.shape[:2]) >= 8:
            of[id(one.sample)].append(one)
    some = list(of.values())[::every]
    found: list[Cost] = []
    for begin in range(0, len(some), WINDOW):
        window = some[begin : begin + WINDOW]
        jobs = [
            (one[0].sample.rgba, plan_for(one[0].sample.rgba, mode, mode))
            for one in window
            for mode in ("clamp", "wrap")
        ]
        jobs += [
            (s.around, plan_for(s.around, "clamp", "clamp"))
            for (s, *_) in ([a[0].sample] for a in window)
            if s.around is not None
        ]
        made = enlarge(network, jobs)
        truths = iter(made[2 * len(window) :])
        for number, both in enumerate(window):
            ends, repeats = made[2 * number : 2 * number + 2]
            truth = next(truths) if both[0].sample.around is not None else None
            found += [_cost(one, ends, repeats, truth) for one in both]
    return found


def _cost(one: Axis, ends: Rgba8, repeats: Rgba8, around: Rgba8 | None) -> Cost:
    made = {"clamp": ends, "wrap": repeats, "blend": blended(ends, repeats), "mirror": ends}
    if one.repeats:
        return Cost(one, {name: false_step(result, repeats, one.axis) for name, result in made.items()}, {})
    harm = {name: bleeding(result, ends, one.axis) for name, result in made.items()}
    if around is None:
        return Cost(one, harm, {})
    margin = (around.shape[0] - ends.shape[0]) // 2
    truth = around[margin:-margin, margin:-margin]
    return Cost(one, harm, {name: band_error(result, truth, one.axis) for name, result in made.items()})


def cost_table(found: Sequence[Cost]) -> str:
    """Return the mean visible harm of four ways to decide, and what crops lose, in Markdown."""
    ways: dict[str, Callable[[Axis], Treated]] = {
        "now": lambda one: one.now,
        "before": lambda one: one.before,
        "always wrap": lambda _: "wrap",
        "always clamp": lambda _: "clamp",
        "always blend": lambda _: "blend",
    }
    sets = {
        "all": found,
        "repeat": [one for one in found if one.axis.repeats],
        "end": [one for one in found if not one.axis.repeats and not one.error],
        "random crops": [one for one in found if one.error],
    }
    lines = ["| visible harm in levels | axes | " + " | ".join(ways) + " |", "| --- " * (len(ways) + 2) + "|"]
    for name, some in sets.items():
        means = [np.mean([one.harm[way(one.axis)] for one in some]) for way in ways.values()]
        lines.append(f"| {name} | {len(some)} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    crops = sets["random crops"]
    lines.append("")
    for name, way in ways.items():
        if crops:
            lines.append(f"border bands of crops, {name}: {_bands(crops, way)}")
    return "\n".join(lines)


def shown_by_never(axes: Sequence[Axis], network: LazyUpscaler) -> str:
    """Say what is seen of the wraps of what never repeats, of all of them."""
    wrapped = [one for one in axes if one.sample.kind in NEVER and one.now == "wrap"]
    harms = [one.harm["wrap"] for one in costs(wrapped, 1, network)]
    if not harms:
        return "of what never repeats nothing wraps"
    return (
        f"what never repeats and wraps: {len(harms)} axes, visible harm {np.mean(harms):.2f} levels on average,"
        f" worst tenth {np.quantile(harms, 0.9):.2f}, largest {np.max(harms):.2f}"
    )


def _bands(crops: Sequence[Cost], way: Callable[[Axis], Treated]) -> str:
    """Say how much worse border bands get: of each crop's error, and in levels, as small errors make large shares."""
    pairs = [(one.error[way(one.axis)], one.error["clamp"]) for one in crops]
    worse = [error / max(clamped, 0.5) - 1 for error, clamped in pairs]
    at = int(np.argmax(worse))
    return (
        f"{np.mean(worse):+.1%} on average, worst tenth {np.quantile(worse, 0.9):+.1%}, worst {worse[at]:+.1%}"
        f" (from {pairs[at][1]:.1f} to {pairs[at][0]:.1f} levels), {np.mean(np.array(worse) > 0.2):.0%} of the crops"
        f" by more than 20%, in levels {np.mean([a - b for a, b in pairs]):+.2f} on average"
    )


if __name__ == "__main__":
    main()
