"""Throughput of decoding and finishing by number of threads: a GPU computes a picture faster than a core writes it.

The textures are those of `game.py`; bicubic enlargement with grain replaces the network: like a network's results these
need correction and do not compress well. Decoding, passes, recombining, measuring, encoding and the store are real.
Processor time shows whether threads only share the work or add to it. From 128 pictures on, several threads have a
process each to finish results.

    python benchmarks/threads.py --count 500 --threads 1 2 4
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from game import GAME, make_game

from texpipe.analysis.survey import survey
from texpipe.execution.compute import compute_jobs
from texpipe.passes.resample import enlarge_cubic
from texpipe.planning.planner import plan_jobs
from texpipe.recipe.schema import Recipe
from texpipe.storage.results import ResultStore
from texpipe.texture import Pass, RgbF

GRAIN = np.random.default_rng(0).normal(0, 0.01, 1 << 20).astype(np.float32)


def instant(windows: Iterable[Sequence[Pass]], scale: int) -> Iterator[tuple[int, RgbF]]:
    """Stand for the network: enlarge in next to no time."""
    for number, one in enumerate(chain.from_iterable(windows)):
        grown = enlarge_cubic(one.rgb, scale, one.edges)
        yield number, (grown + np.resize(GRAIN, grown.shape)).clip(0, 1)


def processor_seconds() -> float:
    """Return what this process and those that it has waited for have used."""
    return sum(os.times()[:4])


def main() -> None:
    """Measure each number of threads in turn, all of them as often as there are rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=500, help="textures")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4], metavar="N")
    parser.add_argument("--rounds", type=int, default=2, help="how often each is timed; the best counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder, "dump")
        dump.mkdir()
        make_game(dump, options.count, seed=0)
        recipe = Recipe.default().model_copy(update={"game": GAME})
        work = plan_jobs(survey(dump, recipe), recipe, ("instant",))
        best: dict[int, tuple[float, float]] = {}
        for number in range(options.rounds):
            for threads in options.threads:
                store = ResultStore(Path(folder, f"store-{number}-{threads}"))
                start, busy = time.perf_counter(), processor_seconds()
                done = sum(one.reason is None for one in compute_jobs(work, store, instant, threads=threads))
                taken = time.perf_counter() - start, processor_seconds() - busy
                best[threads] = min(taken, best.get(threads, taken))
    print(f"{done} pictures\nthreads  pictures/s  processor ms each")
    for threads, (wall, busy) in best.items():
        print(f"{threads:>7}{done / wall:>12.1f}{1e3 * busy / done:>19.1f}")


if __name__ == "__main__":
    main()
