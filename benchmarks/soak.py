"""Thousands of tiny textures through a mock engine: growth of memory and file descriptors, and time per texture.

The engine repeats texels instead of running its network; reading, batching, threads, store and packs are real. A second
round takes everything from the store. Processor time is measured, because other processes hardly change it. Linux only:
memory and descriptors are read from /proc.

    python benchmarks/soak.py --count 100000 --output soak.json
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.image_files import encode_png
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.progress import Progress
from texpipe.texture import Edges
from texpipe.upscale.engine import Engine

SAMPLES = 20
"""Number of samples of memory and descriptors per stage."""
FLAT_BYTES = 1024
"""Largest growth of memory per upscaled or written texture, in bytes: only its manifest entry is kept."""
STAGES = ("upscale", "write")


@dataclass(frozen=True)
class Sample:
    """One look at this process: seconds since the start and of the processor, memory now and at most in bytes, open
    descriptors, threads."""

    stage: str
    done: int
    seconds: float
    processor: float
    rss: int
    peak: int
    descriptors: int
    threads: int


@dataclass
class Watch:
    """Looks at this process now and then while a run goes on."""

    started: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)

    def __call__(self, progress: Progress) -> None:
        """Take a sample at the start and at every twentieth of a stage."""
        if progress.done == 1 or progress.done % max(1, progress.total // SAMPLES) == 0:
            self.look(progress.stage, progress.done)

    def look(self, stage: str, done: int) -> None:
        """Take a sample."""
        times = round(time.monotonic() - self.started, 2), round(time.process_time(), 2)
        self.samples.append(Sample(stage, done, *times, *memory(), *descriptors_and_threads()))


def memory() -> tuple[int, int]:
    """Return how much memory this process has, and the most that it ever had, in bytes."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    sizes = {words[0]: int(words[1]) << 10 for words in lines if words[0] in ("VmRSS:", "VmHWM:")}
    return sizes["VmRSS:"], sizes["VmHWM:"]


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


def soak(folder: Path, count: int, seed: int, model: str) -> Iterator[dict[str, Any]]:
    """Run the same dump twice; yield what was seen after each run."""
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
            run_recipe(load_options(recipe, device="cpu", precision="fp32"), progress=watch)
            gc.collect()
            watch.look(f"after round {number}", count)
            yield summary(count, watch.samples)


def summary(count: int, samples: list[Sample]) -> dict[str, Any]:
    """Return what was seen so far as figures for people."""
    growth = {stage: round(growth_per_texture(samples, stage)) for stage in ("read", *STAGES)}
    after = [one for one in samples if one.stage.startswith("after")]
    return {
        "textures": count,
        "seconds": samples[-1].seconds,
        "peak_megabytes_after_each_run": [round(one.peak / 2**20) for one in after],
        "bytes_per_texture": growth,
        "processor_milliseconds_per_texture_in_each_half": {
            stage: cost_of_halves(samples, stage) for stage in ("read", *STAGES)
        },
        "memory_is_flat": all(growth[stage] < FLAT_BYTES for stage in STAGES),
        "descriptors_at_the_start_and_after_each_run": [samples[0].descriptors]
        + [one.descriptors for one in after],
        "most_descriptors": max(one.descriptors for one in samples),
        "no_descriptor_leaks": after[0].descriptors == after[-1].descriptors,
        "samples": [vars(one) for one in samples],
    }


def growth_per_texture(samples: list[Sample], stage: str) -> float:
    """Return the slope of memory over textures in the first run, in bytes, without the stage's first tenth."""
    seen = in_first_run(samples, stage)
    seen = seen[len(seen) // 10 :]
    slope, _ = np.polyfit([one.done for one in seen], [one.rss for one in seen], 1)
    return float(slope)


def cost_of_halves(samples: list[Sample], stage: str) -> tuple[float, float]:
    """Return milliseconds of the processor for a texture in the first and in the second half of the first run."""
    seen = in_first_run(samples, stage)
    middle = seen[len(seen) // 2]
    first, second = (
        1000 * (to.processor - at.processor) / max(1, to.done - at.done)
        for at, to in ((seen[0], middle), (middle, seen[-1]))
    )
    return round(first, 2), round(second, 2)


def in_first_run(samples: list[Sample], stage: str) -> list[Sample]:
    """Return the samples of a stage in the first run."""
    last = next(at for at, one in enumerate(samples) if one.stage == "after round 1")
    return [one for one in samples[:last] if one.stage == stage]


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
    text = ""
    with tempfile.TemporaryDirectory() as folder:
        for result in soak(Path(folder), chosen.count, chosen.seed, chosen.model):
            text = json.dumps(result, indent=2) + "\n"
            if chosen.output:  # a long run may be stopped after its first half
                chosen.output.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
