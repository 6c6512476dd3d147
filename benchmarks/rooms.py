"""Processor time of each room per texture, in one table: looking, finishing, writing, and a second run.

A synthetic game (see `game.py`) goes through `run_recipe` on one core; bicubic enlargement with grain replaces the
network, and its time is left out. All else is real. `--against` runs another checkout in turn with this one, so that
both see the same machine. Linux only: memory is read by `resource`, and a core is chosen.

    python benchmarks/rooms.py --count 1000 --against ../texpipe-0.1.0
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from game import RECIPE, make_game
from numpy.typing import NDArray

from texpipe.passes.resample import enlarge_cubic
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.progress import Progress
from texpipe.texture import Edges
from texpipe.upscale.engine import Engine

ROOMS = {"read": "looking", "upscale": "finishing", "write": "writing", "finish": "writing"}
"""Stages of progress and the rooms that they are counted towards."""
GRAIN = np.random.default_rng(0).normal(0, 0.01, 1 << 20).astype(np.float32)


@dataclass
class Rooms:
    """Processor seconds by room, without those of what stands for the network."""

    seconds: dict[str, float] = field(default_factory=dict)
    network: float = 0.0
    _at: float = field(default_factory=time.process_time)

    def __call__(self, progress: Progress) -> None:
        """Count the time since the last news towards the stage that tells some now."""
        self.count(progress.stage)

    def count(self, stage: str) -> None:
        """Count the time since the last news towards a stage."""
        now, room = time.process_time(), ROOMS.get(stage, stage)
        self.seconds[room] = self.seconds.get(room, 0.0) + now - self._at - self.network
        self._at, self.network = now, 0.0

    def enlarge(self, engine: Engine, batch: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
        """Stand for the network: enlarge P x H x W x 3."""
        start = time.process_time()
        grown = np.stack([enlarge_cubic(one, engine.scale, edges) for one in batch])
        grown = (grown + np.resize(GRAIN, grown.shape)).clip(0, 1)
        self.network += time.process_time() - start
        return grown


def measure(recipe: Path, output: Path, count: int) -> dict[str, float]:
    """Run a recipe dry, then for the first and for the second time; return milliseconds per texture, and megabytes."""
    found: dict[str, float] = {}
    # One core, so that nothing is handed to other processes, whose time would not be counted.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    plain = Engine.run
    for name, dry in (("dry", True), ("first", False), ("second", False)):
        order = load_options(
            recipe, output=output, model="texpipe-x4-preview", device="cpu", precision="fp32"
        )
        rooms = Rooms()
        Engine.run = lambda *call: rooms.enlarge(*call)  # type: ignore[method-assign] # noqa: B023
        run_recipe(order, dry_run=dry, progress=rooms)
        Engine.run = plain  # type: ignore[method-assign]
        rooms.count("finish")
        if name == "first":
            found |= {room: 1000 * seconds / count for room, seconds in rooms.seconds.items()}
        else:
            found[f"{name} run"] = 1000 * sum(rooms.seconds.values()) / count
    return found | {"peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measured_by(checkout: Path, recipe: Path, count: int) -> dict[str, float]:
    """Measure in a process that imports texpipe from a checkout."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, __file__, "--child", str(recipe), output, "--count", str(count)]
        environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def show(rounds: dict[str, list[dict[str, float]]]) -> None:
    """Print the least of all rounds: other work on the machine only adds to it."""
    least = {
        name: {room: min(one[room] for one in all_) for room in all_[0]} for name, all_ in rounds.items()
    }
    print("ms of processor time per texture".ljust(36), *(name.rjust(12) for name in least))
    for room in next(iter(least.values())):
        print(room.ljust(36), *(f"{one[room]:12.2f}" for one in least.values()))


def main() -> None:
    """Measure each checkout in turn and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, help="textures")
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many counts")
    parser.add_argument("--against", type=Path, help="another checkout of texpipe, for comparison")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(json.dumps(measure(*chosen.child, chosen.count)))
        return
    checkouts = {"here": Path(__file__).parents[1]}
    if chosen.against:
        checkouts = {"there": chosen.against.resolve(), **checkouts}
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dump").mkdir()
        make_game(folder / "dump", chosen.count, 0)
        (folder / "game.yaml").write_text(RECIPE, encoding="utf-8")
        for _ in range(chosen.rounds):
            for which, checkout in checkouts.items():
                rounds[which].append(measured_by(checkout, folder / "game.yaml", chosen.count))
    show(rounds)


if __name__ == "__main__":
    main()
