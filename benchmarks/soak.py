"""A long run in small: thousands of tiny textures through a mock engine. Is memory flat, are descriptors closed?

The engine repeats texels instead of running its network; reading, batching, threads, store and packs are real. A second
round takes everything from the store. Linux only: memory and descriptors are read from /proc.

    python benchmarks/soak.py --count 20000 --output soak.json
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from texpipe.order import Order
from texpipe.pipeline import run_recipe
from texpipe.pixels import encode_png
from texpipe.texture import Edges, Progress
from texpipe.upscale.engine import Engine

SAMPLES = 20
"""So many times per room memory and descriptors are looked at."""
FLAT_BYTES = 1024
"""Memory is flat if it grows by less than this for each texture that is upscaled or written: what is kept of a
finished texture is its manifest entry."""
ROOMS = ("upscale", "write")


@dataclass(frozen=True)
class Sample:
    """One look at this process: memory in bytes, open descriptors, threads."""

    room: str
    done: int
    seconds: float
    rss: int
    descriptors: int
    threads: int


@dataclass
class Watch:
    """Looks at this process now and then while a run goes on."""

    started: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)

    def __call__(self, progress: Progress) -> None:
        """Take a sample at every twentieth of a room."""
        if progress.done % max(1, progress.total // SAMPLES) == 0:
            self.look(progress.room, progress.done)

    def look(self, room: str, done: int) -> None:
        """Take a sample."""
        self.samples.append(
            Sample(room, done, round(time.monotonic() - self.started, 2), rss(), *descriptors_and_threads())
        )


def rss() -> int:
    """Return the memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors_and_threads() -> tuple[int, int]:
    """Return how many descriptors are open, but the one that lists them, and how many threads there are."""
    descriptors, threads = (sum(1 for _ in Path("/proc/self", kind).iterdir()) for kind in ("fd", "task"))
    return descriptors - 1, threads


def make_dump(folder: Path, count: int, seed: int) -> None:
    """Write textures of 4 to 16 texels a side, all different; one in eight has holes."""
    random = np.random.default_rng(seed)
    folder.mkdir()
    for number in range(count):
        height, width = 4 * random.integers(1, 5, 2)
        rgba = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
        rgba[..., 3] = np.where((number % 8 == 0) & (rgba[..., 3] < 90), 0, 255)
        (folder / f"SOAK#{number:08X}#0#2_all.png").write_bytes(encode_png(rgba))


@contextmanager
def mock_engine() -> Iterator[None]:
    """Let the engine repeat texels instead of running its network."""

    def repeat(self: Engine, batch: NDArray[np.float32], edges: Edges) -> NDArray[np.float32]:
        return batch.repeat(self.scale, 1).repeat(self.scale, 2)

    plain = Engine.run
    Engine.run = repeat  # type: ignore[method-assign]
    try:
        yield
    finally:
        Engine.run = plain  # type: ignore[method-assign]


def soak(folder: Path, count: int, seed: int, model: str) -> dict[str, Any]:
    """Run the same dump twice and return what was seen."""
    make_dump(folder / "dump", count, seed)
    recipe = folder / "soak.yaml"
    recipe.write_text(
        f"version: 1\nname: soak\ngame: SOAK\ninput: dump\noutput: pack\nmodel: {model}\ntargets: [gliden64]\n",
        encoding="utf-8",
    )
    watch = Watch()
    watch.look("start", 0)
    with mock_engine():
        for number in (1, 2):
            run_recipe(Order.make(recipe, device="cpu", precision="fp32"), progress=watch)
            gc.collect()
            watch.look(f"after round {number}", count)
    growth = {room: round(growth_per_texture(watch.samples, room)) for room in ("read", *ROOMS)}
    after = [one for one in watch.samples if one.room.startswith("after")]
    return {
        "textures": count,
        "seconds": watch.samples[-1].seconds,
        "peak_rss_megabytes": round(max(one.rss for one in watch.samples) / 2**20),
        "bytes_per_texture": growth,
        "memory_is_flat": all(growth[room] < FLAT_BYTES for room in ROOMS),
        "descriptors_at_the_start_and_after_each_run": [watch.samples[0].descriptors]
        + [one.descriptors for one in after],
        "most_descriptors": max(one.descriptors for one in watch.samples),
        "no_descriptor_leaks": after[0].descriptors == after[1].descriptors,
        "samples": [vars(one) for one in watch.samples],
    }


def growth_per_texture(samples: list[Sample], room: str) -> float:
    """Return the slope of memory over textures in the first run, in bytes, without the room's first tenth."""
    last = next(at for at, one in enumerate(samples) if one.room == "after round 1")
    seen = [one for one in samples[:last] if one.room == room]
    seen = seen[len(seen) // 10 :]
    slope, _ = np.polyfit([one.done for one in seen], [one.rss for one in seen], 1)
    return float(slope)


def main() -> None:
    """Soak and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--model", default="texpipe-x4-fast", help="whose factor the mock engine takes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = soak(Path(folder), chosen.count, chosen.seed, chosen.model)
    text = json.dumps(result, indent=2) + "\n"
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
