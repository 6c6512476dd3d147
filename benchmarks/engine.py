"""Textures per second of this engine and of the loop that other tools use, same weights, interleaved in one process.

The loop: float32, one picture at a time, padded by 16 texels on each side so that the seam nearly closes, the plain
network over all threads. This engine: batches, periodic convolutions, a worker per core, any precision. Other runtimes
are measured too if they are installed (`rivals.py`). The engine's results are compared with plain float32 on real
textures, and to the last bit with its own in other batches (`equality.py`).

    python benchmarks/engine.py --model texpipe-x4 --precision auto --neighbour --output engine.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from equality import fidelity, plain, same_bits, samples
from rivals import PADDING, Pictures, Way, engine_way, installed_rivals, loop_way
from torch.nn import functional

from texpipe.networks.catalogue import resolve
from texpipe.networks.checkpoint import load
from texpipe.networks.rrdbnet import Architecture, RRDBNet
from texpipe.upscale.backend import identity
from texpipe.upscale.device import Device
from texpipe.upscale.engine import Engine

Clock: TypeAlias = Callable[[], float]

SAMPLES = Path(__file__).parents[1] / "recipes" / "samples"


@dataclass(frozen=True)
class Row:
    """One way at one size; times are seconds per texture, best and median of the rounds.

    `gflops` counts the convolutions as written, without padding; a method that multiplies less does not count
    less, so that `peak_share` may exceed 1. `ratio` is to the loop.
    """

    way: str
    size: int
    best: float
    median: float
    per_second: float
    ratio: float
    gflops: float
    peak_share: float


def main() -> None:
    """Measure and print."""
    options = _options()
    if options.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
        torch.set_num_threads(options.cores)
    network = load(resolve(options.model).path).network.eval()
    engine = Engine(network, options.device, options.precision)
    clock = time.process_time if options.cpu_time else time.perf_counter
    device = engine.device
    peak = measured_peak(device, clock)
    ways = [engine_way(engine), loop_way(network, device), *installed_rivals(network, device)]
    result: dict[str, object] = {
        "clock": clock.__name__,
        "model": options.model,
        "engine": identity(options.device, options.precision),
        "machine": platform.machine(),
        "cores": device.workers,
        "loop": f"one by one, {PADDING} texels of padding, {torch.get_num_threads()} threads",
        "peak_gflops": peak / 1e9,
        "same_bits": same_bits(engine, ways[0], [size for size in options.sizes if size <= 64]),
        "fidelity": compared(network, ways, samples(options.samples, options.side, options.textures)),
    }
    print(head(result), flush=True)
    rows = measure(ways, network.architecture, device, options.sizes, options.rounds, peak, clock)
    result["rows"] = list(shown(rows))
    if options.neighbour:
        sizes = [size for size in options.sizes if 32 <= size <= 64] or options.sizes[:1]
        print("\nbeside a busy process:")
        with busy_neighbour():
            beside = measure(ways[:2], network.architecture, device, sizes, options.rounds, peak, clock)
            result["beside_a_busy_process"] = list(shown(beside))
    if options.output:
        options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(
    ways: Sequence[Way],
    architecture: Architecture,
    device: Device,
    sizes: Sequence[int],
    rounds: int,
    peak: float,
    clock: Clock,
) -> Iterator[Row]:
    """Time all ways for each size, in turns, so that a slow neighbour slows all."""
    for size in sizes:
        many = textures(size, device.workers * max(1, device.batch_texels // size**2))
        few = many[: max(1, 2048 // (size + 2 * PADDING) ** 2)]
        times: dict[str, list[float]] = {way.name: [] for way in ways}
        for _ in range(rounds + 1):  # the first round warms up
            for way in ways:
                pictures = many if way.batched else few
                times[way.name].append(_seconds(clock, lambda: way.run(pictures)) / len(pictures))  # noqa: B023
        loop = min(times["loop"][1:])
        flops = flops_per_texel(architecture) * size**2
        yield from (_row(name, size, taken[1:], loop, flops, peak) for name, taken in times.items())


def compared(network: RRDBNet, ways: Sequence[Way], pictures: Pictures) -> dict[str, dict[str, float]]:
    """Compare each way that computes the same with the plain network in float32, on real textures."""
    expected = plain(network, pictures)
    return {way.name: fidelity(way.run(pictures), expected) for way in ways if way.same}


def textures(size: int, count: int) -> Pictures:
    """Return seeded noise textures; a convolution takes the same time whatever it sees."""
    random = np.random.default_rng(size)
    return [random.random((size, size, 3), dtype=np.float32) for _ in range(count)]


def flops_per_texel(a: Architecture) -> float:
    """Return the floating-point operations of the network's convolutions per input texel."""
    grow, feat = a.num_grow_ch, a.num_feat
    dense = sum((feat + k * grow) * grow for k in range(4)) + (feat + 4 * grow) * feat
    trunk = a.num_in_ch * a.unshuffle**2 * feat + 3 * a.num_block * dense + feat * feat
    ups = sum(feat * feat * int(4**stage) for stage in range(1, a.stages + 1))
    tail = feat * (feat + a.num_out_ch) * int(4**a.stages)
    return 18.0 * (trunk + ups + tail) / a.unshuffle**2


def measured_peak(device: Device, clock: Clock) -> float:
    """Return operations per second in the engine's precision: the better of a convolution and a product.

    Both large, one on each core; which of them is nearer to what the processor can do differs by processor.
    """
    place, dtype = torch.device(device.name), device.dtype
    side = 8192 if device.name == "cuda" else 1024
    square = torch.randn(side, side).to(place, dtype)
    weight = torch.randn(64, 64, 3, 3).to(place, dtype, memory_format=torch.channels_last)
    maps = torch.randn(1, 64, 66, 66).to(place, dtype, memory_format=torch.channels_last)
    works = (
        (18.0 * 64 * 64 * 64 * 64, lambda: functional.conv2d(maps, weight)),
        (2.0 * side**3, lambda: torch.mm(square, square)),
    )
    return max(_speed(flops, work, device, clock) for flops, work in works)


def _speed(
    flops: float, work: Callable[[], object], device: Device, clock: Clock, repeats: int = 10
) -> float:
    """Return the operations per second of some work with a known number of them, on all cores at once."""

    def repeated(_: int) -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():
            for _ in range(repeats):
                work()
        if device.name == "cuda":
            torch.cuda.synchronize()

    with ThreadPoolExecutor(device.workers) as pool:
        best = min(_seconds(clock, lambda: list(pool.map(repeated, range(device.workers)))) for _ in range(6))
    return flops * repeats * device.workers / best


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Keep a process beside this one that uses all of a core."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


def head(result: dict[str, object]) -> str:
    """Return for people what is known before anything was timed."""
    lines = [
        f"{result['model']} on {result['engine']}, {result['cores']} cores, {result['clock']}",
        f"against the loop ({result['loop']}); peak {result['peak_gflops']:.0f} GFLOP/s",
        f"same bits: {result['same_bits']}",
        "",
        "against plain fp32, periodic, on real textures:",
    ]
    found = result["fidelity"]
    assert isinstance(found, dict)
    lines += [
        f"  {name:<22}{row['psnr_pooled']:.1f} dB, worst texture {row['psnr_worst']:.1f} dB, at most "
        f"{row['max_levels']:.4f} levels, {row['share_above_1_level']:.2%} off by more than one"
        for name, row in found.items()
    ]
    return "\n".join([*lines, ""])


def shown(rows: Iterable[Row]) -> Iterator[dict[str, object]]:
    """Print rows as they are measured, which takes minutes, and hand them on."""
    print(f"{'size':>6} {'':<22}{'textures/s':>12}{'ratio':>8}{'GFLOP/s':>10}{'of peak':>9}")
    for row in rows:
        figures = f"{row.per_second:>12.2f}{row.ratio:>8.1f}{row.gflops:>10.0f}{row.peak_share:>9.0%}"
        print(f"{row.size:>6} {row.way:<22}{figures}", flush=True)
        yield asdict(row)


def _row(way: str, size: int, times: list[float], loop: float, flops: float, peak: float) -> Row:
    best = min(times)
    return Row(
        way=way,
        size=size,
        best=best,
        median=statistics.median(times),
        per_second=1 / best,
        ratio=loop / best,
        gflops=flops / best / 1e9,
        peak_share=flops / best / peak,
    )


def _seconds(clock: Clock, action: Callable[[], object]) -> float:
    start = clock()
    action()
    return clock() - start


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="texpipe-x4", help="a name in models/, or a path")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16", "fp16"])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[8, 16, 32, 64, 128, 256], metavar="N", help="texels per side"
    )
    parser.add_argument("--rounds", type=int, default=4, help="how often each is timed; the best counts")
    parser.add_argument(
        "--cores", type=int, help="number of cores to use (Linux); 1 is the fair choice on a busy machine"
    )
    parser.add_argument(
        "--cpu-time", action="store_true", help="processor time, with --cores 1, ignores neighbours"
    )
    parser.add_argument("--neighbour", action="store_true", help="measure beside a busy process, too")
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="folder of real textures")
    parser.add_argument("--side", type=int, default=32, help="texels per side of the real textures")
    parser.add_argument("--textures", type=int, default=16, help="how many of them")
    parser.add_argument("--quick", action="store_true", help="one round at 16 and 32, two real textures")
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    options = parser.parse_args()
    if options.quick:
        options.sizes, options.rounds, options.textures = [16, 32], 1, 2
    return options


if __name__ == "__main__":
    main()
