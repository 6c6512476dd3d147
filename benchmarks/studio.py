"""How long the workshop takes: previews by side and model, and the list of a large dump.

    python benchmarks/studio.py [--count 20] [--textures 50000]

Prints, for each shipped model and sides of 16, 32 and 64 texels, the median and the 95th percentile of seconds that a
preview takes with a warm model; and the seconds until all columns of a large dump are ready for the page, which filters
them itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from texpipe.imaging.image_files import save_png
from texpipe.networks.catalogue import installed
from texpipe.studio.columns import columns
from texpipe.studio.dump import Dump
from texpipe.studio.preview import Previews
from texpipe.studio.workshop import Workshop

RECIPE = "version: 1\nname: bench\ninput: dump\noutput: out\ntargets: [folder]\n"
SIDES = (16, 32, 64)


def main() -> None:
    """Measure, and print one line for each figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20, help="previews for each figure")
    parser.add_argument("--textures", type=int, default=50_000, help="textures of the large dump")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workshop = _workshop(Path(folder), asked.count)
        for model in installed():
            for side in SIDES:
                seconds = _previews(workshop, model, side, asked.count)
                ordered = sorted(seconds)
                high = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
                print(
                    f"{model} {side} x {side}: median {statistics.median(seconds):.2f} s, 95th percentile {high:.2f} s"
                )
        _multiply(workshop, asked.textures)
        size, spent = _timed(lambda: len(json.dumps(columns(workshop))))
        print(f"columns of {asked.textures} textures: {spent:.2f} s, {size / 1e6:.1f} MB")
        _, spent = _timed(lambda: workshop.decide(["s16/0.png"], ["size"], {"edges.x": "wrap"}))
        print(f"a decision about a third of them: {spent:.2f} s")


def _workshop(folder: Path, count: int) -> Workshop:
    rng = np.random.default_rng(5)
    for side in SIDES:
        for number in range(count + 1):
            rgba = rng.integers(0, 256, (side, side, 4), np.uint8)
            rgba[..., 3] = 255
            save_png(folder / "dump" / f"s{side}" / f"{number}.png", rgba)
    (folder / "bench.yaml").write_text(RECIPE)
    return Workshop(folder / "bench.yaml")


def _previews(workshop: Workshop, model: str, side: int, count: int) -> list[float]:
    """Return the seconds of each preview after a first one, which loads the model."""
    previews = PREVIEWS.setdefault(id(workshop), Previews(workshop))
    names = [f"s{side}/{number}.png" for number in range(count + 1)]
    return [_timed(lambda name=name: previews.preview(name, {"model": model}))[1] for name in names][1:]


PREVIEWS: dict[int, Previews] = {}


def _multiply(workshop: Workshop, count: int) -> None:
    """Let the dump have a number of textures more, which are like those that it has."""
    seen = workshop.dump.seen
    copies = [
        replace(item, source=replace(item.source, name=f"{item.source.name[:-4]}-{number}.png"))
        for number, item in zip(range(count), seen.items * (count // len(seen.items) + 1), strict=False)
    ]
    prints = {
        copy.source.name: seen.fingerprints[item.source.name]
        for copy, item in zip(copies, seen.items * (count // len(seen.items) + 1), strict=False)
    }
    items = (*seen.items, *copies)[: max(count, len(seen.items))]
    many = replace(
        seen,
        inventory=replace(seen.inventory, items=items),
        fingerprints={**seen.fingerprints, **prints},
    )
    workshop.dump = Dump.of(many, workshop.loaded.recipe)


def _timed(work: Callable[[], object]) -> tuple[object, float]:
    begun = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begun


if __name__ == "__main__":
    main()
