"""A synthetic game, end to end: decode, classify, upscale, recombine, encode, write; where the time goes.

Sizes, formats and strips are drawn as real Nintendo 64 dumps have them; some textures come several times.

    python benchmarks/game.py --count 2000 --model texpipe-x4-fast --output game.json
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from texpipe.order import Order, Outcome
from texpipe.pipeline import run_recipe
from texpipe.pixelformats import quantise
from texpipe.pixels import encode_png
from texpipe.texture import Edges, Progress, Rgba8, TexelFormat
from texpipe.upscale.device import choose
from texpipe.upscale.engine import Engine

GAME = "SYNTHETIC GAME"
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
"""Share of textures that are another one under a new name."""


@dataclass
class Watch:
    """When each room was first and last heard of, and how long the network was at work in all threads."""

    started: float = field(default_factory=time.perf_counter)
    rooms: dict[str, float] = field(default_factory=dict)
    network: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    _at: float = field(default_factory=time.perf_counter)

    def __call__(self, progress: Progress) -> None:
        """Count the time since the last news towards the room that tells some now."""
        now = time.perf_counter()
        self.rooms[progress.room] = self.rooms.get(progress.room, 0.0) + now - self._at
        self._at = now

    def add(self, seconds: float) -> None:
        """Count time of the network."""
        with self.lock:
            self.network += seconds


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


def watched_run(order: Order) -> tuple[Outcome, Watch]:
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
        return run_recipe(order, progress=watch), watch
    finally:
        Engine.run = plain  # type: ignore[method-assign]


def measure(folder: Path, count: int, seed: int, model: str, device: str) -> dict[str, Any]:
    """Make a game, run it twice, and return the figures."""
    (folder / "dump").mkdir()
    make_game(folder / "dump", count, seed)
    recipe = folder / "game.yaml"
    recipe.write_text(
        f"version: 1\nname: game\ngame: {GAME}\ninput: dump\noutput: pack\nmodel: {model}\ntargets: [gliden64]\n",
        encoding="utf-8",
    )
    first, watch = watched_run(Order.make(recipe, device=device))
    second, _ = watched_run(Order.make(recipe, device=device))
    workers = choose(device).workers
    return {
        "textures": count,
        "pictures": first.computed,
        "model": model,
        "seconds": first.seconds,
        "textures_per_second": count / first.seconds,
        "seconds_by_room": watch.rooms,
        "network_share": watch.network / (workers * first.seconds),
        "second_run_seconds": second.seconds,
        "second_run_share": second.seconds / first.seconds,
        "second_run_computed": second.computed,
        "peak_rss_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--model", default="texpipe-x4-fast")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), chosen.count, chosen.seed, chosen.model, chosen.device)
    text = json.dumps(result, indent=2) + "\n"
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
