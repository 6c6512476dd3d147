"""Run time of a synthetic game by stage: decode, classify, upscale, recombine, encode, write.

Sizes, formats and strips have the distribution of real Nintendo 64 dumps; some textures occur several times. Each model
runs twice on the same game, in a process of its own; a further run that is stopped early gives the time to the first
texture. Linux only: memory is read from /proc.

    python benchmarks/game.py --count 2000 --models texpipe-x4 texpipe-x4-fast --output game.json
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.image_files import encode_png
from texpipe.imaging.texel_formats import quantise
from texpipe.options import RunOptions
from texpipe.output.result import RunResult
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.progress import Progress
from texpipe.texture import Edges, Rgba8, TexelFormat
from texpipe.upscale.device import choose
from texpipe.upscale.engine import Engine

GAME = "SYNTHETIC GAME"
RECIPE = f"version: 1\nname: game\ngame: {GAME}\ninput: dump\noutput: pack\ntargets: [gliden64]\n"
SIZES = {
    # width, height: weight, after 165,124 names of five games' dumps
    (320, 6): 12,
    (320, 2): 3,
    (124, 8): 3,
    (8, 8): 6,
    (16, 16): 12,
    (32, 16): 5,
    (32, 32): 13,
    (64, 32): 12,
    (32, 64): 5,
    (64, 64): 16,
    (48, 85): 3,
    (24, 31): 3,
    (128, 32): 3,
    (128, 64): 2,
    (256, 4): 2,
}
FORMATS: dict[TexelFormat, tuple[int, int, int]] = {
    # format: its weight, and its two numbers in a file name
    "rgba16": (55, 0, 2),
    "i8": (22, 4, 1),
    "i4": (16, 4, 0),
    "ia4": (4, 3, 0),
    "ia8": (4, 3, 1),
    "rgba32": (2, 0, 3),
    "ia16": (2, 3, 2),
}
REPEATED = 0.15
"""Share of textures that repeat another one under a new name."""


POLL = 0.01
"""Interval at which the store is checked for the first texture, in seconds."""


@dataclass
class Watch:
    """How long each stage was at work, when the first picture was there, how long the network ran in all threads."""

    started: float = field(default_factory=time.perf_counter)
    stages: dict[str, float] = field(default_factory=dict)
    first: float | None = None
    network: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    _at: float = field(default_factory=time.perf_counter)

    def __call__(self, progress: Progress) -> None:
        """Count the time since the last news towards the stage that tells some now."""
        self._count(progress.stage)
        if progress.stage == "upscale" and self.first is None:
            self.first = self._at - self.started

    def add(self, seconds: float) -> None:
        """Count time of the network."""
        with self.lock:
            self.network += seconds

    def stop(self) -> None:
        """Count the time since the last news as that of the manifest and the checks at the end."""
        self._count("finish")

    def _count(self, stage: str) -> None:
        now = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + now - self._at
        self._at = now


def make_game(folder: Path, count: int, seed: int) -> None:
    """Write `count` textures under the names that GLideN64 gives them."""
    rng = random.Random(seed)
    made: list[tuple[bytes, TexelFormat]] = []
    for number in range(count):
        if made and rng.random() < REPEATED:
            data, texel_format = rng.choice(made)
        else:
            texel_format = rng.choices(list(FORMATS), [weight for weight, _, _ in FORMATS.values()])[0]
            size = rng.choices(list(SIZES), list(SIZES.values()))[0]
            data = encode_png(quantise(picture(size, rng.randrange(1 << 30)), texel_format))
            made.append((data, texel_format))
        _, fmt, siz = FORMATS[texel_format]
        (folder / f"{GAME}#{number:08X}#{fmt}#{siz}_all.png").write_bytes(data)


def picture(size: tuple[int, int], seed: int) -> Rgba8:
    """Return soft structure with grain, and with a cut-out in one of four, H x W x 4."""
    width, height = size
    random_ = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = sum(
        np.sin(2 * np.pi * (fx * x / width + fy * y / height) + phase)[..., None]
        * random_.uniform(-40, 40, 3)
        for fx, fy, phase in zip(
            random_.integers(0, 4, 5), random_.integers(0, 4, 5), random_.uniform(0, 6, 5), strict=True
        )
    )
    rgb = 128 + waves + random_.normal(0, 8, (height, width, 1))
    hole = np.asarray(np.sin(x / 3) + np.cos(y / 4) < -0.7) & (seed % 4 == 0)
    return np.dstack([rgb, np.where(hole, 0, 255)]).clip(0, 255).astype(np.uint8)


def watched_run(order: RunOptions) -> tuple[RunResult, Watch]:
    """Run a recipe and note where its time goes."""
    watch, plain = Watch(), Engine.run

    def timed(self: Engine, batch: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
        start = time.perf_counter()
        try:
            return plain(self, batch, edges)
        finally:
            watch.add(time.perf_counter() - start)

    Engine.run = timed  # type: ignore[method-assign]
    try:
        outcome = run_recipe(order, progress=watch)
    finally:
        Engine.run = plain  # type: ignore[method-assign]
    watch.stop()
    return outcome, watch


def first_texture(recipe: Path, output: Path, model: str, device: str) -> float:
    """Return the seconds from the start of a command to the first texture in its store; then stop it."""
    command = [sys.executable, "-m", "texpipe", "run", str(recipe), "--output", str(output), "--quiet"]
    start = time.perf_counter()
    with subprocess.Popen([*command, "--model", model, "--device", device]) as process:
        while not any(output.glob(".store/??/*.json")):
            if process.poll() is not None:
                raise SystemExit(f"{' '.join(command)} ended without a texture")
            time.sleep(POLL)
        seconds = time.perf_counter() - start
        process.kill()
    return seconds


def measure(folder: Path, model: str, device: str) -> dict[str, Any]:
    """Run the game in a folder twice with a model and return the figures."""
    recipe, output = folder / "game.yaml", folder / f"pack-{Path(model).stem}"
    to_first = first_texture(recipe, folder / f"{output.name}-first", model, device)
    order = functools.partial(load_options, recipe, output=output, model=model, device=device)
    processor = time.process_time()
    first, watch = watched_run(order())
    processor = time.process_time() - processor
    second, again = watched_run(order())
    # Of all stages: a run's own figure ends before its packs are checked.
    seconds, seconds_again = sum(watch.stages.values()), sum(again.stages.values())
    network = watch.network / (choose(device).workers * seconds)
    count = len(first.manifest.textures)
    return {
        "model": model,
        "textures": count,
        "pictures": first.computed,
        "seconds": seconds,
        "processor_seconds": processor,
        "textures_per_second": count / seconds,
        "seconds_by_room": watch.stages,
        "network_share": network,
        "share_of_the_rest": 1 - network,
        "second_run_seconds": seconds_again,
        "second_run_seconds_by_room": again.stages,
        "second_run_share": seconds_again / seconds,
        "second_run_computed": second.computed,
        "seconds_to_first_picture": watch.first,
        "seconds_from_command_to_first_texture": to_first,
        "peak_rss_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure_all(folder: Path, models: Sequence[str], device: str) -> dict[str, Any]:
    """Measure models on the game in a folder, each in a fresh process; how much faster each is than the first.

    By the clock, and by the processor's time, which other work on the machine disturbs less.
    """
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        runs = pool.starmap(measure, [(folder, model, device) for model in models], chunksize=1)
    for run in runs:
        for clock in ("seconds", "processor_seconds"):
            run[f"faster_by_{clock}"] = runs[0][clock] / run[clock]
    return {"runs": runs}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--models", nargs="+", default=["texpipe-x4-fast"], metavar="MODEL")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dump").mkdir()
        make_game(folder / "dump", chosen.count, chosen.seed)
        (folder / "game.yaml").write_text(RECIPE, encoding="utf-8")
        result = measure_all(folder, chosen.models, chosen.device)
    text = json.dumps(result, indent=2) + "\n"
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
